import keras
import numpy as np
import pytest
import tensorflow as tf

import mimo_keras
from mimo_keras.errors import InputError


def create(*first, **options):
    def backbone(x):
        for layer in first:
            x = layer(x)
        return keras.layers.Flatten()(x)

    return mimo_keras.create_model(
        "deterministic",
        backbone=backbone,
        input_shape=(4, 4, 3),
        num_classes=2,
        **options,
    )


def adapted(scale):
    layer = keras.layers.Normalization(name="adapted")
    layer.adapt(scale * np.random.default_rng(0).random((9, 4, 4, 3)))
    return layer


READ_BYTES = {
    "rescaling": lambda: keras.layers.Rescaling(1 / 255),
    "centered": lambda: keras.layers.Rescaling(1 / 127.5, -1, name="centered"),
    "by_channel": lambda: keras.layers.Rescaling([1 / 255] * 3, name="by"),
    "normalization": lambda: keras.layers.Normalization(-1, 124.0, 58.0**2),
    "adapted": lambda: adapted(255),
    "nested": lambda: keras.Sequential([keras.layers.Rescaling(1 / 255)]),
}


@pytest.mark.parametrize("name", READ_BYTES)
@pytest.mark.parametrize("scale", ["0..1", "0..255"])
def test_images_are_not_divided_twice(name, scale):
    with pytest.raises(InputError, match="expects 0 to 255") as caught:
        create(READ_BYTES[name](), input_scale=scale)
    assert f"to which input_scale='{scale}' brings them" in str(caught.value)
    assert "Pass input_scale=None" in str(caught.value)


@pytest.mark.parametrize("name", READ_BYTES)
def test_a_scale_that_fits_is_taken(name):
    create(READ_BYTES[name](), input_scale=None)
    create(READ_BYTES[name](), std=1 / 255)


def test_other_layers_say_nothing_about_the_scale():
    create(keras.layers.Rescaling(2.0, -1.0), adapted(1.0))


UNIT = np.random.default_rng(0).random((6, 4, 4, 3)).astype("float32")
LABELS = np.array([0, 1] * 3)


class _Batches(keras.utils.PyDataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        return UNIT, LABELS


def _source():
    return tf.data.Dataset.from_tensor_slices((UNIT, LABELS)).batch(6)


WAYS = {
    "fit": lambda model: model.fit(UNIT, LABELS, verbose=0),
    "fit_source": lambda model: model.fit(_source(), verbose=0),
    "fit_batches": lambda model: model.fit(_Batches(), verbose=0),
    "evaluate": lambda model: model.evaluate(UNIT, LABELS, verbose=0),
    "predict": lambda model: model.predict(UNIT, verbose=0),
    "call": lambda model: model(UNIT),
    "predictor": lambda model: model.predictor()(UNIT),
    "predictor_predict": lambda m: m.predictor().predict(UNIT, verbose=0),
    "measures": lambda model: mimo_keras.evaluate(model, UNIT, LABELS),
}


@pytest.mark.parametrize("way", WAYS)
def test_images_that_the_network_would_see_black_are_refused(way):
    model = create(keras.layers.Rescaling(1 / 255), input_scale=None)
    model.compile("sgd")
    before = model.get_weights()
    with pytest.raises(InputError) as caught:
        WAYS[way](model)
    assert str(caught.value).startswith(
        "Expected images from 0 to 255, as the network's layer "
    )
    assert "Received: values up to 0.9" in str(caught.value)
    assert "input_scale='0..1' and std=1/255" in str(caught.value)
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def _classifier(*first):
    layers = [keras.Input((4, 4, 3)), *first]
    layers.append(keras.layers.Conv2D(4, 3, padding="same", name="convolve"))
    layers += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
    return keras.Sequential(layers)


@pytest.mark.parametrize(
    "method", [name for name in mimo_keras.list_methods() if name != "datamux"]
)
def test_every_method_knows_what_a_trained_network_reads(method):
    first = [keras.layers.Rescaling(1 / 127.5, -1)]
    options = {"ensemble_size": 2}
    if method in ("deterministic", "mc_dropout", "dun", "early_exit", "mimmo"):
        options = {}
    if method == "mc_dropout":
        first.append(keras.layers.Dropout(0.1))
    elif method == "mixture_ensemble":
        options["num_params"] = 2.0
    elif method == "treenet":
        options["split"] = "convolve"
    elif not options and method != "deterministic":
        options["exits"] = "convolve"
    network = _classifier(*first)
    model = mimo_keras.from_network(network, method, num_classes=2, **options)
    for one in (model, model.predictor()):
        with pytest.raises(InputError, match="images from 0 to 255"):
            one(UNIT)
        one(255 * UNIT)


@pytest.mark.parametrize("name", READ_BYTES)
def test_every_such_layer_is_known_after_loading(name, tmp_path):
    model = mimo_keras.from_network(
        _classifier(READ_BYTES[name]()), "deterministic", num_classes=2
    )
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for one in (model, again, again.predictor()):
        with pytest.raises(InputError, match="images from 0 to 255"):
            one(UNIT)


def test_an_application_with_its_preprocessing_is_known():
    network = keras.applications.MobileNetV3Small(
        (32, 32, 3), weights=None, include_top=False, pooling="avg"
    )
    model = mimo_keras.create_model(
        "deterministic",
        backbone=network,
        input_shape=(32, 32, 3),
        num_classes=2,
        input_scale=None,
    )
    with pytest.raises(InputError, match="layer rescaling"):
        model(np.full((1, 32, 32, 3), 0.5, "float32"))


@pytest.mark.parametrize(
    "images",
    [
        0 * UNIT,
        255 * UNIT,
        (2 * UNIT).astype("uint8"),  # Dark, but bytes.
        UNIT - 0.5,
        np.full_like(UNIT, np.nan),
        np.concatenate([UNIT, 255 * UNIT]),  # Decided by the whole batch.
    ],
)
def test_other_images_are_taken(images):
    model = create(keras.layers.Rescaling(1 / 255), input_scale=None)
    model(images)
    model.predict(images, verbose=0)
    source = tf.data.Dataset.from_tensor_slices(images).batch(len(images))
    model.predict(source, verbose=0)


def test_networks_and_scales_that_fit_take_images_from_0_to_1():
    create(keras.layers.Rescaling(2.0), input_scale=None)(UNIT)
    create(adapted(1.0), input_scale=None)(UNIT)
    scaled = create(keras.layers.Rescaling(1 / 255), std=1 / 255)
    plain = create(keras.layers.Rescaling(1 / 255), input_scale=None)
    scaled.set_weights(plain.get_weights())
    np.testing.assert_allclose(scaled(UNIT), plain(255 * UNIT), rtol=1e-5)


def test_tables_may_be_from_0_to_1():
    layer = keras.layers.Normalization(mean=50.0, variance=4.0)
    model = mimo_keras.create_model(
        "deterministic",
        backbone=lambda x: layer(x),
        input_shape=(3,),
        num_classes=2,
        input_scale=None,
    )
    model(UNIT[:, 0, 0])
