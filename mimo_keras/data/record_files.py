"""Record files, in the formats that TFDS writes, as datasets of records."""

import importlib.util
import os

import numpy as np

from mimo_keras import extras
from mimo_keras.errors import expected

TFRECORD = "tfrecord"
ARRAY_RECORD = "array_record"

PACKAGES = {
    ARRAY_RECORD: "array_record",
    "parquet": "pyarrow",
    "riegeli": "riegeli",
}
"""Format -> the package that reads it, if it is not TensorFlow itself."""

LOST = 10_000
"""How many records a file may lack; lacking more, its length is wrong."""

_LARGE = 2048
"""Bytes of a record from which files are not counted: most photographs."""
_LENGTH_BYTES = 8
"""Bytes of a TFRecord's length, little-endian, with which it begins."""
_AROUND = _LENGTH_BYTES + 4 + 4
"""Bytes of a TFRecord around its data: its length and two checksums."""
_TOGETHER = 64
"""Records of an ArrayRecord file that are read at a time."""


def form_of(name, builder):
    """Returns the format of prepared data.

    Args:
        name: Name of the data set, for the message.
        builder: TFDS's builder.

    Raises:
        InputError: The package that reads the format is not installed.
    """
    form = builder.info.file_format
    form = TFRECORD if form is None else form.value
    package = PACKAGES.get(form)
    if package and importlib.util.find_spec(package) is None:
        raise expected(
            f"the package {package}, which reads the format {form} of {name}",
            f"none, folder={builder.data_path}",
            "Install it, or convert the data to tfrecord by TFDS's command "
            "tfds convert_format.",
        )
    return form


def records(file, length, form):
    """Returns a dataset of the records in a file.

    A damaged file still yields all its rows: lost records are empty.

    Args:
        file: Its path, a scalar string tensor.
        length: Number of records, an integer tensor.
        form: Its format, as returned by `form_of`.
    """
    import tensorflow as tf

    if form == ARRAY_RECORD:
        return _of_array_record(file, length)
    lost = tf.data.Dataset.from_tensors(b"").repeat()
    return _stored(file, form).concatenate(lost).take(length)


def check_lengths(name, files, lengths, form):
    """Raises InputError if the files cannot have as many records as is said.

    Files with few bytes for each record are counted, where they are local.

    Args:
        name: Name of the data set.
        files: Paths of the record files.
        lengths: The number of records that each is said to have.
        form: Their format.
    """
    for file, length in zip(files, lengths, strict=True):
        found = _found(file, length, form)
        if not 0 <= length <= found + LOST:
            raise expected(
                f"the number of records in the files of {name}",
                f"{length} for {file}, which has {found}",
                "Prepare that data again.",
            )


def _found(file, length, form):
    """Returns the number of records in a file; `length` if that is likely."""
    if "://" in file:
        return min(length, 2**31)
    size = os.path.getsize(file) if os.path.exists(file) else 0
    if length <= LOST or size >= _LARGE * length:
        return length
    if not size:
        return 0
    if form == ARRAY_RECORD:
        return _count(file)
    if form == TFRECORD:
        return _walk(file)[0]
    return int(_stored(file, form).reduce(0, lambda count, _: count + 1))


def _stored(file, form):
    """Returns a dataset of the records that can be read in order."""
    import tensorflow as tf

    if form == TFRECORD:
        fitting = tf.numpy_function(_fitting, (file,), tf.int64)
        return tf.data.TFRecordDataset(file).take(fitting).ignore_errors()
    with extras.needed("data"):
        from tensorflow_datasets.core import file_adapters

    adapters = file_adapters.ADAPTER_FOR_FORMAT
    adapter = adapters[file_adapters.FileFormat(form)]
    return adapter.make_tf_data(file).ignore_errors()


def check_sizes(files, form):
    """Raises ValueError if a record claims more bytes than its file holds.

    Args:
        files: Paths of the record files.
        form: Their format.
    """
    for file in files if form == TFRECORD else ():
        _, rest = _walk(file)
        if rest:
            name = os.path.basename(file)
            raise ValueError(f"{name} ends within a record")


def _fitting(file):
    """Returns how many records of a TFRecord file fit into it, for `take`.

    TensorFlow reserves what a record's header claims before it reads: more
    than the machine has ends the process.
    """
    return np.int64(_walk(file.decode())[0])


def _walk(file):
    """Returns how many whole records a TFRecord file has, and if more follows.

    Files elsewhere, and those that cannot be opened, count as whole: reading
    each header there would cost a request, and TensorFlow names the error.
    """
    if "://" in file or not os.path.isfile(file):
        return np.iinfo(np.int64).max, False
    with open(file, "rb", buffering=0) as stream:
        size = os.fstat(stream.fileno()).st_size
        count, start = 0, 0
        while start < size:
            length = os.pread(stream.fileno(), _LENGTH_BYTES, start)
            start += _AROUND + int.from_bytes(length, "little")
            if start > size:
                return count, True
            count += 1
    return count, False


def _of_array_record(file, length):
    import tensorflow as tf

    def read(rows):
        found = tf.numpy_function(_read, (file, rows), tf.string)
        return tf.ensure_shape(found, (None,))

    # TFDS reads this format as a Python sequence only.
    rows = tf.data.Dataset.range(length).batch(_TOGETHER)
    return rows.map(read).unbatch()


def _reader(file):
    from array_record.python import array_record_module

    return array_record_module.ArrayRecordReader(file)


def _count(file):
    try:
        return _reader(file).num_records()
    except RuntimeError:
        return 0


def _read(file, rows):
    """Returns records of an ArrayRecord file; b"" for those that are lost."""
    file, rows = file.decode(), rows.tolist()
    try:
        found = _reader(file).read(rows)
    except RuntimeError:
        # A reader that has failed once reads nothing more.
        found = [_one(file, row) for row in rows]
    return np.array(found, object)


def _one(file, row):
    try:
        return _reader(file).read([row])[0]
    except RuntimeError:
        return b""
