r"""Writes published files, or your own photographs, as records for training.

    python uncertainty_runs/prepare.py --dataset=fashion_mnist \
        --source=/usr/share/datasets/fashion-mnist --data_dir=DATA
    python uncertainty_runs/prepare.py --dataset=folder --source=PHOTOS \
        --data_dir=DATA

The first command reads the four files of Fashion-MNIST, MNIST or KMNIST as
their authors published them; Debian's package dataset-fashion-mnist puts those
of Fashion-MNIST in that folder. The second reads photographs in class folders
(PHOTOS/CLASS/NAME.jpg, or PHOTOS/train/CLASS/NAME.jpg with test images in
PHOTOS/test), and holds out a share of them as test images if there are none.
Then cifar.py --dataset=fashion_mnist and imagenet.py --dataset=folder train on
the records in DATA, which are those that TFDS writes.

    python uncertainty_runs/prepare.py --corrupted --data_dir=DATA

makes Fashion-MNIST-C in DATA, from the test images that are there: 14 of the 15
types of CIFAR-C at 5 severities, in CIFAR-C's layout, always the same.
"""

from absl import flags

from uncertainty_runs.common import early

with early.importing(__name__):
    from mimo_keras import data
    from mimo_keras.data import (
        class_folders,
        fashion_corruptions,
        idx_files,
        record_writing,
    )
    from mimo_keras.errors import expected
    from uncertainty_runs.common import script

IDX = ("fashion_mnist", "mnist", "kmnist")
"""The data sets that are published as IDX files."""


def define_flags():
    flags.DEFINE_enum(
        "dataset", IDX[0], [*IDX, record_writing.FOLDER], "Data set to write."
    )
    flags.DEFINE_string("source", None, "Folder of the files to read.")
    flags.DEFINE_string("data_dir", None, "Folder of the data sets.")
    flags.DEFINE_bool(
        "corrupted", False, "Make the corrupted test set of fashion_mnist."
    )
    flags.DEFINE_float(
        "test_share",
        0.2,
        "Share of your own photographs to hold out as test images.",
        lower_bound=0,
        upper_bound=1,
    )
    flags.DEFINE_integer(
        "seed", 0, "Seed that chooses them.", lower_bound=0, upper_bound=2**31
    )


def main():
    f = flags.FLAGS
    if f.corrupted and (f.dataset != IDX[0] or f.data_dir is None):
        raise expected(
            "--corrupted with --dataset=fashion_mnist and --data_dir",
            f"dataset={f.dataset}, data_dir={f.data_dir}",
            "Give these flags, or leave out --corrupted.",
        )
    if f.source is not None or not f.corrupted:
        write_records(f)
    if f.corrupted:
        test = data.load(f.dataset, "test", data_dir=f.data_dir)
        print("Corrupted:", fashion_corruptions.write(test, f.data_dir, told))


def told(kind):
    print(kind.replace("_", " "), "...", flush=True)


def write_records(f):
    """Writes the files in --source as records."""
    if f.source is None:
        raise expected(
            "--source", "none", "Name the folder of the files to read."
        )
    write = from_photographs if f.dataset in NOT_IDX else from_idx_files
    counts, folder = write(f)
    sizes = ", ".join(f"{count} {split}" for split, count in counts.items())
    print(f"{f.dataset}: {sizes} images")
    print("Records:", folder)


def from_idx_files(f):
    """Writes IDX files; returns the number of images and the folder."""
    splits = idx_files.splits(f.source)
    counts = {split: len(labels) for split, (_, labels) in splits.items()}
    return counts, record_writing.write_arrays(f.dataset, splits, f.data_dir)


def from_photographs(f):
    """Writes photographs in class folders; returns the same."""
    splits, names = class_folders.found(f.source, f.test_share, f.seed)
    counts = {split: len(rows) for split, rows in splits.items()}
    folder = record_writing.write_photographs(splits, names, f.data_dir)
    return counts, folder


NOT_IDX = (record_writing.FOLDER,)


if __name__ == "__main__":
    define_flags()
    script.run(main)
