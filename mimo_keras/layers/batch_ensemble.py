"""edward2's BatchEnsemble and rank-1 layers, adapted to Keras 3.

Under TensorFlow the classes are edward2's own, with mixins for what Keras 3
requires; elsewhere they are Keras's layers with the same equations in
keras.ops: `FastWeights` and `Rank1Factors`. edward2, and with it TensorFlow
Probability, is imported when one of them is first used. Until then a
placeholder is registered with Keras under each class's name, so that a saved
model loads after `import mimo_keras` alone.
"""

import functools
import inspect
import random
import re
import sys
import types

import keras

from mimo_keras.errors import expected
from mimo_keras.layers import (
    batch_ensemble_layers,
    on_keras3,
    rank1_layers,
)
from mimo_keras.layers.fast_weights import FastWeights
from mimo_keras.layers.members import rows_per_member, uneven
from mimo_keras.layers.protocols import Twin
from mimo_keras.layers.rank1_factors import Rank1Factors
from mimo_keras.layers.registration import serializable


class _OneMember:
    """Gives one member's plain layer away, of a layer with fast weights."""

    def member(self, index):
        """Returns one member's plain layer, and its weights.

        Its kernel is W ∘ Σ_r α_r γ_rᵀ, with a pair (α, γ) for each rank.
        """
        name = type(self).__name__.removesuffix("BatchEnsemble")
        kind = getattr(keras.layers, name)
        kernel = keras.ops.convert_to_numpy(self.kernel)
        pairs = (-1, self.ensemble_size)
        alpha, gamma = (
            keras.ops.convert_to_numpy(x).reshape(*pairs, x.shape[-1])[:, index]
            for x in (self.alpha, self.gamma)
        )
        # A depthwise kernel (…, C, D) has γ of its C·D outputs.
        gamma = gamma.reshape(len(gamma), -1, kernel.shape[-1])
        # An output reads the inputs of its group alone.
        groups = alpha.shape[1] // kernel.shape[-2]
        by_group = alpha.reshape(len(alpha), groups, -1)
        of_outputs = by_group.repeat(kernel.shape[-1] // groups, axis=1)
        factors = of_outputs.swapaxes(1, 2) * gamma
        weights = [kernel * factors.sum(axis=0)]
        if self.ensemble_bias is not None:
            biases = keras.ops.convert_to_numpy(self.ensemble_bias)
            weights.append(biases.reshape(self.ensemble_size, -1)[index])
        return Twin(kind(**self._plain_arguments(kind)), weights)

    def _plain_arguments(self, kind):
        """Returns the arguments of its kind of plain layer."""
        names = set(inspect.signature(kind.__init__).parameters)
        names &= {"units", "filters", "kernel_size", "strides", "padding"} | {
            *("dilation_rate", "groups", "data_format", "depth_multiplier"),
            *("kernel_regularizer", "depthwise_regularizer"),
            *("activity_regularizer", "kernel_constraint"),
        }
        return {name: getattr(self, name) for name in names} | {
            "activation": self.ensemble_activation,
            "use_bias": self.ensemble_bias is not None,
            "bias_regularizer": self.ensemble_bias_regularizer,
            "trainable": self.trainable,
            "dtype": self.dtype_policy,
            "name": self.name,
        }


class _Ensemble(on_keras3.OnKeras3Ensemble):
    """Base of all layers here: checks that members divide the rows evenly."""

    def call(self, inputs):
        dtype = keras.backend.standardize_dtype(inputs.dtype)
        if not keras.backend.is_float_dtype(dtype):
            # As in Keras, which multiplies whole numbers and kernels.
            inputs = keras.ops.cast(inputs, self.compute_dtype)
        return super().call(_divisible(inputs, self.ensemble_size))

    def enable_lora(self, rank, **options):
        """Refuses LoRA, whose product all members would share."""
        raise expected(
            "a layer without members to enable LoRA on",
            f"layer {self.name} of type {type(self).__name__}, rank={rank!r}",
            "Enable it before from_network, which adds it to the kernel; to "
            'train few weights, use freeze="trunk".',
        )


class _StandIn:
    """A placeholder for a layer until it is first used."""

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return __getattr__(cls.__name__).from_config(config)


# The arguments of each layer, by its name.
_LAYERS = {
    cls.__name__: cls
    for cls in (
        batch_ensemble_layers.Conv1DBatchEnsemble,
        batch_ensemble_layers.Conv2DBatchEnsemble,
        rank1_layers.Conv1DRank1,
        rank1_layers.Conv2DRank1,
        batch_ensemble_layers.DenseBatchEnsemble,
        rank1_layers.DenseRank1,
        batch_ensemble_layers.DepthwiseConv2DBatchEnsemble,
    )
}
NAMES = tuple(_LAYERS)


def _subclass(name, bases, doc=None):
    doc = doc or bases[0].__doc__
    return type(name, bases, {"__module__": __name__, "__doc__": doc})


for _name, _class in _LAYERS.items():
    serializable(_subclass(_name, (_StandIn,), _class.__doc__))


def __getattr__(name):
    if name not in _LAYERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    on_tensorflow = keras.backend.backend() == "tensorflow"
    return (_layers() if on_tensorflow else _portable_layers())[name]


@functools.cache
def _portable_layers():
    found = {}
    for name, cls in _LAYERS.items():
        plain = re.sub("BatchEnsemble|Rank1", "", name)
        bases = (*_mixins(name), getattr(keras.layers, plain))
        found[name] = serializable(_subclass(name, (cls, *bases)))
    return found


def _mixins(name, portable=True):
    """Returns what comes between a layer's arguments and its equation."""
    if name.endswith("Rank1"):
        return _Ensemble, *[Rank1Factors] * portable
    return _OneMember, _Ensemble, *[FastWeights] * portable


@functools.cache
def edward2():
    """Imports edward2 and registers its initializers and similar with Keras.

    Returns:
        The module.

    Raises:
        InputError: It is not installed.
    """
    # edward2.numpy, which is not needed here, breaks the import of edward2 with
    # SciPy 1.11 or newer.
    sys.modules.setdefault("edward2.numpy", types.ModuleType("edward2.numpy"))
    # The import draws random numbers: without this, the first model of a
    # process would differ from the next one with the same seed.
    state = random.getstate()
    try:
        import edward2 as ed
    except ImportError as error:
        raise expected(
            "edward2 for BatchEnsemble and Rank-1 layers",
            f"{error}",
            "Run: pip install edward2==0.0.2 'tensorflow-probability[tf]'.",
        ) from error
    finally:
        random.setstate(state)
    named = keras.saving.register_keras_serializable(package="edward2")
    for module in (ed.initializers, ed.regularizers, ed.constraints):
        for name, cls in inspect.getmembers(module, inspect.isclass):
            # The modules also define a lower-case alias of each class.
            if cls.__module__ == module.__name__ and cls.__name__ == name:
                named(cls)
                if mixin := _mixin(cls):
                    # Under the same name, so that edward2 looks up ours.
                    named(_subclass(name, (mixin, cls)))
    return ed


def _mixin(cls):
    if cls.__name__ == "RandomSign":
        return on_keras3.OnKeras3Sign
    is_layer = issubclass(cls, keras.layers.Layer)
    return on_keras3.OnKeras3Posterior if is_layer else None


@functools.cache
def _layers():
    ed = edward2()
    return {
        name: serializable(
            _subclass(
                name,
                (
                    cls,
                    *_mixins(name, portable=False),
                    getattr(ed.layers, name),
                ),
            )
        )
        for name, cls in _LAYERS.items()
    }


def _divisible(inputs, members):
    """Returns the inputs; fails unless all members have equally many rows."""
    rows = rows_per_member(inputs.shape[0], members)
    if rows is not None or keras.backend.backend() != "tensorflow":
        return inputs
    import tensorflow as tf

    rest = tf.shape(inputs)[0] % members
    message = str(uneven("others", members))
    check = tf.debugging.assert_equal(rest, 0, message)
    with tf.control_dependencies([check]):
        return tf.identity(inputs)
