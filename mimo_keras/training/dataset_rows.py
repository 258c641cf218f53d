"""The sizes of a tf.data.Dataset's batches, from how it was made.

None of its elements is read: TensorFlow's data sets keep what they were made
from, and with which arguments.
"""

import itertools

import keras


def of_dataset(dataset, axes):
    """Returns the sizes of the batches, in their order.

    Args:
        dataset: tf.data.Dataset of batches.
        axes: Function from such a data set to how many axes an element has
            before those of one image, None if that is unknown.

    Returns:
        An iterator of whole numbers, endless if the data set is; None if it
        does not say how it was made, or in a way that is not known here.
    """
    count = int(dataset.cardinality())
    if count == -2 or axes(dataset) not in (1, None):  # TensorFlow: unknown.
        return None
    kind = type(dataset).__name__.strip("_").removeprefix("Parallel")
    of_kind = _KINDS.get(kind, _of_same)
    try:
        return of_kind(dataset, lambda one: of_dataset(one, axes))
    except AttributeError:  # Another version of TensorFlow.
        return None


def _of_batch(dataset, sizes_of):
    size = _given(dataset, "batch_size")
    images = int(dataset._input_dataset.cardinality())
    if images == -1:  # TensorFlow: endless.
        return itertools.repeat(size)
    full, rest = divmod(images, size)
    rest = [] if not rest or _given(dataset, "drop_remainder") else [rest]
    return itertools.chain(itertools.repeat(size, full), rest)


def _of_take(dataset, sizes_of):
    return _part(dataset, sizes_of, stop=_count(dataset))


def _of_skip(dataset, sizes_of):
    count = _count(dataset)
    if count is None:  # All are skipped.
        return iter(())
    return _part(dataset, sizes_of, start=count)


def _of_shard(dataset, sizes_of):
    return _part(
        dataset,
        sizes_of,
        start=_given(dataset, "index"),
        step=_given(dataset, "num_shards"),
    )


def _of_repeat(dataset, sizes_of):
    inputs, count = dataset._input_dataset, _count(dataset)
    if sizes_of(inputs) is None:
        return None
    if int(inputs.cardinality()) == -1:
        return sizes_of(inputs)
    times = itertools.repeat(None) if count is None else range(count)
    return itertools.chain.from_iterable(sizes_of(inputs) for _ in times)


def _of_concatenate(dataset, sizes_of):
    both = dataset._input_dataset, dataset._dataset_to_concatenate
    sizes = [sizes_of(one) for one in both]
    return None if None in sizes else itertools.chain(*sizes)


def _of_zip(dataset, sizes_of):
    # Images and labels have as many rows; the shortest ends the others.
    sizes = sizes_of(keras.tree.flatten(dataset._datasets)[0])
    count = int(dataset.cardinality())
    return sizes and itertools.islice(sizes, None if count < 0 else count)


def _of_same(dataset, sizes_of):
    """For what keeps the batches, such as shuffle, map, cache and prefetch."""
    inputs = dataset._input_dataset
    if int(inputs.cardinality()) != int(dataset.cardinality()):
        return None
    return sizes_of(inputs)


def _part(dataset, sizes_of, start=0, stop=None, step=1):
    sizes = sizes_of(dataset._input_dataset)
    return sizes and itertools.islice(sizes, start, stop, step)


def _count(dataset):
    """Returns the argument of take, skip or repeat; None for all."""
    count = _given(dataset, "count")
    return None if count < 0 else count


def _given(dataset, argument):
    """Returns a number that the data set was made with."""
    return int(getattr(dataset, f"_{argument}"))


_KINDS = {
    "BatchDataset": _of_batch,
    "PaddedBatchDataset": _of_batch,
    "TakeDataset": _of_take,
    "SkipDataset": _of_skip,
    "ShardDataset": _of_shard,
    "RepeatDataset": _of_repeat,
    "ConcatenateDataset": _of_concatenate,
    "ZipDataset": _of_zip,
}
