"""MIMO on networks of the user's own, with preprocessing or without."""

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras.errors import InputError
from tests.methods import small

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (4, 8, 8, 3)).astype("uint8")
MEAN, VARIANCE = (1.0, 2.0, 3.0), (4.0, 5.0, 6.0)
FACTORS = (0.5, 1.0, 2.0)


def create(backbone, members=2, side=8, **options):
    return mimo_keras.create_model(
        "mimo",
        backbone=backbone,
        input_shape=(side, side, 3),
        num_classes=4,
        ensemble_size=members,
        input_scale=None,
        **options,
    )


def preprocessing(x):
    """Starts as EfficientNetV2 does, with constants for three channels."""
    x = keras.layers.Rescaling(FACTORS, 0.5)(x)
    x = keras.layers.Normalization(-1, MEAN, VARIANCE)(x)
    x = keras.layers.ZeroPadding2D()(x)
    x = keras.layers.Conv2D(5, 3, activation="relu", name="conv")(x)
    return keras.layers.GlobalAveragePooling2D()(x)


def test_each_members_image_is_preprocessed_by_itself():
    model = create(preprocessing)
    rows = RNG.uniform(0, 255, (3, 2, 8, 8, 3)).astype("float32")
    conv = model.network.get_layer("conv")
    assert conv.kernel.shape == (3, 3, 6, 5)
    before = (rows * FACTORS + 0.5 - MEAN) / np.sqrt(VARIANCE)
    stacked = np.concatenate([before[:, 0], before[:, 1]], axis=-1)
    padded = np.pad(stacked, ((0, 0), (1, 1), (1, 1), (0, 0)))
    maps = small.numpy(conv(padded.astype("float32")))
    heads = model.network.get_layer("heads")
    wanted = heads(maps.mean(axis=(1, 2)))
    small.assert_close(model.network(rows), wanted, atol=1e-3, rtol=1e-4)


def test_it_is_folded_and_bytes_are_what_they_are():
    model = create(preprocessing)
    small.scatter_trainable(model.network)
    predictor = model.predictor()
    assert predictor.folded
    wanted = small.numpy(model(IMAGES))
    floats = IMAGES.astype("float32")
    small.assert_close(model(floats), wanted, atol=1e-4)
    small.assert_close(predictor.member_logits(IMAGES), wanted, atol=1e-3)
    tiled = model.predictor(fold=False).member_logits(IMAGES)
    small.assert_close(tiled, wanted, atol=1e-3)


def adapted():
    """A layer that knows the data's statistics."""
    known = keras.layers.Normalization(name="known")
    known.adapt(RNG.normal(0.5, 2.0, (50, 8, 8, 3)))
    return known


def test_statistics_and_later_weights_of_a_trained_network_are_kept():
    known, trained = adapted(), keras.layers.Conv2D(4, 3, name="trained")

    def backbone(x):
        return trained(keras.layers.Conv2D(5, 3)(known(x)))

    model = create(backbone)
    for layer in (known, trained):
        copy = model.network.get_layer(layer.name)
        small.assert_close(copy.get_weights(), layer.get_weights(), atol=0)
    rows = RNG.normal(size=(3, 2, 8, 8, 3)).astype("float32")
    copy = model.network.get_layer("known")
    small.assert_close(copy(rows)[:, 1], known(rows[:, 1]))
    assert model.predictor().folded


def test_a_predictor_normalizes_as_its_model_does():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(adapted()(inputs))
    model = mimo_keras.create_model(
        "deterministic",
        backbone=keras.Model(inputs, x),
        input_shape=(8, 8, 3),
        num_classes=4,
    )
    images = RNG.random((2, 8, 8, 3), "float32")
    small.assert_close(model.predictor().member_logits(images), model(images))


def test_a_network_of_other_channels_is_refused_in_one_line():
    inputs = keras.Input((8, 8, 3))
    network = keras.Model(inputs, keras.layers.Conv2D(5, 3)(inputs))
    with pytest.raises(InputError, match="6 channels.*input_tensor=x"):
        create(network)
    # Keras takes any number of channels where a model has one.
    grey = keras.Input((8, 8, 1))
    network = keras.Model(grey, keras.layers.Conv2D(5, 3)(grey))
    with pytest.raises(InputError, match="6 channels.*given .8, 8, 6"):
        create(network)
    with pytest.raises(InputError, match="conv with data_format.*Permute"):
        create(
            lambda x: keras.layers.Flatten()(
                keras.layers.Conv2D(
                    *(5, 3), data_format="channels_first", name="conv"
                )(x)
            )
        )
    with pytest.raises(InputError, match="6 channels.*hue of type RandomHue"):
        create(
            lambda x: keras.layers.Flatten()(
                keras.layers.RandomHue(0.1, (0, 1), name="hue")(x)
            )
        )
    # Its own message is kept.
    with pytest.raises(InputError, match="not the network"):
        create(lambda x: keras.Model(x, keras.layers.Conv2D(5, 3)(x)))


