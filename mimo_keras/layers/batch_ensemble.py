"""edward2's BatchEnsemble and rank-1 layers, adapted to Keras 3.

The classes are edward2's own, with mixins for what Keras 3 requires. edward2,
and with it TensorFlow Probability, is imported when one of them is first used.
Until then a placeholder is registered with Keras under each class's name, so
that a saved model loads after `import mimo_keras` alone.
"""

import functools
import inspect
import random
import sys
import types

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import on_keras3
from mimo_keras.layers.members import rows_per_member, uneven
from mimo_keras.layers.registration import serializable


class _Ensemble(on_keras3.OnKeras3Ensemble):
    """Base of all layers here: checks that members divide the rows evenly."""

    def call(self, inputs):
        return super().call(_divisible(inputs, self.ensemble_size))


class _BatchEnsemble(_Ensemble):
    """A layer whose members scale the inputs and outputs of one kernel.

    Member m computes y = (W (x ∘ α_m)) ∘ γ_m + b_m, where only the fast weights
    α and γ and the bias b are specific to the member.

    Args:
        *args: As for edward2's layer, as are all other keyword arguments.
        fast_weight_lr_multiplier: Factor on the learning rate of α and γ;
            applied by `EnsembleModel`.

    Input shape:
        (M·B, …), all rows of member 0 first: see `FoldMembers`.

    Reference:
        Wen et al., BatchEnsemble: an alternative approach to efficient
        ensemble and lifelong learning, ICLR 2020, equations 1 to 5.
    """

    unreported = ("rank", "fast_weight_lr_multiplier")

    def __init__(self, *args, fast_weight_lr_multiplier=1.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.fast_weight_lr_multiplier = fast_weight_lr_multiplier

    @property
    def learning_rate_multipliers(self):
        """Pairs of a weight and its learning-rate factor."""
        factor = self.fast_weight_lr_multiplier
        return [(weight, factor) for weight in self.undecayed_weights]


class _Rank1(_Ensemble):
    """A layer whose rank-1 factors follow a mixture of M distributions.

    Member m computes y = (W (x ∘ α)) ∘ γ + b_m with α and γ sampled from its
    own posterior for each row.

    Args:
        *args: As for edward2's layer, as are all other keyword arguments.
        seed: Integer, None for a random seed, or a keras.random.SeedGenerator
            for the samples.
        add_kl_loss: Whether each call adds `kl_divergence()` to the layer's
            losses, as a custom keras.Model needs. `EnsembleModel` calls
            `kl_divergence` itself: the replicas of a tf.distribute strategy
            share one list of losses, so each would also see those of the
            others.

    Input shape:
        (M·B, …), all rows of member 0 first: see `FoldMembers`.

    Reference:
        Dusenberry et al., Efficient and scalable Bayesian neural nets with
        rank-1 factors, ICML 2020, section 3.
    """

    unreported = (
        "use_additive_perturbation",
        "min_perturbation_value",
        "max_perturbation_value",
        "add_kl_loss",
    )

    def __init__(self, *args, seed=None, add_kl_loss=True, **kwargs):
        # edward2 adds its losses once, as functions; Keras 3 expects tensors.
        self._loss_functions = []
        super().__init__(*args, **kwargs)
        self.add_kl_loss = add_kl_loss
        if not isinstance(seed, keras.random.SeedGenerator):
            seed = keras.random.SeedGenerator(seed)
        self.seed = seed
        for name in ("alpha", "gamma", "ensemble_bias"):
            self._adopt(f"{name}_initializer")

    def _adopt(self, name):
        """Replaces an edward2 initializer with weights by our subclass."""
        initializer = getattr(self, name)
        if isinstance(initializer, keras.layers.Layer):
            config = keras.saving.serialize_keras_object(initializer)
            delattr(self, name)  # Keras would keep tracking the old one.
            initializer = keras.saving.deserialize_keras_object(config)
            initializer.draw = functools.partial(
                _draw, self.seed, self.compute_dtype
            )
            setattr(self, name, initializer)

    def add_loss(self, loss):
        if callable(loss):
            self._loss_functions.append(loss)
        else:
            super().add_loss(loss)

    def kl_divergence(self):
        """Returns KL(posteriors, prior), summed over members and factors."""
        return sum(loss_function() for loss_function in self._loss_functions)

    def call(self, inputs):
        if self.add_kl_loss and self._loss_functions:
            self.add_loss(self.kl_divergence())
        return super().call(inputs)

    def get_config(self):
        seed = keras.saving.serialize_keras_object(self.seed)
        return {**super().get_config(), "seed": seed}

    @classmethod
    def from_config(cls, config):
        seed = keras.saving.deserialize_keras_object(config["seed"])
        return super().from_config({**config, "seed": seed})


class _Convolution:
    """Mixin: the output shape, which edward2's convolution does not compute."""

    def compute_output_shape(self, input_shape):
        return keras.layers.Conv2D.compute_output_shape(self, input_shape)


class _StandIn:
    """A placeholder for a layer until edward2 is imported."""

    def __init__(self, *args, **kwargs):
        raise expected(
            f"Keras on TensorFlow for {type(self).__name__}, edward2's layer",
            f"backend={keras.backend.backend()!r}",
            "Set KERAS_BACKEND=tensorflow before Keras is imported.",
        )

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        layer = __getattr__(cls.__name__)
        return layer() if layer is cls else layer.from_config(config)


_LAYERS = {
    "Conv2DBatchEnsemble": (_BatchEnsemble, _Convolution),
    "Conv2DRank1": (_Rank1,),
    "DenseBatchEnsemble": (_BatchEnsemble,),
    "DenseRank1": (_Rank1,),
}
NAMES = tuple(_LAYERS)


def _subclass(name, bases):
    return type(
        name, bases, {"__module__": __name__, "__doc__": bases[0].__doc__}
    )


_STAND_INS = {
    name: serializable(_subclass(name, (_StandIn,))) for name in NAMES
}


def __getattr__(name):
    if name not in _LAYERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if keras.backend.backend() != "tensorflow":
        return _STAND_INS[name]
    return _layers()[name]


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
        name: serializable(_subclass(name, (*mixins, getattr(ed.layers, name))))
        for name, mixins in _LAYERS.items()
    }


def _draw(generator, dtype, sample, count):
    """Samples a distribution with our own seed and the layer's dtype."""
    seed = ops.cast(generator.next(), "int32")
    return ops.cast(sample(count, seed=seed), dtype)


def _divisible(inputs, members):
    """Returns the inputs; fails unless all members have equally many rows."""
    if rows_per_member(inputs.shape[0], members) is not None:
        return inputs
    import tensorflow as tf

    rest = tf.shape(inputs)[0] % members
    message = str(uneven("others", members))
    check = tf.debugging.assert_equal(rest, 0, message)
    with tf.control_dependencies([check]):
        return tf.identity(inputs)
