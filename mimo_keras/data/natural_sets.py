"""Test sets of photographs that were gathered, not made, by data set."""

import dataclasses
import functools

from mimo_keras.data import (
    imagenet_subsets,
    imagenet_vid_robust,
    objectnet,
    photographs,
    ytbb_robust,
)

IMAGENET_V2 = ("matched-frequency", "threshold-0.7", "topimages")


@dataclasses.dataclass(frozen=True, eq=False)
class Natural:
    """A test set, and how its labels are to be read.

    Args:
        photographs: The set.
        groups: The classes of the set, each a tuple of classes of the
            training set; None if they are the same.
        by_group: Whether labels are numbers of groups, not of classes.
    """

    photographs: photographs.Photographs
    groups: tuple[tuple[int, ...], ...] | None = None
    by_group: bool = False


def natural(name, *, data_dir=None, download=False, **options):
    """Returns the loaders of the natural test sets of a data set.

    Args:
        name: A data set; most have no such sets.
        data_dir: Folder of the prepared TFDS data, in which the authors' own
            folders of the others lie, too.
        download: Whether TFDS may fetch and prepare what is absent.
        **options: `size` and `skip` of `Photographs`.

    Returns:
        A dict from a set's name to a function without arguments that returns
        `Natural` or `VideoFrames`, and raises AbsentError if it is not there.
    """
    if name != "imagenet2012":
        return {}
    where = {"data_dir": data_dir, "download": download, **options}
    plain = [f"imagenet_v2/{config}" for config in IMAGENET_V2]
    sets = {
        name: functools.partial(_of_tfds, name, **where)
        for name in (*plain, "imagenet_sketch", "imagenet_a", "imagenet_r")
    }
    own = functools.partial(_objectnet, data_dir, **options)
    videos = {
        name: functools.partial(reader.load, data_dir, **options)
        for name, reader in (
            ("imagenet_vid_robust", imagenet_vid_robust),
            ("ytbb_robust", ytbb_robust),
        )
    }
    return {**sets, "objectnet": own, **videos}


def _of_tfds(name, **where):
    found = photographs.load(name, "test", **where)
    if name in imagenet_subsets.SUBSETS:
        return Natural(found, imagenet_subsets.groups(name))
    return Natural(found)


def _objectnet(data_dir, **options):
    found, groups = objectnet.load(data_dir, **options)
    return Natural(found, groups, by_group=True)
