"""What edward2 provides for rank-1 factors, in keras.ops for other backends.

Names, arguments and weights are edward2's, so that each reads the other's
files. The classes are registered under edward2's names, which edward2's own
take over when it is imported.
"""

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import draws, plain_draws
from mimo_keras.layers.random_sign import RandomSign

_register = keras.saving.register_keras_serializable("edward2")
_KINDS = ("initializer", "regularizer", "constraint")


@_register
class Softplus(keras.constraints.Constraint):
    """log(1 + e^w) + epsilon, of the weight as it is used."""

    def __init__(self, epsilon=1e-7):
        self.epsilon = epsilon

    def __call__(self, w):
        return ops.softplus(w) + self.epsilon

    def get_config(self):
        return {"epsilon": self.epsilon}


@_register
class NormalKLDivergence(keras.regularizers.Regularizer):
    """scale_factor · KL(N(μ, σ²) ‖ N(mean, stddev²)), summed over factors."""

    def __init__(self, mean=0.0, stddev=1.0, scale_factor=1.0):
        self.mean, self.stddev = mean, stddev
        self.scale_factor = scale_factor

    def __call__(self, x):
        """Returns the divergence of a pair of means and deviations."""
        mean, stddev = x
        ratio = stddev / self.stddev
        gap = (mean - self.mean) / self.stddev
        kl = 0.5 * (ops.square(ratio) + ops.square(gap) - 1) - ops.log(ratio)
        return self.scale_factor * ops.sum(kl)

    def get_config(self):
        return {
            "mean": self.mean,
            "stddev": self.stddev,
            "scale_factor": self.scale_factor,
        }


class Posterior(keras.layers.Layer):
    """Base of initializers that are distributions with weights of their own.

    Attributes:
        parameters: Names of the weights.
    """

    parameters = ()

    def __init__(self, seed=None, **parts):
        super().__init__()
        self.seed = seed
        for kind in _KINDS:
            getter = getattr(keras, f"{kind}s")
            for parameter in self.parameters:
                name = f"{parameter}_{kind}"
                setattr(self, name, part(parts.pop(name, None), getter))
        if parts:
            raise TypeError(f"unexpected arguments: {', '.join(parts)}")

    def build(self, shape):
        for name in self.parameters:
            weight = self.add_weight(
                name=name,
                shape=shape,
                # Distributions are float32 under every policy.
                dtype="float32",
                autocast=False,
                initializer=getattr(self, f"{name}_initializer"),
                regularizer=getattr(self, f"{name}_regularizer"),
            )
            setattr(self, name, weight)
        self.built = True

    def _constrained(self, name):
        """Returns a weight's value as the distribution has it."""
        constraint = getattr(self, f"{name}_constraint")
        value = ops.convert_to_tensor(getattr(self, name))
        return value if constraint is None else constraint(value)

    def sample(self, count, generator, dtype):
        """Returns draws (count, …).

        Args:
            count: Their number.
            generator: keras.random.SeedGenerator.
            dtype: Their type.
        """
        raise NotImplementedError

    @property
    def undecayed_weights(self):
        """All weights: parameters of a distribution are not decayed."""
        return self.trainable_weights

    def get_build_config(self):
        # Its layer builds it; building it on load would get in the way.
        return None

    def get_config(self):
        names = [f"{x}_{kind}" for x in self.parameters for kind in _KINDS]
        serialize = keras.saving.serialize_keras_object
        parts = {name: serialize(getattr(self, name)) for name in names}
        return {**parts, "seed": self.seed}


@_register
class TrainableNormal(Posterior):
    """N(mean, softplus(stddev)²) for each factor."""

    parameters = ("mean", "stddev")

    def __init__(self, **options):
        normal = keras.initializers.TruncatedNormal
        defaults = {
            "mean_initializer": normal(stddev=1e-5),
            "stddev_initializer": normal(mean=-3.0, stddev=0.1),
            "stddev_constraint": Softplus(),
        }
        super().__init__(**(defaults | options))

    @property
    def moments(self):
        """The means and standard deviations."""
        return tuple(self._constrained(name) for name in self.parameters)

    def sample(self, count, generator, dtype):
        return draw_normal(generator, *self.moments, count, dtype)


@_register
class TrainableDeterministic(Posterior):
    """The number `loc` for each factor, without noise."""

    parameters = ("loc",)

    def __init__(self, **options):
        super().__init__(**({"loc_initializer": "glorot_uniform"} | options))

    def sample(self, count, generator, dtype):
        loc = ops.cast(self._constrained("loc"), dtype)
        return ops.broadcast_to(loc, (count, *loc.shape))


def draw_normal(generator, mean, stddev, count, dtype):
    """Returns `count` draws of normal distributions, (count, …).

    Args:
        generator: keras.random.SeedGenerator.
        mean: Tensor of means.
        stddev: Of standard deviations.
        count: Number of draws.
        dtype: Their type.
    """
    key = plain_draws.next_key(generator)
    if key is None:
        drawn = draws.normal((count, *mean.shape), generator)
    else:
        rows = ops.arange(count, dtype="int32")
        drawn = plain_draws.normal(rows, mean.shape, key)
    return ops.cast(mean + stddev * drawn, dtype)


_CLASSES = {
    cls.__name__: cls
    for cls in (
        NormalKLDivergence,
        Softplus,
        TrainableDeterministic,
        TrainableNormal,
    )
}
# edward2's short names.
_NAMES = {
    "normal_kl_divergence": "NormalKLDivergence",
    "softplus": "Softplus",
    "trainable_deterministic": "TrainableDeterministic",
    "trainable_normal": "TrainableNormal",
}


def part(identifier, getter):
    """Returns an initializer, regularizer or constraint, a new one each time.

    Args:
        identifier: What edward2's layers take: a name, a dictionary or an
            object, of edward2 or of Keras.
        getter: keras.initializers, keras.regularizers or keras.constraints.

    Raises:
        InputError: It is one of edward2's that only TensorFlow has.
    """
    if (name := type(identifier).__name__) in _CLASSES:
        config = identifier.get_config()
        identifier = {"class_name": name, "config": config}
    if isinstance(identifier, str) and identifier in _NAMES:
        return _CLASSES[_NAMES[identifier]]()
    if isinstance(identifier, dict) and "class_name" in identifier:
        name, config = identifier["class_name"], identifier.get("config") or {}
        if name in _CLASSES:
            return _CLASSES[name](**config)
        if name == "RandomSign" and "probs" in config:
            return RandomSign(config["probs"], config.get("seed"))
    try:
        return getter.get(identifier)
    except (ValueError, TypeError) as error:
        raise expected(
            f"{', '.join(sorted(_NAMES))}, or one of {getter.__name__}",
            f"{identifier!r}",
            "For others of edward2 set KERAS_BACKEND=tensorflow before Keras "
            "is imported.",
        ) from error
