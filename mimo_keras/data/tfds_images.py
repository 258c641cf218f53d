"""Image classification data sets in TensorFlow Datasets' on-disk format."""

import contextlib
import os
import pathlib
import threading

from mimo_keras import extras, untrusted
from mimo_keras.data import record_files
from mimo_keras.data.examples import Examples
from mimo_keras.errors import AbsentError, InputError, argument, expected
from mimo_keras.paths import as_path, is_remote

PROBE_SECONDS = 5.0
"""How long the host of a download may take to respond. Without this probe TFDS
would retry for minutes if there is no network."""

_FOLDER = argument("data_dir", "FOLDER")


def load(name, split, *, data_dir=None, download=False):
    """Loads one split of a TFDS image classification data set into memory.

    Args:
        name: TFDS's name, such as "cifar10" or "cifar10_corrupted/fog_3".
        split: A split or a part of one, such as "test" or "train[:90%]".
        data_dir: Folder of the prepared data; None for TFDS's default.
        download: Whether missing data may be downloaded and prepared.

    Returns:
        `Examples` with uint8 images (n, H, W, C) and int64 labels (n,), in
        the order of the records on disk.

    Raises:
        InputError: The data is missing, cannot be downloaded or is damaged, or
            there is no such data set or split.
    """
    builder = prepared(name, split, data_dir, download)
    images, labels = _read(name, builder, split)
    classes = builder.info.features["label"].num_classes
    return Examples(name, images, labels, classes).checked()


def prepared(name, split, data_dir=None, download=False):
    """Returns the TFDS builder of prepared data; arguments as in `load`."""
    builder = _open(name, data_dir)
    if not builder.is_prepared():
        if not download:
            raise _absent(
                name,
                f"no data in {builder.data_path}",
                f"{argument('download', True)} to fetch it",
            )
        _fetch(name, builder)
    _check_split(name, builder, split)
    return builder


def _open(name, data_dir):
    """Returns the TFDS builder of `name`, which may not be prepared yet."""
    with extras.needed("data"):
        import tensorflow_datasets as tfds

    data_dir = home(data_dir)
    _check_files(name, data_dir)
    with _told_plainly(
        f"{name} to be a data set that TFDS can open",
        f"data_dir={data_dir}",
        "Check its name, or delete its damaged folder and prepare it again.",
    ):
        try:
            return tfds.builder(name, data_dir=data_dir)
        except tfds.core.DatasetNotFoundError:
            where = f"none in {data_dir}" if data_dir else "no folder"
            absent = _absent(name, where, "prepare it there")
    raise absent


def home(data_dir):
    """Returns a folder of prepared data as TFDS takes it.

    Args:
        data_dir: The folder; None for TFDS's default.

    Raises:
        InputError: It is on a file system that TFDS does not read.
    """
    if data_dir is None:
        return None
    path = as_path(data_dir, "data_dir")
    if is_remote(path) and not str(path).startswith("gs://"):
        raise expected(
            "a local folder of data sets, or one on gs://, which TFDS reads",
            f"data_dir={path}",
            "Copy it to one of these.",
        )
    return str(path)


def _check_files(name, data_dir):
    """Raises an error if there is a file that TFDS could not read to its end.

    The files are in a folder of the version, inside one of the configuration
    if the name leaves that out.
    """
    where = data_dir or os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")
    if "://" in os.fspath(where):
        return
    folder = pathlib.Path(where).expanduser() / name
    for path in [*folder.glob("*/*"), *folder.glob("*/*/*")]:
        try:
            if not path.is_dir():
                untrusted.regular(path)
        except FileNotFoundError:
            continue
        except untrusted.ReadError as error:
            raise expected(
                f"the files of {name}",
                f"{path} ({error})",
                "Put the file itself there, or prepare the data set again.",
            ) from None


