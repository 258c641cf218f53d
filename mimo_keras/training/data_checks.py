"""Checks of the user's data before the first step."""

import numpy as np

from mimo_keras.errors import expected
from mimo_keras.layers.arguments import is_whole
from mimo_keras.training.input_words import words

# Soft labels may be of 16 bits.
ROUNDING = 1e-2
NAMES = (
    "Pass class indices, not names: np.unique(labels, return_inverse=True)[1]."
)
"""What to do with labels that are no numbers."""


def numbers(values):
    """Returns an array, of float32 in place of bfloat16.

    NumPy does not know the kind of the latter.
    """
    try:
        array = np.asarray(values)
    except Exception as error:  # Arrays of other libraries, on a GPU.
        raise expected(
            "numbers: an array, or a list of arrays of one shape",
            f"{type(values).__name__} ({str(error)[:200]})",
            "Convert it to a NumPy array.",
        ) from error
    is_short = array.dtype.name == "bfloat16"
    return array.astype("float32") if is_short else array


def check_images(shape, input_shape, copies=0):
    """Raises InputError unless a batch of shape (B, …) fits the model.

    Args:
        shape: That of the batch.
        input_shape: That of one image.
        copies: If not 0, a batch may also hold so many copies of each image.
    """
    own = words(input_shape)
    wanted = f"{own.many} of shape {_batch_of(input_shape)}"
    if getattr(shape, "rank", 0) is None:
        raise expected(
            wanted,
            f"{own.many} of unknown rank",
            "State it: tf.ensure_shape in the data set's map.",
        )
    if copies and _fits(shape, (None, copies, *input_shape)):
        shape = (shape[0], *shape[2:])
    if _fits((None, *shape), (None, *input_shape)):
        raise expected(
            wanted,
            f"shape={tuple(shape)}",
            f"Pass a batch: x[None] for one {own.one}, dataset.batch(32) for a "
            "data set.",
        )
    if not _fits(shape, (None, *input_shape)):
        flat = _fits((*shape, 1), (None, *input_shape))
        raise expected(
            wanted,
            f"shape={tuple(shape)}",
            "Pass x[..., None], with a last axis of 1."
            if flat
            else f"{own.fit}, or create the model with another input_shape.",
        )
    if shape[0] == 0:
        raise expected(
            wanted, f"shape={tuple(shape)}", f"Pass at least one {own.one}."
        )


def _batch_of(input_shape):
    return f"(B, {', '.join(map(str, input_shape))})"


def check_label_shape(shape, num_classes):
    """Raises InputError unless labels have shape (B,), (B, 1) or (B, K)."""
    check_rank(shape)
    if len(shape) != 1 and tuple(shape[1:]) not in {(1,), (num_classes,)}:
        raise expected(
            "one class index for each example, shape (B,), or one-hot labels "
            f"of shape (B, {num_classes})",
            f"shape={tuple(shape)}",
            "Compare with num_classes of the model.",
        )


def check_rank(shape):
    """Raises InputError if a shape of targets has an unknown rank."""
    if getattr(shape, "rank", 0) is None:
        raise expected(
            "labels of known rank",
            "labels of unknown rank",
            "State it: tf.ensure_shape in the data set's map.",
        )


def check_labels(labels, num_classes):
    """Raises InputError unless all labels are integers in 0 … K-1.

    Labels of shape (B, K) must be probabilities that sum to 1.
    """
    labels = numbers(labels)
    if labels.ndim == 2 and labels.shape[1] == num_classes:
        return _check_probabilities(labels)
    if labels.dtype.kind not in "biuf":
        raise expected(
            f"integer labels in 0 … {num_classes - 1}",
            f"dtype={labels.dtype}",
            NAMES,
        )
    check_label_shape(labels.shape, num_classes)
    with np.errstate(invalid="ignore"):
        is_whole = labels % 1 == 0
    bad = np.flatnonzero(~is_whole | (labels < 0) | (labels >= num_classes))
    if bad.size:
        raise expected(
            f"{'' if is_whole.all() else 'integer '}labels in 0 … "
            f"{num_classes - 1}",
            f"label={labels.ravel()[bad[0]]} at index {bad[0]}",
            "Fix the labels, or create the model with more num_classes."
            if is_whole.all()
            else "Pass class indices.",
        )


def _check_probabilities(labels):
    numeric = labels.dtype.kind in "biuf"
    rows = labels.astype("float64") if numeric else np.zeros(labels.shape)
    good = (rows >= 0).all(axis=1) & (abs(rows.sum(axis=1) - 1) < ROUNDING)
    if not good.all():
        index = np.flatnonzero(~good)[0]
        raise expected(
            "one-hot or soft labels: rows of probabilities that sum to 1",
            f"{labels[index].tolist()} at index {index}",
            "Normalize them, or pass class indices of shape (B,).",
        )


def check_target_shape(shape, output_dim):
    """Raises InputError unless targets have shape (B, d), or (B,) for d=1."""
    check_rank(shape)
    flat = output_dim == 1 and len(shape) == 1
    if not flat and not _fits(shape, (None, output_dim)):
        raise expected(
            f"targets of shape (B, {output_dim})",
            f"shape={tuple(shape)}",
            "Reshape them, or create the model with another output_dim.",
        )


