"""Keras's own `fit` and `evaluate`, after a check of the data."""

from mimo_keras.training import data_checks
from mimo_keras.training.epoch_clock import with_clock


class CheckedFit:
    """Mixin for keras.Model that refuses data that do not fit the model.

    List it before keras.Model. The model must have an `image_shape` and a
    `likelihood`.
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

        Layers that depend on the epoch are informed of it: see `EpochClock`.
        """
        self._check_data(x, y, batch_size)
        validation = kwargs.get("validation_data")
        if validation is not None:
            pair = isinstance(validation, (tuple, list))
            self._check_data(*(validation[:2] if pair else (validation, None)))
        callbacks = with_clock(callbacks, self, epochs)
        return super().fit(
            x, y, batch_size, epochs, verbose, callbacks, *args, **kwargs
        )

    def evaluate(self, x=None, y=None, batch_size=None, *args, **kwargs):
        """Evaluates as in Keras, after the same check as in `fit`."""
        self._check_data(x, y, batch_size)
        return super().evaluate(x, y, batch_size, *args, **kwargs)

    def _check_data(self, x, y, batch_size=None):
        data_checks.check_data(x, y, self.image_shape, self.likelihood)
        strategy = getattr(self, "distribute_strategy", None)
        if strategy is not None and not hasattr(x, "element_spec"):
            data_checks.check_batch_size(
                batch_size, strategy.num_replicas_in_sync
            )
