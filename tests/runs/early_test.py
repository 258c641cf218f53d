"""A script's imports: interrupted, or with another backend than TensorFlow."""

import errno
import signal
import tempfile
import types

import pytest

from uncertainty_runs.common import early


@pytest.fixture
def ended(monkeypatch, capsys):
    """A function that imports as a script; returns its status and errors."""
    monkeypatch.setattr("sys.argv", ["folder/some.py"])
    before = signal.getsignal(signal.SIGINT)

    def run(error=None, name="__main__"):
        with pytest.raises(SystemExit) as caught, early.importing(name):
            if error is not None:
                raise error
        return caught.value.code, capsys.readouterr().err

    yield run
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_is_one_line_while_a_script_is_imported(ended):
    assert ended(KeyboardInterrupt()) == (130, "some.py: interrupted.\n")
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_who_imports_a_script_handles_that_alone():
    with pytest.raises(KeyboardInterrupt), early.importing("a.b"):
        raise KeyboardInterrupt


@pytest.mark.parametrize("backend", ["jax", "numpy", "torch", "none"])
def test_another_backend_is_one_line(ended, monkeypatch, backend):
    said = (
        "some.py: error: Expected Keras to use tensorflow, as all scripts do. "
        f"Received: KERAS_BACKEND={backend}. Set KERAS_BACKEND=tensorflow.\n"
    )
    monkeypatch.setenv("KERAS_BACKEND", backend)
    assert ended(AssertionError("imported in vain")) == (2, said)
    # Or by Keras's own file of settings.
    monkeypatch.setenv("KERAS_BACKEND", "")
    config = types.SimpleNamespace(backend=lambda: backend)
    keras = types.SimpleNamespace(config=config)
    monkeypatch.setitem(early.sys.modules, "keras", keras)
    assert ended() == (2, said)


def test_tensorflow_is_right(monkeypatch):
    for backend in ("tensorflow", ""):
        monkeypatch.setenv("KERAS_BACKEND", backend)
        with early.importing("__main__"):
            pass


def test_no_place_for_temporary_files_is_one_line(ended, monkeypatch):
    def none():
        words = "No usable temporary directory found in ['/a']"
        raise FileNotFoundError(errno.ENOENT, words)

    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_get_default_tempdir", none)
    assert ended(AssertionError("imported in vain")) == (
        2,
        "some.py: error: Expected a folder for temporary files. Received: No "
        "usable temporary directory found in ['/a']. Set TMPDIR to a folder "
        "that can be written.\n",
    )
