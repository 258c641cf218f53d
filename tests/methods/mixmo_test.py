"""MixMo: its special case MIMO, and its training step."""

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras import methods
from mimo_keras.errors import InputError
from mimo_keras.layers import MixMembers
from tests.methods import small

# Ratios of 1/M in every row: what MIMO does.
EVEN = {"concentration": 1e12, "cutmix_probability": 0.0}


def images(model, rows=6):
    rng = np.random.default_rng(2)
    shape = (rows, model.sampling.members, *model.image_shape)
    return rng.normal(size=shape).astype("float32")


def as_mimo(mixmo, backbone, members):
    """The MIMO network with the same weights, its encoders concatenated."""
    mimo = small.create("mimo", backbone, members)
    own = [np.array(w) for w in mixmo.network.get_weights()]
    encoder = next(
        x for x in mixmo.network.layers if type(x).__name__.startswith("Member")
    )
    kernel, *bias = encoder.get_weights()
    skipped = len(encoder.weights)
    start = next(
        i
        for i, w in enumerate(mixmo.network.weights)
        if w is encoder.weights[0]
    )
    # (M, …, C, F) to (…, M C, F), member-major.
    stacked = np.concatenate(list(kernel), axis=-2)
    stem = [stacked, *(b.sum(0) for b in bias)]
    rest = [
        w
        for i, (w, v) in enumerate(zip(own, mixmo.network.weights, strict=True))
        if not start <= i < start + skipped
        and "epoch" not in v.path.split("/")[-1]
    ]
    mimo.network.set_weights([*stem, *rest])
    return mimo


@pytest.mark.parametrize("backbone", ["small_cnn", "mlp", "wide_resnet_10_1"])
@pytest.mark.parametrize("members", [2, 3])
def test_the_sum_of_encoders_is_mimos_concatenated_stem(backbone, members):
    mixmo = small.create("mixmo", backbone, members)
    small.scatter_trainable(mixmo.network)
    mimo = as_mimo(mixmo, backbone, members)
    x = images(mixmo)
    small.assert_close(mixmo.network(x), mimo.network(x), atol=2e-5)


def test_at_even_ratios_it_trains_as_mimo():
    mixmo = small.create("mixmo", "wide_resnet_10_1", 2, **EVEN)
    mimo = as_mimo(mixmo, "wide_resnet_10_1", 2)
    x = images(mixmo)
    logits, weights = mixmo.training_network(x, training=True)
    small.assert_close(logits, mimo.network(x, training=True), atol=1e-4)
    small.assert_close(weights, np.ones((6, 2)), atol=1e-5)


def test_the_loss_weighs_members_by_their_ratios():
    model = small.create("mixmo", "small_cnn", 2, cutmix_probability=0.5)
    model.compile(l2=0.0)
    x, labels = small.examples(model, 8)
    found = model(x, training=True)
    rows, logits, weights = (
        small.numpy(found[name]) for name in ("rows", "logits", "loss_weights")
    )
    assert weights.std() > 0.1
    np.testing.assert_allclose(weights.sum(1), 2, rtol=1e-5)
    odds = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    entropy = -np.take_along_axis(odds, labels[rows][..., None], -1)[..., 0]
    wanted = (weights * entropy).sum() / len(rows)
    loss = model.compute_loss(x, labels, found)
    np.testing.assert_allclose(loss, wanted, rtol=1e-5)


def test_ratios_weights_and_masks_belong_to_the_same_draw():
    """Root 3, from the masks that mixed the same rows."""
    model = small.create("mixmo", "small_cnn", 3, cutmix_probability=1.0)
    network = model.training_network
    outputs = [*network.outputs, *network.get_layer("mix_members").output]
    tapped = keras.Model(network.input, outputs)
    _, weights, _, masks, ratios = small.numpy(
        tapped(images(model), training=True)
    )
    np.testing.assert_allclose(ratios, masks.mean((1, 2)), rtol=1e-5)
    roots = ratios ** (1 / 3)
    wanted = 3 * roots / roots.sum(1, keepdims=True)
    np.testing.assert_allclose(weights, wanted, rtol=1e-4)


