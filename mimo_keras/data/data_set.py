"""One data set: all that is known of it, in one record."""

import dataclasses
import types
from collections.abc import Callable, Mapping

from mimo_keras.data.corruptions import Corruptions


def _none():
    return dataclasses.field(default_factory=lambda: types.MappingProxyType({}))


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class DataSet:
    """The facts of a data set; whoever needs one asks this record.

    A *reader* is a function that takes `data_dir`, the folder of the prepared
    data (None for TFDS's own), and `download`, whether absent data may be
    fetched, both by keyword. Those of `Photographs` also take `size` and
    `skip`.

    Args:
        name: Its name in flags, results and messages.
        image_shape: (H, W, C); of photographs, that of a crop by default.
        num_classes: The number of classes.
        read: Reader that takes a split first, "train" or "test", and returns
            `Examples`, or `Photographs` for what is too large to hold.
        in_memory: Whether `read` returns `Examples`.
        mean: Mean of each channel in units of [0, 1], as networks for this
            set take it; None to measure it on the training images.
        std: Standard deviation, likewise.
        augment: Function from (images, seed (2,)) to images: how training
            images are changed; None if they are not, or by their crops only.
        corruptions: Its `Corruptions`; None if it has no corrupted suite.
        out_of_distribution: Name -> reader of `Examples` of none of its
            classes, in its own image shape.
        natural: Name -> reader of `Natural` or `VideoFrames`.
        get_it: What to do where it is absent, besides naming its folder or
            fetching it, as a sentence.

    Example:
        >>> from mimo_keras import data
        >>> data.get("digits").image_shape
        (8, 8, 1)
    """

    name: str
    image_shape: tuple[int, int, int]
    num_classes: int
    read: Callable
    in_memory: bool = True
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    augment: Callable | None = None
    corruptions: Corruptions | None = None
    out_of_distribution: Mapping[str, Callable] = _none()
    natural: Mapping[str, Callable] = _none()
    get_it: str = ""
