"""Loss terms whose weight grows during training."""

import keras
from keras import ops

from mimo_keras.layers.registration import serializable
from mimo_keras.training.distribute.distribution import replica_count


@serializable
class LinearAnnealing(keras.layers.Layer):
    """A factor that grows linearly from 0 to `weight` with the images seen.

    The number of images seen is one of the model's variables, so it is kept in
    checkpoints and neither epochs nor steps need to be known.

    Args:
        weight: The final value of the factor.
        examples: Number of training images, counting repetitions, until the
            factor reaches it; 0 to start with it.

    Reference:
        Dusenberry et al., Efficient and scalable Bayesian neural nets with
        rank-1 factors, ICML 2020: the KL term is annealed over two thirds
        of training; linearly in Uncertainty-Baselines.
    """

    def __init__(self, weight, examples, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight
        self.examples = examples
        self.seen = None
        if examples:
            # An integer: float32 cannot count beyond 16 million images.
            self.seen = self.add_weight(
                shape=(),
                dtype="int",
                initializer="zeros",
                trainable=False,
                aggregation="only_first_replica",
                name="examples_seen",
            )
        self.built = True

    def count(self, images):
        """Counts this replica's images, assuming all replicas have as many."""
        if self.seen is not None:
            images = ops.cast(images * replica_count(), self.seen.dtype)
            self.seen.assign(ops.minimum(self.seen + images, self.examples))

    def factor(self):
        """Returns the current factor, a float32 scalar."""
        if self.seen is None:
            return self.weight
        return self.weight * ops.cast(self.seen, "float32") / self.examples

    def get_config(self):
        return {
            **super().get_config(),
            "weight": self.weight,
            "examples": self.examples,
        }
