"""batch_ensemble and rank1_bnn on networks of the user's own."""

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras.errors import InputError
from tests.methods import small

IMAGES = np.random.default_rng(0).random((4, 8, 8, 3), "float32")
IDS = np.random.default_rng(0).integers(0, 20, (4, 6))


def nested():
    """A network with a model inside, called twice, and clashing names."""
    block = keras.Sequential(
        [
            keras.layers.Conv2D(6, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
        ],
        name="block",
    )
    inputs = keras.Input(IMAGES.shape[1:], name="images")
    x = keras.layers.Conv2D(6, 3, activation="relu", name="heads")(inputs)
    x = block(block(x))
    x = keras.layers.DepthwiseConv2D(3, strides=2, name="conv")(x)
    x = keras.layers.LayerNormalization()(x)
    x = x + keras.layers.Dense(6, activation="gelu")(x)
    x = keras.layers.Dropout(0.5)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(5)(x))


def of_ids():
    """A network with a branch in which padding, the id 0, is masked."""
    inputs = keras.Input(IDS.shape[1:], dtype="int32")
    x = keras.layers.Embedding(20, 5)(inputs)
    x = keras.layers.Conv1D(7, 2, padding="causal", activation="tanh")(x)
    y = keras.layers.Embedding(20, 5, mask_zero=True)(inputs)
    y = keras.layers.BatchNormalization()(keras.layers.Dense(4)(y))
    x = keras.layers.GlobalMaxPooling1D()(x)
    y = keras.layers.GlobalAveragePooling1D()(y)
    return keras.Model(inputs, keras.layers.Concatenate()([x, y]))


def create(backbone, method="batch_ensemble", data=IMAGES, **options):
    if data is IDS:
        options["input_scale"] = None
    return mimo_keras.create_model(
        method,
        backbone=backbone,
        input_shape=data.shape[1:],
        num_classes=4,
        ensemble_size=3,
        **options,
    )


@pytest.mark.parametrize("ensemble_batch_norm", [False, True])
@pytest.mark.parametrize(("make", "data"), [(nested, IMAGES), (of_ids, IDS)])
def test_without_factors_every_member_is_the_users_trained_network(
    make, data, ensemble_batch_norm
):
    network = make()
    small.scatter(network)
    model = create(
        network,
        data=data,
        random_sign_init=0,
        ensemble_batch_norm=ensemble_batch_norm,
    )
    head = model.network.get_layer("heads")
    features = keras.Model(model.network.input, head.input)(data)
    wanted = small.numpy(network(data))
    small.assert_close(features, np.tile(wanted, (3, 1)), atol=1e-4)


def test_every_kernel_has_members_and_a_shared_layer_stays_one():
    model = create(nested())
    kinds = [type(layer).__name__ for layer in model.network.layers]
    assert kinds.count("Conv2DBatchEnsemble") == 2
    assert kinds.count("DepthwiseConv2DBatchEnsemble") == 1
    assert kinds.count("DenseBatchEnsemble") == 3
    assert kinds.count("BatchNormalization") == 1
    assert not {"Conv2D", "Dense", "DepthwiseConv2D", "Functional"} & {*kinds}
    outputs = small.numpy(model(IMAGES))
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(outputs[:, one] - outputs[:, other]).max() > 1e-3


def test_a_converted_model_trains_and_comes_back_from_its_file(tmp_path):
    model = create(nested(), ensemble_batch_norm=True)
    model.compile(keras.optimizers.SGD(0.01), **small.step_by_step())
    model.fit(IMAGES, np.arange(4), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    small.assert_close(loaded(IMAGES), model(IMAGES), atol=1e-6)
    logits = model.predictor().member_logits(IMAGES)
    small.assert_close(logits, model(IMAGES))


def test_a_frozen_layer_stays_frozen():
    network = nested()
    network.get_layer("conv").trainable = False
    layer = create(network).network.get_layer("conv")
    assert not layer.trainable_weights and layer.weights


class Own(keras.layers.Dense):
    pass


def flat(layer):
    return lambda x: layer(keras.layers.Flatten()(x))


@pytest.mark.parametrize(
    ("backbone", "method", "options", "match"),
    [
        (
            keras.layers.SeparableConv2D(4, 3, name="apart"),
            "batch_ensemble",
            {},
            "layer apart of type SeparableConv2D.*deep_ensemble",
        ),
        (flat(Own(4, name="own")), "batch_ensemble", {}, "layer own of type"),
        (
            keras.layers.BatchNormalization(scale=False, name="bn"),
            "batch_ensemble",
            {"ensemble_batch_norm": True},
            "layer bn with scale=False.*ensemble_batch_norm=False",
        ),
        (
            keras.layers.BatchNormalization(gamma_regularizer="l2", name="bn"),
            "batch_ensemble",
            {"ensemble_batch_norm": True},
            "layer bn with gamma_regularizer.*ensemble_batch_norm=False",
        ),
        pytest.param(
            keras.layers.DepthwiseConv2D(3, name="deep"),
            "rank1_bnn",
            {"train_examples": 9},
            "layer deep of type DepthwiseConv2D",
            marks=pytest.mark.tensorflow,
        ),
        pytest.param(
            keras.layers.Dense(3, name="on_map"),
            "rank1_bnn",
            {"train_examples": 9},
            "on_map.*kernel_size 1",
            marks=pytest.mark.tensorflow,
        ),
    ],
)
def test_what_has_no_members_is_refused_by_name(
    backbone, method, options, match
):
    with pytest.raises(InputError, match=match):
        create(backbone, method, **options)


@pytest.mark.tensorflow
def test_rank1_keeps_the_kernels_and_draws_members():
    conv = keras.layers.Conv2D(5, 3, bias_initializer="ones")
    model = create(conv, "rank1_bnn", train_examples=9)
    layer = model.network.layers[2]
    assert type(layer).__name__ == "Conv2DRank1"
    np.testing.assert_array_equal(layer.kernel, conv.kernel)
    np.testing.assert_array_equal(layer.ensemble_bias, np.ones((3, 5)))
    outputs = small.numpy(model(IMAGES))
    assert np.abs(outputs[:, 0] - outputs[:, 1]).max() > 1e-3


def test_dropout_everywhere_needs_a_backbone_by_name():
    with pytest.raises(InputError, match="everywhere=True"):
        mimo_keras.create_model(
            "mc_dropout",
            backbone=flat(keras.layers.Dense(3)),
            input_shape=(4,),
            num_classes=3,
            everywhere=True,
        )