def _check_split(name, builder, split):
    """Raises an error if there is no such split or it has no examples."""
    with _told_plainly(
        f"a split of {name}, one of {', '.join(builder.info.splits)}, or a "
        "part such as train[:90%]",
        f"split={split}",
        "Choose a split that exists and is not empty.",
    ):
        if not builder.info.splits[split].num_examples:
            raise ValueError("no examples")


def _read(name, builder, split):
    """Returns all images and labels of `split` as two arrays."""
    with extras.needed("data"):
        import tensorflow_datasets as tfds

    form = record_files.form_of(name, builder)
    _check_lengths(name, builder, split, form)
    with _told_plainly(
        f"readable records of {name}",
        f"folder={builder.data_path}",
        "Delete that folder and prepare the data set again.",
    ):
        parts = builder.info.splits[split].file_instructions
        record_files.check_sizes([os.fspath(p.filename) for p in parts], form)
        wanted = tfds.decode.PartialDecoding({"image": True, "label": True})
        if form == record_files.ARRAY_RECORD:
            rows = _rows(builder, split, wanted)
            columns = rows.batch(builder.info.splits[split].num_examples)
            columns = columns.get_single_element()
        else:
            columns = builder.as_dataset(
                split=split,
                batch_size=-1,
                shuffle_files=False,
                decoders=wanted,
            )
        columns = tfds.as_numpy(columns)
        return columns["image"], columns["label"]


def _check_lengths(name, builder, split, form):
    """Raises an error if the files cannot have as many records as is said."""
    with _told_plainly(
        f"the number of records in the files of {name}",
        f"folder={builder.data_path}",
        "Delete that folder and prepare the data set again.",
    ):
        parts = builder.info.splits[split].file_instructions
    record_files.check_lengths(
        name,
        [os.fspath(part.filename) for part in parts],
        [part.examples_in_shard for part in parts],
        form,
    )


def _rows(builder, split, wanted):
    """Returns the examples of `split` as a dataset, for any format."""
    import tensorflow as tf

    features = wanted.extract_features(builder.info.features)
    rows = None
    for part in builder.info.splits[split].file_instructions:
        records = record_files.records(
            tf.constant(part.filename),
            part.examples_in_shard,
            record_files.form_of(builder.name, builder),
        )
        records = records.skip(part.skip).take(part.take)
        rows = records if rows is None else rows.concatenate(records)
    return rows.map(
        features.deserialize_example, num_parallel_calls=tf.data.AUTOTUNE
    )


def _fetch(name, builder):
    """Downloads and prepares the data set, if its host responds."""
    with extras.needed("data"):
        import tensorflow_datasets as tfds

    url = next(iter(builder.url_infos or ()), None)
    if url is not None and not answers(url):
        raise _absent(
            name,
            f"no answer from {url} within {PROBE_SECONDS:.0f} seconds",
            f"{argument('download', True)} where there is a network",
        )
    # Progress bars write control characters to logs and pipes.
    tfds.disable_progress_bar()
    with _told_plainly(
        f"the download of {name} to succeed",
        f"folder={builder.data_path}",
        f"Try again, or pass {_FOLDER} with the prepared data set.",
        AbsentError,
    ):
        builder.download_and_prepare()


def _absent(name, received, or_download):
    return expected(
        f"the prepared TFDS data set {name}",
        received,
        f"Pass {_FOLDER} that holds it, or {or_download}.",
        AbsentError,
    )


def answers(url, seconds=PROBE_SECONDS):
    """Returns whether the host of `url` responds within a time limit.

    Like TFDS, it uses the requests package, so that proxies and certificates
    are the same. It runs in a separate thread because the timeout of requests
    does not cover DNS lookups.
    """
    import requests

    answered = threading.Event()

    def ask():
        with contextlib.suppress(OSError):
            requests.head(url, timeout=seconds)
            answered.set()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return answered.is_set()


@contextlib.contextmanager
def _told_plainly(what, received, remedy, kind=InputError):
    """Converts any error of TFDS inside the block to a one-line error."""
    try:
        yield
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        raise expected(
            what,
            f"{received} ({type(error).__name__}: {reason})",
            remedy,
            kind,
        ) from None
