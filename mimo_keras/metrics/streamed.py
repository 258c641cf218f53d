"""What the metrics have in common: inputs, sums and their merging."""

import keras
from keras import ops

from mimo_keras import keras_internals
from mimo_keras.errors import expected


class Streamed(keras_internals.LowerIsBetter, keras.metrics.Metric):
    """Base of a metric that is a function of weighted sums over examples.

    Subclasses create their sums by `add_sums`, and define `update` and
    `result`.

    Args:
        from_logits: Whether predictions are logits; else probabilities.
        name: Its name.
        dtype: Of the sums; float32 by default.

    Call arguments of `update_state`:
        y_true: Class indices (…,) or (…, 1), or probabilities (…, K), such as
            one-hot labels. Indices outside 0 … K - 1 make the result NaN, and
            so do predictions of NaN.
        y_pred: (…, K); or for two classes (…, 1), of class 1.
        sample_weight: None, or weights that broadcast to (…,).
    """

    def __init__(self, from_logits=False, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.from_logits = bool(from_logits)
        self.total = self.add_sums("total")

    def add_sums(self, name, shape=()):
        """Returns a variable that sums over examples, at 0."""
        return self.add_variable(shape, "zeros", self.dtype, name=name)

    def update(self, targets, predictions, weights):
        """Adds a batch.

        Args:
            targets: Probabilities of the classes, (N, K).
            predictions: Probabilities, or logits if `from_logits`, (N, K).
            weights: (N,).
        """
        raise NotImplementedError

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch; see the class for the arguments."""
        predictions = ops.cast(numbers("y_pred", y_pred), self.dtype)
        if len(predictions.shape) < 2:
            raise expected(
                "predictions of shape (…, K), or (…, 1) of two classes",
                f"y_pred.shape={tuple(predictions.shape)}",
                "Add an axis.",
            )
        shape = ops.shape(predictions)[:-1]
        if predictions.shape[-1] == 1:
            predictions = self._of_two(predictions)
        classes = predictions.shape[-1]
        targets = self._targets(y_true, predictions.shape)
        self._check_rows("y_true", targets[..., 0], predictions)
        weights = ops.ones(shape, self.dtype)
        if sample_weight is not None:
            weights = numbers("sample_weight", sample_weight)
            weights = ops.cast(weights, self.dtype)
            if len(weights.shape) == len(shape) + 1:
                weights = ops.squeeze(weights, -1)
            self._check_rows("sample_weight", weights, predictions)
            weights = ops.broadcast_to(weights, shape)
        weights = ops.reshape(weights, (-1,))
        self.total.assign_add(ops.sum(weights))
        self.update(
            ops.reshape(targets, (-1, classes)),
            ops.reshape(predictions, (-1, classes)),
            weights,
        )

    def _check_rows(self, name, values, predictions):
        """Raises InputError where sizes are known not to fit."""
        given, wanted = values.shape, predictions.shape[:-1]
        # A weight may be one for all; a label may not.
        broadcast = (1, None) if name == "sample_weight" else (None,)
        pairs = zip(reversed(given), reversed(wanted), strict=False)
        if any(m is not None and n not in (m, *broadcast) for n, m in pairs):
            raise expected(
                f"{name} for predictions of shape {tuple(predictions.shape)}",
                f"{name} of shape {tuple(given)}",
                "Pass one for each row.",
            )

    def probabilities(self, predictions):
        """Returns probabilities, whatever the predictions are."""
        return ops.softmax(predictions) if self.from_logits else predictions

    def merge_state(self, metrics):
        """Adds what other metrics of the same settings have seen.

        Args:
            metrics: Iterable of metrics.

        Raises:
            InputError: One has other settings.
        """
        metrics = list(metrics)
        for other in metrics:
            if _settings(other) != _settings(self):
                raise expected(
                    f"metrics like {_settings(self)}",
                    f"{_settings(other)}",
                    "Merge metrics of the same settings.",
                )
        for other in metrics:
            pairs = zip(self.variables, other.variables, strict=True)
            for own, seen in pairs:
                own.assign_add(seen)

    def get_config(self):
        return {**super().get_config(), "from_logits": self.from_logits}

    def _of_two(self, predictions):
        if self.from_logits:
            others = ops.zeros_like(predictions)
        else:
            others = 1 - predictions
        return ops.concatenate((others, predictions), axis=-1)

    def _targets(self, y_true, shape):
        y_true = numbers("y_true", y_true)
        rank = len(shape)
        if len(y_true.shape) == rank and y_true.shape[-1] == shape[-1]:
            return ops.cast(y_true, self.dtype)
        if len(y_true.shape) == rank and y_true.shape[-1] == 1:
            y_true = ops.squeeze(y_true, -1)
        if len(y_true.shape) != rank - 1:
            raise expected(
                "class indices or one-hot labels for predictions of shape "
                f"{tuple(shape)}",
                f"y_true.shape={tuple(y_true.shape)}",
                "Drop or add an axis.",
            )
        indices = ops.expand_dims(ops.cast(y_true, "float32"), -1)
        classes = ops.arange(shape[-1], dtype="float32")
        found = ops.cast(ops.equal(indices, classes), self.dtype)
        # An index of no class: 0 / 0.
        return found / ops.sum(found, axis=-1, keepdims=True)


def numbers(name, values):
    """Returns values as a tensor; raises InputError if it is not of numbers.

    Args:
        name: What they are called in the error.
        values: What was given.
    """
    try:
        tensor = ops.convert_to_tensor(values)
        kind = keras.backend.standardize_dtype(tensor.dtype)
    except (TypeError, ValueError):
        kind = type(values).__name__
    if not kind.startswith(("float", "bfloat", "int", "uint", "bool")):
        raise expected(
            f"numbers as {name}",
            f"{name} of type {kind}",
            "Pass class indices and arrays of numbers, without missing values.",
        )
    return tensor


def _settings(metric):
    own = {**metric.get_config(), "metric": type(metric).__name__}
    own.pop("name")
    return own
