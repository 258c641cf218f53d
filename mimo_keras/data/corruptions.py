"""The corrupted test sets of a data set, one after the other."""

import dataclasses
import functools
from collections.abc import Callable

from mimo_keras.data import (
    cifar100_c,
    digit_corruptions,
    digits,
    photographs,
    tfds_images,
)
from mimo_keras.errors import expected

SEVERITIES = (1, 2, 3, 4, 5)

_AUTHORS = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
)
# TFDS's CIFAR-10-C has names of its own for two of them.
_OF_CIFAR10 = {
    "glass_blur": "frosted_glass_blur",
    "elastic_transform": "elastic",
}

CORRUPTIONS = {
    # The 15 types of the benchmark. TFDS's 4 others were made for validation
    # and stand in no published corrupted accuracy.
    "cifar10": tuple(_OF_CIFAR10.get(name, name) for name in _AUTHORS),
    # The names of the authors' files.
    "cifar100": (
        *_AUTHORS,
        "speckle_noise",
        "gaussian_blur",
        "spatter",
        "saturate",
    ),
    "digits": tuple(digit_corruptions.SUITE),
    # In TFDS's spelling, again without the four others.
    "imagenet2012": _AUTHORS,
}
"""Data set -> the types of corruption that its suite has."""


@dataclasses.dataclass(frozen=True, eq=False)
class Corrupted:
    """A test set under one corruption.

    Args:
        type: One of `CORRUPTIONS` of the data set.
        severity: 1 (weakest) to 5.
        load: Function that reads or makes it.
    """

    type: str
    severity: int
    load: Callable

    @functools.cached_property
    def examples(self):
        """The `Examples` or `Photographs`, loaded when first asked for.

        They are in the order of the clean test set wherever the suite keeps
        it; labels are the clean ones.
        """
        return self.load()


def corrupted(name, *, types=None, severities=SEVERITIES, **where):
    """Iterates over the corrupted test sets of a data set.

    A set is read or made when its examples are asked for, so that one at a
    time is in memory. The arguments are checked at once.

    Args:
        name: A key of `CORRUPTIONS`.
        types: Which of `CORRUPTIONS[name]`; None for all.
        severities: Which of 1 to 5.
        **where: `data_dir`, the folder of the prepared TFDS data (None for
            TFDS's own) or the one that holds CIFAR-100-C (cifar100), and
            `download`, whether TFDS may fetch and prepare what is absent; for
            imagenet2012 also `size` and `skip` of `Photographs`.

    Returns:
        An iterator of `Corrupted`, by type in the order of `CORRUPTIONS`,
        then by severity.

    Raises:
        InputError: The name, a type or a severity does not exist; on asking
            for the examples, if the data is absent or damaged.
    """
    known = corruption_types(name)
    types = _chosen("types", known if types is None else types, known)
    severities = _chosen("severities", severities, SEVERITIES)
    return _iterate(name, types, severities, where)


def corruption_types(name):
    """Returns the types of `name`'s suite, or raises an `InputError`."""
    if name not in CORRUPTIONS:
        raise expected(
            "a data set with a corrupted suite: " + ", ".join(CORRUPTIONS),
            f"name={name}",
            "Choose one of these.",
        )
    return CORRUPTIONS[name]


def _chosen(what, asked, known):
    """Returns those of `known` that are in `asked`, which holds no others."""
    asked = [asked] if isinstance(asked, str | int) else list(asked)
    if not asked or any(value not in known for value in asked):
        raise expected(
            f"{what} out of " + ", ".join(map(str, known)),
            f"{what}={', '.join(map(str, asked)) or 'none'}",
            "Choose at least one of these, and no others.",
        )
    return [value for value in known if value in asked]


def _iterate(name, types, severities, where):
    """Yields the sets of checked arguments."""
    load = _loader(name, **where)
    for kind in types:
        for severity in severities:
            yield Corrupted(
                kind, severity, functools.partial(load, kind, severity)
            )


def _loader(name, data_dir=None, download=False, **options):
    """Returns the function (type, severity) -> examples of a data set."""
    if name == "digits":
        return functools.partial(_corrupted_digits, digits.load("test"))
    if name == "cifar100":
        return functools.partial(cifar100_c.load, data_dir=data_dir)
    where = {"data_dir": data_dir, "download": download}
    if name == "cifar10":
        return functools.partial(_corrupted_cifar10, **where)
    # TFDS's images are cropped already.
    return functools.partial(_corrupted_imagenet, margin=1, **where, **options)


def _corrupted_imagenet(kind, severity, **where):
    name = f"imagenet2012_corrupted/{kind}_{severity}"
    return photographs.load(name, "validation", **where)


def _corrupted_cifar10(kind, severity, **where):
    name = f"cifar10_corrupted/{kind}_{severity}"
    return tfds_images.load(name, "test", **where)


def _corrupted_digits(clean, kind, severity):
    return dataclasses.replace(
        clean,
        name=f"digits_corrupted/{kind}_{severity}",
        images=digit_corruptions.corrupt(clean.images, kind, severity),
    )
