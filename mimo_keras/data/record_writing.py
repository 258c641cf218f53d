"""Writes data sets as records, by TFDS's own writer."""

import contextlib
import io

from mimo_keras import extras
from mimo_keras.data import tfds_images
from mimo_keras.errors import argument, expected

FOLDER = "folder"
"""Name of a data set of one's own photographs."""
_VERSION = "1.0.0"


def write_arrays(name, splits, data_dir):
    """Writes a data set that TFDS knows from images and labels.

    Args:
        name: TFDS's name, such as "fashion_mnist".
        splits: Split -> images (n, H, W, C) uint8 and labels (n,) int64.
        data_dir: The folder for prepared data; None for TFDS's default.

    Returns:
        The folder of the records.

    Raises:
        InputError: The data set is there already.
    """
    with extras.needed("data"):
        import tensorflow_datasets as tfds

    home = tfds_images.home(data_dir)
    builder = tfds.builder(name, data_dir=home)
    examples = {
        split: [
            (row, {"image": image, "label": label})
            for row, (image, label) in enumerate(zip(*arrays, strict=True))
        ]
        for split, arrays in splits.items()
    }
    info = builder.info
    version = str(builder.version)
    return _store(name, version, info.features, examples, home, in_order=True)


def write_photographs(photographs, names, data_dir):
    """Writes one's own photographs, without encoding them again.

    Args:
        photographs: Split -> list of (path, class).
        names: The classes' names, in their order.
        data_dir: The folder for prepared data; None for TFDS's default.

    Returns:
        The folder of the records.

    Raises:
        InputError: A data set called `FOLDER` is there already.
    """
    with extras.needed("data"):
        import tensorflow_datasets as tfds

    features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(),
            "label": tfds.features.ClassLabel(names=names),
            "file_name": tfds.features.Text(),
        }
    )
    examples = {
        split: [
            (row, {"image": str(path), "label": label, "file_name": path.name})
            for row, (path, label) in enumerate(rows)
        ]
        for split, rows in photographs.items()
    }
    home = tfds_images.home(data_dir)
    return _store(FOLDER, _VERSION, features, examples, home)


def _store(name, version, features, examples, home, in_order=False):
    with extras.needed("data"):
        import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    # TFDS says that it downloads.
    with _refusing(name, home), contextlib.redirect_stdout(io.StringIO()):
        builder = tfds.dataset_builders.store_as_tfds_dataset(
            name=name,
            version=version,
            features=features,
            split_datasets=examples,
            data_dir=home,
            # Photographs, which come class by class, are shuffled: training
            # on sets that are not in memory shuffles blocks only.
            disable_shuffling=in_order,
        )
    return builder.data_path


@contextlib.contextmanager
def _refusing(name, home):
    """Reports a data set that is there already in one line."""
    try:
        yield
    except RuntimeError as error:
        if "already prepared" not in str(error):
            raise
        raise expected(
            f"no data set {name} yet",
            f"one in {home or 'the default folder of TFDS'}",
            f"Delete its folder, or choose another {argument('data_dir')}.",
        ) from None
