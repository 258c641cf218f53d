"""How trials are drawn, what they do to files, and how they are counted."""

import json
import os
import pathlib
import random
import types

import numpy as np
import pytest

from mimo_keras.files import write_arrays
from tests.runs import processes
from tests.stress import attacks, damage, flags


@pytest.fixture
def staged(tmp_path):
    """A folder with the files that trials damage."""
    for name in attacks.READ:
        path = tmp_path / name.replace("*", "mimo-1")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".npz":
            write_arrays(path, {"a": np.arange(9.0)}, record={"epoch": 1})
        else:
            path.write_text(json.dumps({"seed": 42, "runs": []}))
    return tmp_path


@pytest.mark.parametrize("name", sorted(damage.WAYS))
def test_every_way_changes_the_file(tmp_path, name):
    path = tmp_path / "a.json"
    path.write_text('{"a": 1}')
    damage.WAYS[name](random.Random(1), path)
    assert not path.is_file() or path.read_bytes() != b'{"a": 1}'
    damage.remove(path)
    assert not list(tmp_path.iterdir())


def test_trials_are_of_every_kind_and_the_seed_draws_them_again(staged):
    found = {}
    for index in range(3):
        before = (staged / "m/flags.json").read_bytes()
        one, path, surround = attacks.trial(index, 0, staged)
        found[one.kind] = one
        assert (path is None) == (one.kind == "surroundings")
        assert (surround is None) == (one.kind != "surroundings")
        if one.kind == "edits":
            assert (staged / "m/flags.json").read_bytes() != before
            (staged / "m/flags.json").write_bytes(before)
            assert attacks.trial(index, 0, staged)[0] == one
    assert {*found} == {*attacks.KINDS} - {"bits"}
    for name, content in attacks.OTHERS.items():
        assert (staged / name).read_text() == content


def test_every_flipped_bit_is_noticed_or_changes_nothing(staged):
    assert attacks.bits(3, 0, staged)[1] == "refused"


def test_a_bit_that_changes_numbers_unnoticed_is_harm(staged, monkeypatch):
    numbers = iter(range(10**6))

    def unchecked(path):
        return {"a": np.full(2, next(numbers))}

    monkeypatch.setattr(attacks, "read_arrays", unchecked)
    assert attacks.bits(3, 0, staged)[1] == "other numbers"


@pytest.mark.parametrize(
    ("ends", "kind"),
    [
        (["ran"], "ran"),
        (["refused", "ran"], "refused"),
        (["refused", "refused"], "dead end"),
        (["traceback"], "traceback"),
    ],
)
def test_an_advice_is_followed(staged, monkeypatch, ends, kind):
    said = "cifar.py: error: Expected a. Received: b. Delete the file."
    left = iter(ends)
    monkeypatch.setattr(attacks, "_run", lambda *_: (next(left), said))
    line = flags.Set("cifar", ())
    made = attacks.Trial("damage", "m/flags.json: cut", line)

    def trial(index, seed, folder):
        for name, content in attacks.OTHERS.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        return made, pathlib.Path(folder, "m/flags.json"), None

    monkeypatch.setattr(attacks, "trial", trial)
    assert attacks.outcome(0, 0, staged)[:2] == (made, kind)
    assert next(left, None) is None


@pytest.fixture
def ended():
    """A process that has ended."""
    reader, writer = os.pipe()
    os.close(writer)
    yield types.SimpleNamespace(join=lambda: None, sentinel=reader, exitcode=0)
    os.close(reader)


def test_output_in_latin_1_is_read(ended, tmp_path):
    for name in (".stdout.txt", ".stderr.txt"):
        (tmp_path / name).write_bytes(b"10\xb3\n")
    done = processes.finish(ended, tmp_path)
    assert done == processes.Finished(0, "10\\xb3\n", "10\\xb3\n")


def test_one_thread_at_a_time_asks_for_exit_statuses(
    ended, tmp_path, monkeypatch
):
    """Of two that ask at once, one is told 255."""
    seen = []

    def ask(*_, **__):
        seen.append(processes._POLLS.locked())
        return ended

    context = types.SimpleNamespace(
        set_forkserver_preload=lambda names: None, Process=lambda **_: ended
    )
    monkeypatch.setattr(
        processes.multiprocessing, "get_context", lambda kind: context
    )
    ended.start = ended.join = ask
    for name in (".stdout.txt", ".stderr.txt"):
        (tmp_path / name).touch()
    processes.finish(processes.start((), tmp_path), tmp_path)
    assert seen == [True, True]
    assert not processes._POLLS.locked()


def test_files_of_others_that_change_are_harm(staged, monkeypatch):
    def run(one, work, before):
        (work / "m/notes.txt").unlink()
        return "ran", ""

    monkeypatch.setattr(attacks, "_run", run)
    assert attacks.outcome(0, 0, staged)[1] == "others' files"


def test_the_table_adds_up():
    line = flags.Set("cifar", ())
    ends = [
        (attacks.Trial(kind, "x", line), end, "")
        for kind, end in (
            *[("damage", "ran")] * 3,
            ("damage", "hangs"),
            *[("edits", "refused")] * 2,
            ("bits", "refused"),
        )
    ]
    record = attacks.summary(ends, 7, 0, 1.2)
    assert record["flips"] == attacks.FLIPS
    assert len(record["failures"]) == 1
    found = [
        [cell.strip() for cell in row.strip("|").split("|")]
        for row in attacks.table(record).splitlines()[2:]
    ]
    assert found == [
        ["damage", "4", "3", "0", "1"],
        ["edits", "2", "0", "2", "0"],
        ["surroundings", "0", "0", "0", "0"],
        ["bits", "1", "0", "1", "0"],
        ["all", "7", "3", "3", "1"],
    ]
