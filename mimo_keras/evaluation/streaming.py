"""Sums over examples, batch by batch, from which means are computed."""

import numpy as np

from mimo_keras.errors import expected


class Sums:
    """Float64 sums over the examples seen so far.

    A metric of the whole set is a function of sums over its examples, so it
    does not depend on how the examples were split into batches, nor on which
    process saw them.

    Attributes:
        count: The number of examples seen.
    """

    def __init__(self):
        self.count = 0
        self._totals = {}

    def add(self, count, totals):
        """Adds one batch.

        Args:
            count: The number of examples in the batch.
            totals: The sum over the batch for each name: scalars or arrays of
                the same shape at each call.
        """
        self.count += count
        for name, total in totals.items():
            total = np.asarray(total, dtype=np.float64)
            self._totals[name] = self._totals.get(name, 0.0) + total

    def state(self):
        """Returns count and totals as a dictionary of arrays, for a file."""
        return {"count": np.array(self.count), **self._totals}

    def set_state(self, state):
        """Replaces what was seen by what `state` returned."""
        totals = dict(state)
        self.count = int(totals.pop("count"))
        self._totals = totals

    def merge(self, other):
        """Adds the sums of another accumulator."""
        self.add(other.count, other._totals)

    def total(self, name):
        """Returns the sum over all examples.

        Raises:
            InputError: If there were no examples.
        """
        if self.count == 0:
            raise expected(
                "at least one evaluated example",
                "count=0",
                "Update with a batch before asking for a result.",
            )
        return self._totals[name]

    def mean(self, name):
        """Returns the mean over all examples."""
        return self.total(name) / self.count
