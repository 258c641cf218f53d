"""Reading and writing models, by private names of Keras."""

import contextlib
import copy
import math
import re


@contextlib.contextmanager
def without_values():
    """Variables that are created inside have shapes but never get values.

    Relies on the list in which `keras.StatelessScope` keeps variables until
    they get their values.

    Public alternative: none; the next such scope would give them values.

    Yields:
        The list to which these variables are added.
    """
    import keras
    from keras.src.backend.common import global_state

    waiting, made = "uninitialized_variables", []
    before = global_state.get_global_attribute(waiting)
    global_state.set_global_attribute(waiting, made)
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield made
    finally:
        global_state.set_global_attribute(waiting, before or [])


def claimed_bytes(config):
    """Returns the size of the variables of a model that is not created.

    Public alternative: none; creating the model allocates its variables.

    Args:
        config: The model's configuration, as in the config.json of a .keras
            file.

    Returns:
        Number of bytes; None if the model cannot be built in this way.
    """
    import keras

    try:
        with without_values() as made:
            # Keras takes parts out of what it is given.
            config = copy.deepcopy(config)
            keras.saving.deserialize_keras_object(config, safe_mode=True)
        return sum(math.prod(v.shape) * _item_bytes(v.dtype) for v in made)
    except Exception:  # A malformed config can raise anything.
        return None


def _item_bytes(dtype):
    """Returns the size of an element; at least 1, also for int4."""
    bits = re.search(r"\d+", dtype)
    return max(1, int(bits[0]) // 8) if bits else 1


def writes_old_file():
    """Whether Keras is writing a model in its old format, an .h5 file.

    Public alternative: none; of a model's, Keras calls only `get_config`.
    """
    from keras.src.backend.common import global_state as state

    return bool(state.get_global_attribute("use_legacy_config"))
