"""Arithmetic of template banks: allocates whole templates to layers."""


def share_out(sizes, weights, most, numbers, whole):
    """Divides parameters among groups, in whole templates.

    A group's share is its weight's part of the whole. A group whose share is
    too small for a template gets exactly one, unmixed, and the others share the
    rest; what is left, by rounding down or because a group needs less than its
    share, goes to further templates, largest remainder first.

    Args:
        sizes: Size of a template of each group.
        weights: Weights to which the groups' shares are proportional.
        most: Maximum number of templates of each group.
        numbers: Number of parameters to divide, at least the sum of `sizes`.
        whole: Weight of everything, at least the sum of the weights.

    Returns:
        The number of templates of each group, and the set of indices of those
        that are too small to mix.
    """
    small, grown = set(), True
    while grown:
        rest = numbers - sum(sizes[i] for i in small)
        others = [i for i in range(len(sizes)) if i not in small]
        weight = whole - sum(weights[i] for i in small)
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


def distinct_sets(layers, turns, templates, size, numbers):
    """Allocates templates to the members of each layer in turn, none the same.

    As `round_robin`, but where a set has already been given away, the next one
    is taken, until there are no others. So the sets of a layer's members differ
    whenever the bank has as many sets of successive templates as members, even
    if they must overlap.

    Args:
        layers: Number of layers.
        turns: Number of members.
        templates: Number of templates that each one gets.
        size: Size of a template.
        numbers: Size of the bank, a multiple of `size`.

    Returns:
        A list with the position of each one's first template, layer by layer.
    """
    count, given, start, places = numbers // size, set(), 0, []
    for _ in range(layers):
        mine = set()
        for _ in range(turns):
            if given == {*range(count)}:
                given = {*mine} if len(mine) < count else set()
            order = [(start + step) % count for step in range(count)]
            place = next(one for one in order if one not in given)
            given.add(place)
            mine.add(place)
            places.append(place * size)
            start = place + templates
    return places


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
