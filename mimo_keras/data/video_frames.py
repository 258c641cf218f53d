"""Code shared by the two sets of video frames.

In each set, *anchors* are frames sampled from videos, and an anchor's
neighbours are the frames at most ten before or after it that human annotators
found similar. A frame can have several correct classes.
"""

import dataclasses

import numpy as np

from mimo_keras.data import published
from mimo_keras.data.photographs import Files
from mimo_keras.errors import expected

FOLDER = "imagenet_vid_ytbb_robust"
"""The folder that the authors' archive unpacks to."""

ARCHIVE = (
    "the authors' imagenet_vid_ytbb_robust.tar.gz "
    "(modestyachts.github.io/natural-perturbations-website)"
)


def places(name):
    """Returns where a folder of the archive may be in `data_dir`."""
    return name, f"{FOLDER}/{name}"


@dataclasses.dataclass(frozen=True, eq=False)
class VideoFrames:
    """The frames of a set of videos, each once.

    Args:
        frames: `photographs.Files` of all frames; a frame's label is the
            first of its correct classes.
        groups: For each class of the set a tuple of its ImageNet classes, in
            the order of their WordNet identifiers; empty if it has none.
        right: Whether a class is correct for a frame, (n, G) bool.
        anchors: The index of each anchor's frame, (A,).
        neighbours: For each anchor the indices of its neighbours' frames.
        distances: For each anchor how many frames away each neighbour is.

    Example:

    ```python
    videos = mimo_keras.data.natural("imagenet2012")["imagenet_vid_robust"]
    try:
        frames = videos()
    except mimo_keras.InputError as error:
        print(error)                                         # where to get it
    ```
    """

    frames: Files
    groups: tuple[tuple[int, ...], ...]
    right: np.ndarray
    anchors: np.ndarray
    neighbours: tuple[np.ndarray, ...]
    distances: tuple[np.ndarray, ...]

    def within(self, k):
        """Returns for each anchor its frame and the neighbours at most k away.

        Args:
            k: A distance in frames; 0 for the anchors only.

        Returns:
            A tuple of A integer arrays.
        """
        return tuple(
            np.concatenate(([anchor], near[away <= k])).astype(np.int64)
            for anchor, near, away in zip(
                self.anchors, self.neighbours, self.distances, strict=True
            )
        )


def gathered(name, home, groups, labels, near, get_it, **options):
    """Indexes the frames of a set and checks that all files exist.

    Args:
        name: Name of the set in results and messages.
        home: The folder that contains the frames, a path object.
        groups: For each class a tuple of its ImageNet classes.
        labels: A dict: frame, as a path under `home` -> its correct classes,
            at least one.
        near: A dict: anchor -> dict of neighbour -> distance, all of them
            keys of `labels`.
        get_it: How to get the set, as a sentence.
        **options: `size`, `margin` and `skip` of `photographs.Photographs`.

    Returns:
        `VideoFrames`, with frames and anchors in alphabetical order.

    Raises:
        InputError: There is no anchor, or a frame is missing.
    """
    if not near:
        raise expected(f"anchors in {name}", f"none in {home}", get_it)
    if len(groups) > published.CLASSES:
        raise expected(
            f"at most {published.CLASSES} classes in {name}",
            f"{len(groups)}",
            get_it,
        )
    keys = sorted({key for pair in near.items() for key in (pair[0], *pair[1])})
    for key in keys:
        published.photograph(home / key, f"all frames of {name}", get_it)
    numbers = {key: number for number, key in enumerate(keys)}
    right = np.zeros((len(keys), len(groups)), bool)
    for number, key in enumerate(keys):
        right[number, list(labels[key])] = True
    frames = Files(
        name=name,
        num_classes=len(groups),
        paths=tuple(str(home / key) for key in keys),
        labels=right.argmax(axis=1).astype(np.int64),
        **options,
    )
    anchors = sorted(near)
    return VideoFrames(
        frames,
        groups,
        right,
        np.array([numbers[anchor] for anchor in anchors], np.int64),
        tuple(
            np.array([numbers[key] for key in near[anchor]], np.int64)
            for anchor in anchors
        ),
        tuple(
            np.array(list(near[anchor].values()), np.int64)
            for anchor in anchors
        ),
    )
