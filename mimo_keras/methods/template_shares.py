"""Arithmetic of template banks: whole templates, and who gets which."""


def share_out(sizes, weights, most, numbers):
    """Shares numbers out among groups, in whole templates.

    A group's share is its share of the weights. One whose share is too small
    for a template gets just one, unmixed, and the others share the rest; what
    rounding down leaves over goes to further templates, largest remainder
    first.

    Args:
        sizes: Numbers of a template of each group.
        weights: What the groups' shares are in proportion to.
        most: Templates that each group can use at most.
        numbers: What there is to share, at least the sum of `sizes`.

    Returns:
        How many templates each group gets, and the set of the indices of
        those that are too small to mix.
    """
    small, grown = set(), True
    while grown:
        rest = numbers - sum(sizes[i] for i in small)
        others = [i for i in range(len(sizes)) if i not in small]
        weight = sum(weights[i] for i in others)
        # Exact: whole numbers throughout.
        below = {i for i in others if rest * weights[i] < sizes[i] * weight}
        small, grown = small | below, bool(below)
    exact = {i: rest * weights[i] / weight / sizes[i] for i in others}
    counts = [1] * len(sizes)
    for i in others:
        count = rest * weights[i] // (weight * sizes[i])
        counts[i] = min(count, most[i])
    left = numbers - sum(n * s for n, s in zip(counts, sizes, strict=True))
    while True:
        fitting = [
            i for i in others if sizes[i] <= left and counts[i] < most[i]
        ]
        if not fitting:
            return counts, small
        first = max(fitting, key=lambda i: exact[i] - counts[i])
        counts[first] += 1
        left -= sizes[first]


def round_robin(layers, templates, size, numbers):
    """Deals templates to layers in turn: the next layer gets the next ones.

    Args:
        layers: How many layers, or (layer, member) pairs, there are.
        templates: How many each of them gets.
        size: Numbers of a template.
        numbers: Numbers of the bank, a multiple of `size`.

    Returns:
        A list with the place of each one's first template.
    """
    return [index * templates * size % numbers for index in range(layers)]


def shared_blob(sizes, most, numbers):
    """Deals one blob to layers of any shape, each in templates of its own.

    What a layer leaves over of the blob comes first for the next one.

    Args:
        sizes: Numbers of each layer's kernel, in the network's order.
        most: Templates that a layer gets at most.
        numbers: Numbers of the blob.

    Returns:
        A list of (templates, offset), one for each layer.
    """
    place, dealt = 0, []
    for size in sizes:
        templates = min(most, numbers // size)
        dealt.append((templates, place))
        place = (place + templates * size) % numbers
    return dealt
