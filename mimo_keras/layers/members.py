"""Base class of layers that know about members."""

import keras

from mimo_keras.errors import expected
from mimo_keras.layers import arguments

MOST = 1000
"""The largest number of members, repetitions and samples.

It is far above what any paper uses; a typing error would fill the memory.
"""


class MembersLayer(keras.layers.Layer):
    """Base of layers that know the number of members.

    Args:
        ensemble_size: M, the number of members.
    """

    def __init__(self, ensemble_size, **kwargs):
        super().__init__(**kwargs)
        self.ensemble_size = checked_members(ensemble_size)

    def get_config(self):
        return {**super().get_config(), "ensemble_size": self.ensemble_size}


def checked_members(ensemble_size):
    """Returns M as an int; raises InputError unless it is from 1 to `MOST`."""
    return arguments.whole(
        "ensemble_size",
        ensemble_size,
        remedy="Use 1 for a single network.",
        most=MOST,
    )


def rows_per_member(rows, ensemble_size):
    """Returns how many rows of a folded batch each member has.

    Args:
        rows: M·B, the rows of the batch; None if unknown.
        ensemble_size: M.

    Returns:
        B, or None if unknown.

    Raises:
        InputError: The rows are not a multiple of M.
    """
    if rows is None:
        return None
    if rows % ensemble_size:
        raise uneven(rows, ensemble_size)
    return rows // ensemble_size


def uneven(rows, ensemble_size):
    """Returns the error for a batch that members cannot divide evenly."""
    return expected(
        f"a batch that {ensemble_size} members divide evenly",
        f"rows={rows}",
        "Put FoldMembers before the first member-wise layer.",
    )
