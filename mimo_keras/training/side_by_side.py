"""Many models of one kind, each trained on its own data, in one step."""

import keras
import numpy as np
from keras import ops

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.layers.protocols import HasLearningRates
from mimo_keras.training import train_examples


class SideBySide(keras.Model):
    """Trains S models at once, each exactly as it would train alone.

    The models' weights are stacked, (S, …), and a training step maps the
    step of one model, as its `EnsembleModel` defines it, over the stack. The
    loss is the sum over models, so that each one's gradient is its own. This
    pays off for networks so small that a single step costs next to nothing, as
    in studies over many training sets.

    Random draws in a step come from each model's own seed. The optimizer must
    be elementwise, as SGD and Adam are.

    Args:
        models: S compiled `EnsembleModel`s of one architecture. They provide
            the initial weights, and the first one defines the step; none of
            them is changed.

    Call arguments:
        inputs: (B, S, …), B examples for each model.
        training: Whether rows are formed as in training.

    Output shape:
        Member outputs (B, S, E, K).

    Example:

    ```python
    models = [mimo_keras.create_model(
        "mimo", backbone="mlp_4", input_shape=(1,), output_dim=1,
        ensemble_size=2, seed=seed) for seed in range(3)]
    for each in models:
        each.compile("adam")
    three = mimo_keras.training.SideBySide(models)
    three(np.zeros((5, 3, 1), "float32"))                    # (B, S, E, K)
    ```
    """

    def __init__(self, models, **kwargs):
        super().__init__(**kwargs)
        models = list(models)
        _check(models)
        # In a function, so that Keras does not track its weights as ours.
        self._one = lambda: models[0]
        self._learned = self._stacked([m.trainable_variables for m in models])
        self._state = self._stacked([m.non_trainable_variables for m in models])
        self.built = True

    def _stacked(self, variables):
        """Returns our own variables (S, …), stacked from the models'."""
        return [
            self.add_weight(
                shape=(len(several), *several[0].shape),
                dtype=several[0].dtype,
                initializer=_given([ops.convert_to_numpy(v) for v in several]),
                trainable=several[0].trainable,
                name=several[0].name,
            )
            for several in zip(*variables, strict=True)
        ]

    def call(self, inputs, training=False):
        def one(values, x):
            model = self._one()
            with self._as_one(values) as scope:
                outputs = model(x, training=training)
            moved = model.non_trainable_variables
            return outputs, [scope.get_current_value(v) for v in moved]

        outputs, state = self._mapped(one, ops.swapaxes(inputs, 0, 1))
        if not training:
            return ops.swapaxes(outputs, 0, 1)
        for variable, value in zip(self._state, state, strict=True):
            variable.assign(value)
        return outputs

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        def one(values, targets, outputs):
            with self._as_one(values):
                return self._one().compute_loss(None, targets, outputs)

        losses = self._mapped(one, ops.swapaxes(y, 0, 1), y_pred)
        return ops.sum(losses)

    def copy_to(self, model, index):
        """Copies the weights of one of the S models into a model like it.

        Args:
            model: `EnsembleModel`, changed in place.
            index: Which of the S models, from 0.
        """
        own = [*model.trainable_variables, *model.non_trainable_variables]
        for variable, stack in zip(own, self._values(), strict=True):
            variable.assign(stack[index])

    def _values(self):
        # For S = 1 TensorFlow reads the stack with a gather, whose gradient is
        # sparse, and Adam squares it piece by piece. Reshaping to the same
        # shape makes it dense.
        return [ops.reshape(v, v.shape) for v in (*self._learned, *self._state)]

    def _as_one(self, values):
        """Returns a scope in which the first model has the weights `values`."""
        model = self._one()
        own = (*model.trainable_variables, *model.non_trainable_variables)
        return keras.StatelessScope(list(zip(own, values, strict=True)))

    def _mapped(self, function, *arguments):
        """Maps a function of one model's weights and arguments over S."""
        return ops.vectorized_map(
            lambda parts: function(*parts), (self._values(), *arguments)
        )


def _given(values):
    """Returns an initializer that returns these values."""
    return lambda shape, dtype=None: ops.convert_to_tensor(
        np.stack(values), dtype
    )


def _check(models):
    makes = {
        (model.name, *(tuple(v.shape) for v in model.variables))
        for model in models
        if model.compiled
    }
    if len(makes) != 1 or not all(model.compiled for model in models):
        raise expected(
            "compiled models of one method and one backbone",
            f"{len(models)} models, {len(makes)} kinds of compiled ones",
            "Create and compile all of them in the same way.",
        )
    train_examples.require(models[0])
    layers = keras_internals.layers_within(models[0].network)
    own = [x for x in layers if isinstance(x, HasLearningRates)]
    if any(x.learning_rate_multipliers for x in own):
        raise expected(
            "a method with the same learning rate for all weights",
            f"method={models[0].name}",
            "Train its models separately.",
        )
