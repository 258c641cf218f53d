"""ObjectNet in its authors' layout, whole and damaged."""

import json
import os
import shutil

import numpy as np
import pytest

from mimo_keras.data import objectnet
from mimo_keras.errors import AbsentError, InputError
from tests.published_data import copied, png, write_objectnet


@pytest.fixture
def home(tmp_path):
    return write_objectnet(tmp_path)


def test_images_of_the_classes_that_imagenet_has(home):
    photographs, groups = objectnet.load(home.parent)
    assert groups == ((409, 530), (846,), (504,))
    assert photographs.num_classes == 3
    np.testing.assert_array_equal(photographs.labels, [0, 0, 0, 1, 1, 2])
    assert photographs.labels.dtype == np.int64
    assert [path.split("/")[-2:] for path in photographs.paths] == [
        ["alarm_clock", "0f00d.png"],
        ["alarm_clock", "1f00d.png"],
        ["alarm_clock", "2f00d.png"],
        ["desk_lamp", "0f00d.png"],
        ["desk_lamp", "1f00d.png"],
        ["mug", "0f00d.png"],
    ]
    assert photographs.name == "objectnet"
    assert len(photographs) == 6


def test_batches_are_without_the_red_border(home):
    photographs, _ = objectnet.load(home.parent, size=5, margin=1)
    ((images, labels),) = photographs.evaluation_batches(8)
    np.testing.assert_array_equal(labels, [0, 0, 0, 1, 1, 2])
    for image, shade in zip(images, [0, 10, 20, 0, 10, 0], strict=True):
        np.testing.assert_array_equal(image, np.full((5, 5, 3), shade))


def test_the_folder_may_be_on_another_file_system(home, ram):
    copied(home, ram / home.name)
    photographs, groups = objectnet.load(str(ram), size=5, margin=1)
    assert groups == ((409, 530), (846,), (504,))
    ((images, labels),) = photographs.evaluation_batches(8)
    np.testing.assert_array_equal(labels, [0, 0, 0, 1, 1, 2])
    np.testing.assert_array_equal(images[1], np.full((5, 5, 3), 10))
    with pytest.raises(InputError, match="data_dir=s3://a. Choose"):
        objectnet.load("s3://a")


def test_a_damaged_image_is_named(home):
    path = home / "images" / "mug" / "0f00d.png"
    path.write_bytes(path.read_bytes()[:40])
    photographs, _ = objectnet.load(home.parent, size=5)
    with pytest.raises(InputError, match="images/mug/0f00d.png") as caught:
        list(photographs.evaluation_batches(4))
    assert "\n" not in str(caught.value)


def test_without_the_folder_the_error_says_how_to_get_it(tmp_path):
    for data_dir in (None, tmp_path):
        with pytest.raises(AbsentError, match="objectnet-1.0.zip") as caught:
            objectnet.load(data_dir)
        assert "\n" not in str(caught.value)
        assert "that data_dir names" in str(caught.value)


def without(path):
    return lambda home: (home / path).unlink()


def changed(file, *entry):
    """A change of one entry of a mapping; without a value it is removed."""

    def change(home):
        path = home / "mappings" / file
        content = json.loads(path.read_text())
        content.pop(entry[0], None)
        path.write_text(
            json.dumps(content | dict([entry] if entry[1:] else []))
        )

    return change


def overwritten(path, content):
    return lambda home: (home / path).write_text(content)


def pipe(path):
    """A change that reading would wait for."""

    def change(home):
        (home / path).unlink()
        os.mkfifo(home / path)

    return change


def device(path):
    """A change that reading would never end."""

    def change(home):
        (home / path).unlink()
        (home / path).symlink_to("/dev/zero")

    return change


def outside(folder):
    """A mapping that names a folder elsewhere, where there is an image."""

    def change(home):
        (home.parent / "elsewhere").mkdir()
        (home.parent / "elsewhere" / "a.png").write_bytes(png(0))
        changed(FOLDERS, "mug")(home)
        changed(FOLDERS, folder, "Mug")(home)

    return change


TO_IMAGENET = "objectnet_to_imagenet_1k.json"
FOLDERS = "folder_to_objectnet_label.json"
NUMBERS = "pytorch_to_imagenet_2012_id.json"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without(f"mappings/{TO_IMAGENET}"), f"no file .*{TO_IMAGENET}"),
        (without("mappings/imagenet_to_label_2012_v2"), "no file .*_v2"),
        (overwritten(f"mappings/{FOLDERS}", "{"), f"JSON.*{FOLDERS}"),
        (
            overwritten(f"mappings/{TO_IMAGENET}", "{}"),
            f"nothing.*{TO_IMAGENET}",
        ),
        (changed(TO_IMAGENET, "Mug", 504), f"'Mug', 504.*{TO_IMAGENET}"),
        (changed(TO_IMAGENET, "Mug", "cup"), f"'Mug', 'cup'.*{TO_IMAGENET}"),
        (changed(TO_IMAGENET, "Mug", "crane"), "'Mug', 'crane'"),
        (changed(TO_IMAGENET, "Mug", "table lamp"), "'table lamp'"),
        (changed(TO_IMAGENET, "Cup", "mug"), f"'Cup', 'mug'.*{TO_IMAGENET}"),
        (changed(FOLDERS, "mug"), f"'Mug', 'mug'.*{TO_IMAGENET}"),
        (changed(FOLDERS, "cup", "Mug"), f"'cup', 'Mug'.*{FOLDERS}"),
        (changed(FOLDERS, "mug", None), f"'mug', None.*{FOLDERS}"),
        (changed(NUMBERS, "1000", 0), f"'1000', 0.*{NUMBERS}"),
        (changed(NUMBERS, "504", 6), f"'504', 6.*{NUMBERS}"),
        (changed(NUMBERS, "504", "5"), f"'504', '5'.*{NUMBERS}"),
        (
            lambda home: shutil.rmtree(home / "images" / "mug"),
            "none in .*images/mug",
        ),
        (without("images/mug/0f00d.png"), "none in .*images/mug"),
        (outside("../../elsewhere"), f"folders in images.*{FOLDERS}"),
        (outside("/"), f"'/', 'Mug'.*{FOLDERS}"),
        (outside("a\0b"), f"'Mug'.*{FOLDERS}"),
        (pipe("images/desk_lamp/1f00d.png"), "1f00d.png .a pipe, not a reg"),
        (device("images/mug/0f00d.png"), "0f00d.png .a device, not a reg"),
        (pipe(f"mappings/{NUMBERS}"), f"{NUMBERS} .a pipe, not a regular"),
        (pipe("mappings/imagenet_to_label_2012_v2"), "_v2 .a pipe, not"),
    ],
)
def test_damage_is_named_in_one_line(home, damage, message):
    damage(home)
    with pytest.raises(InputError, match=message) as caught:
        objectnet.load(home.parent)
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, AbsentError)
