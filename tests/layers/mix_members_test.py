"""The mixing block against NumPy, boxes by hand and distributions."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import MixMembers, draws


def mixed(shape, **options):
    """Mixes random maps in training; returns inputs, mix, masks, ratios."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=shape).astype("float32")
    outputs = MixMembers(seed=1, **options)(inputs, training=True)
    return inputs, *map(keras.ops.convert_to_numpy, outputs)


def with_draws(monkeypatch, drawn):
    """Draws the box of each row from `drawn`, (N, 3) in [0, 1)."""
    monkeypatch.setattr(draws, "uniform", lambda *_: np.float32(drawn))


def cut(monkeypatch, drawn, ratios, space):
    with_draws(monkeypatch, drawn)
    ratios = np.array(ratios, "float32")
    found = MixMembers()._cut(ratios, space, ratios.shape[1])
    return keras.ops.convert_to_numpy(found)


# Each two values of different arguments together.
@pytest.mark.parametrize(
    ("members", "space", "probability"),
    [
        (2 + m, space, (m + s) % 3 / 2)
        for m in range(3)
        for s, space in enumerate([(4, 6), (7, 3), (5,)])
    ],
)
def test_the_mix_is_m_times_the_sum_under_the_masks(
    members, space, probability
):
    inputs, mix, masks, ratios = mixed(
        (3, members, *space, 2), cutmix_probability=probability
    )
    twin = sum(masks[..., m : m + 1] * inputs[:, m] for m in range(members))
    np.testing.assert_allclose(mix, members * twin, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(masks.sum(-1), 1, rtol=1e-5)
    axes = tuple(range(1, masks.ndim - 1))
    np.testing.assert_allclose(ratios, masks.mean(axes), rtol=1e-5, atol=1e-6)


def test_prediction_sums_the_encoders():
    inputs = np.random.default_rng(0).normal(size=(2, 3, 4, 4, 5))
    mix, masks, ratios = MixMembers()(inputs.astype("float32"))
    np.testing.assert_allclose(mix, inputs.sum(1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(masks, np.full((2, 4, 4, 3), 1 / 3), rtol=1e-6)
    np.testing.assert_allclose(ratios, np.full((2, 3), 1 / 3), rtol=1e-6)


def test_a_box_by_hand(monkeypatch):
    """λ = 1/4 on 8x8: a side of 4 around (1, 6), so rows 0-2, columns 4-7."""
    drawn = [[0.6, 1.5 / 8, 6.5 / 8]]  # 0.6 of two members: member 1.
    [masks] = cut(monkeypatch, drawn, [[0.75, 0.25]], [8, 8])
    box = np.zeros((8, 8))
    box[0:3, 4:8] = 1
    np.testing.assert_array_equal(masks[..., 1], box)
    np.testing.assert_array_equal(masks[..., 0], 1 - box)


def test_around_the_box_the_others_are_mixed_by_their_ratios(monkeypatch):
    drawn = [[0.0, 0.5, 0.5]]
    [masks] = cut(monkeypatch, drawn, [[0.25, 0.6, 0.15]], [4, 4])
    box = np.zeros((4, 4))
    box[1:3, 1:3] = 1
    np.testing.assert_array_equal(masks[..., 0], box)
    np.testing.assert_allclose(masks[..., 1], 0.8 * (1 - box), rtol=1e-6)
    np.testing.assert_allclose(masks[..., 2], 0.2 * (1 - box), rtol=1e-5)


@pytest.mark.parametrize("size", [8, 7])
def test_boxes_lie_anywhere_and_are_clipped(monkeypatch, size):
    """Every position is the centre of a box; NumPy's box is the same."""
    places = np.arange(size)
    drawn = [[0, (y + 0.5) / size, 0.99] for y in places]
    found = cut(monkeypatch, drawn, [[0.36, 0.64]] * size, [size, size])
    half = int(0.6 * size) // 2
    for y, mask in zip(places, found[..., 0], strict=True):
        inside = (places >= y - half) & (places < y + half)
        columns = (places >= size - 1 - half) & (places < size - 1 + half)
        np.testing.assert_array_equal(mask, np.outer(inside, columns))


@pytest.mark.parametrize("members", [2, 3])
def test_linear_ratios_have_dirichlets_moments(members):
    """Dirichlet(2): means 1/M, variances of Beta(2, 2 (M - 1))."""
    *_, ratios = mixed((4000, members, 1, 1, 1), cutmix_probability=0.0)
    a, b = 2, 2 * (members - 1)
    variance = a * b / ((a + b) ** 2 * (a + b + 1))
    np.testing.assert_allclose(ratios.mean(0), 1 / members, atol=0.012)
    np.testing.assert_allclose(ratios.var(0), variance, rtol=0.08)


@pytest.mark.parametrize("members", [2, 3, 4])
def test_owners_of_the_box_are_balanced(members):
    _, _, masks, ratios = mixed(
        (6000, members, 8, 8, 1), cutmix_probability=1.0
    )
    # Only the owner's mask is 1 anywhere; with two members also the other's.
    owns = (masks == 1).any((1, 2))
    if members > 2:
        # An empty box, or one of all positions, does not show its owner.
        shown = owns.sum(1) == 1
        shares = owns[shown].mean(0)
        assert shown.mean() > 0.9
        np.testing.assert_allclose(shares, 1 / members, atol=0.025)
    np.testing.assert_allclose(ratios.mean(0), 1 / members, atol=0.015)


def test_masks_of_two_are_a_box_and_what_is_around_it():
    _, _, masks, ratios = mixed((200, 2, 8, 8, 1), cutmix_probability=1.0)
    # XLA divides by a reciprocal: a share of all may be 1 - 6e-8.
    np.testing.assert_allclose(masks, np.rint(masks), atol=1e-6)
    assert set(np.unique(np.rint(masks))) == {0, 1}
    for row in np.rint(masks):
        boxes = [m for m in np.moveaxis(row, -1, 0) if is_box(m)]
        assert boxes
    np.testing.assert_allclose(ratios, masks.mean((1, 2)), rtol=1e-6)
    assert ratios.std() > 0.1


def is_box(mask):
    rows, columns = mask.max(1), mask.max(0)
    return np.array_equal(mask, np.outer(rows, columns))


def test_a_batch_is_mixed_in_one_way():
    layer = MixMembers(cutmix_probability=0.5, seed=3)
    inputs = np.zeros((16, 2, 4, 4, 1), "float32")
    cuts = []
    for _ in range(200):
        masks = keras.ops.convert_to_numpy(layer(inputs, training=True)[1])
        flat = masks.reshape(16, -1, 2)
        linear = np.ptp(flat, axis=1).max(1) < 1e-6
        binary = np.isclose(flat, np.rint(flat), atol=1e-6).all((1, 2))
        assert linear.all() or binary.all()
        cuts.append(binary.all())
    assert 0.38 < np.mean(cuts) < 0.62


@pytest.mark.parametrize(
    ("epoch", "epochs", "expected"),
    [
        # The authors' epoch 275 of 300 is the first that 274 others precede.
        *((0, 300, 0.5), (273, 300, 0.5), (274, 300, 0.5)),
        *((275, 300, 0.48), (298, 300, 0.02), (299, 300, 0.0)),
        (300, 300, 0.0),
        *((0, 0, 0.5), (9, 0, 0.5)),
    ],
)
def test_cutmix_falls_to_zero_over_the_last_twelfth(epoch, epochs, expected):
    layer = MixMembers(cutmix_probability=0.5, cutmix_decay=1 / 12)
    layer.begin_epoch(epoch, epochs)
    np.testing.assert_allclose(layer.probability(), expected, atol=1e-6)


def test_at_the_end_of_the_decay_no_batch_is_cut():
    layer = MixMembers(cutmix_probability=1.0, cutmix_decay=0.5, seed=0)
    layer.begin_epoch(10, 10)
    inputs = np.zeros((4, 2, 4, 4, 1), "float32")
    for _ in range(20):
        masks = keras.ops.convert_to_numpy(layer(inputs, training=True)[1])
        assert np.ptp(masks, axis=(1, 2)).max() < 1e-6


def test_vectors_are_mixed_linearly():
    inputs, mix, masks, ratios = mixed((5, 3, 4), cutmix_probability=0)
    np.testing.assert_array_equal(masks, ratios)
    twin = 3 * np.einsum("nm,nmf->nf", ratios, inputs)
    np.testing.assert_allclose(mix, twin, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "shape", "match"),
    [
        ({"cutmix_probability": 1.5}, None, "cutmix_probability=1.5"),
        ({"cutmix_decay": -1}, None, "cutmix_decay=-1"),
        ({"concentration": 0}, None, "concentration=0"),
        ({}, (2, 1, 4, 4, 3), "at least 2 members"),
        ({}, (2, 3), "at least 2 members"),
        ({}, (2, 3, 4), "cutmix_probability=0"),
    ],
)
def test_bad_input(options, shape, match):
    with pytest.raises(InputError, match=match):
        layer = MixMembers(**options)
        layer(np.zeros(shape, "float32"))


def test_a_small_concentration_gives_all_to_one_member():
    layer = MixMembers(concentration=1e-3, cutmix_probability=1.0, seed=0)
    x = np.ones((8, 3, 4, 4, 1), "f")
    mixed, masks, ratios = layer(x, training=True)
    for found in (mixed, masks, ratios):
        assert np.isfinite(found).all()
    np.testing.assert_allclose(np.sum(masks, -1), 1, atol=1e-6)
    np.testing.assert_allclose(np.sum(ratios, -1), 1, atol=1e-6)
