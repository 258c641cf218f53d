"""Every public layer at sizes, members and types that Hypothesis draws."""

import keras
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mimo_keras import layers
from mimo_keras.layers import batch_ensemble
from tests.layers.cases import BATCH, CASES, TENSORFLOW, Case
from tests.layers.conformance_test import (
    MIXTURES,
    WITHOUT_ROWS,
    arrays,
    assert_close,
)

# Policy -> compute dtype and tolerance.
POLICIES = {
    "float32": ("float32", 1e-5),
    "mixed_bfloat16": ("bfloat16", 0.05),
    "bfloat16": ("bfloat16", 0.05),
    "mixed_float16": ("float16", 0.01),
    "float16": ("float16", 0.01),
}
_POINT = {"class_name": "TrainableDeterministic"}
_POINTS = {"alpha_initializer": _POINT, "gamma_initializer": _POINT}


def _shape(name):
    if "Dense" in name:
        return (6,)
    return (4, 2) if "1D" in name else (4, 4, 2)


# edward2's layers are not in the conformance test. rank1_factors_test.py has
# the rank-1 ones on JAX.
EDWARD2 = [
    Case(name, _shape(name), options, members=2)
    for name, options in {
        "Conv1DBatchEnsemble": {"filters": 3, "kernel_size": 2},
        "Conv1DRank1": {"filters": 3, "kernel_size": 2, **_POINTS},
        "Conv2DBatchEnsemble": {"filters": 3, "kernel_size": 3},
        "Conv2DRank1": {"filters": 3, "kernel_size": 3, **_POINTS},
        "DenseBatchEnsemble": {"units": 3},
        "DenseRank1": {"units": 3, **_POINTS},
        "DepthwiseConv2DBatchEnsemble": {"kernel_size": 3, "strides": 2},
    }.items()
    if options.update(ensemble_size=2) is None
    and (TENSORFLOW or "BatchEnsemble" in name)
]
EVERY = [*CASES, *EDWARD2]
# Layers whose outputs have the members on the axis after the batch.
BY_MEMBER = [
    case
    for case in EVERY
    if case.members
    or {"heads"} & {*case.arguments}
    or case.name in ("DemultiplexMembers", "RepeatMembers")
]
# Shrinking a failure takes minutes, and these cases are small already.
few = settings(
    max_examples=3 if TENSORFLOW else 2,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)
# JAX compiles again for each size, so there sizes are those of the cases.
sides = st.integers(3, 6) if TENSORFLOW else st.just(4)
counts = st.integers(1, 5) if TENSORFLOW else st.just(BATCH)


def members_of(case, least=1):
    if case.name == "MixMembers":
        least = 2  # It rejects a single member.
    least = max(least, 1 + case.arguments.get("member", 0))
    return st.integers(least, 4) if TENSORFLOW else st.just(max(2, least))


def test_every_public_layer_is_here():
    without_rows = {*WITHOUT_ROWS, *MIXTURES}
    rank1 = {name for name in batch_ensemble.NAMES if "Rank1" in name}
    missing = set() if TENSORFLOW else rank1
    named = {case.name for case in EVERY} | without_rows | missing
    assert named == {*layers.__all__}


@pytest.mark.parametrize("case", EVERY, ids=str)
@few
@given(data=st.data())
def test_shapes_types_and_rows(case, data):
    # edward2's distributions are float32, whatever the weights are.
    known = [p for p in sorted(POLICIES) if case in CASES or "mixed" in p]
    policy = data.draw(st.sampled_from(known))
    rows = data.draw(counts)
    compute, error = POLICIES[policy]
    case = case.sized(data.draw(members_of(case)), data.draw(sides))
    keras.config.set_dtype_policy("float32")
    exact, x = case.network(), case.inputs(rows)
    wanted = arrays(exact(x))
    keras.config.set_dtype_policy(policy)
    network = case.network()
    network.set_weights(exact.get_weights())
    outputs = network(x)
    check_types(case, outputs, compute)
    check_shapes(network, outputs, x)
    found = arrays(outputs)
    # Sums round like their largest terms, however small they are.
    largest = max(np.abs(a).max() for a in keras.tree.flatten(wanted))
    assert_close(found, wanted, rtol=error, atol=error * max(1, largest))
    order = np.array(data.draw(st.permutations(range(rows))))
    permuted = keras.tree.map_structure(lambda a: a[order], found)
    assert_close(network(x[order]), permuted, rtol=error / 10, atol=error / 10)
    twin = keras.Model.from_config(network.get_config())
    twin.set_weights(network.get_weights())
    assert_close(twin(x), outputs, rtol=0)


def check_types(case, outputs, compute):
    """Outputs have the compute dtype, or float32 where the case says so."""
    flat = keras.tree.flatten(outputs)
    low = case.low if isinstance(case.low, tuple) else (case.low,) * len(flat)
    assert [keras.backend.standardize_dtype(o.dtype) for o in flat] == [
        compute if dtype == "bfloat16" else dtype for dtype in low
    ]


