"""A folder belongs to the flags that it was created with."""

import dataclasses
import errno
import fcntl
import json
import os

import pytest

from mimo_keras.errors import InputError
from mimo_keras.paths import files_below
from uncertainty_runs.common import run_folder
from uncertainty_runs.common.config import FREE, RunConfig


@pytest.fixture
def settings(resolve, tmp_path):
    """The `RunConfig` of a run in a folder that does not exist."""
    return dataclasses.replace(
        resolve("mimo:3"), output_dir=str(tmp_path / "a" / "run"), image_size=32
    )


def test_a_new_folder_is_made_and_holds_the_flags(settings, tmp_path):
    claimed = run_folder.claim(settings)
    assert claimed == tmp_path / "a" / "run"
    assert [path.name for path in claimed.iterdir()] == ["flags.json"]
    assert (
        json.loads((claimed / "flags.json").read_text()) == settings.to_json()
    )


def test_free_flags_may_change_and_are_recorded(settings, tmp_path):
    run_folder.claim(settings)
    (tmp_path / "a").rename(tmp_path / "b")
    changed = dataclasses.replace(
        settings,
        output_dir=str(tmp_path / "b" / "run"),
        data_dir="elsewhere",
        download_data=True,
        eval_only=True,
        export=True,
        shifted=True,
        require=True,
        skip_bad_records=True,
        trajectory_interval=1,
        trajectory_images=3,
        allow_unfinished=True,
        num_bins=7,
        average="logits",
        tune=True,
        corrupted_examples=5,
    )
    old, new = settings.to_json(), changed.to_json()
    assert {n for n in new if old[n] != new[n]} == set(FREE)
    claimed = run_folder.claim(changed)
    assert json.loads((claimed / "flags.json").read_text()) == changed.to_json()


def test_a_worker_that_does_not_write_takes_the_same_folder(settings):
    claimed = run_folder.claim(settings, write=False)
    assert not claimed.exists()
    assert run_folder.claim(settings) == claimed
    before = (claimed / "flags.json").stat().st_mtime_ns
    run_folder.claim(dataclasses.replace(settings, export=True), write=False)
    assert (claimed / "flags.json").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="--seed=2"):
        run_folder.claim(dataclasses.replace(settings, seed=2), write=False)


def test_the_fingerprint_is_of_what_the_weights_depend_on(settings):
    values = settings.to_json()
    wanted = run_folder.fingerprint(values)
    assert run_folder.fingerprint(values | {"export": True}) == wanted
    assert run_folder.fingerprint(values | {"seed": 2}) != wanted


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 2}, r"--seed=2 \(was 42\)"),
        (
            {"lr_decay_epochs": (80,)},
            r"--lr_decay_epochs=\[80\] \(was \[80, 160, 180\]\)",
        ),
        (
            {"alpha": 0.5, "seed": 3},
            r"--alpha=0.5 \(was null\), --seed=3 \(was 42\)",
        ),
    ],
)
def test_other_flags_are_named_and_nothing_is_written(settings, changes, words):
    claimed = run_folder.claim(settings)
    before = (claimed / "flags.json").read_bytes()
    with pytest.raises(InputError, match=words):
        run_folder.claim(dataclasses.replace(settings, **changes))
    assert (claimed / "flags.json").read_bytes() == before


def test_a_flag_that_is_gone_is_named(settings):
    record = run_folder.claim(settings) / "flags.json"
    record.write_text(json.dumps(settings.to_json() | {"gone": 1}))
    with pytest.raises(InputError, match=r"--gone=null \(was 1\)"):
        run_folder.claim(settings)


def test_a_run_from_before_a_flag_existed_resumes(settings):
    """Its flags.json lacks the flag; its behaviour was the default."""
    record = run_folder.claim(settings) / "flags.json"
    values = settings.to_json()
    for name in ("label_smoothing", "shuffle_group", "augment", "optimizer"):
        del values[name]
    record.write_text(json.dumps(values))
    assert RunConfig.from_json(values, record) == settings
    run_folder.claim(settings)
    assert json.loads(record.read_text()) == settings.to_json()
    record.write_text(json.dumps(values))
    with pytest.raises(InputError, match=r'--optimizer="adam" \(was "sgd"\)'):
        run_folder.claim(dataclasses.replace(settings, optimizer="adam"))


@pytest.mark.parametrize("method", ["batch_ensemble", "rank1_bnn"])
def test_a_run_that_summed_losses_goes_on_summing(resolve, tmp_path, method):
    """Older runs added up the members' losses; this one averages them."""
    settings = dataclasses.replace(
        resolve(f"{method}:4"), output_dir=str(tmp_path / "run")
    )
    record = run_folder.claim(settings) / "flags.json"
    values = settings.to_json()
    assert values.pop("member_reduction") == "mean"
    record.write_text(json.dumps(values))
    old = RunConfig.from_json(values, record)
    assert old.method_options()["member_reduction"] == "sum"
    with pytest.raises(InputError, match=r'="mean" \(was "sum"\)'):
        run_folder.claim(settings)
    run_folder.claim(old)


def test_evaluation_alone_needs_a_run(settings, tmp_path):
    settings = dataclasses.replace(settings, eval_only=True)
    with pytest.raises(InputError, match="without flags.json. Train first"):
        run_folder.claim(settings)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"{", b"3", b"[]", b"\xff"])
