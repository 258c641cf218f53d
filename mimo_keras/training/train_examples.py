"""The number of training images, N, found in what `fit` is given."""

import math

import keras

from mimo_keras.errors import argument, expected


def find(x, image_rank, *, validation_split=0.0, steps=None):
    """Returns how many images an epoch of `fit` trains on.

    Args:
        x: Images as Keras takes them: an array, or any source of batches.
        image_rank: Number of axes of one image.
        validation_split: Share of an array's images that is left out.
        steps: Steps of an epoch; None for as many as there are.

    Returns:
        The rows of an array. For other sources the images that they hold,
        exactly as far as that is known without reading them all; with fewer
        `steps` than batches, the images of these steps.

    Raises:
        InputError: It cannot be known: the source is a generator, or it is
            endless, or does not say its length, and there are no `steps`.
    """
    if getattr(x, "shape", None):
        return math.floor(int(x.shape[0]) * (1.0 - validation_split))
    batches, images, rows = _source(x, image_rank)
    if steps is not None and rows and (batches is None or steps < batches):
        return steps * rows()
    if batches:
        return images() or batches * rows()
    raise expected(
        "data of a known number of images, by which this method's loss divides "
        "its KL term",
        f"x of type {type(x).__name__}, steps_per_epoch={steps}",
        f"Pass {argument('train_examples')} to create_model, or "
        "steps_per_epoch with a tf.data.Dataset or a PyDataset.",
    )


def require(model):
    """Raises InputError if the model's loss needs N and no `fit` found it.

    Args:
        model: keras.Model, such as an `EnsembleModel`.
    """
    annealing = getattr(model, "annealing", None)
    if annealing is not None and annealing.is_waiting():
        raise expected(
            "the number of training images, by which this method's loss "
            "divides its KL term",
            "none",
            f"Pass {argument('train_examples')} to create_model; only fit "
            "finds it.",
        )


def _source(x, image_rank):
    """Returns what is known about a source of batches.

    Returns:
        The number of batches, None if it is unknown or endless; a function
        that returns the number of images, None if unknown; a function that
        returns the rows of the first batch. The functions may read batches.
    """
    if hasattr(x, "element_spec") and hasattr(x, "cardinality"):
        batches = int(x.cardinality())
        return (
            batches if batches >= 0 else None,
            lambda: _unbatched(x, image_rank),
            lambda: _rows(x.element_spec) or _rows(next(iter(x))),
        )
    if isinstance(x, keras.utils.PyDataset):
        batches = x.num_batches
        return (
            batches,
            lambda: (batches - 1) * _rows(x[0]) + _rows(x[batches - 1]),
            lambda: _rows(x[0]),
        )
    if hasattr(x, "dataset") and hasattr(x, "batch_size"):  # torch's loader.
        return len(x), lambda: len(x.dataset), lambda: x.batch_size
    return None, None, None


def _unbatched(dataset, image_rank):
    """Returns how many single images a tf.data.Dataset groups into batches.

    None if it says nothing about them, or does not use them all.
    """
    batches = dataset.cardinality()
    if _rows(dataset.element_spec):
        return None  # All batches are full.
    while dataset is not None and _rank(dataset) == image_rank + 1:
        if dataset.cardinality() != batches:
            return None
        dataset = getattr(dataset, "_input_dataset", None)
    if dataset is None or _rank(dataset) != image_rank:
        return None
    return max(int(dataset.cardinality()), 0)


def _rank(dataset):
    shape = getattr(_images(dataset.element_spec), "shape", None)
    return None if shape is None else shape.rank


def _rows(batch):
    """Returns the rows of a batch, or of a specification; None if unknown."""
    return _images(batch).shape[0]


def _images(batch):
    return batch[0] if isinstance(batch, (tuple, list)) else batch
