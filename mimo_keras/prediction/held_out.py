"""Predictions of held-out examples, to which stages are fitted."""

import hashlib

import keras
import numpy as np

from mimo_keras.errors import expected, warn
from mimo_keras.layers import arguments
from mimo_keras.prediction import batch_bars, prediction_checks

FEW = 200
"""Fewer examples than that are too few for most purposes."""


def collect(member_outputs, images, labels=None, batch_size=128, verbose=0):
    """Returns the members' outputs and the labels of all examples.

    Args:
        member_outputs: Function from a batch of images to (b, E, K).
        images: Array or list of images; or batches of (images, labels): a
            tf.data.Dataset, PyDataset or any iterable.
        labels: Class indices or targets, if `images` holds images alone.
        batch_size: Images of a batch, where `images` is an array.
        verbose: Whether a bar shows how far it is, see `batch_bars.shown`.

    Returns:
        Outputs (n, E, K) in float64 and labels (n, …).

    Raises:
        InputError: There are no examples, or labels are missing.
    """
    outputs, found = [], []
    batches, count = _batches(images, labels, batch_size)
    for batch in batch_bars.shown(batches, count, verbose):
        if not isinstance(batch, (tuple, list)) or len(batch) < 2:
            raise expected(
                "batches of (inputs, labels)",
                f"batches of {type(batch).__name__}",
                "Pass inputs and labels.",
            )
        outputs.append(keras.ops.convert_to_numpy(member_outputs(batch[0])))
        found.append(keras.ops.convert_to_numpy(batch[1]))
    if not outputs:
        raise expected(
            "held-out examples", "none", "Pass inputs and their labels."
        )
    outputs = np.concatenate(outputs).astype(np.float64)
    return outputs, np.concatenate(found)


def _batches(images, labels, batch_size):
    """Returns an iterable of batches, and how many there are or None."""
    if isinstance(images, keras.utils.PyDataset):
        count = len(images)
        return (images[index] for index in range(count)), count
    if not (hasattr(images, "__array__") or isinstance(images, list)):
        if labels is not None:
            raise expected(
                "labels inside the batches",
                f"labels={type(labels).__name__} beside a data set",
                "Leave labels out.",
            )
        if not hasattr(images, "__iter__"):
            raise expected(
                "inputs, or batches of (inputs, labels)",
                f"{type(images).__name__}",
                "Pass arrays, a data set or any iterable.",
            )
        return images, batch_bars.count_of(images)
    if labels is None:
        raise expected(
            "labels for the inputs", "labels=None", "Pass their true labels."
        )
    images, labels = _array("images", images), _array("labels", labels)
    if len(images) != len(labels):
        raise expected(
            "a label for each input",
            f"{len(labels)} labels for {len(images)} inputs",
            "Compare how both were loaded.",
        )
    batch_size = arguments.whole("batch_size", batch_size)
    starts = range(0, len(images), batch_size)
    batches = (
        (images[first : first + batch_size], labels[first : first + batch_size])
        for first in starts
    )
    return batches, len(starts)


def _array(name, values):
    wanted = f"{name}: an array, or a list of arrays of one shape"
    remedy = "Convert them to a NumPy array."
    try:
        array = np.asarray(values)
    except Exception as error:  # Arrays of other libraries, on a GPU.
        received = f"{type(values).__name__} ({str(error)[:200]})"
        raise expected(wanted, received, remedy) from error
    if not array.ndim:
        raise expected(wanted, type(values).__name__, remedy)
    return array


def checked(logits, labels, few=True):
    """Returns finite logits and labels as class indices.

    Args:
        logits: (n, E, K).
        labels: (n,), (n, 1), or one-hot (n, K); whole numbers of any type.
        few: Whether it matters that the examples are few.

    Raises:
        InputError: They do not fit, or there are fewer examples than classes.
    """
    count, _, classes = logits.shape
    logits = prediction_checks.checked_array(
        "logits", logits, "(n, E, K)", (None, None, None)
    )
    labels = np.asarray(labels)
    if labels.shape == (count, classes) and classes > 1:
        if not (np.sort(labels, axis=1) == np.eye(classes)[-1]).all():
            raise expected(
                "the class of each example, or one-hot labels",
                "soft labels",
                "Pass class indices of shape (n,).",
            )
        labels = labels.argmax(axis=1)
    labels = labels.reshape(-1) if labels.shape == (count, 1) else labels
    if labels.dtype.kind in "bf" and (labels % 1 == 0).all():
        labels = labels.astype(np.int64)
    labels = prediction_checks.checked_labels(labels, count, classes)
    if few and count < classes:
        raise expected(
            f"at least as many held-out examples as classes, {classes}",
            f"{count} examples",
            "Hold out more of the training data.",
        )
    if few and count < FEW:
        warn(f"{count} examples are few to fit to: {FEW} or more are better.")
    return logits, labels


def described(outputs, labels):
    """Returns what a stage says it was fitted on: "examples" and "sha256"."""
    digest = hashlib.sha256()
    for values in (outputs, labels):
        digest.update(np.ascontiguousarray(values))
    return {"examples": len(labels), "sha256": digest.hexdigest()[:16]}
