"""The number of training images, N, found in what `fit` is given."""

import math

import keras

from mimo_keras.errors import argument, expected


def find(x, image_rank, shapes=None, *, validation_split=0.0, steps=None):
    """Returns how many images an epoch of `fit` trains on.

    Args:
        x: Images as Keras takes them: an array, or any source of batches.
        image_rank: Number of axes of one image.
        shapes: Shapes of an example's named inputs, if a data set's elements
            may be dictionaries of these; or None.
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
    batches, images, rows = _source(x, image_rank, shapes)
    if steps is not None and rows and (batches is None or steps < batches):
        return steps * rows()
    if batches:
        return images() or batches * rows()
    raise expected(
        "data of a known number of rows, by which this method's loss divides "
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
            "the number of training examples, by which this method's loss "
            "divides its KL term",
            "none",
            f"Pass {argument('train_examples')} to create_model; only fit "
            "finds it.",
        )


def _source(x, image_rank, shapes):
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
            lambda: _unbatched(x, image_rank, shapes),
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


def _unbatched(dataset, image_rank, shapes):
    """Returns how many single images a tf.data.Dataset groups into batches.

    None if it says nothing about them, or does not use them all.
    """
    batches = dataset.cardinality()
    if _rows(dataset.element_spec):
        return None  # All batches are full.
    while dataset is not None and _axes(dataset, image_rank, shapes) == 1:
        if dataset.cardinality() != batches:
            return None
        if hasattr(dataset, "_dataset_to_concatenate"):
            # Each of the two may have batches of a size of its own.
            both = dataset._input_dataset, dataset._dataset_to_concatenate
            filled = [one for one in both if int(one.cardinality())]
            return sum(find(one, image_rank, shapes) for one in filled)
        dataset = getattr(dataset, "_input_dataset", None)
    if dataset is None or _axes(dataset, image_rank, shapes) != 0:
        return None
    return max(int(dataset.cardinality()), 0)


def _axes(dataset, image_rank, shapes):
    """Returns how many axes an element has before those of one image.

    None if that is unknown.
    """
    images = _images(dataset.element_spec)
    if isinstance(images, dict) and shapes and images.keys() == shapes.keys():
        given = {name: images[name].shape for name in shapes}
        if all(given[n].rank == 1 + len(shapes[n]) for n in shapes):
            return 1
        if all(tuple(given[n]) == shapes[n] for n in shapes):
            return 0
        return None  # A column (B,) looks like one example of (1,).
    shape = getattr(images, "shape", None)
    if shape is None or shape.rank is None:
        return None
    return shape.rank - image_rank


def _rows(batch):
    """Returns the rows of a batch, or of a specification; None if unknown."""
    return _images(batch).shape[0]


def _images(batch):
    return batch[0] if isinstance(batch, (tuple, list)) else batch
