"""Constructors' arguments are checked, and NumPy's numbers are taken."""

import json

import keras
import numpy as np
import pytest

from mimo_keras import layers
from mimo_keras.errors import InputError
from mimo_keras.layers import arguments
from tests.layers.cases import CASES

WHOLE = {"units", "heads", "ensemble_size", "filters", "member", "depths"}
WHOLE |= {"hidden_units", "templates"}
NUMBERS = {"rate", "fraction", "root", "momentum", "epsilon"}
NUMBERS |= {"cutmix_probability", "cutmix_decay", "concentration"}
NUMBERS |= {"coefficient_norm", "fadeout_epochs", "warmup_epochs"}
FLAGS = {"by_member", "use_bias", "one_image", "learn", "train_coefficients"}
NAMES = {"keys", "reduce", "interpolation", "divergence", "padding"}
WRONG = {
    **dict.fromkeys(WHOLE, (2.0, "2", None, [2], True, -1, float("nan"))),
    **dict.fromkeys(NUMBERS, ("1", None, [1.0], -1.5, np.nan, np.inf, True)),
    **dict.fromkeys(FLAGS, ("no", None, 2)),
    **dict.fromkeys(NAMES, ("another", 3, [])),
    "kernel_size": (0, "3", 1.5, (3, 3, 3), None),
    "strides": (0, "2", 1.5, (1, 1, 1)),
    "offset": (-1, "0", 1.5, []),
}
ALLOWED = {"hidden_units": (None,), "coefficient_norm": (-1.5,)}
ALLOWED |= {"member": (-1,)}
# The base class is Keras's, and so are these arguments.
KERAS = ("FusedBatchNormalization",)


def every_argument(wanted):
    """Yields each layer's case and its arguments among those wanted."""
    for case in CASES:
        for name in {*case.arguments} & {*wanted}:
            if case.name not in KERAS:
                yield case, name


@pytest.mark.parametrize("name", sorted(WRONG))
def test_wrong_values_are_refused_in_one_line(name):
    found = [case for case, other in every_argument(WRONG) if other == name]
    assert found
    for case in found:
        for value in WRONG[name]:
            if value in ALLOWED.get(name, ()):
                continue
            with pytest.raises(InputError) as caught:
                getattr(layers, case.name)(**{**case.arguments, name: value})
            assert "\n" not in str(caught.value)


def test_numbers_of_numpy_are_pythons_in_the_config():
    for case, name in every_argument(WHOLE | NUMBERS | FLAGS):
        value = np.asarray(case.arguments[name])[()]
        layer = getattr(layers, case.name)(**{**case.arguments, name: value})
        assert json.loads(json.dumps(layer.get_config()))[name] == value


@pytest.mark.parametrize("seed", [1.5, "a", True, [1]])
def test_seeds_are_whole_numbers(seed):
    with pytest.raises(InputError, match="seed="):
        layers.MonteCarloDropout(0.5, seed=seed)
    assert layers.MonteCarloDropout(0.5, seed=np.int64(3)).seed == 3


def test_several_positions_may_be_an_array():
    layer = layers.TemplateDense(
        4, ensemble_size=2, templates=2, offset=np.array([0, 5])
    )
    assert layer.offset == (0, 5)


def test_batch_ensembles_take_numpys_sizes_and_classes_of_initializers():
    layer = layers.DenseBatchEnsemble(
        np.int64(3),
        ensemble_size=np.int32(2),
        bias_initializer=keras.initializers.Ones,
        alpha_initializer=keras.initializers.Ones,
        gamma_initializer=keras.initializers.Ones,
    )
    x = np.ones((4, 5), "f")
    np.testing.assert_allclose(layer(x), x @ np.array(layer.kernel) + 1, 1e-5)
    json.dumps(layer.get_config())


@pytest.mark.parametrize(
    "wrong",
    [
        {"ensemble_size": "2"},
        {"rank": 0},
        {"units": 2.5},
        {"fast_weight_lr_multiplier": -1},
        {"fast_weight_lr_multiplier": None},
    ],
    ids=str,
)
def test_batch_ensembles_refuse_wrong_values_in_one_line(wrong):
    given = {"units": 3, "ensemble_size": 2, **wrong}
    with pytest.raises(InputError, match=next(iter(wrong))):
        layers.DenseBatchEnsemble(**given)


def test_flags_may_be_zero_or_one():
    assert arguments.flag("learn", 1) is True
    assert arguments.flag("learn", np.bool_(False)) is False
    assert arguments.sizes("strides", np.array([1, 2])) == (1, 2)


def test_a_whole_number_may_have_an_upper_bound():
    assert arguments.whole("members", 5, most=5) == 5
    with pytest.raises(InputError) as caught:
        arguments.whole("members", 6, most=5)
    assert str(caught.value) == (
        "Expected members of at most 5. Received: members=6. Lower it."
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: arguments.bins(10**9),
        lambda: arguments.seed(2**63),
        lambda: layers.RepeatMembers(10**9),
        lambda: layers.DenseBatchEnsemble(3, ensemble_size=10**9),
    ],
)
def test_absurd_numbers_are_refused_before_memory_is_asked_for(make):
    with pytest.raises(InputError, match="of at most .* Lower it"):
        make()


def test_seeds_are_those_of_the_backends_generators(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    assert arguments.seed(-1) == -1
    assert arguments.seed_number(2**40) == 2**40
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert arguments.seed(2**32 - 1) == 2**32 - 1
    with pytest.raises(InputError, match="seed of at least 0. Received"):
        arguments.seed(-1)
    with pytest.raises(InputError, match="seed of at most 4294967295. Rec"):
        arguments.seed_number(2**32)
