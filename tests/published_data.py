"""Small test sets in their authors' layouts."""

import gzip
import json
import pathlib
import struct

import numpy as np
import tensorflow as tf

from mimo_keras.paths import files_below

# Lines of the names' file, which is not in the order of the 1000.
NAMES = ["crane", "table lamp", "analog clock", "digital clock", "crane", "mug"]
MAPPINGS = {
    "folder_to_objectnet_label.json": {
        "t-shirt": "T-shirt",
        "desk_lamp": "Desk lamp",
        "alarm_clock": "Alarm clock",
        "mug": "Mug",
    },
    # In the authors' file, the names of one class also contain commas.
    "objectnet_to_imagenet_1k.json": {
        "Mug": "mug",
        "Desk lamp": "table lamp",
        "Alarm clock": "digital clock; analog clock",
    },
    "pytorch_to_imagenet_2012_id.json": {
        "134": 0,
        "846": 1,
        "409": 2,
        "530": 3,
        "517": 4,
        "504": 5,
    },
}
IMAGES = {"t-shirt": 1, "desk_lamp": 2, "alarm_clock": 3, "mug": 1}


def png(shade):
    """A PNG with the red border of the set."""
    pixels = np.full((9, 12, 3), shade, np.uint8)
    pixels[[0, -1]] = pixels[:, [0, -1]] = (255, 0, 0)
    return tf.io.encode_png(pixels).numpy()


def write_objectnet(data_dir):
    """Writes three classes of ImageNet, and one other."""
    home = data_dir / "objectnet-1.0"
    for folder, count in IMAGES.items():
        (home / "images" / folder).mkdir(parents=True)
        for index in reversed(range(count)):
            path = home / "images" / folder / f"{index}f00d.png"
            path.write_bytes(png(10 * index))
    (home / "images" / "mug" / ".DS_Store").write_bytes(b"")
    (home / "mappings").mkdir()
    for name, content in MAPPINGS.items():
        (home / "mappings" / name).write_text(json.dumps(content))
    (home / "mappings" / "imagenet_to_label_2012_v2").write_text(
        "\n".join(NAMES) + "\n"
    )
    return home


VIDEO = "val/ILSVRC2015_val_00000000"
OTHER = "val/ILSVRC2015_val_00007001"
CONTENT = {
    "metadata/labels.json": {
        f"{VIDEO}/000432.JPEG": [1],
        f"{VIDEO}/000442.JPEG": [1],
        f"{VIDEO}/000445.JPEG": [1, 0],
        f"{OTHER}/000007.JPEG": [2],
    },
    "metadata/pmsets.json": {
        f"{VIDEO}/000442.JPEG": [
            f"{VIDEO}/000432.JPEG",
            f"{VIDEO}/000445.JPEG",
        ],
        f"{OTHER}/000007.JPEG": [],
    },
    "misc/imagenet_vid_class_index.json": {
        "0": ["n02691156", "airplane"],
        "1": ["n02419796", "antelope"],
        "2": ["n02131653", "bear"],
    },
    "misc/imagenet_class_index.json": {
        "404": ["n02690373", "airliner"],
        "353": ["n02423022", "gazelle"],
        "351": ["n02422106", "hartebeest"],
        "294": ["n02132136", "brown_bear"],
    },
    "misc/rev_wnid_map.json": {
        "n02131653": ["n02132136"],
        "n02419796": ["n02423022", "n02422106"],
        "n02691156": ["n02690373"],
    },
}


def write_imagenet_vid_robust(data_dir):
    """Writes two videos with four frames."""
    home = data_dir / "imagenet-vid-robust"
    for folder in ("metadata", "misc", VIDEO, OTHER):
        (home / folder).mkdir(parents=True)
    for name, content in CONTENT.items():
        (home / name).write_text(json.dumps(content))
    jpeg = tf.io.encode_jpeg(np.zeros((8, 8, 3), np.uint8)).numpy()
    for key in CONTENT["metadata/labels.json"]:
        (home / key).write_bytes(jpeg)
    return home


def copied(folder, remote):
    """Copies a local folder to one of TensorFlow's file systems; returns it."""
    for name in files_below(folder):
        (remote / name).write_from(folder / name)
    return remote


def write_idx_files(folder, compressed=True, counts=(12, 4), side=28):
    """Writes four small files as MNIST's authors published theirs.

    Returns:
        Split -> images (n, side, side) and labels (n,), uint8.
    """
    written = {}
    draw = np.random.default_rng(0)
    for split, name, count in zip(
        ("train", "test"), ("train", "t10k"), counts, strict=True
    ):
        images = draw.integers(0, 256, (count, side, side), dtype=np.uint8)
        labels = np.arange(count, dtype=np.uint8) % 10
        for kind, array in (("images", images), ("labels", labels)):
            axes = array.ndim
            head = struct.pack(f">HBB{axes}I", 0, 8, axes, *array.shape)
            content = head + array.tobytes()
            path = folder / f"{name}-{kind}-idx{axes}-ubyte"
            if compressed:
                content, path = gzip.compress(content), f"{path}.gz"
            pathlib.Path(path).write_bytes(content)
        written[split] = images, labels
    return written


def write_photographs(folder, *names):
    """Writes tiny photographs, whose names end in png or jpg."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = tf.fill((4, 5, 3), tf.constant(len(name), tf.uint8))
        jpeg = path.suffix.lower() != ".png"
        encode = tf.io.encode_jpeg if jpeg else tf.io.encode_png
        path.write_bytes(encode(pixels).numpy())
