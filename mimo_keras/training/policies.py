"""The dtype policy of a model, which its copies and files keep."""

import contextlib

import keras


@contextlib.contextmanager
def policy_of(model):
    """Creates layers with a model's dtype policy, whatever the global one is.

    Args:
        model: keras.Model, or the dtype policy itself.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(getattr(model, "dtype_policy", model))
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def saved_policy(config):
    """Returns the dtype policy of the model that a config describes.

    Args:
        config: Of `EnsembleModel` or `Predictor`. Those of earlier versions
            state no policy: it is that of the network's layers, of which some
            compute in float32 under every policy.
    """
    if "dtype" in config:
        return keras.dtype_policies.get(config["dtype"])
    for name in _names(config["network"]):
        if name.startswith(("mixed_", "bfloat16", "float16", "float64")):
            return keras.DTypePolicy(name)
    return keras.DTypePolicy("float32")


def _names(config):
    """Yields the names of all layers' policies in a network's config."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            yield config["config"]["name"]
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for part in config:
            yield from _names(part)
