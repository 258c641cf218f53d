"""L1 and L2 with coefficients of their own for norms and for the ends."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import DenseMultihead
from mimo_keras.training.penalties import Penalties
from tests.training import networks


def network():
    """Kernels of 1, 2 and 3 and a norm of 5 and 7, each a number or two."""
    x = inputs = keras.Input((2,))
    x = keras.layers.Dense(1, use_bias=False, name="first")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Dense(1, use_bias=False, name="middle")(x)
    model = keras.Model(inputs, DenseMultihead(1, 2, name="heads")(x))
    model.get_layer("first").kernel.assign([[1.0], [-1.0]])
    model.get_layer("middle").kernel.assign([[2.0]])
    heads = model.get_layer("heads")
    heads.set_weights([np.full(w.shape, 3.0) for w in heads.get_weights()])
    norm = model.get_layer("norm")
    norm.gamma.assign([5.0])
    norm.beta.assign([7.0])
    return model


# Σ |w| and Σ w² of the first layer, the middle one, the heads and the norm;
# the heads have 2 kernels and 2 biases of 3.
SUMS = {"first": (2, 2), "middle": (2, 4), "heads": (12, 36), "norm": (12, 74)}


@pytest.mark.parametrize(
    ("options", "l1", "l2"),
    [
        ({}, (1, 1, 1, 1), (1, 1, 1, 1)),
        ({"ends_factor": 4}, (4, 1, 4, 1), (4, 1, 4, 1)),
        ({"norm_l2": 0.25}, (1, 1, 1, 0), (1, 1, 1, 2)),
        ({"norm_l2": 0.0}, (1, 1, 1, 0), (1, 1, 1, 0)),
        ({"norm_l2": 0.5, "ends_factor": 3}, (3, 1, 3, 0), (3, 1, 3, 4)),
    ],
)
def test_coefficients_by_hand(options, l1, l2):
    """At 0.5 for L1 and 0.125 for L2."""
    wanted = 1.0 + sum(
        0.5 * a * one + 0.125 * b * two
        for a, b, (one, two) in zip(l1, l2, SUMS.values(), strict=True)
    )
    penalties = Penalties(0.5, 0.125, **options)
    assert float(penalties.added_to(1.0, network())) == pytest.approx(wanted)


def test_the_scope_holds_for_all_but_norms():
    # Without the norm: kernels and the heads' bias.
    found = Penalties(l2=1.0, scope="kernels").added_to(0.0, network())
    assert float(found) == 2 + 4 + 36
    with_norms = Penalties(l2=1.0, scope="kernels", norm_l2=0.5)
    assert float(with_norms.added_to(0.0, network())) == 42 + 37


def test_the_loss_of_a_model_has_them_and_its_files_keep_them(tmp_path):
    model = networks.create(members=2)
    images = np.zeros((4, *networks.IMAGE), "float32")
    labels = np.zeros(4, int)
    model.compile("sgd", l2=0.1)
    plain, heads = model.evaluate(images, labels, verbose=0)[0], 0.0
    # The network is its heads alone, and so first and last layer.
    for weight in model.network.trainable_weights:
        heads += float(np.sum(np.square(weight)))
    model.compile("sgd", l2=0.1, ends_factor=3, norm_l2=1e-3)
    model.save(tmp_path / "model.keras")
    copy = keras.saving.load_model(tmp_path / "model.keras")
    for each in (model, copy):
        found = each.evaluate(images, labels, verbose=0)[0]
        assert found == pytest.approx(plain + 0.2 * heads, rel=1e-5)


@pytest.mark.parametrize("name", ["l1", "l2", "norm_l2", "ends_factor"])
def test_coefficients_are_numbers(name):
    for value in (-1, True):
        with pytest.raises(InputError, match=f"{name}={value}"):
            Penalties(**{name: value})
