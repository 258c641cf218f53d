"""Reading TFDS's own on-disk format, and every way in which it can fail."""

import http.server
import pathlib
import shutil
import socket
import threading

import numpy as np
import pytest
import tensorflow as tf

from mimo_keras.data import tfds_images
from mimo_keras.errors import InputError


@pytest.fixture(scope="module")
def splits():
    draw = np.random.default_rng(3)
    return {
        split: (
            draw.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8),
            draw.integers(0, 10, count),
        )
        for split, count in (("train", 30), ("test", 7))
    }


@pytest.fixture
def folder(tmp_path, write_tfds, splits):
    return write_tfds(tmp_path, "cifar10", splits)


def _records(folder, split="train"):
    (path,) = folder.glob(f"cifar10-{split}.tfrecord*")
    return path


@pytest.mark.parametrize(
    ("split", "rows"),
    [
        ("train", slice(None)),
        ("train[:90%]", slice(27)),
        ("train[90%:]", slice(27, None)),
        ("train[4:9]", slice(4, 9)),
    ],
)
def test_a_split_comes_back_in_order(tmp_path, folder, splits, split, rows):
    found = tfds_images.load("cifar10", split, data_dir=tmp_path)
    images, labels = splits["train"]
    np.testing.assert_array_equal(found.images, images[rows])
    np.testing.assert_array_equal(found.labels, labels[rows])
    assert (found.images.dtype, found.labels.dtype) == (np.uint8, np.int64)
    assert (found.name, found.num_classes) == ("cifar10", 10)


def test_file_systems_that_tfds_does_not_read_are_refused():
    for home in ("ram://a", pathlib.Path("ram://a")):
        with pytest.raises(InputError) as caught:
            tfds_images.load("cifar10", "test", data_dir=home)
        assert str(caught.value) == (
            "Expected a local folder of data sets, or one on gs://, which TFDS "
            "reads. Received: data_dir=ram://a. Copy it to one of these."
        )
    with pytest.raises(InputError, match="data_dir=s3://a. Choose"):
        tfds_images.load("cifar10", "test", data_dir="s3://a")


