"""Checkpoints are complete, survive damage, and are atomic."""

import errno
import json
import logging

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.files import pop_record, read_arrays, replacing
from mimo_keras.paths import RemotePath, files_below
from mimo_keras.training.checkpoints import Checkpoints, Middle
from tests.training import networks

RECORD = [{"epoch": 1, "loss": 0.5}]


def _compiled(**options):
    model = networks.create(**options)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), run_eagerly=True)
    return model


def _state(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [keras.ops.convert_to_numpy(v.value) for v in variables]


def _assert_states_equal(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(
            one.astype("float64"), other.astype("float64")
        )


def _fill(model, number):
    """Gives every variable a unique value, and returns the values."""
    variables = [*model.variables, *model.optimizer.variables]
    for index, variable in enumerate(variables):
        variable.assign(keras.ops.full(variable.shape, 100 * number + index))
    return _state(model)


@pytest.fixture
def saved(tmp_path):
    """Checkpoints of epochs 1 and 2, the model, and its state after each."""
    checkpoints, model = Checkpoints(tmp_path), _compiled()
    states = {}
    for epoch in (1, 2):
        states[epoch] = _fill(model, epoch)
        checkpoints.save(model, epoch, RECORD * epoch)
    return checkpoints, model, states


def test_nothing_is_there_at_first(tmp_path):
    checkpoints = Checkpoints(tmp_path / "none")
    assert checkpoints.restore(_compiled()) == (0, None, None)
    assert not checkpoints.directory.exists()


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "bfloat16"])
def test_everything_comes_back(tmp_path, policy):
    """Weights, seeds, optimizer and batch-norm statistics, of any type."""
    keras.config.set_dtype_policy(policy)

    def backbone(x):
        x = keras.layers.BatchNormalization()(keras.layers.Flatten()(x))
        return keras.layers.Dropout(0.5)(keras.layers.Dense(4)(x))

    options = {"backbone": backbone, "batch_repetitions": 2}
    model, examples = _compiled(**options), networks.examples(8)
    for _ in range(2):
        model.train_on_batch(examples.images, examples.labels)
    Checkpoints(tmp_path).save(model, 7, RECORD)
    other = _compiled(seed=99, **options)
    assert Checkpoints(tmp_path).restore(other) == (7, RECORD, None)
    _assert_states_equal(_state(other), _state(model))
    np.testing.assert_array_equal(other.row_seed.state, [11, 2])
    assert int(other.optimizer.iterations.numpy()) == 2
    for each in (model, other):
        each.train_on_batch(examples.images, examples.labels)
    _assert_states_equal(_state(other), _state(model))


def test_the_newest_is_restored(saved):
    checkpoints, model, states = saved
    _fill(model, 3)
    assert checkpoints.restore(model) == (2, RECORD * 2, None)
    _assert_states_equal(_state(model), states[2])


def test_two_are_kept(saved):
    checkpoints, model, _ = saved
    for epoch in (3, 10):
        checkpoints.save(model, epoch, RECORD)
    names = [path.name for path in checkpoints.paths()]
    assert names == ["epoch_000003.npz", "epoch_000010.npz"]
    assert sorted(p.name for p in checkpoints.directory.iterdir()) == names


def test_the_middle_of_an_epoch_stands_between_its_ends(saved):
    checkpoints, model, _ = saved
    middles = [Middle(step, 1.5, (np.full(2, step),)) for step in (9, 10)]
    for middle in middles:
        state = _fill(model, middle.step)
        checkpoints.save(model, 2, RECORD, middle)
    names = [path.name for path in checkpoints.paths()]
    assert names == [
        "epoch_000002_step_000009.npz",
        "epoch_000002_step_000010.npz",
    ]
    _fill(model, 3)
    *found, middle = checkpoints.restore(model)
    assert found == [2, RECORD] and (middle.step, middle.seconds) == (10, 1.5)
    np.testing.assert_array_equal(middle.metrics, [[10, 10]])
    _assert_states_equal(_state(model), state)
    # If it is damaged, the previous one is used.
    newest = checkpoints.paths()[-1]
    newest.write_bytes(newest.read_bytes()[:-30])
    assert checkpoints.restore(model)[2].step == 9
    checkpoints.save(model, 3, RECORD)
    assert checkpoints.restore(model)[::2] == (3, None)
    checkpoints.save(model, 3, RECORD, middles[0])
    checkpoints.save(model, 4, RECORD)
    names = [path.name for path in checkpoints.paths()]
    assert names == ["epoch_000003_step_000009.npz", "epoch_000004.npz"]


def test_steps_sort_as_numbers(tmp_path):
    checkpoints, model = Checkpoints(tmp_path), _compiled()
    for step in (999_999, 1_000_000):
        checkpoints.save(model, 0, RECORD, Middle(step, 0.0, ()))
    assert checkpoints.restore(model)[2].step == 1_000_000