def check_numeric(targets):
    """Raises InputError unless an array of targets holds numbers."""
    if targets.dtype.kind not in "biuf":
        raise expected(
            "targets that are numbers",
            f"dtype={targets.dtype}",
            "Convert them to float32.",
        )


def check_finite(values, what):
    """Raises InputError if there is a NaN or an infinity among the values."""
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return
    rows = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    raise expected(
        f"finite {what}",
        f"NaN or infinity in {rows.sum()} {what}, first at index "
        f"{np.flatnonzero(rows)[0]}",
        "Remove or fix these.",
    )


def check_weights(weights, rows):
    """Raises InputError unless weights are finite, one for each image."""
    weights = numbers(weights)
    check_weights_shape(weights.shape)
    if len(weights) != rows:
        raise _weights_error(f"{len(weights)} weights for {rows} examples")
    check_weights_dtype(str(weights.dtype), weights.dtype.kind in "biuf")
    bad = weights[~np.isfinite(weights)]
    if bad.size:
        raise weights_error(f"{bad[0]:g}")


def check_weights_dtype(name, is_numeric):
    """Raises InputError unless weights are numbers."""
    if not is_numeric:
        raise _weights_error(f"dtype={name}")


def check_weights_shape(shape):
    """Raises InputError unless weights have shape (B,) or (B, 1)."""
    if not _fits(shape, (None,)) and not _fits(shape, (None, 1)):
        raise _weights_error(f"shape={tuple(shape)}")


def weights_error(value):
    """Returns the error about a weight that is not finite."""
    return _weights_error(f"{value} among them")


def _weights_error(received):
    return expected(
        "sample_weight of one finite number for each example, shape (B,)",
        received,
        "Weight examples, not classes or members.",
    )


def check_count(name, value, least=1):
    """Raises InputError unless a value is None or a large enough integer."""
    if value is not None and not (is_whole(value) and value >= least):
        raise expected(
            f"{name} to be a whole number of at least {least}",
            f"{name}={value!r}",
            "Pass an int, or leave it out.",
        )


def check_batch_size(batch_size, replicas):
    """Raises InputError if a batch has fewer rows than there are replicas."""
    # Keras takes None as 32.
    if (batch_size or 32) < replicas:
        raise expected(
            f"at least one row per batch for each of the {replicas} devices",
            f"batch_size={batch_size}",
            "Use a larger batch_size, or fewer devices.",
        )


def check_data(x, y, input_shape, likelihood, sample_weight=None, copies=0):
    """Checks arrays for `fit` or `evaluate`.

    Args:
        x: Images (B, …), an array or a tensor.
        y: Labels or targets, an array, a tensor or a list.
        input_shape: Shape of one image.
        likelihood: `likelihoods.Likelihood`, which checks the targets.
        sample_weight: Weights of the images, or None.
        copies: As of `check_images`.

    Raises:
        InputError: The data do not fit the model.
    """
    images = numbers(x)
    check_images(images.shape, input_shape, copies)
    many = words(input_shape).many
    check_finite(images, many)
    if y is None:
        raise expected(
            f"labels for the {many}",
            "y=None",
            f"Pass them as y, or a data set of ({many}, labels).",
        )
    targets = numbers(y)
    likelihood.check_targets(targets)
    if len(targets) != len(images):
        raise expected(
            f"a label for each {words(input_shape).one}",
            f"{len(targets)} labels for {len(images)} {many}",
            "Compare how both were loaded.",
        )
    if sample_weight is not None:
        check_weights(sample_weight, len(images))


def arrays(*values):
    """Returns lists as arrays, which Keras would take for several inputs."""
    return tuple(
        listed(value) if isinstance(value, (list, tuple)) else value
        for value in values
    )


def listed(values):
    """Returns a list as an array, of objects if its parts differ in shape."""
    try:
        return np.asarray(values)
    except ValueError:
        return np.empty(len(values), object)


def check_one_kind(shapes, likelihood):
    """Raises InputError unless all targets are class indices, or all one-hot.

    Args:
        shapes: Those of the targets of training and of validation; None where
            they are unknown.
        likelihood: `likelihoods.Likelihood`.
    """
    shapes = [shape for shape in shapes if shape is not None]
    kinds = {str(likelihood.specs(shape)[0].shape) for shape in shapes}
    if len(kinds) > 1:
        raise expected(
            "validation labels of the shape of the labels",
            f"shapes {shapes[1]} and {shapes[0]}",
            "Use class indices, or one-hot labels, in both.",
        )


def is_array(x):
    """Whether data are an array, a tensor or a list of them, not a source."""
    return isinstance(x, list) or hasattr(x, "__array__") or hasattr(x, "shape")


def _fits(shape, wanted):
    """Whether two shapes are compatible; None matches any size."""
    return len(shape) == len(wanted) and all(
        a is None or b is None or a == b
        for a, b in zip(shape, wanted, strict=True)
    )
