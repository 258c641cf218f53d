"""What a script prints never ends it: any encoding, with or without readers."""

import errno
import io
import os
import sys

import pytest

from uncertainty_runs.common import streams

TABLE = "a – ± é\n"


def opened(path, **options):
    """Returns a stream like those that Python makes for its descriptors."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT)
    return open(handle, "w", errors="strict", **options)


@pytest.mark.parametrize(
    ("encoding", "kept"),
    [("ascii", "a ? ? ?\n"), ("latin-1", "a ? ± é\n"), ("utf-8", TABLE)],
)
def test_a_character_that_is_lacking_becomes_a_question_mark(
    tmp_path, monkeypatch, encoding, kept
):
    path = tmp_path / "out.txt"
    with opened(path, encoding=encoding) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        print("first,", end=" ")
        with streams.lasting():
            print(TABLE, end="")
        assert sys.stdout is stream
    assert path.read_text(encoding) == "first, " + kept


def test_standard_error_names_the_character(tmp_path, monkeypatch):
    path = tmp_path / "err.txt"
    with opened(path, encoding="ascii") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        with streams.lasting():
            print("é", file=sys.stderr)
    assert path.read_text() == "\\xe9\n"


def test_a_reader_that_has_left_is_not_missed(monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with streams.lasting():
            for _ in range(3):
                print("x" * 100_000, flush=True)


def test_a_descriptor_that_was_closed_gets_a_place_to_write(monkeypatch):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    with streams.lasting():
        print(TABLE)
        assert not sys.stdout.isatty()
        print(TABLE, file=sys.stderr)


def test_a_full_disk_is_an_error_still(monkeypatch):
    with opened("/dev/full") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with streams.lasting(), pytest.raises(OSError) as caught:
            print(TABLE, flush=True)
    assert caught.value.errno == errno.ENOSPC


def test_a_stream_without_a_file_is_left_alone(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    with streams.lasting():
        assert sys.stdout is stream
