"""The dtype policy of a model, which its copies and files keep."""

import contextlib

import keras

from mimo_keras.keras_internals import layers_within
from mimo_keras.methods.cloning import set_weights
from mimo_keras.training.quantizing import is_quantized

_MIXED = ("mixed_bfloat16", "mixed_float16")


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


def in_float32(model):
    """Returns a model as it is, or a copy that computes in float32.

    Args:
        model: keras.Model. Under mixed precision its weights are float32
            already, and the copy has the same.

    Returns:
        A copy if layers compute in 16 bits and keep weights of 32; otherwise,
        and if a layer is quantized, the model itself.
    """
    saved = keras.saving.serialize_keras_object(model)
    plain = _without_mixed(saved)
    if plain == saved or any(map(is_quantized, layers_within(model))):
        return model
    copy = keras.saving.deserialize_keras_object(plain)
    # Seeds are no weights.
    for variable, value in zip(copy.variables, model.variables, strict=True):
        variable.assign(value)
    set_weights(copy, model.get_weights())
    return copy


def _without_mixed(config):
    """Returns a config in which policies of mixed precision are float32."""
    if isinstance(config, dict):
        return {key: _without_mixed(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(map(_without_mixed, config))
    return "float32" if config in _MIXED else config
