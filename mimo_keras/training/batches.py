"""Forms the rows of a training step: which image each member sees."""

import fractions

from keras import ops

from mimo_keras.layers import draws


def member_rows(batch_size, sampling, seed):
    """Draws which image each member sees in each row of a training step.

    The B indices, repeated R times, are shuffled. Each member shuffles the
    first k = floor(N·(1 - ρ)) of these N = B·R rows independently; the rest
    hold the same image for all members. So every member sees each image R
    times. With groups of g images, 0 … g-1, g … 2g-1 and so on, rows are
    formed within each group.

    Args:
        batch_size: B, the number of images: an integer, or a scalar integer
            tensor if it is not known before the step runs.
        sampling: `Sampling`: members M, batch_repetitions R,
            input_repetition_probability ρ and shuffle_group g.
        seed: keras.random.SeedGenerator, or an integer for one fixed draw.

    Returns:
        Integer tensor (N, M) of indices in 0 … B-1, group by group.

    Reference:
        Havasi et al., ICLR 2021, section 3.5 (batch and input repetition).
    """
    return _places(batch_size, sampling, seed) % batch_size


def _places(batch_size, sampling, seed):
    """Draws as `member_rows` does, and also which repetition of an image it is.

    Returns:
        Integer tensor (N, M) of r·B + b for repetition r of image b.
    """
    rows = batch_size * sampling.batch_repetitions
    # A single draw: the first row of scores orders the images, and each
    # further row one member's.
    scores = draws.uniform((sampling.members + 1, rows), seed)
    if sampling.shuffle_group:
        return _grouped_rows(batch_size, sampling, scores)
    independent = _share(rows, 1.0 - sampling.input_repetition_probability)
    places = ops.argsort(scores[0])
    orders = ops.argsort(scores[1:, :independent], axis=1)
    shuffled = ops.take(places, ops.transpose(orders), axis=0)
    same = ops.repeat(
        ops.expand_dims(places[independent:], 1), sampling.members, axis=1
    )
    return ops.concatenate([shuffled, same], axis=0)


def _grouped_rows(batch_size, sampling, scores):
    """Forms rows as `_places` does, but within each group of images."""
    share = 1.0 - sampling.input_repetition_probability
    images = sampling.shuffle_group
    size = images * sampling.batch_repetitions
    count = batch_size * sampling.batch_repetitions
    places = ops.arange(count, dtype="int32")
    order = _sorted_in(places % batch_size // images, _ranks(scores[:1]))[0]
    # Now the groups are contiguous; the last one may be smaller.
    group = places // size
    heads = ops.where(
        group < count // size, _share(size, share), _share(count % size, share)
    )
    shuffled = places % size < heads
    ranks = ops.where(shuffled, _ranks(scores[1:]), places)
    block = 2 * group + ops.cast(~shuffled, "int32")
    return ops.take(order, ops.transpose(_sorted_in(block, ranks)), axis=0)


def _ranks(scores):
    """Returns each score's rank (…, N) within its line."""
    places = ops.argsort(ops.argsort(scores, axis=1), axis=1)
    return ops.cast(places, "int32")


def _sorted_in(blocks, ranks):
    """Returns the places (…, N) sorted by block, and by rank within a block."""
    # Integers: adding blocks to the scores would lose precision.
    return ops.argsort(blocks * ops.shape(ranks)[1] + ranks, axis=1)


def shared_rows(batch_size, components):
    """Returns the (B, E) indices when all members see the same images."""
    column = ops.expand_dims(ops.arange(batch_size, dtype="int32"), 1)
    return ops.repeat(column, components, axis=1)


def rows(images, components, sampling, seed, copies=False):
    """Forms the rows of a training step from a batch.

    Args:
        images: (B, …); or (B, R·M, …) with copies of each image, such as
            differently augmented ones: each is seen by one member in one row.
        components: E, of the network.
        sampling: `Sampling`.
        seed: As of `member_rows`.
        copies: Whether there are copies.

    Returns:
        The members' inputs, (N, M, …) or (B, …), and the index (N, E) of the
        image that each component sees.
    """
    batch_size = ops.shape(images)[0]
    if not sampling.members:
        return images, shared_rows(batch_size, components)
    places = _places(batch_size, sampling, seed)
    drawn = seen = places % batch_size
    if copies:
        images = ops.reshape(images, (-1, *ops.shape(images)[2:]))
        repetition = places // batch_size
        member = ops.arange(sampling.members, dtype="int32")
        seen = drawn * sampling.batch_repetitions + repetition
        seen = seen * sampling.members + member
    # A member's components at several depths see the same images.
    depths = components // sampling.members
    return ops.take(images, seen, axis=0), ops.tile(drawn, (1, depths))


def by_member(targets, predicted, sample_weight=None):
    """Returns the targets and weights of the images that each member saw.

    Args:
        targets: (B, …).
        predicted: The model's output: in training a dictionary with "rows" and
            "logits", otherwise outputs (B, E, K).
        sample_weight: Weights of the B images; None for none.

    Returns:
        Targets (N, E, …), outputs (N, E, K), weights (N, E) or None.
    """
    if isinstance(predicted, dict):
        seen, outputs = predicted["rows"], predicted["logits"]
    else:
        outputs = predicted
        seen = shared_rows(ops.shape(targets)[0], outputs.shape[1])
    weights = None
    if sample_weight is not None:
        weights = ops.take(ops.reshape(sample_weight, (-1,)), seen, axis=0)
    return ops.take(targets, seen, axis=0), outputs, weights


def flat(targets, outputs, weights):
    """Flattens rows and members into one axis, as Keras's metrics expect.

    Args:
        targets: (N, E, …).
        outputs: (N, E, K).
        weights: (N, E), or None.

    Returns:
        Targets (N·E, …), outputs (N·E, K), weights (N·E,) or None.
    """
    return tuple(
        None if x is None else ops.reshape(x, (-1, *x.shape[2:]))
        for x in (targets, outputs, weights)
    )


def _share(rows, share):
    """Returns floor(rows · share) without rounding error: 10 · 0.1 is 1."""
    exact = fractions.Fraction(share).limit_denominator(1_000_000)
    if isinstance(rows, int):
        return rows * exact.numerator // exact.denominator
    wide = ops.cast(rows, "int64")
    return ops.cast(wide * exact.numerator // exact.denominator, rows.dtype)
