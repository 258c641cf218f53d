"""MixShare: MixMo when nothing is shared, and its unmixing against NumPy."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from tests.methods import small

MIXMO = {
    "unmix": "none",
    "alignment": "none",
    "input_repetition_probability": 0.0,
    "cutmix_probability": 0.5,
    "cutmix_decay": 1 / 12,
    "loss_root": 3.0,
}


def create(backbone="wide_resnet_10_1", members=2, **options):
    return small.create("mixshare", backbone, members, **options)


def test_without_unmixing_and_alignment_it_is_mixmo():
    share = create("small_cnn", **MIXMO)
    mixmo = small.create("mixmo", "small_cnn", 2)
    share.network.set_weights(mixmo.network.get_weights())
    images, labels = small.examples(mixmo, 8)
    small.assert_close(share(images), mixmo(images), atol=1e-6)
    for _ in range(3):  # The same draws, step after step.
        small.assert_close(
            share(images, training=True), mixmo(images, training=True)
        )
    for model in (share, mixmo):
        model.compile(keras.optimizers.SGD(0.05), **small.step_by_step())
        model.fit(images, labels, epochs=2, shuffle=False, verbose=0)
    small.assert_same_weights(share.network, mixmo.network)


@pytest.mark.parametrize(
    ("alignment", "equal", "colinear"),
    [("equal", True, True), ("colinear", False, True), ("none", False, False)],
)
def test_encoders_start_aligned(alignment, equal, colinear):
    model = create(alignment=alignment)
    first, second = model.network.get_layer("stem_conv").get_weights()[0]
    ratio = second / first
    assert np.allclose(first, second) == equal
    assert np.allclose(ratio, ratio.flat[0], rtol=1e-4) == colinear


def tapped(model, *names):
    """Outputs of the training network and of some layers, in one draw."""
    network = model.training_network
    outputs = [network.get_layer(name).output for name in names]
    return keras.Model(network.input, [network.outputs[0], *outputs])


def nearest(masks, size):
    """Every second position, starting at the centre of each cell."""
    step = masks.shape[1] // size
    return masks[:, step // 2 :: step, step // 2 :: step]


@pytest.mark.parametrize(
    ("options", "channels", "epoch", "r"),
    [
        ({"unmix": "full"}, 64, 0, 0.0),
        ({"unmix": "partial"}, 16, 0, 0.0),
        ({"unmix": "partial", "unmix_fraction": 0.5}, 32, 0, 0.0),
        ({"unmix": "fadeout"}, 64, 0, 0.0),
        ({"unmix": "fadeout", "fadeout_epochs": 10}, 64, 3, 0.3),
        ({"unmix": "fadeout", "fadeout_epochs": 10}, 64, 12, 1.0),
    ],
)
def test_heads_read_what_is_their_inputs(options, channels, epoch, r):
    model = create(**options)
    small.scatter_trainable(model.network)
    model.network.get_layer("unmix_members").begin_epoch(epoch, 100)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, 2, 8, 8, 3)).astype("float32")
    names = ("relu_top", "mix_members")
    logits, last_map, _, masks, _ = keras.tree.flatten(
        small.numpy(tapped(model, *names)(x, training=True))
    )
    assert last_map.shape == (6, 2, 2, 64)
    own = nearest((masks > 0).astype(float), 2)
    assert set(np.unique(own)) == {0, 1}
    kernel, bias = model.network.get_layer("heads").get_weights()
    kernel = kernel.reshape(64, 2, -1)
    for member in range(2):
        mask = own[..., member : member + 1]
        mask = mask + r * (1 - mask)
        unmixed = last_map * mask
        unmixed[..., channels:] = last_map[..., channels:]
        features = unmixed.mean((1, 2))
        wanted = features @ kernel[:, member] + bias.reshape(2, -1)[member]
        np.testing.assert_allclose(
            logits[:, member], wanted, rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize("backbone", ["wide_resnet_10_1", "small_cnn"])
@pytest.mark.parametrize("unmix", ["full", "partial", "fadeout"])
def test_the_predictor_masks_nothing_and_pools_once(backbone, unmix):
    model = create(backbone, 3, unmix=unmix)
    small.scatter_trainable(model.network)
    predictor = model.predictor()
    assert predictor.folded
    last = predictor.network.get_layer("heads").input
    assert len(last.shape) == 2
    images, _ = small.examples(model, 4)
    small.assert_close(predictor.member_logits(images), model(images))
    tiled = model.predictor(fold=False)
    small.assert_close(tiled.member_logits(images), model(images))


def test_fit_tells_the_layers_the_epoch():
    model = create("small_cnn", cutmix_decay=0.5)
    small.train(model, epochs=2)
    for name in ("mix_members", "unmix_members"):
        layer = model.network.get_layer(name)
        found = small.numpy([layer.epoch, layer.epochs])
        np.testing.assert_array_equal(found, [2, 2])
    assert (
        float(small.numpy(model.network.get_layer("mix_members").probability()))
        == 0
    )


def test_defaults_are_the_papers():
    model = create()
    mix = model.network.get_layer("mix_members")
    unmix = model.network.get_layer("unmix_members")
    assert (mix.cutmix_probability, mix.cutmix_decay) == (1.0, 0.0)
    assert (unmix.fraction, unmix.fadeout_epochs) == (1.0, 100)
    assert model.sampling.input_repetition_probability == 0.1
    assert model.training_network.get_layer("loss_weights").root == 1.0


@pytest.mark.parametrize(
    ("backbone", "options", "match"),
    [
        ("small_cnn", {"unmix": "some"}, "none, full, partial, fadeout"),
        ("small_cnn", {"alignment": "same"}, "equal, colinear"),
        ("mlp", {}, "unmix='none'"),
    ],
)
def test_bad_input(backbone, options, match):
    with pytest.raises(InputError, match=match):
        create(backbone, **options)


def test_vectors_can_be_mixed_without_unmixing():
    model = create("mlp", unmix="none")
    assert model.network.get_layer("mix_members").cutmix_probability == 0
