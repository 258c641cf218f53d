"""DataMUX: its special case, its demultiplexers, its predictor."""

import numpy as np
import pytest

from mimo_keras import keras_internals
from mimo_keras.errors import InputError
from tests.methods import small

KEYS = {
    "gaussian": "small_cnn",
    "orthogonal": "mlp",
    "conv": "wide_resnet_10_1",
}


@pytest.mark.parametrize("backbone", ["small_cnn", "mlp", "wide_resnet_10_1"])
def test_one_member_without_a_key_is_the_deterministic_network(backbone):
    plain = small.create("deterministic", backbone)
    mux = small.create("datamux", backbone, keys="identity")
    small.assert_same_weights(mux.network, plain.network, atol=0)
    small.scatter(plain.network)
    mux.network.set_weights(plain.network.get_weights())
    images, _ = small.examples(plain, 5)
    small.assert_close(mux(images), plain(images), atol=1e-6)


@pytest.mark.parametrize("keys", KEYS)
def test_it_averages_marked_inputs(keys):
    """The trunk's first layer only reads the multiplexer's output."""
    model = small.create("datamux", KEYS[keys], 2, keys=keys)
    network = model.network
    layer = network.get_layer("multiplex")
    [reader] = keras_internals.readers(layer)
    assert reader.name in ("conv0", "dense0", "stem_conv")
    x = np.random.default_rng(0).normal(size=(3, *network.input_shape[1:]))
    both = small.numpy(network(x))
    swapped = small.numpy(network(x[:, ::-1]))
    # It matters which member an input belongs to.
    assert np.abs(both - swapped).max() > 1e-3


@pytest.mark.parametrize("keys", KEYS)
def test_the_predictor_reads_one_image(keys):
    model = small.create("datamux", KEYS[keys], 3, keys=keys)
    small.scatter_trainable(model.network)
    predictor = model.predictor()
    assert predictor.folded
    images, _ = small.examples(model, 4)
    small.assert_close(predictor.member_logits(images), model(images))


def test_perceptrons_of_members_share_a_head():
    model = small.create("datamux", "small_cnn", 3)
    demultiplex = model.network.get_layer("demultiplex")
    assert demultiplex.output.shape == (None, 3, 32)
    assert model.network.get_layer("head").kernel.shape == (32, 4)


@pytest.mark.parametrize("keys", ["conv", "gaussian"])
def test_heads_of_members_read_the_same_features(keys):
    model = small.create(
        "datamux", "small_cnn", 2, keys=keys, demultiplexer="heads"
    )
    assert model.network.get_layer("heads").kernel.shape == (32, 8)
    trainable = {w.path for w in model.trainable_weights}
    assert any("multiplex" in path for path in trainable) == (keys == "conv")


def test_batches_form_as_mimos():
    model = small.create(
        "datamux",
        "mlp",
        2,
        batch_repetitions=3,
        input_repetition_probability=0.5,
    )
    images, _ = small.examples(model, 4)
    rows = small.numpy(model(images, training=True)["rows"])
    assert rows.shape == (12, 2)
    assert (rows[6:, 0] == rows[6:, 1]).all()
    for member in rows.T:
        assert np.bincount(member).tolist() == [3] * 4


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"keys": "other"}, "gaussian, orthogonal"),
        ({"keys": "identity"}, "distinguish the members"),
        ({"demultiplexer": "x"}, "mlp or heads"),
    ],
)
def test_bad_input(options, match):
    with pytest.raises(InputError, match=match):
        small.create("datamux", "mlp", 2, **options)
