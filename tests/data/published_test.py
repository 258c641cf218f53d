"""The common behaviour of readers of published folders."""

import pytest

from mimo_keras.data import published
from mimo_keras.errors import AbsentError, InputError

HOW = "Do as the site says."


def test_the_first_folder_that_is_there(tmp_path, monkeypatch):
    (tmp_path / "archive" / "set").mkdir(parents=True)
    find = lambda at: published.folder(  # noqa: E731
        at, "set", "archive/set", get_it=HOW
    )
    assert find(tmp_path) == tmp_path / "archive" / "set"
    (tmp_path / "set").mkdir()
    assert find(str(tmp_path)) == tmp_path / "set"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find("~") == tmp_path / "set"


@pytest.mark.parametrize("there", [True, False])
def test_an_absent_set_says_how_to_get_it(tmp_path, there):
    data_dir = tmp_path if there else None
    with pytest.raises(AbsentError, match=HOW) as caught:
        published.folder(data_dir, "set", "archive/set", get_it=HOW)
    assert "\n" not in str(caught.value)
    where = f"no folder {tmp_path}/set" if there else "data_dir=None"
    assert where in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no file .*a.json"),
        (b"\xff\xfe", "UTF-8.*a.json"),
        (b"", "JSON.*a.json"),
        (b'{"a": 1', "JSON.*a.json.*line 1"),
        (b"[" * 100000, "JSON.*a.json"),
        (b"[1, 2]", "JSON object.*a.json .a list"),
    ],
)
def test_a_file_that_is_no_table_is_one_line(tmp_path, content, message):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        published.table(path, HOW)
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, AbsentError)


def test_a_long_entry_is_cut():
    error = published.wrong_entry("a.json", {"a": "b" * 999}, "less", HOW)
    assert str(error).startswith("Expected less. Received: {'a': 'bbb")
    assert len(str(error)) < 240


@pytest.mark.parametrize(
    ("value", "good"),
    [(0, True), (9, True), (10, False), (-1, False), (1.0, False)]
    + [(True, False), ("1", False), (None, False)],
)
def test_a_class_is_an_integer_in_range(value, good):
    assert published.is_class(value, 10) is good


@pytest.mark.parametrize(
    ("key", "number"),
    [("0", 0), ("9", 9), ("10", None), ("-1", None), ("", None), ("²", None)]
    + [("1" * 9999, None), ("a", None), (" 1", None)],
)
def test_a_class_by_its_number_as_a_string(key, number):
    assert published.class_number(key, 10) == number
