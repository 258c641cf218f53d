"""Keras's own `fit` and `evaluate`, after a check of the data."""

from mimo_keras.training import data_checks, stopping, train_examples
from mimo_keras.training.checked_call import CheckedCall
from mimo_keras.training.distribute.seeds import repeatable
from mimo_keras.training.epoch_clock import with_clock

# The arguments of Keras's `fit` that come after its callbacks.
_AFTER_CALLBACKS = (
    "validation_split",
    "validation_data",
    "shuffle",
    "class_weight",
    "sample_weight",
    "initial_epoch",
    "steps_per_epoch",
)


class CheckedFit(CheckedCall):
    """Mixin for keras.Model that refuses data that do not fit the model.

    List it before keras.Model. The model must have an `image_shape`, a
    `likelihood` and a `standardize` layer.
    """

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        *args,
        **kwargs,
    ):
        """Trains as in Keras, after checking the data as far as possible.

        Layers that depend on the epoch are informed of it: see `EpochClock`. A
        loss that depends on the number of training images gets it from the
        data: see `train_examples`.
        """
        x = self._checked(x, y, batch_size)
        validation = kwargs.get("validation_data")
        if isinstance(validation, (tuple, list)):
            images, *rest = validation
            images = self._checked(images, *rest[:1])
            kwargs["validation_data"] = (images, *rest)
        elif validation is not None:
            self._checked(validation)
        self._find_train_examples(x, callbacks, args, kwargs)
        callbacks = with_clock(callbacks, self, epochs)
        return super().fit(
            x, y, batch_size, epochs, verbose, callbacks, *args, **kwargs
        )

    def evaluate(self, x=None, y=None, batch_size=None, *args, **kwargs):
        """Evaluates as in Keras, after the same check as in `fit`.

        What a network draws here is the same each time, and does not change
        what it draws in training.
        """
        x = self._checked(x, y, batch_size)
        with repeatable(self):
            return super().evaluate(x, y, batch_size, *args, **kwargs)

    def train_on_batch(self, x, y=None, *args, **kwargs):
        """Trains on a batch as in Keras, after the same check as in `fit`."""
        train_examples.require(self)
        return super().train_on_batch(self._checked(x, y), y, *args, **kwargs)

    def test_on_batch(self, x, y=None, *args, **kwargs):
        """Evaluates a batch as in Keras, after the same check as in `fit`."""
        return super().test_on_batch(self._checked(x, y), y, *args, **kwargs)

    def _find_train_examples(self, x, callbacks, args, kwargs):
        annealing = getattr(self, "annealing", None)
        if annealing is None or annealing.train_examples is None:
            return
        given = dict(zip(_AFTER_CALLBACKS, args, strict=False)) | kwargs
        steps, split = given.get("steps_per_epoch"), 0.0
        if steps is not None:
            steps += stopping.steps_done(callbacks)
        if given.get("validation_data") is None:
            split = given.get("validation_split") or 0.0
        rank = len(self.image_shape)
        annealing.found(
            train_examples.find(x, rank, validation_split=split, steps=steps)
        )

    def _checked(self, x, y=None, batch_size=None):
        """Returns the images after the checks: lists become arrays."""
        x = self._checked_images(x)
        data_checks.check_data(x, y, self.image_shape, self.likelihood)
        strategy = getattr(self, "distribute_strategy", None)
        if strategy is not None and not hasattr(x, "element_spec"):
            data_checks.check_batch_size(
                batch_size, strategy.num_replicas_in_sync
            )
        return x
