"""How the flags of the scripts are defined."""

import contextlib
import functools

from absl import flags

MOST = 1000
"""Upper bound on members, filters and samples, to catch typing errors."""
SIDE = 4096
"""Upper bound on the side of images in pixels, likewise."""

_places = [flags.FLAGS]
"""The last one gets the definitions."""


def _defining(define):
    """Returns absl's function, for the last of `_places`."""

    @functools.wraps(define)
    def defined(*args, **kwargs):
        return define(*args, flag_values=_places[-1], **kwargs)

    return defined


text, yes_no = _defining(flags.DEFINE_string), _defining(flags.DEFINE_bool)
number, _whole = _defining(flags.DEFINE_float), _defining(flags.DEFINE_integer)
one_of, listed = _defining(flags.DEFINE_enum), _defining(flags.DEFINE_list)


def whole(name, default, about, lower_bound=None, upper_bound=2**31 - 1):
    """Defines an integer flag, by default bounded by the int32 range."""
    _whole(name, default, about, lower_bound, upper_bound)


def of_recipe(define, name, about, **bounds):
    """Defines a flag whose default comes from the recipe."""
    define(
        name,
        None,
        f"{about} Default: the recipe's; see --show_config.",
        **bounds,
    )


@contextlib.contextmanager
def elsewhere(values):
    """Defines flags in other `flags.FlagValues`, inside the block."""
    _places.append(values)
    try:
        yield
    finally:
        _places.pop()


def all_of():
    """Returns the flags that were defined here, not by a script itself."""
    return flags.FLAGS.flags_by_module_dict()[__name__]
