"""Keras's own `compile`, with losses of members and penalties."""

import contextlib
import dataclasses

import keras

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.training import data_checks, given_losses, given_metrics
from mimo_keras.training.learning_rates import multiply_learning_rates
from mimo_keras.training.penalties import Penalties


class Compiling:
    """Mixin for keras.Model that compiles a model of members.

    List it before keras.Model. The model must have a `network`, a `likelihood`
    and a metric `nll`.
    """

    def compile(
        self,
        optimizer="sgd",
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        *,
        l1=0.0,
        l2=0.0,
        l2_scope="all",
        norm_l2=None,
        ends_factor=1.0,
        **kwargs,
    ):
        """Prepares for `fit`.

        Args:
            optimizer: As in Keras.
            loss: None for the likelihood's own (cross-entropy; in regression
                squared error, or that of `likelihood`); or as in Keras, see
                `given_losses.per_member`. It is averaged over rows, and summed
                over members (averaged in batch_ensemble and rank1_bnn, see
                their `member_reduction`).
            loss_weights: None, or the factor of the loss.
            metrics: As in Keras; in training they see each member's
                probabilities and labels as separate rows, in evaluation the
                ensemble's. The mean negative log-likelihood "nll" is always
                reported; in regression of means, the squared error "mse".
            weighted_metrics: Metrics that sample_weight and class_weight
                weight, as in Keras. Default: accuracy for classification, if
                there are no `metrics` either.
            l1: Coefficient of Σ |w|.
            l2: Coefficient of Σ w², not halved.
            l2_scope: Which weights both terms include, "all" or "kernels": see
                `losses.decayed_variables`.
            norm_l2: None, or L2's coefficient for norms: see `Penalties`.
            ends_factor: Factor for the first and the last layer, likewise.
            **kwargs: As in Keras.
        """
        _check_optimizer(optimizer)
        self._member_loss = given_losses.per_member(
            loss, self.likelihood, loss_weights
        )
        own = {"l1": l1, "l2": l2, "norm_l2": norm_l2}
        own |= {"ends_factor": ends_factor}
        self._penalties = Penalties(scope=l2_scope, **own)
        steps = kwargs.get("steps_per_execution", 1)
        data_checks.check_count("steps_per_execution", steps)
        given = kwargs | self._given(metrics, weighted_metrics)
        listed = [*(given["metrics"] or []), *(given["weighted_metrics"] or [])]
        self._metrics_of_numbers = tuple(given_metrics.of_numbers(listed))
        self._compile_and_build(optimizer, given)
        own |= {"loss": loss, "loss_weights": loss_weights}
        own |= {"l2_scope": l2_scope}
        self._compile_arguments = keras.saving.serialize_keras_object(
            {"optimizer": self.optimizer} | own | given
        )

    @property
    def l2_scope(self):
        """The weights that L1 and L2 include; a compiled model has one."""
        return self._penalties.scope

    @l2_scope.setter
    def l2_scope(self, scope):
        self._penalties = dataclasses.replace(self._penalties, scope=scope)

    def _compile_and_build(self, optimizer, given):
        super().compile(optimizer=optimizer, **given)
        # In a function, so that Keras does not track the metrics twice.
        self._recompile = lambda: super(Compiling, self).compile(
            optimizer=self.optimizer, **given
        )
        # Built now, inside the scope of a tf.distribute strategy if any.
        self.optimizer.build(self.trainable_variables)
        self._build_metrics()
        multiply_learning_rates(self.optimizer, self.network)

    def _given(self, metrics, weighted_metrics):
        """Returns the checked metrics, by argument."""
        if metrics is None and weighted_metrics is None:
            # Weighted, so that padding rows of a batch do not count.
            weighted_metrics = self.likelihood.default_metrics()
        given = {"metrics": metrics, "weighted_metrics": weighted_metrics}
        return {
            name: given_metrics.checked(value, name)
            for name, value in given.items()
        }

    def expect_targets(self, shape):
        """Chooses the metrics that targets of this shape need, as Keras does.

        "accuracy" is one metric for class indices and another one for one-hot
        labels.

        Args:
            shape: Shape of a batch of targets; None if it is unknown.
        """
        if not self.compiled:
            raise expected(
                "a compiled model",
                f"model {self.name}, which is not compiled",
                'Call model.compile("sgd") first.',
            )
        if shape is None:
            return
        before = self._target_spec
        if before != _described(self.likelihood.specs(shape)[0]):
            strategy = getattr(self, "distribute_strategy", None)
            with strategy.scope() if strategy else contextlib.nullcontext():
                self._recompile()
                self._build_metrics(shape)

    def _build_metrics(self, shape=None):
        """Creates the metrics' variables, which Keras defers to a step.

        On TensorFlow a step that creates a variable is traced twice, and on JAX
        the whole model is traced once more only to create it.
        """
        specs = self.likelihood.specs(shape)
        self._target_spec = _described(specs[0])
        metrics = keras_internals.compiled_metrics(self)
        if metrics is not None:
            metrics.build(*specs)

    @property
    def metrics(self):
        """The metrics, as in Keras."""
        return keras_internals.monitored(super().metrics, [self.nll])

    def get_metrics_result(self):
        # A metric given to compile has precedence over ours of the same name.
        results = super().get_metrics_result()
        compiled = keras_internals.compiled_metrics(self)
        return results if compiled is None else results | compiled.result()

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        if self._metrics_of_numbers and len(y.shape) < len(y_pred.shape):
            raise _misfit(y, f"{self._metrics_of_numbers[0]} among them")
        try:
            return super().compute_metrics(x, y, y_pred, sample_weight)
        except (TypeError, ValueError) as error:
            raise _misfit(y, f"an error: {str(error)[:200]}") from error

    def get_compile_config(self):
        return getattr(self, "_compile_arguments", {})

    def compile_from_config(self, config):
        if config and "weighted_metrics" not in config:
            # Files of earlier versions: all metrics were weighted.
            config = dict(config)
            config["weighted_metrics"] = config.pop("metrics", None)
        self.compile(**keras.saving.deserialize_keras_object(config))


def _check_optimizer(optimizer):
    """Raises InputError unless it is one, or what Keras makes one of."""
    try:
        found = keras.optimizers.get(optimizer)
    except (KeyError, TypeError, ValueError):
        found = None
    if found is None:
        raise expected(
            "an optimizer: its name or an instance",
            f"optimizer={optimizer!r}",
            'Pass "sgd", or keras.optimizers.SGD(0.1).',
        )


def _described(spec):
    return tuple(spec.shape), spec.dtype


def _misfit(targets, received):
    shapes = ", ".join(map(str, targets.shape[1:]))
    return expected(
        "metrics for such targets and predictions",
        f"targets of shape (B, {shapes}), and {received}",
        "Class indices need Sparse… metrics; others need one-hot "
        "labels: keras.utils.to_categorical(labels).",
    )
