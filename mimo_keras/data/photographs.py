"""Photographs of any size that stay on disk: data sets too large for memory.

Only the file names are held in memory. The training order is a function of
(seed, epoch), as for data in memory (`pipeline`).
"""

import dataclasses
import functools

import numpy as np

from mimo_keras import extras
from mimo_keras.data import crops, damage, record_files, tfds_images
from mimo_keras.data.pipeline import (
    options,
    parallel_calls,
    permutation,
    skipped,
)
from mimo_keras.errors import expected

CYCLE = 16
"""Number of record files that are read at a time."""

BLOCK = 4096
"""Number of encoded photographs that are shuffled at a time."""

SIZE = 224
"""Default height and width of a crop."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Photographs:
    """A labelled set of encoded photographs on disk: `Records` or `Files`.

    Args:
        name: Name in results and messages.
        num_classes: The number of classes.
        size: Height and width of the crops.
        margin: Margin of the centre crop; see `crops.center_crop`.
        border: Pixels on each side that are not part of a photograph.
        skip: Whether unreadable photographs are left out of evaluation, and in
            training replaced by others of the batch; otherwise the first one
            is an error.

    Example:

    ```python
    from mimo_keras.data.photographs import Files
    from PIL import Image

    Image.new("RGB", (40, 30)).save("cat.png")
    pets = Files(name="pets", num_classes=2, size=16, paths=("cat.png",),
                 labels=np.array([0]))
    batch, _ = next(pets.evaluation_batches(2))
    batch.shape                                              # (1, 16, 16, 3)
    ```
    """

    name: str
    num_classes: int
    size: int = SIZE
    margin: float = crops.MARGIN
    border: int = 0
    skip: bool = False
    skipped: damage.Skipped = dataclasses.field(default_factory=damage.Skipped)

    @property
    def image_shape(self):
        """Shape of one crop."""
        return (self.size, self.size, 3)

    def parse(self, file, index, record):
        """Returns the encoded photograph of a row and its label.

        Args:
            file: Path of the file that the row is in.
            index: The row's number, from 0.
            record: What the file holds of it; b"" if it is the file.
        """
        raise NotImplementedError

    def rows(self):
        """Returns all (file, index, record) in order, as a dataset."""
        raise NotImplementedError

    def center(self, file, index, record):
        """Returns a centre crop (size, size, 3) uint8 and its label.

        Args:
            file: As for `parse`, like the others.
            index: The row's number.
            record: The row's content.
        """
        encoded, label = self._parsed(file, index, record)
        crop = _traced_once(crops.center_crop)
        image = crop(encoded, self.size, self.margin, self.border)
        return image, label

    def random(self, seed, file, index, record):
        """Returns a training crop (size, size, 3) uint8 and its label.

        Args:
            seed: Two integers, from which the crop and its flip are drawn.
            file: As for `parse`, like the others.
            index: The row's number.
            record: The row's content.
        """
        encoded, label = self._parsed(file, index, record)
        image = crops.inception_crop(encoded, seed, self.size, self.border)
        return image, label

    def evaluation_batches(self, batch_size):
        """Batches the centre crops, in the order on disk.

        Args:
            batch_size: Largest number of rows in a batch.

        Yields:
            NumPy (uint8 images (b, size, size, 3), labels (b,)).

        Raises:
            InputError: A photograph cannot be read and `skip` is False, or
                none can be read.
        """
        batches = _centers(self).batch(batch_size).with_options(options())
        found = False
        with damage.named(self):
            for images, labels, good in batches.as_numpy_iterator():
                if good.any():
                    found = True
                    yield images[good], labels[good]
        if not found and (error := damage.none_readable(self)) is not None:
            raise error

    def weighted_batches(self, batch_size):
        """Batches the centre crops into full batches for Keras's `evaluate`.

        As `pipeline.weighted_batches`: the padding of the last batch and
        skipped photographs have weight 0.

        Args:
            batch_size: Number of rows in every batch.

        Returns:
            A `tf.data.Dataset` of (images, labels, weights (b,)).
        """
        import tensorflow as tf

        rows = -(-len(self) // batch_size) * batch_size
        blank = (tf.zeros(self.image_shape, tf.uint8), tf.zeros((), tf.int64))
        filling = tf.data.Dataset.from_tensors((*blank, False)).repeat()
        batches = _centers(self).concatenate(filling).take(rows)
        batches = batches.batch(batch_size, drop_remainder=True)
        if self.skip:
            batches = damage.some_readable(batches, rows // batch_size)
        weight = rows / len(self)
        batches = batches.map(
            lambda images, labels, good: (
                images,
                labels,
                weight * tf.cast(good, tf.float32),
            )
        )
        return batches.prefetch(tf.data.AUTOTUNE).with_options(options())

    def _parsed(self, file, index, record):
        import tensorflow as tf

        encoded, label = self.parse(file, index, record)
        in_range = (label >= 0) & (label < self.num_classes)
        tf.debugging.Assert(in_range, [label])
        return encoded, tf.cast(label, tf.int64)


@functools.cache
def _traced_once(crop):
    """Returns a crop that is traced once for all sets of a suite.

    Tracing its hundreds of operations takes 0.1 s, 75 times for ImageNet-C.
    """
    import tensorflow as tf

    return tf.function(crop, autograph=False)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Records(Photographs):
    """Photographs in record files, as TFDS writes them.

    Args:
        files: The record files, in order.
        lengths: Number of records in each file.
        features: TFDS's features, which parse the records.
        form: The files' format; see `record_files`.
    """

    files: tuple[str, ...]
    lengths: tuple[int, ...]
    features: object
    form: str = record_files.TFRECORD

    def __len__(self):
        return sum(self.lengths)

    def parse(self, file, index, record):
        with extras.needed("data"):
            import tensorflow_datasets as tfds

        example = self.features.deserialize_example(
            record, decoders={"image": tfds.decode.SkipDecoding()}
        )
        return example["image"], example["label"]

    def rows(self):
        return _interleaved(self.files, self.lengths, 1, self.form)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Files(Photographs):
    """Photographs in individual files.

    Args:
        paths: The files, in order.
        labels: (n,) int64, their classes.
    """

    paths: tuple[str, ...]
    labels: np.ndarray

    def __len__(self):
        return len(self.paths)

    def parse(self, file, index, record):
        import tensorflow as tf

        return tf.io.read_file(file), tf.gather(self.labels, index)

    def rows(self):
        import tensorflow as tf

        return tf.data.Dataset.from_tensor_slices(
            (
                list(self.paths),
                np.arange(len(self), dtype=np.int64),
                [b""] * len(self),
            )
        )


def load(name, split, *, data_dir=None, download=False, **options):
    """Finds a split of a prepared TFDS data set of photographs.

    Args:
        name: TFDS's name, such as "imagenet2012" or "imagenet_v2".
        split: A whole split, such as "train".
        data_dir: Folder of the prepared data; None for TFDS's default.
        download: Whether missing data may be downloaded and prepared.
        **options: `size`, `margin` and `skip` of `Photographs`.

    Returns:
        `Records`.

    Raises:
        InputError: The data is missing or cannot be downloaded, its format
            cannot be read, or there is no such data set or split.
    """
    builder = tfds_images.prepared(name, split, data_dir, download)
    info = builder.info.splits[split]
    form = record_files.form_of(name, builder)
    files, lengths = tuple(map(str, info.filepaths)), tuple(info.shard_lengths)
    record_files.check_lengths(name, files, lengths, form)
    return Records(
        name=name,
        num_classes=builder.info.features["label"].num_classes,
        files=files,
        lengths=lengths,
        features=builder.info.features,
        form=form,
        **options,
    )


def training_crops(
    photographs, batch_size, *, seed, epochs, initial_epoch=0, initial_step=0
):
    """Builds the batches of many epochs of training as one dataset.

    In each epoch the files are shuffled, read in an interleaved order and
    shuffled again in blocks; this order and the crops are functions of
    (seed, epoch).

    Args:
        photographs: `Records` to train on.
        batch_size: Global number of images in a batch.
        seed: Integer that determines all draws.
        epochs: Epoch to stop before.
        initial_epoch: Epoch to start at.
        initial_step: Batch of that epoch to start at. Earlier ones are read,
            but not decoded.

    Returns:
        A `tf.data.Dataset` of (uint8 images (B, size, size, 3), labels (B,)),
        for `fit` with steps_per_epoch = len(photographs) // batch_size.

    Raises:
        InputError: There are fewer photographs than one batch needs.
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
    batches = tf.data.Dataset.range(initial_epoch, epochs).flat_map(
        lambda epoch: _epoch(photographs, steps * batch_size, seed, epoch).skip(
            batch_size * skipped(initial_epoch, initial_step, epoch)
        )
    )
    batches = batches.map(
        damage.guarded(photographs, photographs.random),
        num_parallel_calls=parallel_calls(),
    )
    batches = batches.batch(batch_size, drop_remainder=True)
    batches = batches.map(damage.replaced)
    cardinality = tf.data.experimental.assert_cardinality(
        steps * (epochs - initial_epoch) - initial_step
    )
    batches = batches.apply(cardinality).prefetch(tf.data.AUTOTUNE)
    return batches.with_options(options())