def test_a_folder_may_be_given_from_home(tmp_path, folder, splits, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    home = f"~/{tmp_path.name}"
    found = tfds_images.load("cifar10", "test", data_dir=home)
    np.testing.assert_array_equal(found.images, splits["test"][0])


def test_the_test_split_is_another(tmp_path, folder, splits):
    found = tfds_images.load("cifar10", "test", data_dir=tmp_path)
    np.testing.assert_array_equal(found.images, splits["test"][0])


@pytest.mark.parametrize(
    "split", ["validation", "train[:0%]", "train[:200]", "train["]
)
def test_a_wrong_split_lists_those_that_exist(tmp_path, folder, split):
    with pytest.raises(InputError, match="one of train, test") as caught:
        tfds_images.load("cifar10", split, data_dir=tmp_path)
    assert f"split={split}" in str(caught.value)
    assert "\n" not in str(caught.value)


def _truncate(folder):
    path = _records(folder)
    path.write_bytes(path.read_bytes()[:-100])


def _overwrite(folder):
    _records(folder).write_bytes(b"not a record" * 20)


def _remove(folder):
    _records(folder).unlink()


def _drop_the_last_record(folder):
    path = str(_records(folder))
    kept = list(tf.data.TFRecordDataset(path))[:-1]
    with tf.io.TFRecordWriter(path) as writer:
        for record in kept:
            writer.write(record.numpy())


@pytest.mark.parametrize(
    "damage", [_truncate, _overwrite, _remove, _drop_the_last_record]
)
def test_damaged_records_name_their_folder(tmp_path, folder, damage):
    damage(folder)
    with pytest.raises(InputError) as caught:
        tfds_images.load("cifar10", "train", data_dir=tmp_path)
    assert f"folder={folder}" in str(caught.value)
    assert "prepare the data set again" in str(caught.value)
    # The other split is complete.
    assert len(tfds_images.load("cifar10", "test", data_dir=tmp_path)) == 7


def test_a_damaged_description_is_reported_in_one_line(tmp_path, folder):
    (folder / "dataset_info.json").write_text("{")
    with pytest.raises(InputError, match="data_dir=.*prepare it again"):
        tfds_images.load("cifar10", "train", data_dir=tmp_path)


def test_a_label_out_of_range_is_named(tmp_path, write_tfds, splits):
    import tensorflow_datasets as tfds

    images, labels = splits["test"]
    features = tfds.features.FeaturesDict(
        {
            "id": tfds.features.Text(),
            "image": tfds.features.Image(shape=(32, 32, 3)),
            "label": tfds.features.ClassLabel(num_classes=20),
        }
    )
    labels = np.where(np.arange(7) == 4, 12, labels)
    write_tfds(tmp_path, "cifar10", {"test": (images, labels)}, features)
    with pytest.raises(InputError, match=r"labels in 0..9.*labels\[4\]=12"):
        tfds_images.load("cifar10", "test", data_dir=tmp_path)


def test_a_name_that_tfds_does_not_know(tmp_path):
    with pytest.raises(InputError, match="cifar10_corrupted/dirt_1") as caught:
        tfds_images.load("cifar10_corrupted/dirt_1", "test", data_dir=tmp_path)
    assert "\n" not in str(caught.value)


def test_absent_data_is_not_fetched_unasked(tmp_path, monkeypatch):
    monkeypatch.setattr(tfds_images, "_fetch", pytest.fail)
    with pytest.raises(InputError, match="data_dir=FOLDER.*download=True"):
        tfds_images.load("cifar10", "train", data_dir=tmp_path)


def test_an_unreachable_host_ends_the_download(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(tfds_images, "answers", asked.append)
    with pytest.raises(InputError, match="no answer from http.*download=True"):
        tfds_images.load("cifar10", "train", data_dir=tmp_path, download=True)
    (url,) = asked
    assert url.endswith("/cifar-10-binary.tar.gz")


@pytest.fixture
def download(monkeypatch):
    """Replaces TFDS's download by `function(folder)`."""
    import tensorflow_datasets as tfds

    def replace(function):
        monkeypatch.setattr(tfds_images, "answers", lambda url: True)
        monkeypatch.setattr(
            tfds.builder_cls("cifar10"),
            "download_and_prepare",
            lambda builder: function(builder),
        )

    return replace


def test_a_download_is_read_once_it_is_there(
    tmp_path, write_tfds, splits, download
):
    prepared = write_tfds(tmp_path / "elsewhere", "cifar10", splits)

    def fetch(builder):
        shutil.copytree(prepared, builder.data_path)
        builder.info.read_from_directory(builder.data_path)

    download(fetch)
    found = tfds_images.load(
        "cifar10", "test", data_dir=tmp_path / "here", download=True
    )
    np.testing.assert_array_equal(found.images, splits["test"][0])


def test_a_download_that_breaks_off_is_reported_in_one_line(tmp_path, download):
    def fetch(builder):
        raise RuntimeError("checksum\nmismatch")

    download(fetch)
    with pytest.raises(InputError, match="checksum mismatch.*data_dir=FOLDER"):
        tfds_images.load("cifar10", "test", data_dir=tmp_path, download=True)


@pytest.fixture
def no_proxies(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_a_server_that_answers(no_proxies):
    handler = http.server.BaseHTTPRequestHandler
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        # It answers 501: any answer shows that the host is reachable.
        assert tfds_images.answers(f"http://127.0.0.1:{server.server_port}/")


def test_servers_that_do_not_answer(no_proxies):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        # It accepts the connection but never answers.
        assert not tfds_images.answers(f"http://127.0.0.1:{port}/", 0.2)
    assert not tfds_images.answers(f"http://127.0.0.1:{port}/", 5.0)


def test_a_host_that_hangs_in_spite_of_its_time_limit(monkeypatch):
    """Name lookup may take minutes, whatever timeout requests is given."""
    over = threading.Event()
    monkeypatch.setattr("requests.head", lambda *_, **__: over.wait(30))
    assert not tfds_images.answers("http://somewhere/", 0.05)
    over.set()
