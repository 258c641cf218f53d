"""From the members' outputs to the ensemble's prediction."""

import math

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import arguments, mixtures
from mimo_keras.layers.registration import serializable


@serializable
class MixturePrediction(keras.layers.Layer):
    """The prediction of a mixture of members, and its uncertainty.

    For logits it is p(y|x) = Σ_e w_e · softmax(logits_e); for other outputs the
    `mixture` defines it, and what is returned with it.

    Args:
        log_weights: The E log mixture weights log w_e, whose exponentials must
            sum to 1.
        mixture: `CategoricalMixture()`, the default for None, `MeanMixture()`
            or `GaussianMixture()` for regression, or a custom
            `mixtures.Mixture`.

    Call arguments:
        logits: The members' outputs: logits, or means in regression.

    Input shape:
        (B, E, K), or (B, E, d) in regression.

    Output shape:
        A dictionary; see the mixture's class. For logits: "probabilities"
        (B, K), "member_probabilities" (B, E, K), "entropy" (B,) and
        "mutual_information" (B,). For means: "mean" (B, d), "member_means"
        (B, E, d) and "member_variance" (B, d).

    Raises:
        InputError: `mixture` is not a `Mixture`, the weights do not sum to
            1, or the outputs are not of E members.

    Example:

    ```python
    logits = keras.Input((3, 10))
    prediction = mimo_keras.layers.MixturePrediction([math.log(1 / 3)] * 3)
    probabilities = prediction(logits)["probabilities"]      # (B, 10)
    ```

    Reference:
        Havasi et al., ICLR 2021, algorithm 2.
    """

    def __init__(self, log_weights, mixture=None, **kwargs):
        # bfloat16 probabilities do not sum to 1: always float32 here.
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        mixture = mixture or mixtures.CategoricalMixture()
        if not isinstance(mixture, mixtures.Mixture):
            raise expected(
                "a mixture such as layers.MeanMixture()",
                f"mixture={mixture!r}",
                "Omit it for classification.",
            )
        self.log_weights = [*arguments.log_weights(log_weights)]
        self.mixture = mixture
        self.built = True

    def call(self, logits):
        check_members(self.log_weights, logits.shape)
        weights = ops.convert_to_tensor(
            [math.exp(weight) for weight in self.log_weights], "float32"
        )
        outputs = ops.cast(logits, "float32")
        return self.mixture.predictions(outputs, weights)

    def get_config(self):
        return {
            **super().get_config(),
            "log_weights": self.log_weights,
            "mixture": keras.saving.serialize_keras_object(self.mixture),
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        mixture = keras.saving.deserialize_keras_object(config.get("mixture"))
        if "task" in config:  # Files written before mixtures existed.
            mixture = mixtures.of_task(config.pop("task"))
        return cls(**(config | {"mixture": mixture}))


def check_members(log_weights, shape):
    """Raises InputError unless each member's outputs have a weight.

    Args:
        log_weights: The E log mixture weights.
        shape: Of the outputs.
    """
    if len(shape) != 3 or shape[1] != len(log_weights):
        raise expected(
            f"outputs of {len(log_weights)} members, (B, E, K), one for each "
            "log weight",
            f"shape={tuple(shape)}",
            "Pass a log weight for each member.",
        )
