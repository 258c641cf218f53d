"""Scoring on a set with its own classes, against loops and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mimo_keras.errors import InputError
from mimo_keras.evaluation import class_groups, suites
from mimo_keras.prediction import precise

K = 7
LOGITS = hnp.arrays(
    np.float32, (5, 2, K), elements=st.floats(-50, 50, width=32)
)
WEIGHTS = np.log([0.75, 0.25])


@st.composite
def groupings(draw):
    """Disjoint groups of classes, at least one of which is not empty."""
    order = draw(st.permutations(range(K)))
    cuts = sorted(draw(st.lists(st.integers(1, K), min_size=1, max_size=4)))
    starts = [0, *cuts[:-1]]
    return tuple(tuple(order[a:b]) for a, b in zip(starts, cuts, strict=True))


def by_loops(log_probabilities, groups, others):
    """The NumPy twin: one example and one class at a time."""
    rows = []
    for row in np.exp(log_probabilities):
        merged = []
        if others:
            grouped = {k for group in groups for k in group}
            merged += [row[k] for k in range(K) if k not in grouped]
        merged += [
            max((row[k] for k in group), default=0.0) for group in groups
        ]
        rows.append(np.array(merged) / sum(merged))
    return np.array(rows)


@settings(max_examples=60, deadline=None)
@given(LOGITS, groupings())
def test_both_ways_agree_with_loops(logits, groups):
    mixture = precise.log_softmax(logits[:, 0])
    for merged, others in (
        (class_groups.own_classes, False),
        (class_groups.all_classes, True),
    ):
        found = np.exp(merged(mixture, groups))
        np.testing.assert_allclose(
            found, by_loops(mixture, groups, others), atol=1e-9
        )
        np.testing.assert_allclose(found.sum(-1), 1.0)


@settings(max_examples=60, deadline=None)
@given(LOGITS, groupings(), st.integers(0, 6))
def test_all_classes_asks_whether_the_best_of_all_is_in_the_group(
    logits, groups, seed
):
    groups = tuple(group for group in groups if group)
    labels = np.random.default_rng(seed).integers(0, len(groups), len(logits))
    found = class_groups.evaluate(
        lambda images: images, [(logits, labels)], K, WEIGHTS, groups
    )["all_classes"]
    mixture = precise.log_mixture(precise.log_softmax(logits), WEIGHTS)
    inside, tied = [], 0
    for row, label in zip(mixture, labels, strict=True):
        inside.append(row.argmax() in groups[label])
        tied += np.sort(row)[-2] > row.max() - 1e-9
    accuracy = found.result()["accuracy"]
    assert abs(accuracy - np.mean(inside)) <= tied / len(labels) + 1e-9


def test_a_tie_with_a_class_of_no_group_does_not_flatter():
    found = class_groups.evaluate(
        lambda x: x,
        [(np.zeros((3, 2, 4)), [0, 1, 1])],
        4,
        WEIGHTS,
        ((0,), (1,)),
    )
    assert found["all_classes"].result()["accuracy"] == 0


@settings(max_examples=30, deadline=None)
@given(LOGITS, st.integers(0, 9))
def test_groups_of_one_over_all_classes_are_plain_scoring(logits, seed):
    labels = np.random.default_rng(seed).integers(0, K, len(logits))
    batches = [(logits[:2], labels[:2]), (logits[2:], labels[2:])]
    plain = suites.evaluate(lambda x: x, batches, K, WEIGHTS).result()
    both = class_groups.evaluate(
        lambda x: x, batches, K, WEIGHTS, [(k,) for k in range(K)]
    )
    for metrics in class_groups.results(both).values():
        for name, value in metrics.items():
            np.testing.assert_allclose(value, plain[name], atol=1e-9)


def test_a_case_by_hand():
    # Two members; their mean is (.4, .1, .2, .3).
    members = [[[0.5, 0.1, 0.2, 0.2], [0.3, 0.1, 0.2, 0.4]]]
    groups = ((2, 1), (3,))
    own, every = (
        merged(np.log(np.mean(members, axis=1)), groups)
        for merged in class_groups.WAYS.values()
    )
    np.testing.assert_allclose(np.exp(own), [[0.4, 0.6]])
    # Class 0 is in no group, and the most probable.
    np.testing.assert_allclose(np.exp(every), [[4 / 9, 2 / 9, 3 / 9]])
    both = class_groups.evaluate(
        lambda x: x, [(np.log(members), [1])], 4, np.log([0.5, 0.5]), groups
    )
    found = class_groups.results(both)
    assert {way: set(metrics) for way, metrics in found.items()} == {
        way: set(class_groups.METRICS) for way in ("own_classes", "all_classes")
    }
    assert found["own_classes"]["accuracy"] == 1
    assert found["all_classes"]["accuracy"] == 0
    assert found["own_classes"]["nll"] == pytest.approx(-np.log(0.6))
    assert found["all_classes"]["nll"] == pytest.approx(-np.log(3 / 9))


def test_members_are_mixed_before_classes_are_merged():
    # Each member alone ranks the first group first, but their mean does not.
    members = np.log([[[0.4, 0.0001, 0.3, 0.2999], [0.0001, 0.4, 0.3, 0.2999]]])
    found = class_groups.predicted(
        lambda x: x, [(members, [0])], 4, np.log([0.5, 0.5]), ((0, 1), (2,))
    )
    np.testing.assert_array_equal(found, [1])


def test_a_class_without_group_members_is_never_predicted():
    logits = np.full((3, 1, 4), -200.0)
    groups = ((), (0,), (), (3, 2), ())
    logits[[0, 1, 2], 0, [0, 2, 3]] = -100
    batches = [(logits[:1], None), (logits[1:], None)]
    found = class_groups.predicted(lambda x: x, batches, 4, [0.0], groups)
    np.testing.assert_array_equal(found, [1, 3, 3])
    np.testing.assert_array_equal(
        class_groups.own_classes(logits[0], groups)[:, [0, 2, 4]],
        np.full((1, 3), -np.inf),
    )
    with pytest.raises(InputError, match=r"groups\[0\]"):
        class_groups.evaluate(lambda x: x, batches, 4, [0.0], groups)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (((0, 1), (1,)), "class 1"),
        (((0, 4),), "class 4"),
        (((-1,),), "class -1"),
        (((2, 2),), "class 2"),
        ((), "at least one group"),
        (((),), "at least one group"),
    ],
)
def test_wrong_groups_are_one_line(groups, message):
    for merged in class_groups.WAYS.values():
        with pytest.raises(InputError, match=message) as caught:
            merged(np.log([[0.25] * 4]), groups)
        assert "\n" not in str(caught.value)


def test_a_label_outside_of_the_groups_is_one_line():
    logits = np.zeros((2, 1, 4))
    with pytest.raises(InputError, match="labels from 0 to 1"):
        class_groups.evaluate(
            lambda x: x, [(logits, [0, 2])], 4, [0.0], ((0,), (1,))
        )


def test_labels_of_imagenet_become_labels_of_the_set():
    groups = ((6,), (11, 12), (99,))
    batches = [("a", np.array([11, 6])), ("b", np.array([99, 12]))]
    found = list(class_groups.renumbered(batches, groups, "a set"))
    assert [images for images, _ in found] == ["a", "b"]
    np.testing.assert_array_equal([x for _, x in found], [[1, 0], [2, 1]])
    broken = [*batches, ("c", np.array([6, 7]))]
    with pytest.raises(InputError, match="3 classes of a set.*7 of record 5"):
        list(class_groups.renumbered(broken, groups, "a set"))


def test_no_batch_is_one_line():
    with pytest.raises(InputError, match="batches=0"):
        class_groups.predicted(None, [], 4, [0.0], ((0,),))
    both = class_groups.evaluate(None, [], 4, [0.0], ((0,),))
    with pytest.raises(InputError, match="at least one evaluated example"):
        class_groups.results(both)


def test_averaged_logits_are_averaged_before_classes_are_merged():
    logits = np.zeros((1, 2, K))
    logits[0, 0, 0], logits[0, 1, 1] = 8.0, 3.0
    groups = ((0,), (1,))

    def found(average):
        arguments = (lambda x: x, [(logits, [0])], K, np.log([0.2, 0.8]))
        best = class_groups.predicted(*arguments, groups, average=average)
        way = class_groups.evaluate(*arguments, groups, average=average)
        return best[0], way["own_classes"].result()["nll"]

    # Logits of 1.6 and 2.4; probabilities near 0.23 and 0.63.
    assert found("logits") == (1, pytest.approx(np.log1p(np.exp(0.8))))
    assert found("probabilities")[1] != found("logits")[1]