def test_the_predictor_reads_one_image_by_one_kernel():
    model = small.create("mixmo", "wide_resnet_10_1", 3)
    small.scatter_trainable(model.network)
    predictor = model.predictor()
    assert predictor.folded
    kinds = {type(layer).__name__ for layer in predictor.network.layers}
    assert not kinds & {"MixMembers", "MemberConv2D", "FoldMembers"}
    stem = predictor.network.get_layer("stem_conv")
    kernel, *_ = model.network.get_layer("stem_conv").get_weights()
    np.testing.assert_allclose(
        stem.get_weights()[0], kernel.sum(0), rtol=1e-5, atol=1e-6
    )
    tiled = model.predictor(fold=False)
    assert not tiled.folded
    x, _ = small.examples(model, 5)
    small.assert_close(
        predictor.member_logits(x), tiled.member_logits(x), atol=1e-5
    )


def test_parameters_by_hand():
    """WRN-28-2's 1.47 M, one more stem, one more head."""
    counts = {}
    for method, members in (("deterministic", 1), ("mixmo", 2)):
        model = mimo_keras.create_model(
            method,
            backbone="wide_resnet_28_2",
            input_shape=(32, 32, 3),
            num_classes=100,
            ensemble_size=members,
        )
        counts[method] = sum(
            int(np.prod(w.shape)) for w in model.trainable_weights
        )
    more = 27 * 16 + 128 * 100 + 100
    assert counts["mixmo"] == counts["deterministic"] + more


def test_cutmix_is_half_of_the_batches_on_maps_and_none_on_vectors():
    for backbone, probability in (("small_cnn", 0.5), ("mlp", 0.0)):
        model = small.create("mixmo", backbone, 2)
        layer = model.network.get_layer("mix_members")
        assert layer.cutmix_probability == probability
        assert layer.cutmix_decay == pytest.approx(1 / 12)


def test_draws_differ_from_step_to_step_and_repeat_by_seed():
    models = [small.create("mixmo", "small_cnn", 2) for _ in range(2)]
    x, _ = small.examples(models[0], 4)
    first, again = (
        [small.numpy(m(x, training=True))["loss_weights"] for _ in range(2)]
        for m in models
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first[0] - first[1]).max() > 0.01


@pytest.mark.parametrize(
    ("backbone", "members", "options", "match"),
    [
        ("small_cnn", 1, {}, "ensemble_size of at least 2"),
        ("mlp", 2, {"cutmix_probability": 0.5}, "cutmix_probability=0"),
        ("small_cnn", 2, {"loss_root": 0.5}, "loss_root=0.5"),
        ("small_cnn", 2, {"batch_repetitions": 0}, "batch_repetitions"),
        ("small_cnn", 2, {"cutmix_probability": True}, "cutmix_prob.*=True"),
    ],
)
def test_bad_input(backbone, members, options, match):
    with pytest.raises(InputError, match=match):
        small.create("mixmo", backbone, members, **options)


def test_a_callable_backbone_has_no_stem_to_multiply():
    def backbone(x):
        return keras.layers.Flatten()(x)

    with pytest.raises(InputError, match="a backbone by name"):
        small.create("mixmo", backbone, 2, shape=(8, 8, 3))


def test_members_are_no_networks_of_their_own():
    model = small.create("mixmo", "small_cnn", 2)
    with pytest.raises(InputError, match="share one pass"):
        methods.one_member(model.network, 0)


def test_the_mixing_block_is_what_the_method_uses():
    model = small.create("mixmo", "small_cnn", 2)
    blocks = [x for x in model.network.layers if isinstance(x, MixMembers)]
    assert len(blocks) == 1