def test_layers_built_for_the_channels_of_all_members_are_used():
    conv = keras.layers.Conv2D(5, 3)
    conv.build((None, 8, 8, 6))
    model = create(lambda x: conv(keras.layers.Rescaling(0.5)(x)))
    assert conv in model.network.layers
    rows = RNG.random((3, 2, 8, 8, 3), "float32")
    stacked = np.concatenate([rows[:, 0], rows[:, 1]], axis=-1)
    maps = small.numpy(conv(0.5 * stacked))
    wanted = model.network.get_layer("heads")(maps.mean(axis=(1, 2)))
    small.assert_close(model.network(rows), wanted)


def test_heads_may_read_the_inputs_of_all_members_themselves():
    model = mimo_keras.create_model(
        "mimo",
        backbone=lambda x: x,
        input_shape=(6,),
        num_classes=4,
        ensemble_size=2,
    )
    rows = RNG.random((3, 2, 6), "float32")
    heads = model.network.get_layer("heads")
    wanted = heads(rows.reshape(3, 12))
    small.assert_close(model.network(rows), wanted)
    found = model.predictor().member_logits(rows[:, 0])
    small.assert_close(found, model(rows[:, 0]))


@pytest.mark.large
@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("EfficientNetV2B0", marks=pytest.mark.matrix),
        "MobileNetV3Small",
    ],
)
def test_networks_of_keras_applications_keep_their_scale(name):
    make = getattr(keras.applications, name)

    def backbone(x):
        options = {"include_top": False, "weights": None, "pooling": "avg"}
        return make(input_tensor=x, **options).output

    model = create(backbone, side=32)  # MobileNetV3's smallest.
    images = np.kron(IMAGES, np.ones((1, 4, 4, 1), "uint8"))
    rescaling = [
        layer
        for layer in model.network.layers
        if isinstance(layer, keras.layers.Rescaling)
    ]
    seen = keras.Model(model.network.input, rescaling[0].output)
    values = small.numpy(seen(np.stack([images, images], axis=1)))
    assert 0.9 < np.ptp(values) <= 2
    small.assert_close(model.predictor().member_logits(images), model(images))


def tokens_network(x):
    """Embeds token ids, with positions, and mixes them."""
    x = keras.layers.Embedding(20, 4)(x)
    return keras.layers.Dense(5, "tanh")(keras.layers.Flatten()(x))


def test_each_member_embeds_tokens_and_their_sum_folds_exactly(tmp_path):
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 20, (6, 3, 7)).astype("int32")
    model = mimo_keras.create_model(
        "mimo",
        backbone=tokens_network,
        input_shape=(7,),
        num_classes=2,
        ensemble_size=3,
        input_scale=None,
    )
    [embedding] = [
        layer
        for layer in model.network.layers
        if isinstance(layer, mimo_keras.layers.MemberEmbedding)
    ]
    tables = [*map(keras.ops.convert_to_numpy, embedding.embeddings)]
    assert len(tables) == 3
    assert all(np.abs(tables[0] - other).max() > 0 for other in tables[1:])
    summed = sum(tables[m][ids[:, m]] for m in range(3)).reshape(6, -1)
    [dense] = [
        layer
        for layer in model.network.layers
        if type(layer) is keras.layers.Dense
    ]
    heads = keras.Function(dense.output, model.network.output)
    kernel, bias = map(keras.ops.convert_to_numpy, dense.weights)
    features = np.tanh(summed @ kernel + bias)
    wanted = keras.ops.convert_to_numpy(heads(features.astype("float32")))
    found = keras.ops.convert_to_numpy(model.network(ids))
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    # One example for all members, at the cost of a plain network's look-up.
    predictor = model.predictor()
    assert predictor.folded
    [one] = [
        layer
        for layer in predictor.network.layers
        if layer.name == embedding.name
    ]
    assert type(one) is keras.layers.Embedding
    np.testing.assert_allclose(one.get_weights()[0], sum(tables), rtol=1e-6)
    same = np.repeat(ids[:, :1], 3, axis=1)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(predictor.member_logits(ids[:, 0])),
        keras.ops.convert_to_numpy(model.network(same)),
        atol=1e-6,
    )
    predictor.save(tmp_path / "predictor.keras")
    loaded = keras.saving.load_model(tmp_path / "predictor.keras")
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(loaded(ids[:, 0])["probabilities"]),
        keras.ops.convert_to_numpy(predictor(ids[:, 0])["probabilities"]),
        atol=1e-6,
    )


def test_a_trained_embedding_keeps_its_table():
    known = keras.layers.Embedding(20, 4)
    known(keras.Input((7,)))

    def network(x):
        return keras.layers.Flatten()(known(x))

    model = mimo_keras.create_model(
        "mimo",
        backbone=network,
        input_shape=(7,),
        num_classes=2,
        ensemble_size=2,
        input_scale=None,
    )
    assert known in model.network.layers
