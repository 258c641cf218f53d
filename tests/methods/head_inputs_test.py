"""The heads' inputs of every method, from which they compute the logits."""

import keras
import numpy as np
import pytest

from mimo_keras import create_model
from mimo_keras.errors import InputError
from mimo_keras.methods import head_inputs

GROUPS = {
    **{"mimo": 1, "mixmo": 1, "mixshare": 1, "naive_multihead": 1},
    **{"deep_ensemble": 2, "datamux": 2, "batch_ensemble": 2, "treenet": 2},
    **{"mixture_ensemble": 2, "mimmo": 2},
    # Of two samples, and of two depths.
    **{"mc_dropout": 2, "dun": 2, "early_exit": 2},
}
# Whose heads are read like those of another method.
CROSSED = {"mixmo", "mixshare", "naive_multihead", "treenet", "dun"}
OPTIONS = {
    "mc_dropout": {"samples": 2},
    "mixture_ensemble": {"bank_single_layers": True},
}
IMAGES = np.random.default_rng(0).random((3, 8, 8, 1), "float32")


def predictor(method):
    single = method in ("mc_dropout", "dun", "early_exit")
    return create_model(
        method,
        backbone="small_cnn_2",
        input_shape=(8, 8, 1),
        num_classes=3,
        ensemble_size=1 if single else 2,
        **OPTIONS.get(method, {}),
    ).predictor()


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(
            name, marks=[pytest.mark.matrix] if name in CROSSED else []
        )
        for name in GROUPS
    ],
)
def test_heads_compute_the_logits_from_their_inputs(method):
    network = predictor(method).network
    model, head = head_inputs.tapped(network)
    logits, features = model(IMAGES, training=False)
    assert features.shape[:2] == (3, GROUPS[method])
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(head(features)),
        keras.ops.convert_to_numpy(logits),
        rtol=1e-5,
        atol=1e-6,
    )
    if method != "mc_dropout":
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(logits),
            keras.ops.convert_to_numpy(network(IMAGES, training=False)),
        )


def test_features_of_several_widths_are_padded_by_zeros():
    model, _ = head_inputs.tapped(predictor("early_exit").network)
    _, features = model(IMAGES, training=False)
    assert features.shape[1:] == (2, 72)
    features = keras.ops.convert_to_numpy(features)
    assert not features[:, 1, 64:].any()
    assert features[:, 1, :64].any() and features[:, 0, 64:].any()


def test_composed_weights_are_no_head():
    model = create_model(
        "mixture_ensemble",
        backbone="wide_resnet_10_1",
        input_shape=(8, 8, 1),
        num_classes=3,
        ensemble_size=2,
        bank_single_layers=True,
    )
    together = model.predictor(apart=False).network
    assert head_inputs.tapped(together)[1] is None


def test_a_name_behind_the_heads_is_passed():
    image = keras.Input((1, 3))
    logits = keras.layers.Dense(4)(image)
    named = keras.layers.Identity(name="logits")(logits)
    network = keras.Model(image, named)
    model, head = head_inputs.tapped(network)
    rows = IMAGES[:, :1, :3, 0]
    logits, features = map(keras.ops.convert_to_numpy, model(rows))
    np.testing.assert_array_equal(features, rows)
    np.testing.assert_array_equal(logits, network(rows))
    np.testing.assert_allclose(head(features), logits, rtol=1e-6)


def test_a_network_without_dense_heads_is_one_line():
    image = keras.Input((4, 3))
    network = keras.Model(image, keras.layers.ReLU(name="last")(image))
    with pytest.raises(InputError, match="layer last of type ReLU"):
        head_inputs.tapped(network)
