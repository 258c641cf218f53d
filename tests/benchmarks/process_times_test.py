"""Startup times of processes."""

import subprocess

import pytest

from benchmarks import process_times


def test_what_our_import_takes_more_is_of_one_process(monkeypatch):
    # Seconds and processor seconds of keras's import, then of both.
    said = iter(["9 9 99 9", "2 1 2.1 1.5", "4 2 4.2 2", "2 1 2.6 1.2"])
    monkeypatch.setattr(
        process_times,
        "_run",
        lambda _: subprocess.CompletedProcess([], 0, next(said)),
    )
    found = process_times.imports(3)
    assert found["turns"] == 3
    assert found["more_seconds"] == pytest.approx(0.2)
    assert found["range"] == pytest.approx([1.05, 1.3])
    assert found["ratio"] == pytest.approx(1.05)
    assert found["processor_ratio"] == pytest.approx(1.2)
    assert found["base_seconds"] == 2


def test_each_of_two_scripts_is_first_in_turn(monkeypatch):
    ran = []

    def seconds(code):
        ran.append(code)
        return (3.0, 2.0) if code == "mine" else (2.0, 1.0)

    monkeypatch.setattr(process_times, "_seconds", seconds)
    found = process_times._in_turn("mine", "base", 2)
    assert ran == ["base", "mine", "mine", "base", "base", "mine"]
    assert (found["ratio"], found["more_seconds"]) == (1.5, 1.0)


def test_a_script_that_fails_is_reported():
    with pytest.raises(subprocess.CalledProcessError):
        process_times._run("raise SystemExit(3)")
    assert process_times._run("print(7)").stdout == "7\n"