def test_one_alone_is_never_kept(tmp_path):
    checkpoints, model = Checkpoints(tmp_path, keep=1), _compiled()
    for epoch in (1, 2, 3):
        checkpoints.save(model, epoch, RECORD)
    assert len(checkpoints.paths()) == 2


def _in_directory(content):
    """Flips the "encrypted" flag in the zip's directory."""
    index = content.index(b"PK\x01\x02") + 8
    return content[:index] + b"\x01" + content[index + 1 :]


DAMAGES = {
    "empty": lambda content: b"",
    "one-byte": lambda content: content[:1],
    "half": lambda content: content[: len(content) // 2],
    "all-but-one-byte": lambda content: content[:-1],
    "text": lambda content: b"no checkpoint" * 100,
    "zeros": lambda content: bytes(len(content)),
    "flag": _in_directory,
    "number": lambda content: content.replace(b"\x00\x00\x49\x43", b"\0\0\0\0"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_newest_is_named_and_the_one_before_used(
    saved, damage, caplog
):
    checkpoints, model, states = saved
    newest = checkpoints.paths()[-1]
    content = newest.read_bytes()
    damaged = DAMAGES[damage](content)
    assert damaged != content
    newest.write_bytes(damaged)
    with caplog.at_level(logging.WARNING):
        assert checkpoints.restore(model) == (1, RECORD, None)
    _assert_states_equal(_state(model), states[1])
    [warning] = caplog.messages
    assert warning.startswith(f"Checkpoint {newest} cannot be read (")
    assert warning.endswith("); the one before it is used.")


def test_no_flipped_bit_is_accepted(saved):
    """Also where it has no effect: the previous one is restored."""
    checkpoints, model, states = saved
    newest = checkpoints.paths()[-1]
    content = newest.read_bytes()
    for place in range(0, len(content), 37):
        turned = bytes([content[place] ^ 4])
        newest.write_bytes(content[:place] + turned + content[place + 1 :])
        assert checkpoints.restore(model)[0] == 1
        _assert_states_equal(_state(model), states[1])


def test_if_all_are_damaged_nothing_is_lost_silently(saved):
    checkpoints, model, _ = saved
    for path in checkpoints.paths():
        path.write_bytes(path.read_bytes()[:-30])
    before = _fill(model, 5)
    with pytest.raises(InputError) as caught:
        checkpoints.restore(model)
    assert str(caught.value) == (
        f"Expected a readable checkpoint in {checkpoints.directory}. "
        "Received: 2 damaged files. Choose another output_dir to start over."
    )
    _assert_states_equal(_state(model), before)
    assert len(checkpoints.paths()) == 2


@pytest.mark.parametrize("options", [{"members": 3}, {"backbone": "mlp_4"}])
def test_another_models_checkpoint_is_an_error(saved, options):
    checkpoints, _, _ = saved
    model = _compiled(**options)
    before = _state(model)
    with pytest.raises(InputError) as caught:
        checkpoints.restore(model)
    message = str(caught.value)
    assert message.startswith(
        f"Expected a checkpoint of this model in {checkpoints.directory}. "
        "Received: epoch_000002.npz with "
    )
    assert message.endswith("Choose another output_dir.")
    _assert_states_equal(_state(model), before)


def test_another_optimizer_is_another_model(saved):
    checkpoints, model, _ = saved
    model.compile(keras.optimizers.Adam())
    with pytest.raises(InputError, match="of other shapes than the model's"):
        checkpoints.restore(model)


@pytest.mark.parametrize("epoch", [2, 3])
def test_a_crash_while_writing_leaves_the_old_files(saved, epoch, monkeypatch):
    checkpoints, model, states = saved
    before = {p: p.read_bytes() for p in checkpoints.directory.iterdir()}

    def savez(file, **arrays):
        file.write(b"PK\x03\x04 half of it")
        file.flush()
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez", savez)
    _fill(model, 3)
    with pytest.raises(OSError, match="No space left"):
        checkpoints.save(model, epoch, RECORD)
    after = {p: p.read_bytes() for p in checkpoints.directory.iterdir()}
    assert after == before
    assert checkpoints.restore(model) == (2, RECORD * 2, None)
    _assert_states_equal(_state(model), states[2])


def test_what_a_killed_writer_left_is_no_checkpoint(saved):
    """A kill leaves the temporary file, whose name begins with a dot."""
    checkpoints, model, _ = saved
    half = checkpoints.paths()[-1].read_bytes()[:100]
    left = checkpoints.directory / ".epoch_000003.npz.x7k2ab_1.mimo_keras.tmp"
    left.write_bytes(half)
    assert checkpoints.restore(model)[0] == 2


def test_what_a_killed_run_was_writing_is_removed(saved):
    checkpoints, model, _ = saved
    left = checkpoints.directory / ".epoch_000009.npz.abcd_123.tmp"
    left.write_bytes(b"half")
    foreign = [".epoch_9.tmp", "epoch_000001_best.npz", "epoch_1.npz", ".a.tmp"]
    for name in foreign:
        (checkpoints.directory / name).write_bytes(b"mine")
    checkpoints.save(model, 9, [])
    assert not left.exists()
    for name in foreign:
        assert (checkpoints.directory / name).read_bytes() == b"mine"
    assert checkpoints.restore(model)[0] == 9
    assert checkpoints.paths()[-1].name == "epoch_000009.npz"


RUN = {"dataset": "digits", "seed": 3, "epochs": [1, 2], "rate": None}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 4}, "seed=3 instead of 4"),
        ({"rate": 0.1}, "rate=None instead of 0.1"),
        (
            {"dataset": "cifar10", "epochs": (2,)},
            "dataset='digits' instead of 'cifar10', epochs=[1, 2] instead of "
            "[2]",
        ),
    ],
)
def test_another_runs_checkpoint_is_an_error(tmp_path, changes, words):
    model = _compiled()
    Checkpoints(tmp_path, run=RUN).save(model, 1, RECORD)
    before = _fill(model, 5)
    with pytest.raises(InputError) as caught:
        Checkpoints(tmp_path, run=RUN | changes).restore(model)
    assert str(caught.value) == (
        f"Expected a checkpoint of this run in {tmp_path}. Received: "
        f"epoch_000001.npz of another, with {words}. Choose another output_dir."
    )
    _assert_states_equal(_state(model), before)
    # Flags of another version are not compared.
    known = {name: RUN[name] for name in ("dataset", "epochs")}
    other = Checkpoints(tmp_path, run=known | {"later": 1})
    assert other.restore(model)[0] == 1


