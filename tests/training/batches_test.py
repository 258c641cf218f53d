"""What members see: counts, the common tail, fair independent orders."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from mimo_keras.methods import Sampling
from mimo_keras.training.batches import (
    by_member,
    flat,
    member_rows,
    rows,
    shared_rows,
)

shares = st.fractions(0, 1, max_denominator=1000)
seeds = st.integers(0, 2**31 - 1)


def _rows(batch_size, sampling, seed):
    return np.array(member_rows(batch_size, sampling, seed))


def _head(rows):
    """The number of rows before the tail of rows with one image."""
    differing = np.flatnonzero((rows != rows[:, :1]).any(axis=1))
    return differing[-1] + 1 if differing.size else 0


@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 4), shares, seeds)
@settings(max_examples=40, deadline=None)
def test_every_member_sees_every_image_equally_often(
    batch_size, repetitions, members, share, seed
):
    sampling = Sampling(members, repetitions, float(share))
    rows = _rows(batch_size, sampling, seed)
    wanted = np.repeat(np.arange(batch_size), repetitions)
    assert rows.shape == (batch_size * repetitions, members)
    for column in rows.T:
        np.testing.assert_array_equal(np.sort(column), wanted)
    head = math.floor(len(rows) * (1 - share))
    tail = rows[head:]
    np.testing.assert_array_equal(tail, tail[:, :1].repeat(members, axis=1))


@given(
    st.integers(1, 9),
    st.integers(1, 4),
    st.integers(1, 4),
    shares,
    st.integers(1, 10),
    seeds,
)
@settings(max_examples=60, deadline=None)
def test_each_group_of_images_is_a_batch_of_its_own(
    batch_size, repetitions, members, share, size, seed
):
    sampling = Sampling(members, repetitions, float(share), size)
    rows = _rows(batch_size, sampling, seed)
    images = np.arange(batch_size)
    for start in range(0, batch_size, size):
        group = images[start : start + size]
        found, rows = np.split(rows, [len(group) * repetitions])
        for column in found.T:
            np.testing.assert_array_equal(
                np.sort(column), np.repeat(group, repetitions)
            )
        tail = found[math.floor(len(found) * (1 - share)) :]
        np.testing.assert_array_equal(tail, tail[:, :1].repeat(members, axis=1))
    assert not len(rows)


@pytest.mark.parametrize("group", [0, 2])
def test_each_view_of_an_image_is_a_copy_of_its_own(group):
    sampling = Sampling(3, 2, 0.25, group)
    numbers = np.arange(5 * 6).reshape(5, 6, 1)
    seen, images = rows(numbers, 3, sampling, 7, copies=True)
    seen = np.asarray(seen)[..., 0]
    np.testing.assert_array_equal(np.sort(seen, axis=None), np.arange(30))
    np.testing.assert_array_equal(seen // 6, images)
    np.testing.assert_array_equal(images, member_rows(5, sampling, 7))
    # A member has copies of its own, also where all see the same image.
    np.testing.assert_array_equal(seen % 3, np.tile(np.arange(3), (10, 1)))


@given(st.integers(1, 9), st.integers(0, 3), st.integers(1, 4), shares, seeds)
@settings(max_examples=30, deadline=None)
def test_a_group_of_all_images_is_no_group(
    batch_size, more, repetitions, share, seed
):
    plain, grouped = (
        Sampling(3, repetitions, float(share), size)
        for size in (0, batch_size + more)
    )
    np.testing.assert_array_equal(
        _rows(batch_size, grouped, seed), _rows(batch_size, plain, seed)
    )


def test_each_group_shuffles_the_head_of_its_rows():
    # With nine members and seven images, chance agreement has p = 7 ** -8.
    rows = _rows(17, Sampling(9, 2, 0.5, 7), 4)
    heads = [_head(part) for part in np.split(rows, [14, 28])]
    assert heads == [7, 7, 3]


@given(st.integers(7, 40), st.integers(1, 3), shares, seeds)
@settings(max_examples=40, deadline=None)
def test_the_head_has_floor_of_n_times_one_minus_rho_rows(
    batch_size, repetitions, share, seed
):
    # With nine members and seven images, chance agreement has p = 7 ** -8.
    sampling = Sampling(9, repetitions, float(share))
    head = math.floor(batch_size * repetitions * (1 - share))
    # One row alone cannot be shuffled.
    wanted = head if head > 1 else 0
    assert _head(_rows(batch_size, sampling, seed)) == wanted


@pytest.mark.parametrize(
    ("batch_size", "probability", "head"),
    [
        # In floats, the product of the first three is slightly too small.
        (10, 0.8, 2),
        (50, 0.9, 5),
        (20, 0.9, 2),
        (30, 1 / 3, 20),
        (31, 1 / 3, 20),
        (10, 0.7, 3),
        (10, 0.0, 10),
        (10, 1.0, 0),
        (10, 0.55, 4),
    ],
)
def test_the_head_of_probabilities_that_floats_cannot_hold(
    batch_size, probability, head
):
    assert _head(_rows(batch_size, Sampling(9, 1, probability), 3)) == head


def test_the_batch_size_may_be_known_only_when_the_step_runs():
    for probability, group in itertools.product((0.0, 2 / 3, 0.9, 1.0), (0, 4)):
        sampling = Sampling(3, 2, probability, group)
        dynamic = tf.function(
            lambda batch_size, sampling=sampling: member_rows(
                batch_size, sampling, 8
            ),
            input_signature=[tf.TensorSpec((), tf.int32)],
        )
        for batch_size in (1, 5, 10):
            np.testing.assert_array_equal(
                dynamic(batch_size), _rows(batch_size, sampling, 8)
            )


def test_a_seed_fixes_the_draw():
    sampling = Sampling(3, 4, 0.25)
    first = _rows(16, sampling, 1)
    np.testing.assert_array_equal(first, _rows(16, sampling, 1))
    assert (first != _rows(16, sampling, 2)).any()


def test_a_generator_has_new_draws_each_time():
    generator = keras.random.SeedGenerator(1)
    draws = [_rows(16, Sampling(1), generator) for _ in range(3)]
    assert len({draw.tobytes() for draw in draws}) == 3


@pytest.fixture(scope="module")
def draws():
    """2000 draws of 8 rows of 4 images for 2 members, with ρ = 0.5."""
    generator = keras.random.SeedGenerator(6)
    draw = tf.function(lambda: member_rows(4, Sampling(2, 2, 0.5), generator))
    return np.stack([draw().numpy() for _ in range(2000)])


def _chi_square(outcomes, cells):
    counts = np.bincount(outcomes, minlength=cells)
    wanted = len(outcomes) / cells
    return np.sum((counts - wanted) ** 2 / wanted)


def test_each_member_draws_fairly_in_the_head(draws):
    """3 degrees of freedom; 16.3 is the statistic's 0.1% quantile."""
    for row, member in ((0, 0), (0, 1), (3, 0), (3, 1)):
        assert _chi_square(draws[:, row, member], 4) < 16.3


