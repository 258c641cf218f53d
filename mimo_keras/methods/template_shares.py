"""Arithmetic of template banks: allocates whole templates to layers."""


def share_out(sizes, weights, most, numbers):
    """Divides parameters among groups, in whole templates.

    Shares are proportional to the weights. A group whose share is too small for
    a template gets exactly one, unmixed, and the others share the rest; what
    rounding down leaves goes to further templates, largest remainder first.

    Args:
        sizes: Size of a template of each group.
        weights: Weights to which the groups' shares are proportional.
        most: Maximum number of templates of each group.
        numbers: Number of parameters to divide, at least the sum of `sizes`.

    Returns:
        The number of templates of each group, and the set of indices of those
        that are too small to mix.
    """
    small, grown = set(), True
    while grown:
        rest = numbers - sum(sizes[i] for i in small)
        others = [i for i in range(len(sizes)) if i not in small]
        weight = sum(weights[i] for i in others)
        # Exact: integers throughout.
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
    """Allocates templates to layers in turn, each taking the next ones.

    Args:
        layers: Number of layers, or of (layer, member) pairs.
        templates: Number of templates that each one gets.
        size: Size of a template.
        numbers: Size of the bank, a multiple of `size`.

    Returns:
        A list with the position of each one's first template.
    """
    return [index * templates * size % numbers for index in range(layers)]


def shared_blob(sizes, most, numbers):
    """Allocates one blob to layers of any shape, in templates of their size.

    Each layer starts where the previous one ends.

    Args:
        sizes: Size of each layer's kernel, in the network's order.
        most: Maximum number of templates per layer.
        numbers: Size of the blob.

    Returns:
        A list of (templates, offset), one per layer.
    """
    place, dealt = 0, []
    for size in sizes:
        templates = min(most, numbers // size)
        dealt.append((templates, place))
        place = (place + templates * size) % numbers
    return dealt
