"""Corrupted suites: a test set under each corruption at each severity."""

import dataclasses
import functools
from collections.abc import Callable

from mimo_keras.errors import closest, expected

SEVERITIES = (1, 2, 3, 4, 5)

BENCHMARK = (
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
"""The 15 types of Hendrycks and Dietterich (ICLR 2019), as they name them."""


@dataclasses.dataclass(frozen=True, eq=False)
class Corrupted:
    """A test set under one corruption.

    Args:
        type: One of the suite's types.
        severity: 1 (weakest) to 5.
        load: Function that reads or generates it.
    """

    type: str
    severity: int
    load: Callable

    @functools.cached_property
    def examples(self):
        """The `Examples` or `Photographs`, loaded on first access.

        They are in the order of the clean test set if the suite preserves it;
        labels are the clean ones.
        """
        return self.load()


@dataclasses.dataclass(frozen=True, eq=False)
class Corruptions:
    """The corrupted suite of a data set.

    Args:
        types: The types of corruption, in the order of results.
        open: Function from the keyword arguments of readers (see `DataSet`) to
            a function (type, severity) that reads or generates a set. `stored`
            and `made` return such functions.
        against_alexnet: Whether results are also given relative to AlexNet's
            errors, as mCE.
    """

    types: tuple[str, ...]
    open: Callable
    against_alexnet: bool = False

    def sets(self, types=None, severities=SEVERITIES, **where):
        """Iterates over the sets; as `data.corrupted`."""
        types = self.types if types is None else types
        types = _chosen("types", types, self.types)
        severities = _chosen("severities", severities, SEVERITIES)
        return self._iterate(types, severities, where)

    def _iterate(self, types, severities, where):
        """Yields the sets, given checked arguments."""
        load = self.open(**where)
        for kind in types:
            for severity in severities:
                yield Corrupted(
                    kind, severity, functools.partial(load, kind, severity)
                )


def stored(load, name, split):
    """Returns the `open` of a suite in TFDS with one configuration per set.

    Args:
        load: `tfds_images.load`, or `photographs.load`.
        name: TFDS's name of the suite, such as "cifar10_corrupted".
        split: Its split.
    """

    def opened(**where):
        return lambda kind, severity: load(
            f"{name}/{kind}_{severity}", split, **where
        )

    return opened


def made(load, corrupt):
    """Returns the `open` of a suite generated from the clean test images.

    Args:
        load: Reader of the data set.
        corrupt: Function from (images, type, severity) to images.
    """

    def opened(**where):
        clean = load("test", **where)
        return lambda kind, severity: dataclasses.replace(
            clean,
            name=f"{clean.name}_corrupted/{kind}_{severity}",
            images=corrupt(clean.images, kind, severity),
        )

    return opened


def _chosen(what, asked, known):
    """Returns the values of `known` in `asked`; other values are an error."""
    asked = [asked] if isinstance(asked, str | int) else list(asked)
    unknown = [value for value in asked if value not in known]
    if unknown or not asked:
        raise expected(
            f"{what} out of " + ", ".join(map(str, known)),
            f"{what}={', '.join(map(str, asked)) or 'none'}",
            closest(
                unknown[0] if unknown else None,
                known,
                "Choose at least one of these, and no others.",
            ),
        )
    return [value for value in known if value in asked]