def check_shapes(network, outputs, x):
    """Shapes computed before the call are right, with or without a batch."""
    true = [tuple(o.shape) for o in keras.tree.flatten(outputs)]
    for batch in (len(x), None):
        symbolic = network(keras.KerasTensor((batch, *x.shape[1:]), x.dtype))
        told = [tuple(o.shape) for o in keras.tree.flatten(symbolic)]
        assert told == [(batch, *shape[1:]) for shape in true]


@pytest.mark.parametrize("case", BY_MEMBER, ids=str)
@few
@given(data=st.data())
def test_a_member_is_the_layer_with_its_own_weights(case, data):
    members, side = data.draw(members_of(case, least=2)), data.draw(sides)
    case = case.sized(members, side)
    network, x = case.network(), case.inputs()
    rng = np.random.default_rng(0)
    network.set_weights(
        [rng.uniform(0.5, 1.5, w.shape) for w in network.get_weights()]
    )
    together = arrays(network(x))
    for member in range(members):
        one = alone(case, member, side).network()
        pairs = zip(network.get_weights(), one.weights, strict=True)
        one.set_weights([part(w, like.shape, member) for w, like in pairs])
        seen = x[:, [member]] if case.stacked else x
        found = arrays(one(seen))[:, 0]
        np.testing.assert_allclose(
            together[:, member], found, rtol=1e-4, atol=1e-5
        )


def alone(case, member, side):
    """The case for one member, with its templates at the same offsets."""
    one, offset = case.sized(1, side), case.arguments.get("offset")
    if isinstance(offset, tuple):
        one.arguments["offset"] = (offset[member],)
    return one


def part(weights, shape, member):
    """A member's weights: shared ones, and its part of member-major ones."""
    for axis, size in enumerate(shape):
        if weights.shape[axis] != size:
            start = member * size
            return weights.take(range(start, start + size), axis)
    return weights


shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3)


def numbered(*shape):
    return np.arange(np.prod(shape), dtype="float32").reshape(shape)


@few
@given(st.integers(1, 4), st.integers(1, 4), shapes)
def test_folding_and_unfolding_invert_each_other(members, rows, shape):
    fold = layers.FoldMembers(members, by_member=True)
    unfold = layers.UnfoldMembers(members)
    x = numbered(rows, members, *shape)
    folded = arrays(fold(x))
    # Member-major: all rows of member 0 come first.
    np.testing.assert_array_equal(folded, np.concatenate(np.moveaxis(x, 1, 0)))
    np.testing.assert_array_equal(arrays(unfold(folded)), x)
    np.testing.assert_array_equal(arrays(fold(unfold(folded))), folded)


@few
@given(st.integers(1, 4), st.integers(1, 4), shapes)
def test_channels_of_members_come_in_their_order(members, rows, shape):
    x = numbered(rows, members, *shape)
    joined = arrays(layers.ConcatenateMembers()(x))
    parts = np.split(joined, members, axis=-1)
    repeated = arrays(layers.RepeatMembers(members)(x[:, 0]))
    for member in range(members):
        np.testing.assert_array_equal(parts[member], x[:, member])
        chosen = layers.SelectMember(member)(x)
        np.testing.assert_array_equal(arrays(chosen), x[:, member])
        np.testing.assert_array_equal(repeated[:, member], x[:, 0])


@few
@given(
    st.integers(1, 4),
    shapes,
    st.sampled_from(layers.AlignedKernels.ALIGNMENTS),
    st.integers(0, 9),
)
def test_aligned_kernels_are_one_kernel_times_numbers(
    members, shape, alignment, seed
):
    one = keras.initializers.RandomUniform(0.5, 1.5, seed=seed)
    start = layers.AlignedKernels(alignment, one, seed)
    kernels = arrays(start((members, *shape)))
    factors = kernels.reshape(members, -1) / kernels.reshape(members, -1)[:1]
    np.testing.assert_allclose(factors, factors[:, :1] + 0 * factors, rtol=1e-5)
    assert alignment == "colinear" or (factors == 1).all()
    twin = layers.AlignedKernels.from_config(start.get_config())
    assert_close(twin((members, *shape)), kernels, rtol=0)


@few
@given(st.integers(1, 50), st.sampled_from(sorted(POLICIES)))
def test_a_bank_hands_out_its_numbers_under_any_policy(size, policy):
    keras.config.set_dtype_policy(policy)
    bank = layers.TemplateBank(size)
    numbers = bank(np.zeros((2, 3)))
    assert keras.backend.standardize_dtype(numbers.dtype) == "float32"
    np.testing.assert_allclose(
        arrays(numbers), arrays(bank.weights[0]).ravel(), rtol=0.01
    )
