"""Photographs of any size that stay on disk: TFDS data sets too large to hold.

What is held are the names of the record files. The order of training is a
function of (seed, epoch), as that of data in memory (`pipeline`).
"""

import dataclasses
import functools

from mimo_keras.data import crops, tfds_images
from mimo_keras.data.pipeline import options, permutation
from mimo_keras.errors import expected

CYCLE = 16
"""Record files that are read at a time."""

BLOCK = 8192
"""Encoded photographs that are held at a time to be put in random order."""


@dataclasses.dataclass(frozen=True, eq=False)
class Photographs:
    """A split of a TFDS data set of JPEGs, on disk.

    Args:
        name: What it is called in results and messages.
        files: Its record files, in their order.
        count: The number of photographs.
        num_classes: The number of classes.
        parse: Function from a record to (JPEG, label).
        margin: Of the centre crop; see `crops.center_crop`.
    """

    name: str
    files: tuple[str, ...]
    count: int
    num_classes: int
    parse: object
    margin: float = crops.MARGIN

    def __len__(self):
        return self.count


def load(name, split, *, data_dir=None, download=False, margin=crops.MARGIN):
    """Finds a split of a prepared TFDS data set of photographs.

    Args:
        name: TFDS's name, such as "imagenet2012" or "imagenet_v2".
        split: A whole split, such as "train".
        data_dir: Folder of the prepared data; None for TFDS's own.
        download: Whether absent data may be fetched and prepared.
        margin: Of the centre crop; 1 for images that are cropped already.

    Returns:
        `Photographs`.

    Raises:
        InputError: The data is absent or cannot be fetched, or there is no
            such data set or split.
    """
    builder = tfds_images.prepared(name, split, data_dir, download)
    info = builder.info.splits[split]
    return Photographs(
        name,
        tuple(map(str, info.filepaths)),
        info.num_examples,
        builder.info.features["label"].num_classes,
        functools.partial(_parsed, builder.info.features),
        margin,
    )


def training_crops(
    photographs, batch_size, size, *, seed, epochs, initial_epoch=0
):
    """Builds the batches of many epochs of training as one dataset.

    The order of an epoch is that of the files, drawn anew, read side by side
    and put in a random order by blocks; it and the crops are functions of
    (seed, epoch).

    Args:
        photographs: `Photographs` to train on.
        batch_size: Global number of images in a batch.
        size: Height and width of the crops.
        seed: Integer that fixes all draws.
        epochs: Epoch to stop before.
        initial_epoch: Epoch to start at.

    Returns:
        A `tf.data.Dataset` of (uint8 images (B, size, size, 3), labels (B,)),
        for `fit` with steps_per_epoch = len(photographs) // batch_size.
    """
    import tensorflow as tf

    steps = len(photographs) // batch_size
    if not steps:
        raise expected(
            f"a batch of at most the {len(photographs)} photographs of "
            f"{photographs.name}",
            f"batch_size={batch_size}",
            "Use a smaller batch.",
        )

    def cropped(step_seed, record):
        encoded, label = photographs.parse(record)
        return crops.inception_crop(encoded, step_seed, size), label

    batches = tf.data.Dataset.range(initial_epoch, epochs).flat_map(
        functools.partial(_epoch, photographs, steps * batch_size, seed)
    )
    batches = batches.map(cropped, num_parallel_calls=tf.data.AUTOTUNE)
    batches = batches.batch(batch_size, drop_remainder=True)
    cardinality = tf.data.experimental.assert_cardinality(
        steps * (epochs - initial_epoch)
    )
    batches = batches.apply(cardinality).prefetch(tf.data.AUTOTUNE)
    return batches.with_options(options())


def center_batches(photographs, batch_size, size):
    """Cuts the photographs' middles into batches, in the order on disk.

    Args:
        photographs: `Photographs` to evaluate on.
        batch_size: Number of images in a full batch; the last may be partial.
        size: Height and width of the crops.

    Returns:
        An iterator of NumPy (uint8 images (b, size, size, 3), labels (b,)).
    """
    import tensorflow as tf

    def cropped(record):
        encoded, label = photographs.parse(record)
        return crops.center_crop(encoded, size, photographs.margin), label

    batches = tf.data.TFRecordDataset(list(photographs.files))
    batches = batches.map(cropped, num_parallel_calls=tf.data.AUTOTUNE)
    batches = batches.batch(batch_size).prefetch(tf.data.AUTOTUNE)
    return batches.with_options(options()).as_numpy_iterator()


def _epoch(photographs, count, seed, epoch):
    """Returns a dataset of `count` pairs (seed (2,), record) of one epoch."""
    import tensorflow as tf

    address = tf.stack((tf.constant(seed, tf.int64), epoch))
    order, mixing, crop = tf.unstack(tf.random.split(address, 3, alg="philox"))
    files = tf.gather(
        photographs.files, permutation(len(photographs.files), order)
    )
    records = tf.data.Dataset.from_tensor_slices(files).interleave(
        tf.data.TFRecordDataset,
        cycle_length=CYCLE,
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    # Dataset.shuffle takes no seed that is a tensor, as an epoch's is here.
    blocks = records.batch(BLOCK).enumerate()
    blocks = blocks.map(
        lambda index, block: tf.gather(
            block, permutation(tf.size(block), _folded(mixing, index))
        )
    )
    records = blocks.prefetch(1).unbatch().take(count).enumerate()
    return records.map(lambda index, record: (_folded(crop, index), record))


def _folded(seed, index):
    """Returns the seed (2,) of an index."""
    import tensorflow as tf

    return tf.random.experimental.stateless_fold_in(seed, index)


def _parsed(features, record):
    import tensorflow_datasets as tfds

    example = features.deserialize_example(
        record, decoders={"image": tfds.decode.SkipDecoding()}
    )
    return example["image"], example["label"]
