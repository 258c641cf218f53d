"""The loss that `compile` is given, as a loss of each member."""

import functools
import inspect

import keras
from keras import ops

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.layers import BernoulliMixture, CategoricalMixture
from mimo_keras.layers.arguments import is_number

# Whose `from_logits` means a softmax, so that log-probabilities can be computed
# from logits instead of from rounded probabilities.
_OF_SOFTMAX = {
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "sparse_categorical_crossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "SparseCategoricalCrossentropy",
}
# Losses of Keras for class indices; all others compare number by number.
_OF_INDICES = ("sparse", "Sparse", "ctc", "CTC", "circle", "Circle")
_OF_INDICES += ("categorical_generalized", "CategoricalGeneralized")
# Names that Keras completes when it has seen targets and predictions.
_BY_SHAPE = ("crossentropy", "ce")
_AVERAGES = ("sum_over_batch_size", "mean")


def per_member(loss, likelihood, loss_weights=None):
    """Returns the function (targets (N, E, …), outputs) -> losses (N, E).

    Args:
        loss: None for the likelihood's own; or as in Keras: a name, a function
            (targets, outputs) -> one value per row, or a keras.losses.Loss that
            averages over the batch. Losses of Keras see what they read there:
            probabilities, or logits with from_logits=True. (On TensorFlow Keras
            lets binary losses read a softmax layer's logits as those of a
            sigmoid; here they read its probabilities, as on JAX.) Losses of
            your own see the model's outputs, which are logits.
        likelihood: `likelihoods.Likelihood`.
        loss_weights: As in Keras: None, or the factor of the loss.

    Raises:
        InputError: It is none of these.
    """
    factor = _factor(loss_weights)
    if isinstance(loss, (list, tuple)) and len(loss) == 1:
        (loss,) = loss
    by_shape = isinstance(loss, str) and loss.lower() in _BY_SHAPE
    if loss is None or by_shape and likelihood.num_classes:
        own = likelihood.member_loss
        return own if factor == 1.0 else _scaled(own, factor)
    function, sees_logits = _function(loss)
    _check_softmax(loss, likelihood)
    takes_indices = _takes_indices(loss)
    activated = _unchanged if sees_logits else likelihood.mixture.activated

    def member_loss(targets, outputs):
        rows = ops.shape(outputs)[:2]
        flat = [
            ops.reshape(x, (-1, *x.shape[2:]))
            for x in (targets, activated(outputs))
        ]
        if len(flat[0].shape) < len(flat[1].shape) and not takes_indices:
            # They would be broadcast, silently where N equals K.
            raise _misfit(loss, flat, "targets are class indices")
        try:
            values = function(*flat)
        except (TypeError, ValueError) as error:
            raise _misfit(loss, flat, error) from error
        if len(values.shape) != 1:
            raise expected(
                "a loss with one value for each row",
                f"loss={_name(loss)} with values of shape {values.shape}",
                "Average over the last axis only: axis=-1.",
            )
        if keras_internals.has_mask(values):
            raise expected(
                "a loss that counts every row",
                f"loss={_name(loss)}, which leaves some out of its average",
                "Leave out ignore_class; pass sample_weight to fit, 0 for "
                "images to leave out.",
            )
        return factor * ops.reshape(ops.cast(values, "float32"), rows)

    return member_loss


def _scaled(function, factor):
    return lambda targets, outputs: factor * function(targets, outputs)


def _unchanged(outputs):
    return outputs


def _factor(loss_weights):
    if loss_weights is None:
        return 1.0
    listed = isinstance(loss_weights, (list, tuple))
    weights = [*loss_weights] if listed else [loss_weights]
    if len(weights) == 1 and is_number(weights[0]):
        return float(weights[0])
    raise expected(
        "loss_weights to be one number: the model has one output",
        f"loss_weights={loss_weights!r}",
        "Pass sample_weight to fit to weight images.",
    )