def _centers(photographs):
    """Returns a dataset of (centre crop, label, whether it could be read)."""
    return photographs.rows().map(
        damage.guarded(photographs, photographs.center),
        num_parallel_calls=parallel_calls(),
    )


def _epoch(photographs, count, seed, epoch):
    """Returns `count` rows of an epoch, each with its own seed (2,) first."""
    import tensorflow as tf

    address = tf.stack((tf.constant(seed, tf.int64), epoch))
    order, mixing, crop = tf.unstack(tf.random.split(address, 3, alg="philox"))
    order = permutation(len(photographs.files), order)
    files, lengths = (
        tf.gather(values, order)
        for values in (photographs.files, photographs.lengths)
    )
    # Dataset.shuffle does not take a tensor as seed, as an epoch's is here.
    rows = _interleaved(files, lengths, CYCLE, photographs.form)
    blocks = rows.batch(BLOCK).enumerate()

    def shuffled(index, block):
        rows = permutation(tf.size(block[0]), _folded(mixing, index))
        return tuple(tf.gather(column, rows) for column in block)

    rows = blocks.map(shuffled).prefetch(1).unbatch().take(count).enumerate()
    return rows.map(lambda index, row: (_folded(crop, index), *row))


def _interleaved(files, lengths, cycle, form):
    """Returns all (file, index, record), reading `cycle` files at a time."""
    import tensorflow as tf

    files = tf.data.Dataset.from_tensor_slices(
        (tf.convert_to_tensor(files), tf.cast(lengths, tf.int64))
    )

    def records_of(file, length):
        records = record_files.records(file, length, form).enumerate()
        return records.map(lambda index, record: (file, index, record))

    return files.interleave(
        records_of,
        cycle_length=cycle,
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )


def _folded(seed, index):
    """Returns the seed (2,) for an index."""
    import tensorflow as tf

    return tf.random.experimental.stateless_fold_in(seed, index)
