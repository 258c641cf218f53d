"""YTBB-Robust from its authors' folders; no library provides it.

The folder ytbb-robust holds the frames, as
`ytbb_videos/<video>_<milliseconds>/frame-<number>.jpg`: one folder for each
anchor. Their metadata is in ytbb-robust_metadata, from the authors' testbed.
anchor_labels.json and pmk_labels.json are annotations: {"labels": [names],
"annotations": [{"key": frame, "labels": [indices of names]}]}, where a key may
be prefixed with folders, the key of a pair is "anchor,neighbour", and the last
annotation of a key counts. The first file says which anchors are good and which
classes they show besides that of ytbb_robustness_test_anchors_full.csv (ytid,
time_ms, label); the second says which neighbours are similar.
ytbb_class_index.json maps number -> name for the 24 classes, and
rev_class_idx_map.json maps number -> ImageNet classes for those that have any.
"""

import csv
import pathlib

from mimo_keras import untrusted
from mimo_keras.data import published, video_frames
from mimo_keras.data.published import wrong_entry
from mimo_keras.errors import argument, expected

FOLDER = "ytbb-robust"
METADATA = "ytbb-robust_metadata"
DISTANCE = 10

UNLIKE = (
    "dissimilar",
    "problematic",
    "incorrect",
    "dont know",
    "deformation",
    "background-change",
    "occlusion-increased",
    "blur-increase",
    "bad-anchor",
)
"""Labels that exclude a pair."""

_GET_IT = (
    f"Unpack {video_frames.ARCHIVE} in the folder that "
    f"{argument('data_dir')} names, and put {METADATA} (src/eval_settings of "
    f"github.com/modestyachts/imagenet-testbed) beside {FOLDER}."
)


def load(data_dir, **options):
    """Finds the frames, their classes and their neighbours.

    Args:
        data_dir: The folder that holds `FOLDER` and `METADATA`, or the
            authors' folder imagenet_vid_ytbb_robust with them.
        **options: `size`, `margin` and `skip` of `photographs.Photographs`.

    Returns:
        `video_frames.VideoFrames`. A neighbour's correct classes are those of
        its anchor. Classes without ImageNet classes have empty groups: an
        anchor that has only such classes can never be correct.

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
    metadata = published.folder(home.parent, METADATA, get_it=_GET_IT)
    names = _class_names(metadata / "ytbb_class_index.json")
    groups = _groups(metadata / "rev_class_idx_map.json", len(names))
    pairs, bad = _pairs(metadata / "pmk_labels.json")
    anchors = _anchors(metadata, names, bad)
    near = {anchor: _near(anchor, pairs) for anchor in anchors}
    labels = {
        key: classes
        for anchor, classes in anchors.items()
        for key in (anchor, *near[anchor])
    }
    return video_frames.gathered(
        "ytbb_robust",
        home / "ytbb_videos",
        groups,
        labels,
        near,
        _GET_IT,
        **options,
    )


def _near(anchor, pairs):
    """Returns a dict: neighbour -> distance in frames."""
    folder, number = _parts(anchor)
    offsets = (o for o in range(-DISTANCE, DISTANCE + 1) if o)
    keys = {f"{folder}/frame-{number + o}.jpg": abs(o) for o in offsets}
    return {key: away for key, away in keys.items() if (anchor, key) in pairs}


def _parts(key):
    """Returns the folder and number of "folder/frame-<number>.jpg", or None."""
    folder, _, file = key.partition("/")
    path = pathlib.Path(file)
    number = untrusted.number(path.stem.removeprefix("frame-"))
    named = folder and path.suffix == ".jpg" and untrusted.inside(key)
    return (folder, number) if named and number is not None else None


def _anchors(metadata, names, bad):
    """Returns a dict: good anchor -> the set of its class numbers."""
    first = _first_labels(
        metadata / "ytbb_robustness_test_anchors_full.csv", len(names)
    )
    path = metadata / "anchor_labels.json"
    anchors = {}
    for entry, (key,), said in _annotations(path, 1, ("good", "bad", "unsure")):
        if key in bad or "good" not in said or said & {"bad", "unsure"}:
            continue
        folder = key.partition("/")[0]
        if folder not in first:
            raise wrong_entry(
                path, entry, "anchors of the list of anchors", _GET_IT
            )
        classes = {names[name] for name in said if name in names}
        anchors[key] = classes | {first[folder]}
    return anchors


def _pairs(path):
    """Returns the set of similar pairs and the set of bad anchors."""
    pairs, bad = set(), set()
    for _, keys, said in _annotations(path, 2, ("similar", *UNLIKE)):
        if "bad-anchor" in said:
            bad.add(keys[0])
        if "similar" in said and not said & set(UNLIKE):
            pairs.add(keys)
    return pairs, bad


def _annotations(path, size, needed):
    """Returns a list of (annotation, tuple of its keys, set of its labels).

    Args:
        path: The file of annotations.
        size: Number of keys in an annotation, separated by commas.
        needed: Labels that the file must contain.
    """
    content = published.table(path, _GET_IT)
    names = content.get("labels")
    if not published.strings(names) or not set(needed) <= set(names):
        raise wrong_entry(
            path,
            f"labels: {names}",
            "a list of labels with " + ", ".join(needed),
            _GET_IT,
        )
    by_keys = {}
    entries = content.get("annotations")
    for entry in entries if isinstance(entries, list) else [entries]:
        keys, labels = _keys(entry), None
        if keys is not None and len(keys) == size:
            labels = entry.get("labels")
        if not isinstance(labels, list) or not all(
            published.is_class(label, len(names)) for label in labels
        ):
            raise wrong_entry(
                path,
                entry,
                f"annotations with a key of {size} and labels from 0 to "
                f"{len(names) - 1}",
                _GET_IT,
            )
        by_keys[keys] = entry, {names[label] for label in labels}
    return [(entry, keys, said) for keys, (entry, said) in by_keys.items()]


def _keys(entry):
    """Returns the frames of an annotation, or None if it has none.

    Only the last folder and the file name of a path are used.
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("key"), str):
        return None
    keys = tuple(
        "/".join(pathlib.PurePosixPath(key).parts[-2:])
        for key in entry["key"].split(",")
    )
    return None if None in map(_parts, keys) else keys


