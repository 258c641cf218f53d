"""The record that holds all facts about one data set."""

import dataclasses
import types
from collections.abc import Callable, Mapping

from mimo_keras.data.corruptions import Corruptions


def _none():
    return dataclasses.field(default_factory=lambda: types.MappingProxyType({}))


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class DataSet:
    """The facts about a data set, which all other code reads from here.

    A *reader* is a function that takes, by keyword, `data_dir`, the folder of
    the prepared data (None for TFDS's default), and `download`, whether missing
    data may be downloaded. Readers of `Photographs` also take `size` and
    `skip`.

    Args:
        name: Its name in flags, results and messages.
        image_shape: (H, W, C); for photographs, that of a default crop.
        num_classes: The number of classes; None if the files say it.
        read: Reader that first takes a split, "train" or "test", and returns
            `Examples`, or `Photographs` for sets too large for memory.
        in_memory: Whether `read` returns `Examples`.
        mean: Mean of each channel on the scale [0, 1], as networks for this
            set use it; None to measure it on the training images.
        std: Standard deviation, likewise.
        augment: Function from (images, seed (2,)) to images that augments
            training images; None for no augmentation, or only crops.
        corruptions: Its `Corruptions`; None if it has no corrupted suite.
        out_of_distribution: Name -> reader of `Examples` that belong to none
            of its classes, in its own image shape.
        natural: Name -> reader of `Natural` or `VideoFrames`.
        folders: Part of the suite, such as "test", "corrupted" or
            "ood/svhn_cropped" -> the folders in `data_dir` that it is read
            from; none for what every installation has.
        get_it: What to do if it is missing, besides naming its folder or
            downloading it, as a sentence.

    Example:

    ```python
    mimo_keras.data.get("digits").image_shape                # (8, 8, 1)
    ```
    """

    name: str
    image_shape: tuple[int, int, int]
    num_classes: int | None
    read: Callable
    in_memory: bool = True
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    augment: Callable | None = None
    corruptions: Corruptions | None = None
    out_of_distribution: Mapping[str, Callable] = _none()
    natural: Mapping[str, Callable] = _none()
    folders: Mapping[str, tuple[str, ...]] = _none()
    get_it: str = ""