def test_the_common_tail_is_drawn_fairly(draws):
    """3 degrees of freedom; 16.3 is the statistic's 0.1% quantile."""
    for row in (4, 7):
        assert _chi_square(draws[:, row, 0], 4) < 16.3


def test_without_a_common_tail_the_members_are_independent():
    """15 degrees of freedom; 37.7 is the statistic's 0.1% quantile."""
    generator = keras.random.SeedGenerator(7)
    draw = tf.function(lambda: member_rows(4, Sampling(3, 2), generator))
    draws = np.stack([draw().numpy() for _ in range(2000)])
    for first, second in ((0, 1), (1, 2), (0, 2)):
        pairs = draws[:, 5, first] * 4 + draws[:, 5, second]
        assert _chi_square(pairs, 16) < 37.7


@pytest.mark.parametrize("probability", [0.0, 0.5])
def test_members_agree_as_often_as_chance_has_it(probability):
    """In 200 draws of 64 rows; tolerance: six standard errors of 0.003."""
    sampling = Sampling(2, 8, probability)
    agreements = [
        np.mean(np.equal(*_rows(8, sampling, seed).T)) for seed in range(200)
    ]
    # A member shuffles the images in the head's k rows: given their counts
    # c_i, two shuffles agree in a row with probability Σ c_i² / k².
    rows = 64
    head = int(rows * (1 - probability))
    spread = (rows - head) / (rows - 1) * 8 * (1 / 8) * (7 / 8) / head
    by_chance = 1 / 8 + spread
    wanted = (head * by_chance + rows - head) / rows
    assert abs(np.mean(agreements) - wanted) < 0.018


def test_rows_are_formed_fairly_in_a_group():
    """3 degrees of freedom; 16.3 is the statistic's 0.1% quantile."""
    generator = keras.random.SeedGenerator(8)
    sampling = Sampling(2, 2, 0.5, 4)
    draw = tf.function(lambda: member_rows(12, sampling, generator))
    draws = np.stack([draw().numpy() for _ in range(2000)])
    for row, member in ((8, 0), (11, 1), (12, 0), (15, 1)):
        assert _chi_square(draws[:, row, member] - 4, 4) < 16.3


def test_shared_rows_show_every_component_the_same():
    np.testing.assert_array_equal(shared_rows(3, 2), [[0, 0], [1, 1], [2, 2]])


def test_rows_of_a_step_show_each_member_its_own_images():
    """Two components a member, such as two depths, saw the same."""
    images = np.arange(12.0).reshape(4, 3)
    seen, index = rows(images, 4, Sampling(2, 3), 9)
    drawn = _rows(4, Sampling(2, 3), 9)
    np.testing.assert_array_equal(seen, images[drawn])
    np.testing.assert_array_equal(index, np.hstack([drawn, drawn]))


def test_rows_of_a_step_are_the_batch_where_members_share_it():
    images = np.arange(6.0).reshape(2, 3)
    seen, index = rows(images, 3, Sampling(), None)
    assert seen is images
    np.testing.assert_array_equal(index, [[0, 0, 0], [1, 1, 1]])


def test_members_get_targets_and_weights_of_what_they_saw():
    targets, weights = (
        np.array([[1.0], [2.0], [3.0]]),
        np.array([0.1, 0.2, 0.3]),
    )
    logits = np.zeros((2, 2, 1))
    predicted = {"rows": np.array([[2, 0], [1, 1]]), "logits": logits}
    own, outputs, picked = by_member(targets, predicted, weights)
    np.testing.assert_array_equal(own, [[[3.0], [1.0]], [[2.0], [2.0]]])
    np.testing.assert_allclose(picked, [[0.3, 0.1], [0.2, 0.2]])
    assert outputs is logits
    assert by_member(targets, predicted)[2] is None


def test_all_members_get_the_same_in_prediction():
    own, outputs, _ = by_member(np.array([5, 7]), np.zeros((2, 3, 4)))
    np.testing.assert_array_equal(own, [[5, 5, 5], [7, 7, 7]])
    assert outputs.shape == (2, 3, 4)


def test_flat_is_a_row_for_each_member():
    targets, weights = np.array([[1, 2], [3, 4]]), np.array([[0, 1], [1, 0]])
    outputs = np.arange(12.0).reshape(2, 2, 3)
    found = flat(targets, outputs, weights)
    wanted = [1, 2, 3, 4], outputs.reshape(4, 3), [0, 1, 1, 0]
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)
    assert flat(targets, outputs, None)[2] is None