def _first_labels(path, count):
    """Returns a dict: folder of an anchor -> the class it was drawn for."""
    reader = csv.DictReader(published.text(path, _GET_IT).splitlines())
    labels = {}
    for row in _rows(reader, path):
        label = published.class_number(row.get("label") or "", count)
        if label is None or not row.get("ytid") or not row.get("time_ms"):
            raise wrong_entry(
                path,
                f"line {reader.line_num}",
                f"ytid, time_ms and a label from 0 to {count - 1}",
                _GET_IT,
            )
        # Only this file has "car" before "none".
        label = {22: 23, 23: 22}.get(label, label)
        labels[f"{row['ytid']}_{row['time_ms']}"] = label
    return labels


def _rows(reader, path):
    """Yields the rows of a CSV file."""
    try:
        yield from reader
    except csv.Error as error:
        line = f"line {reader.line_num + 1} ({error})"
        raise wrong_entry(path, line, "lines of a CSV file", _GET_IT) from None


def _class_names(path):
    """Returns a dict: name of a class -> its number."""
    entries = published.table(path, _GET_IT)
    names = {}
    for entry in entries.items():
        number = published.class_number(entry[0], len(entries))
        if number is None or not isinstance(entry[1], str):
            raise wrong_entry(
                path, entry, f"names of 0 to {len(entries) - 1}", _GET_IT
            )
        names[entry[1]] = number
    if len(names) != len(entries) or not names:
        raise expected("a name for each class", f"{path}", _GET_IT)
    return names


def _groups(path, count):
    """Returns a tuple of ImageNet classes for each class."""
    groups = [()] * count
    for entry in published.table(path, _GET_IT).items():
        number = published.class_number(entry[0], count)
        members = entry[1] if isinstance(entry[1], list) else [None]
        if number is None or not all(
            published.is_class(member, published.CLASSES) for member in members
        ):
            raise wrong_entry(
                path,
                entry,
                f"classes from 0 to {count - 1} with ImageNet classes from 0 "
                f"to {published.CLASSES - 1}",
                _GET_IT,
            )
        groups[number] = tuple(sorted(members))
    return tuple(groups)
