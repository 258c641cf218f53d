"""ImageNet-Vid-Robust from its authors' folder; no library provides it.

The folder imagenet-vid-robust holds the frames as `val/<video>/<number>.JPEG`
and metadata with such paths as keys: metadata/labels.json (frame -> its correct
classes out of 30) and metadata/pmsets.json (anchor -> its neighbours). misc
holds the classes: imagenet_vid_class_index.json and imagenet_class_index.json
(number -> [WordNet identifier, name], for the 30 and for ImageNet's 1000) and
rev_wnid_map.json (identifier of one of the 30 -> those of its ImageNet
classes).
"""

import pathlib

from mimo_keras import untrusted
from mimo_keras.data import published, video_frames
from mimo_keras.data.published import wrong_entry
from mimo_keras.errors import argument

FOLDER = "imagenet-vid-robust"

_GET_IT = (
    f"Unpack {video_frames.ARCHIVE} in the folder that "
    f"{argument('data_dir')} names."
)


def load(data_dir, **options):
    """Finds the frames, their classes and their neighbours.

    Args:
        data_dir: The folder that holds `FOLDER`, or the authors' folder
            imagenet_vid_ytbb_robust with it.
        **options: `size`, `margin` and `skip` of `photographs.Photographs`.

    Returns:
        `video_frames.VideoFrames`.

    Raises:
        AbsentError: There is no such folder.
        InputError: A file is missing or differs from the published one.

    Reference:
        Shankar et al., Do image classifiers generalize across time?, ICCV
        2021.
    """
    home = published.folder(
        data_dir,
        *video_frames.places(FOLDER),
        get_it=_GET_IT,
    )
    groups = _groups(home / "misc")
    labels = _labels(home / "metadata" / "labels.json", len(groups))
    near = _near(home / "metadata" / "pmsets.json", labels)
    return video_frames.gathered(
        "imagenet_vid_robust", home, groups, labels, near, _GET_IT, **options
    )


def _labels(path, count):
    labels = published.table(path, _GET_IT)
    for entry in labels.items():
        classes = entry[1]
        known = isinstance(classes, list) and all(
            published.is_class(label, count) for label in classes
        )
        if not known or not classes:
            raise wrong_entry(
                path, entry, f"a list of classes from 0 to {count - 1}", _GET_IT
            )
    return labels


def _near(path, labels):
    """Returns a dict: anchor -> dict of neighbour -> distance in frames."""
    near = {}
    for entry in published.table(path, _GET_IT).items():
        anchor, others = entry
        if not published.strings(others):
            raise wrong_entry(path, entry, "a list of frames", _GET_IT)
        for key in (anchor, *others):
            if key not in labels or _number(key) is None:
                raise wrong_entry(
                    path, key, "numbered frames that have labels", _GET_IT
                )
            if not untrusted.inside(key):
                raise wrong_entry(
                    path, key, f"frames in {path.parents[1]}", _GET_IT
                )
        near[anchor] = {
            key: abs(_number(key) - _number(anchor)) for key in others
        }
    return near


def _number(key):
    """Returns the number of "val/video/000442.JPEG", 442; None without one."""
    return untrusted.number(pathlib.Path(key).stem)


def _groups(misc):
    """Returns a tuple of ImageNet classes for each class."""
    imagenet = _numbers(misc / "imagenet_class_index.json", published.CLASSES)
    own = _numbers(misc / "imagenet_vid_class_index.json")
    path = misc / "rev_wnid_map.json"
    groups = {}
    for entry in published.table(path, _GET_IT).items():
        name, members = entry
        known = name in own and published.strings(members) and members
        if not known or not all(member in imagenet for member in members):
            raise wrong_entry(
                path,
                entry,
                "WordNet identifiers of the class index files",
                _GET_IT,
            )
        groups[own[name]] = tuple(sorted(imagenet[m] for m in members))
    missing = sorted(set(range(len(own))) - set(groups))
    if missing:
        raise wrong_entry(
            path, f"no class {missing[0]}", "all classes of the set", _GET_IT
        )
    return tuple(groups[number] for number in range(len(own)))


def _numbers(path, count=None):
    """Returns a dict: WordNet identifier -> number of the class.

    Args:
        path: A class index file.
        count: The number of classes; None for that of the entries.
    """
    entries = published.table(path, _GET_IT)
    numbers = {}
    for entry in entries.items():
        number = published.class_number(entry[0], count or len(entries))
        if number is None or not published.strings(entry[1]) or not entry[1]:
            raise wrong_entry(
                path,
                entry,
                f"classes from 0 to {(count or len(entries)) - 1} with their "
                "identifiers",
                _GET_IT,
            )
        numbers[entry[1][0]] = number
    return numbers
