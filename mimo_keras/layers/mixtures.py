"""What members say together: one class for each kind of output."""

import dataclasses

from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers.registration import register


@dataclasses.dataclass(frozen=True)
class Mixture:
    """The tensor maths of a mixture, from the members' outputs.

    To add a kind, derive from it a frozen dataclass under `register`; its
    fields are its config. `MixturePrediction` and a likelihood then take an
    instance, and need not know the class.
    """

    def activated(self, outputs):
        """Returns what each member predicts, as metrics compare it.

        Args:
            outputs: (…, K), float32.

        Returns:
            (…, P), such as the probabilities of logits, where P is K.
        """
        raise NotImplementedError

    def mixed(self, outputs, weights):
        """Returns the ensemble's prediction, Σ_e w_e · activated_e.

        Args:
            outputs: The members', (B, E, K), float32.
            weights: (E,), the mixture weights w.

        Returns:
            (B, P).
        """
        return _average(self.activated(outputs), weights)

    def predictions(self, outputs, weights):
        """Returns all that a predictor tells, by name.

        Args:
            outputs: The members', (B, E, K), float32.
            weights: (E,), the mixture weights w.

        Returns:
            A dictionary of tensors whose first axis is B.
        """
        raise NotImplementedError

    def get_config(self):
        """Returns the fields, as Keras saves them."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config):
        """Returns the mixture that `get_config` described."""
        return cls(**config)


@register
@dataclasses.dataclass(frozen=True)
class CategoricalMixture(Mixture):
    """Of logits (B, E, K): p(y|x) = Σ_e w_e · softmax(logits_e).

    Probabilities are averaged, never logits. The dictionary has
    "probabilities" (B, K), "member_probabilities" (B, E, K), "entropy" (B,)
    of the mixture and "mutual_information" (B,) between member and label,
    which is the mixture's entropy less the members' mean entropy; both in
    nats.

    Reference:
        Havasi et al., ICLR 2021, algorithm 2.
    """

    def activated(self, outputs):
        return ops.softmax(outputs, axis=-1)

    def predictions(self, outputs, weights):
        members = self.activated(outputs)
        mixture = _average(members, weights)
        entropy = _entropy(mixture)
        within = ops.einsum("e,be->b", weights, _entropy(members))
        return {
            "probabilities": mixture,
            "member_probabilities": members,
            "entropy": entropy,
            "mutual_information": ops.maximum(entropy - within, 0.0),
        }


@register
@dataclasses.dataclass(frozen=True)
class MeanMixture(Mixture):
    """Of means (B, E, d): their mean and variance under the weights.

    The dictionary has "mean" (B, d), "member_means" (B, E, d) and
    "member_variance" (B, d), Σ_e w_e (μ_e - μ)².
    """

    def activated(self, outputs):
        return outputs

    def predictions(self, outputs, weights):
        mean = _average(outputs, weights)
        spread = ops.square(outputs - ops.expand_dims(mean, 1))
        return {
            "mean": mean,
            "member_means": outputs,
            "member_variance": _average(spread, weights),
        }


# What a config named before there were mixtures.
_OF_TASK = {"classification": CategoricalMixture, "regression": MeanMixture}


def of_task(task):
    """Returns the mixture that an older config calls a task.

    Raises:
        InputError: No version wrote such a task.
    """
    if task not in _OF_TASK:
        raise expected(
            "a config whose task is one of " + ", ".join(_OF_TASK),
            f"task={task!r}",
            "Load a file that this library saved.",
        )
    return _OF_TASK[task]()


def _average(values, weights):
    return ops.einsum("e,bek->bk", weights, values)


def _entropy(probabilities):
    # 0 · log 0 would be a NaN where a class is impossible. The bound is a
    # normal float32: devices take subnormal ones, below 1.18e-38, for 0.
    logs = ops.log(ops.maximum(probabilities, 1e-37))
    return -ops.sum(probabilities * logs, axis=-1)
