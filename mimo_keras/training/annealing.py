"""Terms of the loss that come in slowly."""

import keras
from keras import ops

from mimo_keras.layers.registration import register
from mimo_keras.training.distribute.distribution import replica_count


@register
class LinearAnnealing(keras.layers.Layer):
    """A factor that grows from 0 to `weight` with the images trained on.

    How many these are is one of the model's variables: it is kept in
    checkpoints and needs neither epochs nor steps to be known.

    Args:
        weight: The factor at its full size.
        examples: Training images, repetitions counted, until it has that
            size; 0 if it has it from the start.

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
            # An integer: float32 would lose images beyond 16 million.
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
        """Counts the images of this replica's step, as if all had as many."""
        if self.seen is not None:
            images = ops.cast(images * replica_count(), self.seen.dtype)
            self.seen.assign(ops.minimum(self.seen + images, self.examples))

    def factor(self):
        """Returns the factor as it is now, a float32 scalar."""
        if self.seen is None:
            return self.weight
        return self.weight * ops.cast(self.seen, "float32") / self.examples

    def get_config(self):
        return {
            **super().get_config(),
            "weight": self.weight,
            "examples": self.examples,
        }
