"""Mixtures of the members' outputs: one class per kind of output."""

import dataclasses

from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers.registration import serializable


@dataclasses.dataclass(frozen=True)
class Mixture:
    """Computes a mixture's predictions from the members' outputs.

    To add a kind, derive a frozen dataclass decorated with `serializable`; its
    fields are its config. `MixturePrediction` and a likelihood then take an
    instance and need not know the class.
    """

    def activated(self, outputs):
        """Returns what each member predicts, as metrics compare it.

        Args:
            outputs: (…, K), float32.

        Returns:
            (…, P), such as the probabilities for logits, where P = K.
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
        return average(self.activated(outputs), weights)

    def predictions(self, outputs, weights):
        """Returns all outputs of a predictor, by name.

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


@serializable
@dataclasses.dataclass(frozen=True)
class CategoricalMixture(Mixture):
    """For logits (B, E, K): p(y|x) = Σ_e w_e · softmax(logits_e).

    Probabilities are averaged, never logits. The dictionary has "probabilities"
    (B, K), "member_probabilities" (B, E, K), "entropy" (B,) of the mixture and
    "mutual_information" (B,) between member and label, which is the mixture's
    entropy minus the members' mean entropy; both in nats.

    Example:

    ```python
    logits = np.array([[[5.0, 0, 0], [0, 5.0, 0]]], "float32")  # Two members.
    mixture = mimo_keras.layers.CategoricalMixture()
    found = mixture.predictions(logits, np.array([0.5, 0.5], "float32"))
    probabilities = found["probabilities"]                   # (1, 3)
    ```

    Reference:
        Havasi et al., ICLR 2021, algorithm 2.
    """

    def activated(self, outputs):
        return ops.softmax(outputs, axis=-1)

    def predictions(self, outputs, weights):
        members = self.activated(outputs)
        mixture = average(members, weights)
        total = entropy(mixture)
        within = ops.einsum("e,be->b", weights, entropy(members))
        return {
            "probabilities": mixture,
            "member_probabilities": members,
            "entropy": total,
            "mutual_information": ops.maximum(total - within, 0.0),
        }


@serializable
@dataclasses.dataclass(frozen=True)
class MeanMixture(Mixture):
    """For means (B, E, d): their mean and variance under the weights.

    The dictionary has "mean" (B, d), "member_means" (B, E, d) and
    "member_variance" (B, d), Σ_e w_e (μ_e - μ)².

    Example:

    ```python
    means = np.array([[[1.0], [3.0]]], "float32")            # Two members.
    mixture = mimo_keras.layers.MeanMixture()
    found = mixture.predictions(means, np.array([0.5, 0.5], "float32"))
    variance = found["member_variance"]                      # (1, 1)
    ```
    """

    def activated(self, outputs):
        return outputs

    def predictions(self, outputs, weights):
        mean = average(outputs, weights)
        spread = ops.square(outputs - ops.expand_dims(mean, 1))
        return {
            "mean": mean,
            "member_means": outputs,
            "member_variance": average(spread, weights),
        }


# Names in configs written before mixtures existed.
_OF_TASK = {"classification": CategoricalMixture, "regression": MeanMixture}


def of_task(task):
    """Returns the mixture that an older config calls a task.

    Raises:
        InputError: No version wrote this task.
    """
    if task not in _OF_TASK:
        raise expected(
            "a config whose task is one of " + ", ".join(_OF_TASK),
            f"task={task!r}",
            "Load a file saved by this library.",
        )
    return _OF_TASK[task]()


def average(values, weights):
    """Returns Σ_e w_e x_e, (B, K) from values (B, E, K) and weights (E,)."""
    return ops.einsum("e,bek->bk", weights, values)


def entropy(probabilities):
    """Returns -Σ_k p_k log p_k in nats, (…,) from (…, K)."""
    # 0 · log 0 would be NaN where a class is impossible. The bound is a normal
    # float32: devices flush subnormals, below 1.18e-38, to 0.
    logs = ops.log(ops.maximum(probabilities, 1e-37))
    return -ops.sum(probabilities * logs, axis=-1)
