"""A distribution over the depths at which each member predicts."""

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import arguments
from mimo_keras.layers.epochs import EpochLayer
from mimo_keras.layers.members import checked_members
from mimo_keras.layers.registration import serializable


@serializable
class DepthPosterior(EpochLayer):
    """Weights θ_m of each member over depths, learned as a posterior.

    θ_m is the softmax of D logits per member, initialized to the prior. θ
    weights the members' losses; the mixture weights are θ_md / M. Components
    are depth-major: e = d · M + m.

    Args:
        ensemble_size: M, the number of members.
        depths: D, the number of depths.
        learn: Whether θ is learned; if not, it is the prior.
        warmup_epochs: Epochs in which θ is held at the prior.
        prior: D probabilities γ above 0; None for equal ones.
        divergence: "reverse" for KL(θ ‖ γ), "forward" for KL(γ ‖ θ).

    Call arguments:
        inputs: Any tensor whose first axis is the rows.

    Input shape:
        (N, ...).

    Output shape:
        (N, D · M), the same θ in every row, float32 under every dtype policy.

    Example:

    ```python
    features = keras.Input((64,))
    weights = mimo_keras.layers.DepthPosterior(2, depths=4)(features)
    ```

    Reference:
        Ferianc and Rodrigues, MIMMO, CVPR Workshops 2023, supplement; Antorán
        et al., Depth uncertainty in neural networks, NeurIPS 2020.
    """

    def __init__(
        self,
        ensemble_size,
        depths,
        learn=True,
        warmup_epochs=0,
        prior=None,
        divergence="reverse",
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.ensemble_size = checked_members(ensemble_size)
        self.depths = arguments.whole("depths", depths)
        directions = ("reverse", "forward")
        divergence = arguments.choice("divergence", divergence, directions)
        self.learn = arguments.flag("learn", learn)
        self.warmup_epochs = arguments.number("warmup_epochs", warmup_epochs, 0)
        self.prior = checked_prior("prior", prior, self.depths)
        self.divergence = divergence

    def build(self, input_shape):
        self.theta = None
        if self.learn:
            self.theta = self.add_weight(
                shape=(self.ensemble_size, self.depths),
                dtype="float32",
                initializer=lambda shape, dtype: ops.broadcast_to(
                    self._log_prior(), shape
                ),
                autocast=False,
                name="theta",
            )

    @property
    def undecayed_weights(self):
        """θ's logits, which the KL term regularizes instead of L2."""
        return [] if self.theta is None else [self.theta]

    def call(self, inputs):
        weights = ops.exp(ops.transpose(self.log_posterior()))
        rows = ops.shape(inputs)[0]
        return ops.broadcast_to(
            ops.reshape(weights, (1, -1)),
            (rows, self.depths * self.ensemble_size),
        )

    def compute_output_spec(self, inputs):
        shape = (inputs.shape[0], self.depths * self.ensemble_size)
        return keras.KerasTensor(shape, "float32")

    def log_posterior(self):
        """Returns log θ, (M, D), in the current epoch."""
        prior = ops.broadcast_to(
            self._log_prior(), (self.ensemble_size, self.depths)
        )
        if self.theta is None:
            return prior
        learned = ops.log_softmax(self.theta, axis=-1)
        if not self.warmup_epochs:
            return learned
        return ops.where(self.epoch < self.warmup_epochs, prior, learned)

    def log_mixture_weights(self):
        """Returns the log mixture weights log(θ_md / M), (D · M,)."""
        flat = ops.reshape(ops.transpose(self.log_posterior()), (-1,))
        return flat - ops.log(float(self.ensemble_size))

    def kl_divergence(self):
        """Returns the divergence summed over members, in nats."""
        if self.theta is None:
            return ops.zeros((), "float32")
        posterior, prior = self.log_posterior(), self._log_prior()
        if self.divergence == "forward":
            return ops.sum(ops.exp(prior) * (prior - posterior))
        return ops.sum(ops.exp(posterior) * (posterior - prior))

    def get_config(self):
        return {
            **super().get_config(),
            "ensemble_size": self.ensemble_size,
            "depths": self.depths,
            "learn": self.learn,
            "warmup_epochs": self.warmup_epochs,
            "prior": self.prior,
            "divergence": self.divergence,
        }

    def _log_prior(self):
        """Returns log γ, (D,)."""
        prior = self.prior or (1.0 / self.depths,) * self.depths
        return ops.log(ops.convert_to_tensor(prior, "float32"))


def checked_prior(name, prior, depths):
    """Returns a prior over depths as a tuple of numbers, or None.

    Args:
        name: The argument's name.
        prior: D probabilities above 0; None for equal ones.
        depths: D.

    Raises:
        InputError: They are not.
    """
    if prior is None:
        return None
    try:
        numbers = tuple(map(float, prior))
    except (TypeError, ValueError):
        numbers = ()
    if (
        len(numbers) != depths
        or not min(numbers) > 0
        or not abs(sum(numbers) - 1) <= 1e-6
    ):
        raise expected(
            f"{name} to be {depths} probabilities above 0 that sum to 1",
            f"{name}={arguments.plain(prior)!r}",
            "Omit it for a uniform prior.",
        )
    return numbers
