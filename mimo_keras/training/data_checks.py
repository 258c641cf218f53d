"""Checks of the user's data before the first step."""

import numpy as np

from mimo_keras.errors import expected


def check_images(shape, input_shape):
    """Raises InputError unless a batch of shape (B, …) fits the model."""
    if getattr(shape, "rank", 0) is None:
        raise expected(
            f"images of shape {_batch_of(input_shape)}",
            "images of unknown rank",
            "State it: tf.ensure_shape in the data set's map.",
        )
    if _fits((None, *shape), (None, *input_shape)):
        raise expected(
            f"images of shape {_batch_of(input_shape)}",
            f"shape={tuple(shape)}",
            "Pass a batch: images[None] for one image, dataset.batch(32) for a "
            "data set.",
        )
    if not _fits(shape, (None, *input_shape)):
        raise expected(
            f"images of shape {_batch_of(input_shape)}",
            f"shape={tuple(shape)}",
            "Resize them, or create the model with another input_shape.",
        )
    if shape[0] == 0:
        raise expected(
            f"images of shape {_batch_of(input_shape)}",
            f"shape={tuple(shape)}",
            "Pass at least one image.",
        )


def _batch_of(input_shape):
    return f"(B, {', '.join(map(str, input_shape))})"


def check_label_shape(shape):
    """Raises InputError unless labels have shape (B,) or (B, 1)."""
    if not _fits(shape, (None,)) and not _fits(shape, (None, 1)):
        raise expected(
            "one class index for each image, shape (B,)",
            f"shape={tuple(shape)}",
            "Take the argmax of one-hot labels.",
        )


def check_labels(labels, num_classes):
    """Raises InputError unless all labels are integers in 0 … K-1."""
    labels = np.asarray(labels)
    if labels.dtype.kind not in "biuf" or not np.all(labels % 1 == 0):
        raise expected(
            f"integer labels in 0 … {num_classes - 1}",
            f"dtype={labels.dtype}",
            "Pass class indices, not names, one-hot rows or probabilities.",
        )
    check_label_shape(labels.shape)
    bad = np.flatnonzero((labels < 0) | (labels >= num_classes))
    if bad.size:
        raise expected(
            f"labels in 0 … {num_classes - 1}",
            f"label={labels.ravel()[bad[0]]} at index {bad[0]}",
            "Fix the labels, or create the model with more num_classes.",
        )


def check_target_shape(shape, output_dim):
    """Raises InputError unless targets have shape (B, d), or (B,) for d=1."""
    flat = output_dim == 1 and len(shape) == 1
    if not flat and not _fits(shape, (None, output_dim)):
        raise expected(
            f"targets of shape (B, {output_dim})",
            f"shape={tuple(shape)}",
            "Reshape them, or create the model with another output_dim.",
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


def check_batch_size(batch_size, replicas):
    """Raises InputError if a batch has fewer rows than there are replicas."""
    # Keras takes None as 32.
    if (batch_size or 32) < replicas:
        raise expected(
            f"at least one row per batch for each of the {replicas} devices",
            f"batch_size={batch_size}",
            "Use a larger batch_size, or fewer devices.",
        )


def check_data(x, y, input_shape, likelihood):
    """Checks data for `fit` or `evaluate` as far as possible.

    Arrays and tensors are checked entirely. For a tf.data.Dataset, or any other
    source with an `element_spec`, only the shapes are checked; for other
    sources only the images' shape, once the first batch arrives.

    Args:
        x: Images as Keras takes them: an array, or any source of batches.
        y: Labels or targets, or None.
        input_shape: Shape of one image.
        likelihood: `likelihoods.Likelihood`, which checks the targets.

    Raises:
        InputError: The data do not fit the model.
    """
    images, labels = map(_static_shape, _elements(x))
    if images is not None:
        check_images(images, input_shape)
    if labels is not None:
        likelihood.check_shape(labels)
    if hasattr(x, "__array__"):
        images = np.asarray(x)
        check_images(images.shape, input_shape)
        check_finite(images, "images")
    if hasattr(y, "__array__") or isinstance(y, list):
        likelihood.check_targets(y)


def is_array(x):
    """Whether data are an array, a tensor or a list of them, not a source."""
    return hasattr(x, "__array__") or isinstance(x, list)


def _fits(shape, wanted):
    """Whether two shapes are compatible; None matches any size."""
    return len(shape) == len(wanted) and all(
        a is None or b is None or a == b
        for a, b in zip(shape, wanted, strict=True)
    )


def _elements(x):
    """Returns the specs of a source's images and labels, None if unknown."""
    stated = getattr(x, "element_spec", None)
    stated = stated if isinstance(stated, tuple) else ()
    return (*stated, None, None)[:2]


def _static_shape(element):
    """Returns the shape of an element as a tuple, None if unknown."""
    shape = getattr(element, "shape", None)
    return None if shape is None or shape.rank is None else tuple(shape)
