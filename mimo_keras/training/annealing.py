"""Loss terms whose weight grows during training."""

import keras
from keras import ops

from mimo_keras.layers.registration import serializable
from mimo_keras.training.distribute.distribution import replica_count


@serializable
class LinearAnnealing(keras.layers.Layer):
    """A factor that grows linearly from 0 with the images seen.

    The number of images seen is one of the model's variables, so it is kept in
    checkpoints and neither epochs nor steps need to be known. So is the number
    of training images N, where `fit` finds it: a compiled training step reads
    its current value.

    Args:
        weight: The final value of the factor; it is divided by N if `epochs`
            is given.
        examples: Number of training images, counting repetitions, until the
            factor reaches it; 0 to start with it.
        epochs: None, or how many epochs of N images take the place of
            `examples`.

    Reference:
        Dusenberry et al., Efficient and scalable Bayesian neural nets with
        rank-1 factors, ICML 2020: the KL term is annealed over two thirds
        of training; linearly in Uncertainty-Baselines.
    """

    def __init__(self, weight, examples=0, epochs=None, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight
        self.examples = examples
        self.epochs = epochs
        self.seen = self.train_examples = self.last = None
        if examples or epochs:
            self.seen = self._counter("examples_seen")
        if epochs is not None:
            self.train_examples = self._counter("train_examples")
        if epochs:
            self.last = self._counter("last_annealed")
        self.built = True

    def _counter(self, name):
        # An integer: float32 cannot count beyond 16 million images.
        return self.add_weight(
            shape=(),
            dtype="int",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
            name=name,
        )

    def found(self, train_examples):
        """Sets N; what share of the annealing is over does not change."""
        self.train_examples.assign(train_examples)
        if self.last is not None:
            before, last = _value(self.last), int(self.epochs * train_examples)
            last = max(last, 1)
            self.seen.assign(_value(self.seen) * last // max(before, 1))
            self.last.assign(last)

    @property
    def needs_images(self):
        """Whether the factor depends on N: not if its final value is 0."""
        return self.train_examples is not None and self.weight != 0

    def is_waiting(self):
        """Whether N must be found before training, and was not.

        TensorFlow's traced steps see the value at the time of tracing. Where
        variables have no value, as in a stateless step of JAX, it is False.
        """
        if not self.needs_images:
            return False
        try:
            return not _value(self.train_examples)
        except (NotImplementedError, TypeError):  # TensorFlow's, JAX's.
            return False

    def count(self, images):
        """Counts this replica's images, assuming all replicas have as many."""
        if self.seen is not None:
            images = ops.cast(images * replica_count(), self.seen.dtype)
            last = self.examples if self.last is None else self.last
            self.seen.assign(ops.minimum(self.seen + images, last))

    def factor(self, training=False):
        """Returns the current factor, a float32 scalar.

        Args:
            training: Whether the factor must be known. If so, it is NaN before
                N is known, so that no training ignores the term; otherwise 0.
        """
        if self.weight == 0:
            return 0.0
        if self.train_examples is None:
            return self._grown(self.weight, self.examples)
        images = ops.cast(self.train_examples, "float32")
        full = ops.where(
            images > 0,
            self.weight / ops.maximum(images, 1.0),
            float("nan") if training else 0.0,
        )
        if self.last is None:
            return full
        return self._grown(full, ops.maximum(ops.cast(self.last, "float32"), 1))

    def _grown(self, full, last):
        if self.seen is None:
            return full
        return full * ops.cast(self.seen, "float32") / last

    def get_config(self):
        return {
            **super().get_config(),
            "weight": self.weight,
            "examples": self.examples,
            "epochs": self.epochs,
        }


def _value(counter):
    if keras.backend.backend() != "tensorflow":
        return int(ops.convert_to_numpy(counter))
    import tensorflow as tf

    with tf.init_scope():  # Outside of the graph that is being traced.
        return int(ops.convert_to_numpy(counter))