def test_another_samplings_checkpoint_is_an_error(saved):
    words = "repetition_probability': 0.0, .* instead of .*probability': 0.5"
    with pytest.raises(InputError, match=words):
        saved[0].restore(_compiled(input_repetition_probability=0.5))


def test_another_methods_checkpoint_of_equal_shapes(tmp_path):
    model = _compiled(members=1)
    Checkpoints(tmp_path).save(model, 1, RECORD)
    other = _compiled(method="naive_multihead", members=1)
    shapes = [[value.shape for value in _state(m)] for m in (model, other)]
    assert shapes[0] == shapes[1]
    with pytest.raises(InputError, match="'mimo' instead of 'naive_multihead'"):
        Checkpoints(tmp_path).restore(other)


def test_another_backends_checkpoint_is_an_error(saved, monkeypatch):
    backend = keras.config.backend()
    monkeypatch.setattr(keras.config, "backend", lambda: "another")
    words = f"backend='{backend}' instead of 'another'"
    with pytest.raises(InputError, match=words):
        saved[0].restore(saved[1])


def test_an_older_versions_checkpoint_is_read(saved):
    """It has neither a digest nor the run."""
    checkpoints, model, states = saved
    newest = checkpoints.paths()[-1]
    arrays = read_arrays(newest)
    facts = pop_record(arrays)
    del facts["run"]
    record = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    np.savez(newest, record=record, **arrays)
    _fill(model, 3)
    checkpoints = Checkpoints(checkpoints.directory, run=RUN)
    assert checkpoints.restore(model) == (2, RECORD * 2, None)
    _assert_states_equal(_state(model), states[2])


def test_checkpoints_on_another_file_system(ram, saved, monkeypatch):
    """The newest complete one wins, and two are kept."""
    model, checkpoints = saved[1], Checkpoints(str(ram))
    assert checkpoints.restore(model) == (0, None, None)
    for epoch in (1, 2, 3):
        state = _fill(model, epoch)
        checkpoints.save(model, epoch, RECORD)
    names = ["epoch_000002.npz", "epoch_000003.npz"]
    assert files_below(ram) == names
    _fill(model, 9)
    assert checkpoints.restore(model) == (3, RECORD, None)
    _assert_states_equal(_state(model), state)
    half = checkpoints.paths()[-1].read_bytes()[:-90]
    with replacing(ram / "epoch_000004.npz", "wb") as file:
        file.write(half)
    assert checkpoints.restore(model)[0] == 3
    # Nothing is taken for damaged because the file system does not answer.
    with monkeypatch.context() as patch, pytest.raises(OSError, match="lost"):
        patch.setattr(RemotePath, "read_bytes", _lost)
        checkpoints.restore(model)


def _lost(path):
    raise OSError(errno.EIO, "connection lost", str(path))