def _function(loss):
    """Returns a loss's function of rows, and whether it sees logits."""
    if isinstance(loss, str):
        loss = _named(loss)
    if isinstance(loss, keras.losses.Loss):
        return _of_object(loss)
    if not callable(loss) or inspect.isclass(loss):
        raise _unknown(loss)
    if not _is_of_keras(loss):
        return _with_float_targets(loss), True
    if loss.__name__ in _OF_SOFTMAX:
        return functools.partial(loss, from_logits=True), True
    return loss, False


def _takes_indices(loss):
    """Whether a loss is for class indices, or the user's own."""
    if isinstance(loss, str):
        loss = _named(loss)
    name = getattr(loss, "__name__", type(loss).__name__)
    kind = type(loss) if isinstance(loss, keras.losses.Loss) else loss
    return not _is_of_keras(kind) or name.startswith(_OF_INDICES)


def _check_softmax(loss, likelihood):
    """Raises InputError for a softmax of outputs that are each on its own."""
    if isinstance(loss, str):
        loss = _named(loss)
    kind = type(loss) if isinstance(loss, keras.losses.Loss) else loss
    is_softmax = _is_of_keras(kind) and kind.__name__ in _OF_SOFTMAX
    if not is_softmax:
        return
    if isinstance(likelihood.mixture, BernoulliMixture):
        raise expected(
            "a loss of labels that are 0 or 1",
            f"loss={_name(loss)} and likelihood={likelihood}",
            "Leave it out, or use binary_crossentropy.",
        )
    is_object = isinstance(loss, keras.losses.Loss)
    of_logits = is_object and loss.get_config().get("from_logits")
    is_of_classes = isinstance(likelihood.mixture, CategoricalMixture)
    if not is_of_classes and not of_logits:
        # Keras would divide the outputs by their sum.
        raise expected(
            "a loss of numbers",
            f"loss={_name(loss)} and likelihood={likelihood}",
            "Leave it out, or create the model with num_classes.",
        )


def _named(name):
    try:
        return keras.losses.get(name)
    except ValueError as error:
        raise _unknown(name) from error


def _of_object(loss):
    if loss.reduction not in _AVERAGES:
        raise expected(
            'a loss with reduction="sum_over_batch_size"',
            f"loss={_name(loss)} with reduction={loss.reduction!r}",
            "The model sums over members and averages over rows itself.",
        )
    if not _is_of_keras(type(loss)):
        return loss.call, True
    config = loss.get_config()
    if type(loss).__name__ in _OF_SOFTMAX:
        as_logits = type(loss).from_config({**config, "from_logits": True})
        return as_logits.call, True
    return loss.call, config.get("from_logits", False)


def _is_of_keras(thing):
    return (getattr(thing, "__module__", None) or "").startswith("keras.")


def _with_float_targets(function):
    """Returns a user's function with the dtype of targets that Keras passes."""
    return lambda targets, outputs: ops.convert_to_tensor(
        function(ops.cast(targets, "float32"), outputs)
    )


def _name(loss):
    if isinstance(loss, str):
        return loss
    return getattr(loss, "__name__", None) or type(loss).__name__


def _unknown(loss):
    return expected(
        "loss to be None, the name of a Keras loss, a function or a "
        "keras.losses.Loss",
        f"loss={loss!r}",
        "Use for example SparseCategoricalCrossentropy(from_logits=True).",
    )


def _misfit(loss, inputs, error):
    targets, outputs = (x.shape[1:] for x in inputs)
    return expected(
        f"a loss for targets of shape (N{_sizes(targets)}) and outputs of "
        f"shape (N{_sizes(outputs)})",
        f"loss={_name(loss)}, which raised: {str(error)[:200]}",
        "Class indices need a loss whose name begins with sparse, one-hot "
        "labels one whose name does not.",
    )


def _sizes(shape):
    return "".join(f", {size}" for size in shape) or ","
