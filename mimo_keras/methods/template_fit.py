"""Templates and coefficients that compose given kernels."""

import numpy as np

_ROUNDS = 100
_IMPROVEMENT = 1e-9


def fit(kernels, rows, count, mixed=True, seed=0):
    """Finds the templates whose mixtures are nearest to given kernels.

    Where each row can have a template of its kernel, mixtures are exact: the
    coefficient of that template is 1. Otherwise squares are least: exactly, by
    a singular value decomposition, if every row mixes all templates; else by
    alternating between templates and coefficients.

    Args:
        kernels: (n, s) array, a kernel in each row.
        rows: A list of pairs (index of a kernel, indices of the t templates
            that are mixed to it), one for each layer and member.
        count: Number of templates.
        mixed: Whether there are coefficients; if not, each row uses its first
            template itself.
        seed: Seed of the templates that are not used at the start: coefficients
            of 0 get gradients only if their templates are not 0.

    Returns:
        Templates (count, s); coefficients (len(rows), t); and the sum of the
        squares of what is missing.
    """
    kernels = np.asarray(kernels, "float64")
    rng = np.random.default_rng(seed)
    basis, coordinates = np.linalg.qr(kernels.T)
    targets = coordinates.T[[index for index, _ in rows]]
    places = [np.asarray(window) for _, window in rows]
    if not mixed:
        coefficients = np.ones((len(rows), 1))
        small, missing = _templates(targets, places, coefficients, count)
        return small @ basis.T, coefficients, missing
    owners = _assigned(rows, count)
    unused = rng.normal(size=(count, targets.shape[1])) * np.std(kernels)
    small = np.stack(
        [
            unused[place] if owner is None else targets[owner]
            for place, owner in enumerate(owners)
        ]
    )
    if all(len(place) == count for place in places) and None not in owners:
        _, _, directions = np.linalg.svd(targets)
        if count < len({index for index, _ in rows}):
            small = directions[:count]
    coefficients, missing = _alternated(targets, places, owners, rows, small)
    templates = small @ basis.T
    free = [i for i, owner in enumerate(owners) if owner is None]
    if missing < 1e-12 * np.sum(targets**2) and free:
        templates[free] = rng.normal(size=(len(free), kernels.shape[1]))
        templates[free] *= np.std(kernels)
    return templates, coefficients, missing


def _assigned(rows, count):
    """Gives each row a template of its kernel where there are enough.

    Returns:
        A list of the row that each template belongs to, or None.
    """
    owners = [None] * count

    def served(row):
        kernel, window = rows[row]
        mine = [x for x in window if owners[x] is not None]
        return any(rows[owners[x]][0] == kernel for x in mine)

    def take(row, seen):
        for place in rows[row][1]:
            if place not in seen:
                seen.add(place)
                if owners[place] is None or take(owners[place], seen):
                    owners[place] = row
                    return True
        return False

    for _ in range(2):  # A row may lose what another one took over.
        for row in range(len(rows)):
            if not served(row):
                take(row, set())
    return owners


def _alternated(targets, places, owners, rows, small):
    """Improves templates in place; returns coefficients and what is missing."""
    exact = []
    for (kernel, _), place in zip(rows, places, strict=True):
        mine = [
            float(owners[x] is not None and rows[owners[x]][0] == kernel)
            for x in place
        ]
        exact.append(np.array(mine) / max(sum(mine), 1.0))
    exact = np.stack(exact)
    if np.all(exact.sum(axis=1) > 0):
        found = _composed(small, places, exact)
        return exact, float(np.sum((found - targets) ** 2))
    before = np.inf
    for _ in range(_ROUNDS):
        coefficients = np.stack(
            [
                np.linalg.lstsq(small[place].T, target, rcond=None)[0]
                for place, target in zip(places, targets, strict=True)
            ]
        )
        found = _composed(small, places, coefficients)
        missing = float(np.sum((found - targets) ** 2))
        if before - missing < _IMPROVEMENT * np.sum(targets**2):
            break
        before = missing
        small[:], missing = _templates(
            targets, places, coefficients, len(small)
        )
    return coefficients, missing


def _templates(targets, places, coefficients, count):
    """Returns the best templates for coefficients, and what is missing."""
    mixing = np.zeros((len(targets), count))
    for row, (place, values) in enumerate(
        zip(places, coefficients, strict=True)
    ):
        mixing[row, place[: len(values)]] += values
    small = np.linalg.lstsq(mixing, targets, rcond=None)[0]
    return small, float(np.sum((mixing @ small - targets) ** 2))


def _composed(small, places, coefficients):
    return np.stack(
        [
            values @ small[place]
            for place, values in zip(places, coefficients, strict=True)
        ]
    )
