"""Whole templates, dealt by hand and at random."""

import hypothesis
import hypothesis.strategies as st

from mimo_keras.methods.template_shares import (
    distinct_sets,
    round_robin,
    share_out,
    shared_blob,
)


def shared(sizes, weights, most, numbers):
    """With nothing but these groups in the network."""
    return share_out(sizes, weights, most, numbers, sum(weights))


def test_exact_shares():
    # Weights 3 · 10 and 2 · 30: of 90 numbers, 30 and 60.
    assert shared([10, 30], [30, 60], [9, 9], 90) == ([3, 2], set())


def test_what_is_left_over_goes_to_the_largest_remainder():
    # 85: 28.33 and 56.67 numbers, 2.83 and 1.89 templates. Rounded down they
    # take 50; of the 35 left, 1.89 - 1 is the largest remainder, and 5 fit no
    # other.
    assert shared([10, 30], [30, 60], [9, 9], 85) == ([2, 2], set())
    # 5 more, and the small one gets its third.
    assert shared([10, 30], [30, 60], [9, 9], 90 - 1) == ([2, 2], set())
    assert shared([10, 30], [30, 60], [9, 9], 92) == ([3, 2], set())
    # The large one does not fit into 15, the small one does.
    assert shared([10, 30], [30, 60], [9, 9], 75) == ([4, 1], set())


def test_a_share_below_one_template_gets_one_and_the_others_share_the_rest():
    # Of 60: 20 and 40. Of 40: 13.3 and 26.7, the second below its 30. It gets
    # 30, the first the 10 that are left.
    assert shared([10, 30], [30, 60], [9, 9], 60) == ([3, 1], set())
    assert shared([10, 30], [30, 60], [9, 9], 40) == ([1, 1], {1})


def test_at_the_least_every_group_has_one_template():
    counts, small = shared([10, 30, 5], [20, 60, 50], [9, 9, 9], 45)
    assert counts == [1, 1, 1]
    assert small >= {0, 1}


def test_no_more_templates_than_can_be_used():
    assert shared([10, 30], [30, 60], [4, 2], 10_000) == ([4, 2], set())


def test_what_groups_do_not_need_of_their_shares_goes_on_to_others():
    # Of 200: 60, 120 and, as 10 of 100 are something else, 20 are left. A
    # single layer of 30 needs only those.
    whole = [10, 30], [30, 60], [9, 1], 200, 100
    assert share_out(*whole) == ([9, 1], set())
    # Half of 100 is 15, 30 and 5: enough for one each. 5 of 50 are left.
    assert share_out([10, 30], [30, 60], [9, 9], 50, 100) == ([2, 1], set())


def test_distinct_sets_by_hand():
    def starts(layers, turns, templates, count):
        found = distinct_sets(layers, turns, templates, 10, 10 * count)
        return [place // 10 for place in found]

    # Disjoint while they last: 01 23 45, then 12 34 50 that are new.
    assert starts(2, 3, 2, 6) == [0, 2, 4, 1, 3, 5]
    # 01 23 12 30, then 12 30 23 01: 4 members share 4 templates.
    assert starts(2, 4, 2, 4) == [0, 2, 1, 3, 1, 3, 2, 0]
    # Two starts for three members: one comes again.
    assert starts(1, 3, 1, 2) == [0, 1, 0]


@hypothesis.given(*[st.integers(1, 7)] * 3, st.integers(1, 12))
@hypothesis.settings(deadline=None)
def test_sets_of_a_layer_differ_while_there_are_others(
    layers, turns, templates, count
):
    templates = min(templates, count)
    found = distinct_sets(layers, turns, templates, 3, 3 * count)
    for layer in range(layers):
        mine = found[layer * turns : (layer + 1) * turns]
        assert len({*mine}) == min(turns, count)
    # The first ones are dealt as if nothing were ever given away twice.
    first = count // templates
    assert (
        found[:first] == [3 * templates * k for k in range(first)][: len(found)]
    )


groups = st.lists(
    st.tuples(st.integers(1, 500), st.integers(1, 12), st.integers(1, 60)),
    min_size=1,
    max_size=6,
)


@hypothesis.given(groups, st.integers(0, 20_000))
@hypothesis.settings(deadline=None, max_examples=200)
def test_the_budget_is_held_and_used_up(drawn, extra):
    sizes, layers, most = (list(column) for column in zip(*drawn, strict=True))
    numbers = sum(sizes) + extra
    weights = [n * size for n, size in zip(layers, sizes, strict=True)]
    counts, small = shared(sizes, weights, most, numbers)
    used = sum(n * size for n, size in zip(counts, sizes, strict=True))
    assert used <= numbers
    for index, (size, count) in enumerate(zip(sizes, counts, strict=True)):
        assert 1 <= count <= most[index]
        # The rest is not enough for another useful template.
        if index not in small and count < most[index]:
            assert numbers - used < size


def test_round_robin_by_hand():
    # 7 templates of 10 numbers, 5 a layer: 0-4, then 5 6 0 1 2, then 3 4 5 6 0.
    assert round_robin(4, 5, 10, 70) == [0, 50, 30, 10]


def test_a_blob_by_hand():
    # Blob of 20. Size 6: templates 0-5, 6-11. Size 9: two from 12, to the
    # blob's end and on to its 9. Size 30 is for no one; size 4 from 10.
    assert shared_blob([6, 9, 4], 2, 20) == [(2, 0), (2, 12), (2, 10)]
    # Only one template of 11 fits.
    assert shared_blob([11, 5], 3, 20) == [(1, 0), (3, 11)]


@hypothesis.given(
    st.lists(st.integers(1, 40), min_size=1, max_size=9),
    st.integers(1, 8),
    st.integers(40, 400),
)
@hypothesis.settings(deadline=None)
def test_a_layers_templates_never_overlap(sizes, most, numbers):
    for size, (templates, place) in zip(
        sizes, shared_blob(sizes, most, numbers), strict=True
    ):
        entries = {(place + n) % numbers for n in range(templates * size)}
        assert len(entries) == templates * size >= size
