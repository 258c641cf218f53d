"""Means of weights, and the statistics of batch norms that go with them."""

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras.errors import InputError
from tests.methods import small

IMAGES = np.random.default_rng(0).random((10, 4, 4, 3), "float32")


def network(x):
    x = keras.layers.Conv2D(5, 3, use_bias=False, name="conv")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    return keras.layers.Flatten()(keras.layers.Dropout(0.5)(x))


def create(method="deterministic", members=1, backbone=network, **options):
    return mimo_keras.create_model(
        method,
        backbone=backbone,
        input_shape=IMAGES.shape[1:],
        num_classes=3,
        ensemble_size=members,
        seed=0,
        **options,
    )


def scattered(seed, **options):
    keras.utils.set_random_seed(seed)
    model = create(**options)
    small.scatter(model.network)
    return model


def values(model):
    return {v.path: small.numpy(v) for v in model.variables}


def test_weights_are_means_and_norms_see_the_images(tmp_path):
    models = [scattered(seed) for seed in range(3)]
    models[2].save(tmp_path / "a.keras")
    before = [values(model) for model in models]
    given = [*models[:2], str(tmp_path / "a.keras")]
    average = mimo_keras.average_weights(given, IMAGES, batch_size=4)
    paths = [v.path for v in average.trainable_variables]
    assert len(paths) == 5
    for path in paths:
        wanted = np.mean([weights[path] for weights in before], axis=0)
        small.assert_close(values(average)[path], wanted)
    kernel = average.network.get_layer("conv").kernel
    maps = small.numpy(keras.ops.conv(IMAGES, kernel))
    # Means over two whole batches of four: the last two images are left out.
    parts = maps[:8].reshape(2, -1, 5)
    norm = average.network.get_layer("norm")
    small.assert_close(norm.moving_mean, parts.mean(axis=(0, 1)), atol=1e-6)
    variances = parts.var(axis=1).mean(axis=0)
    small.assert_close(norm.moving_variance, variances, atol=1e-6)
    assert norm.momentum == 0.99
    for model, weights in zip(models, before, strict=True):
        keras.tree.map_structure(
            np.testing.assert_array_equal, values(model), weights
        )


@pytest.mark.parametrize(
    "method", ["mimo", "batch_ensemble", "rank1_bnn", "mixmo"]
)
@pytest.mark.tensorflow
def test_only_the_statistics_change(method):
    options = {"train_examples": 9} if method == "rank1_bnn" else {}
    if method in ("batch_ensemble", "rank1_bnn"):
        options["ensemble_batch_norm"] = True
    model = create(method, 2, "wide_resnet_10_1", **options)
    before = values(model)
    mimo_keras.refresh_batch_norms(model, np.repeat(IMAGES, 2, axis=0), 20)
    changed = {p for p, v in values(model).items() if np.any(v != before[p])}
    assert changed and all("/moving_" in path for path in changed)
    statistics = [path for path in before if "/moving_" in path]
    assert len(changed) == len(statistics)


def test_a_frozen_norm_keeps_its_statistics():
    model = scattered(0)
    model.network.get_layer("norm").trainable = False
    before = small.numpy(model.network.get_layer("norm").moving_mean)
    mimo_keras.refresh_batch_norms(model, IMAGES)
    found = model.network.get_layer("norm").moving_mean
    np.testing.assert_array_equal(small.numpy(found), before)


@pytest.mark.tensorflow
def test_kerass_moving_average_goes_with_them():
    """SwapEMAWeights averages weights as they train; norms come after."""
    model = scattered(0)
    model.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5))
    labels = np.arange(10) % 3
    swap = keras.callbacks.SwapEMAWeights()
    model.fit(IMAGES, labels, epochs=2, verbose=0, callbacks=[swap])
    mimo_keras.refresh_batch_norms(model, IMAGES)
    kernel = model.network.get_layer("conv").kernel
    maps = small.numpy(keras.ops.conv(IMAGES, kernel))
    found = model.network.get_layer("norm").moving_mean
    small.assert_close(found, maps.mean(axis=(0, 1, 2)), atol=1e-6)


def test_what_cannot_be_averaged_is_told():
    model = scattered(0)
    for given, match in (
        ([], "a list of models"),
        ("a.keras", "a list of models"),
        (["a.h5"], "saved as .keras.*a.h5"),
        ([model, keras.Sequential()], "created by create_model.*model 1"),
        ([model, create(backbone="mlp_4")], "one architecture.*model 1"),
        ([model], "training images"),
    ):
        with pytest.raises(InputError, match=match):
            mimo_keras.average_weights(given)
    with pytest.raises(InputError, match="at least one image"):
        mimo_keras.refresh_batch_norms(model, IMAGES[:0])
    for given, match in (
        (("a.keras", IMAGES), "created by create_model. .* of type str"),
        ((model, None), "array of training images. .* of type NoneType"),
        ((model, iter([IMAGES])), "array of training images"),
        ((model, IMAGES, "8"), "batch_size to be a whole number"),
    ):
        with pytest.raises(InputError, match=match):
            mimo_keras.refresh_batch_norms(*given)
    # Without batch norms, no images are needed.
    plain = create(backbone="mlp_4")
    mean = mimo_keras.average_weights([plain, plain])
    small.assert_close(mean(IMAGES), plain(IMAGES))
