"""One of several callers makes it; all get the same."""

import concurrent.futures
import time
import types

import pytest

from tests import once


@pytest.fixture
def factory(tmp_path, monkeypatch):
    """A factory of temporary folders, as a worker of several has it."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw1")
    own = tmp_path / "popen-gw1"
    own.mkdir()
    return types.SimpleNamespace(getbasetemp=lambda: own)


def test_one_makes_while_the_others_wait(factory, tmp_path):
    calls = []

    def make(folder):
        calls.append(folder)
        time.sleep(0.1)
        (folder / "file").write_text("whole")
        return {"calls": len(calls)}

    def ask(_):
        folder, told = once.made(factory, "shared", make)
        return (folder / "file").read_text(), told

    with concurrent.futures.ThreadPoolExecutor() as pool:
        found = list(pool.map(ask, range(4)))
    assert found == [("whole", {"calls": 1})] * 4
    # Where other workers also look.
    assert calls == [tmp_path / "shared"]


def test_what_failed_is_made_again(factory):
    def fail(folder):
        (folder / "half").touch()
        raise ValueError("half")

    with pytest.raises(ValueError, match="half"):
        once.made(factory, "shared", fail)
    folder, told = once.made(factory, "shared", lambda folder: 7)
    assert told == 7 and not list(folder.iterdir())


def test_one_process_alone_has_it_in_its_own_folder(factory, monkeypatch):
    monkeypatch.delenv("PYTEST_XDIST_WORKER")
    folder, _ = once.made(factory, "shared", lambda folder: None)
    assert folder.parent == factory.getbasetemp()
