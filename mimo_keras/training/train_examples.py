"""The number of training images, N, found in what `fit` is given."""

import functools
import itertools
import math

import keras

from mimo_keras.errors import argument, expected, warn
from mimo_keras.training import dataset_rows
from mimo_keras.training.distribute import workers

_TOLERANCE = 0.01
"""Share of the images of an epoch by which N may be wrong."""


def find(
    x, image_rank, shapes=None, *, validation_split=0.0, steps=None, rows=None
):
    """Returns how many images an epoch of `fit` trains on.

    Args:
        x: Images as Keras takes them: an array, or any source of batches.
        image_rank: Number of axes of one image.
        shapes: Shapes of an example's named inputs, if a data set's elements
            may be dictionaries of these; or None.
        validation_split: Share of an array's images that is left out.
        steps: Steps of an epoch; None for as many as there are.
        rows: Those of a generator's first batch.

    Returns:
        The rows of an array. For other sources the images that they hold; with
        fewer `steps` than batches, the images of these steps. If a source does
        not say how large its batches are, all are taken to be like the first,
        and a PyDataset's last one is read: see `EpochCount`.

    Raises:
        InputError: It cannot be known: the source is a generator or endless,
            or does not say its length, and there are no `steps`.
    """
    if getattr(x, "shape", None):
        return math.floor(int(x.shape[0]) * (1.0 - validation_split))
    batches, images = _source(x, image_rank, shapes, rows)
    counts = [count for count in (steps, batches) if count is not None]
    if images and (count := min(counts, default=0)):
        return images(count)
    raise expected(
        "data of a known number of rows, by which this method's loss divides "
        "its KL term",
        f"x of type {type(x).__name__}, steps_per_epoch={steps}",
        f"Pass {argument('train_examples')} to create_model, or "
        "steps_per_epoch to fit.",
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


class EpochCount(keras.callbacks.Callback):
    """Warns if the first epoch had another number of images than was found.

    Sources of batches of unequal sizes do not say how many images they hold.

    Args:
        found: N, as `find` returned it.
    """

    def __init__(self, found):
        super().__init__()
        self.found = found
        self.is_known = False

    def on_train_begin(self, logs=None):
        self.is_known = False

    def on_test_begin(self, logs=None):
        self._compare()  # Metrics are reset before the validation.

    def on_epoch_end(self, epoch, logs=None):
        self._compare()

    def _compare(self):
        if self.is_known or self.model.stop_training:
            return
        self.is_known = True
        images = images_of_epoch(self.model)
        if images and abs(images - self.found) > _TOLERANCE * self.found:
            error = expected(
                f"{self.found} images in an epoch, from its first batch",
                f"{images}",
                f"Pass {argument('train_examples', images)} to create_model: "
                "this method's loss divides its KL term by it.",
            )
            warn(str(error))


def images_of_epoch(model):
    """Returns how many images a model's metrics have counted, on all devices.

    None if there are several workers.

    Args:
        model: Compiled keras.Model after a step.
    """
    count = model.metrics[0].count  # The mean loss.
    strategy = getattr(model, "distribute_strategy", None)
    if workers.several(strategy):
        return None  # Each counts its own.
    parts = [count]
    if strategy is not None:
        parts = strategy.experimental_local_results(count.value)
    return round(sum(float(keras.ops.convert_to_numpy(x)) for x in parts))


def _source(x, image_rank, shapes, rows):
    """Returns what is known about a source of batches.

    Returns:
        The number of batches, None if it is unknown or endless; a function from
        a number of batches to that of the images in the first ones, None if
        unknown, which may read some of them.
    """
    if hasattr(x, "element_spec") and hasattr(x, "cardinality"):
        batches = int(x.cardinality())
        return (
            batches if batches >= 0 else None,
            lambda count: _of_dataset(x, count, image_rank, shapes),
        )
    if isinstance(x, keras.utils.PyDataset):
        batches = x.num_batches
        return (
            batches,
            lambda count: (
                count * _rows(x[0])
                if count != batches
                else (count - 1) * _rows(x[0]) + _rows(x[count - 1])
            ),
        )
    if hasattr(x, "dataset") and hasattr(x, "batch_size"):  # torch's loader.
        return _of_loader(x)
    # Of a generator nothing is read twice.
    return None, rows and (lambda count: count * rows)


def _of_loader(loader):
    """Returns what `_source` does, of a torch.utils.data.DataLoader."""
    try:
        batches = len(loader)
    except TypeError:  # Of an iterable.
        batches = None
    drawn = getattr(loader, "sampler", loader.dataset)
    is_whole = loader.batch_size and not getattr(loader, "drop_last", False)
    return (
        batches,
        lambda count: (
            len(drawn)
            if count == batches and is_whole
            else count * (loader.batch_size or _rows(next(iter(loader))))
        ),
    )


def _of_dataset(dataset, count, image_rank, shapes):
    """Returns the images in the first batches of a tf.data.Dataset."""
    rows = _rows(dataset.element_spec)
    if rows:  # All batches are full.
        return count * rows
    axes = functools.partial(_axes, image_rank=image_rank, shapes=shapes)
    sizes = dataset_rows.of_dataset(dataset, axes)
    if sizes is None:
        return count * _rows(next(iter(dataset)))
    return sum(itertools.islice(sizes, count))


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