def test_a_record_that_is_none_is_named(settings, content):
    record = run_folder.claim(settings) / "flags.json"
    record.write_bytes(content)
    with pytest.raises(InputError, match="flags of a run in .*flags.json"):
        run_folder.claim(settings)
    assert record.read_bytes() == content


@pytest.mark.parametrize("below", ["", "run"])
def test_a_file_is_no_folder(settings, tmp_path, below):
    (tmp_path / "file").write_text("mine")
    output_dir = str(tmp_path / "file" / below)
    settings = dataclasses.replace(settings, output_dir=output_dir)
    with pytest.raises(InputError, match="a writable.*output_dir="):
        run_folder.claim(settings)
    assert (tmp_path / "file").read_text() == "mine"


def test_another_process_is_kept_out_and_named(tmp_path):
    run = tmp_path / "a" / "run"
    with run_folder.alone(run):
        with pytest.raises(InputError) as caught, run_folder.alone(run):
            raise AssertionError("two are in the folder")
        assert str(caught.value) == (
            "Expected an --output_dir that no other process is using. "
            f"Received: output_dir={run}, process {os.getpid()}. "
            "Wait for it, stop it, or choose another folder."
        )
        # A worker that does not write is let in, and changes nothing.
        with run_folder.alone(run, write=False):
            pass
        assert [path.name for path in run.iterdir()] == [".lock"]
        (run / "mine").touch()
    assert [path.name for path in run.iterdir()] == ["mine"]
    with run_folder.alone(run):
        pass


def test_a_folder_that_stays_empty_is_removed(tmp_path):
    with run_folder.alone(tmp_path / "run"):
        pass
    assert not (tmp_path / "run").exists()
    with run_folder.alone(tmp_path):
        pass
    assert tmp_path.exists()


def test_what_a_killed_process_has_left_is_removed(tmp_path):
    (tmp_path / ".lock").write_text("1")
    left = tmp_path / ".saved_model.k2jd8a_x.mimo_keras.tmp"
    left.mkdir()
    (left / "half").touch()
    (tmp_path / ".results.json.k2jd8a_x.mimo_keras.tmp").touch()
    kept = {"results.json", ".foreign.tmp", ".a.k2jd8a_x.tmp"}
    for name in kept:
        (tmp_path / name).touch()
    with run_folder.alone(tmp_path):
        names = {path.name for path in tmp_path.iterdir()}
        assert names == {".lock", *kept}
        assert (tmp_path / ".lock").read_text() == str(os.getpid())


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP])
def test_file_systems_without_locks_keep_no_process_out(
    tmp_path, monkeypatch, number
):
    def flock(handle, kind):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    with run_folder.alone(tmp_path), run_folder.alone(tmp_path):
        pass


def test_a_lock_whose_file_was_just_removed_is_taken_again(
    tmp_path, monkeypatch
):
    flock, removed = fcntl.flock, []

    def late(handle, kind):
        flock(handle, kind)
        if not removed:
            removed.append((tmp_path / ".lock").unlink())

    monkeypatch.setattr(fcntl, "flock", late)
    with run_folder.alone(tmp_path):
        assert (tmp_path / ".lock").exists()


def test_what_is_no_folder_is_left_to_others_to_report(tmp_path):
    (tmp_path / "file").touch()
    with (
        run_folder.alone(tmp_path / "file"),
        run_folder.alone(tmp_path / "file" / "a"),
    ):
        pass


@pytest.mark.parametrize(
    "name", ["arrays.npz", "metrics.csv", "report.html", "results.json"]
)
def test_a_folder_of_other_files_is_not_claimed(settings, tmp_path, name):
    run = tmp_path / "a" / "run"
    run.mkdir(parents=True)
    (run / "notes.txt").write_text("mine")
    run_folder.check(settings)
    (run / name).write_text("mine")
    with pytest.raises(InputError) as caught:
        run_folder.claim(settings)
    assert str(caught.value) == (
        "Expected an --output_dir that is new or has a run. Received: "
        f"output_dir={run}, {name} in it, but no flags.json. Choose another "
        "folder."
    )
    assert {path.name for path in run.iterdir()} == {name, "notes.txt"}
    # A run that has lost its flags.
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "epoch_000001.npz").touch()
    run_folder.claim(settings)


def test_what_is_no_export_is_found_before_training(settings, tmp_path):
    export = tmp_path / "a" / "run" / "saved_model"
    export.mkdir(parents=True)
    (export / "mine.txt").write_text("mine")
    run_folder.check(settings)
    with pytest.raises(InputError, match="which holds mine.txt"):
        run_folder.check(dataclasses.replace(settings, export=True))


def test_another_programs_lock_stays(tmp_path):
    (tmp_path / ".lock").write_text("mine")
    with (
        pytest.raises(InputError, match="lock of another program"),
        run_folder.alone(tmp_path),
    ):
        raise AssertionError("the folder is taken")
    assert (tmp_path / ".lock").read_text() == "mine"
    (tmp_path / ".lock").rename(tmp_path / "other")
    (tmp_path / "other").write_text("1")
    (tmp_path / ".lock").symlink_to(tmp_path / "other")
    with run_folder.alone(tmp_path):
        pass
    assert (tmp_path / "other").read_text() == "1"


def test_a_remote_folder_has_no_lock(ram):
    (ram / ".results.json.k2jd8a_x.mimo_keras.tmp").mkdir(parents=True)
    before = files_below(ram)
    with run_folder.alone(str(ram)), run_folder.alone(ram):
        assert files_below(ram) == before
    with run_folder.alone(ram / "run"):
        pass
    assert not (ram / "run").exists()
