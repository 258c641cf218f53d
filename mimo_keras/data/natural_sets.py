"""Natural test sets: collected photographs, not synthetic corruptions."""

import dataclasses
import functools
import types

from mimo_keras.data import (
    imagenet_subsets,
    imagenet_vid_robust,
    objectnet,
    photographs,
    video_frames,
    ytbb_robust,
)

IMAGENET_V2 = ("matched-frequency", "threshold-0.7", "topimages")


@dataclasses.dataclass(frozen=True, eq=False)
class Natural:
    """A test set and the meaning of its labels.

    Args:
        photographs: The set.
        groups: The classes of the set, each a tuple of classes of the
            training set; None if they are the same.
        by_group: Whether labels are indices of groups instead of classes.

    Example:

    ```python
    sketches = mimo_keras.data.natural("imagenet2012")["imagenet_sketch"]
    try:
        test_set = sketches()
    except mimo_keras.InputError as error:
        print(error)                                         # where to get it
    ```
    """

    photographs: photographs.Photographs
    groups: tuple[tuple[int, ...], ...] | None = None
    by_group: bool = False


def _of_tfds(name, **where):
    test_set = photographs.load(name, "test", **where)
    if name in imagenet_subsets.SUBSETS:
        return Natural(test_set, imagenet_subsets.groups(name))
    return Natural(test_set)


def _objectnet(data_dir, **options):
    test_set, groups = objectnet.load(data_dir, **options)
    return Natural(test_set, groups, by_group=True)


def _own(load):
    """Returns the reader of a set that is never downloaded."""
    return lambda *, data_dir=None, download=False, **options: load(
        data_dir, **options
    )


IMAGENET = types.MappingProxyType(
    {
        **{
            name: functools.partial(_of_tfds, name)
            for name in (
                *(f"imagenet_v2/{config}" for config in IMAGENET_V2),
                "imagenet_sketch",
                "imagenet_a",
                "imagenet_r",
            )
        },
        "objectnet": _own(_objectnet),
        "imagenet_vid_robust": _own(imagenet_vid_robust.load),
        "ytbb_robust": _own(ytbb_robust.load),
    }
)
"""Name -> reader of `Natural` or `VideoFrames` with classes of ImageNet."""

_OF_AUTHORS = {
    "objectnet": (objectnet.FOLDER,),
    "imagenet_vid_robust": video_frames.places(imagenet_vid_robust.FOLDER),
    "ytbb_robust": (
        *video_frames.places(ytbb_robust.FOLDER),
        *video_frames.places(ytbb_robust.METADATA),
    ),
}
FOLDERS = types.MappingProxyType(
    {name: _OF_AUTHORS.get(name, (name,)) for name in IMAGENET}
)
"""Name -> the folders in `data_dir` that hold the set, where it has several
places."""
