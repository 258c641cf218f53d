"""The toy study: its parts by hand, a tiny real one, and the recorded ones."""

import pathlib

import matplotlib.image
import numpy as np
import pytest
from absl import flags

from mimo_keras.errors import InputError
from tests.runs import processes
from uncertainty_runs.studies import records, toy_regression

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "uncertainty_runs/studies/toy_regression.py"


@pytest.fixture
def parse():
    """A function from a command line to the script's own flags."""
    before = set(flags.FLAGS)
    toy_regression.define_flags()
    mine = set(flags.FLAGS) - before

    def read(*line):
        flags.FLAGS(["toy_regression.py", *line])
        return flags.FLAGS

    yield read
    flags.FLAGS.remove_flag_values(mine)


def test_every_epoch_shows_each_set_whole_in_an_order_of_its_own(parse):
    f = parse("--train_examples=6", "--batch_size=2", "--training_sets=3")
    data = toy_regression.draw_data(f)
    assert data["x"].shape == data["y"].shape == (6, 3, 1)
    found = toy_regression.batches(f, data)
    orders = []
    for _ in range(2):
        x, y = (
            np.concatenate(part)
            for part in zip(*(next(found) for _ in range(3)), strict=True)
        )
        np.testing.assert_array_equal(np.sort(x, 0), np.sort(data["x"], 0))
        order = [
            [data["x"][:, s, 0].tolist().index(value) for value in x[:, s, 0]]
            for s in range(3)
        ]
        for s in range(3):  # Targets belong to their inputs.
            np.testing.assert_array_equal(y[:, s], data["y"][order[s], s])
        orders += order
    assert len(set(map(tuple, orders))) == 6


def test_the_ensemble_is_the_mean_and_a_member_is_one_of_them():
    """Three sets, one input, two members; E[y|x] = 1 and noise 0.5."""
    predictions = np.array([[[1.0, 3.0]], [[2.0, 2.0]], [[5.0, 3.0]]])
    found = toy_regression.parts(predictions, np.ones(1), np.full(1, 0.5))
    told = toy_regression.entry(found, found)
    assert set(told) == set(toy_regression.PARTS)
    # Errors of the ensemble 1, 1, 3; of the members 0 2, 1 1, 4 2.
    assert told["bias2"][0] == pytest.approx((1 + 3 + 3) / 3)
    assert told["variance"][0] == pytest.approx(4 / 3)
    assert told["error"][0] == pytest.approx(11 / 3 + 0.5)
    assert told["member_error"][0] == pytest.approx((2 + 1 + 10) / 3 + 0.5)


def test_changes_are_paired_by_training_set():
    first = {name: np.array([1.0, 5.0, 9.0]) for name in toy_regression.PARTS}
    other = {name: value + [1, 2, 3] for name, value in first.items()}
    told = toy_regression.entry(other, first)
    # Mean 2 and standard error 1 / √3, however far apart the sets are.
    half = 1.96 / 3**0.5
    assert told["bias2_change"] == pytest.approx((2.0, half))
    assert told["bias2"][1] > 4


def test_tables_by_hand():
    def run(members, value):
        pairs = {name: (value, 0.001) for name in toy_regression.PARTS}
        changes = {f"{name}_change": pair for name, pair in pairs.items()}
        made = {"method": "mimo", "ensemble_size": members} | pairs
        return made if members == 1 else made | changes

    record = {"runs": [run(1, 0.02), run(3, 0.0125)]}
    whole, changes = (
        [[c.strip() for c in line.split("|")[1:-1]] for line in text]
        for text in map(
            str.splitlines, toy_regression.table(record).split("\n\n")
        )
    )
    assert whole[0] == ["Method", "M", *toy_regression.COLUMNS]
    assert whole[2] == ["mimo", "1", *["20.00 ± 1.00"] * 4]
    assert whole[3] == ["mimo", "3", *["12.50 ± 1.00"] * 4]
    assert changes[0][0] == "Change from mimo, M = 1"
    assert changes[2:] == [["mimo", "3", *["+12.50 ± 1.00"] * 4]]
    [(label, points)] = toy_regression.series(record).items()
    assert label == "MIMO"
    assert [point["members"] for point in points] == [1, 3]
    assert "course" not in points[0]  # An older record.


def test_the_course_is_after_each_equal_stage_of_training():
    stages = [dict.fromkeys(toy_regression.PARTS, (n, 0.1)) for n in range(4)]
    course = toy_regression.course(stages, 2000)
    assert course.pop("epochs") == [500, 1000, 1500, 2000]
    assert [*course] == [*toy_regression.PARTS]
    assert course["bias2"] == [(n, 0.1) for n in range(4)]


@pytest.mark.parametrize("flag", ["--train_epochs=15", "--batch_size=30"])
def test_what_does_not_divide_is_one_line(parse, flag):
    with pytest.raises(InputError, match="Change one of them"):
        toy_regression.run(parse(flag))


def test_a_tiny_study_and_its_record(tmp_path):
    def run(*more):
        done = processes.run(
            [
                *("--training_sets=3", "--train_epochs=10", "--sizes=1,2"),
                *("--methods=mimo", "--test_examples=40", "--record=r.json"),
                *("--figure=figures/f.png", *more),
            ],
            tmp_path,
            script=SCRIPT,
        )
        assert (done.status, done.stderr) == (0, "")
        return done.stdout

    run("--sizes=1")
    kept = tmp_path / "runs/toy_regression"
    [one] = kept.iterdir()
    made = one.stat().st_mtime_ns
    said = run()
    assert one.stat().st_mtime_ns == made  # It resumes with the next M.
    assert len(list(kept.iterdir())) == 2
    record = records.read(tmp_path / "r.json")
    kept_stages = np.load(one)["stages"]
    assert kept_stages.shape == (toy_regression.STAGES, 3, 40, 1, 1)
    assert toy_regression.table(record) in said
    one, two = record["runs"]
    assert (one["ensemble_size"], two["ensemble_size"]) == (1, 2)
    assert "error_change" not in one
    # One member is the ensemble; two differ.
    assert one["member_error"] == pytest.approx(one["error"])
    assert two["member_error"][0] > two["error"][0]
    assert len(two["stages"]) == toy_regression.STAGES
    for name in toy_regression.PARTS:
        assert two["stages"][-1][name] == two[name]
    total = sum(two[name][0] for name in ("bias2", "variance"))
    noise = record["noise_error"]
    assert two["error"][0] == pytest.approx(total + noise)
    with np.load(tmp_path / "figures/f.npz") as arrays:
        assert arrays["members"].shape == (2, 4)
    picture = tmp_path / "figures/f.png"
    assert matplotlib.image.imread(picture)[..., :3].std() > 0.05
    picture.unlink()
    assert run("--table_only") in said
    assert picture.exists()


def test_predictions_that_cannot_be_used_are_made_again(
    parse, tmp_path, monkeypatch, caplog
):
    made = np.ones((toy_regression.STAGES, 3, 4, 2, 1))
    monkeypatch.setattr(toy_regression, "trained", lambda *_: [*made])
    f = parse(
        *("--training_sets=3", "--test_examples=4"), f"--output_dir={tmp_path}"
    )

    def kept():
        caplog.clear()
        found = toy_regression.kept_predictions(f, "mimo", 2, None)
        np.testing.assert_array_equal(found, made)
        return [record.getMessage() for record in caplog.records]

    assert kept() == kept() == []
    [path] = tmp_path.iterdir()
    whole = path.read_bytes()
    for damage in (
        lambda: path.write_bytes(whole[:-100]),
        lambda: path.write_bytes(b""),
        lambda: np.savez(path, other=made),
        lambda: np.savez(path, stages=made[:, :2]),
        lambda: np.savez(path, stages=made.astype(str)),
    ):
        damage()
        [said] = kept()
        assert said.startswith(f"Trained again: {path} (")
        assert kept() == []


def test_predictions_of_older_versions_are_read(parse, tmp_path, monkeypatch):
    f = parse(
        *("--training_sets=3", "--test_examples=4"), f"--output_dir={tmp_path}"
    )
    older = np.random.default_rng(0).random((toy_regression.STAGES, 3, 4, 2))
    monkeypatch.setattr(toy_regression, "trained", lambda *_: [*older])
    toy_regression.kept_predictions(f, "mimo", 2, None)  # As they were.
    found = toy_regression.kept_predictions(f, "mimo", 2, None)
    np.testing.assert_array_equal(found, older[..., None])
    # Those of other heads are other files.
    f = parse("--likelihood=gaussian")
    assert "likelihood" in toy_regression.facts(f)


def test_the_documents_have_the_tables_and_figure_of_the_record():
    record = records.read(ROOT / "results/toy_regression.json")
    told = (ROOT / "docs/toy_regression.md").read_text("utf-8")
    for table in toy_regression.table(record).split("\n\n"):
        assert table in told
    assert record["command"] in told
    assert f"{record['training_sets']} training sets" in told
    assert "figures/bias_variance.png" in told
    assert (ROOT / "results/figures/bias_variance.png").stat().st_size > 10_000
    [points] = toy_regression.series(record).values()
    assert [point["members"] for point in points] == [1, 2, 3, 4, 5]
    with np.load(ROOT / "results/figures/bias_variance.npz") as arrays:
        assert len(arrays["members"]) == toy_regression.SHOWN


def test_bias_rises_and_variance_and_error_fall_with_members():
    """The recorded study supports the claims of the paper's figure 2."""
    record = records.read(ROOT / "results/toy_regression.json")
    first, *others = record["runs"]
    signs = {"bias2": 1, "variance": -1, "error": -1}
    for name, sign in signs.items():
        values = [sign * run[name][0] for run in record["runs"]]
        assert values == sorted(values)
        for run in others:
            change, half = run[f"{name}_change"]
            assert sign * change > half


def test_the_seed_alone_decides_the_batches(parse):
    def drawn(seed):
        sizes = ("--train_examples=6", "--batch_size=3", "--training_sets=4")
        f = parse(*sizes, f"--seed={seed}")
        data = {name: np.arange(24.0).reshape(6, 4, 1) for name in "xy"}
        found = toy_regression.batches(f, data)
        return np.stack([next(found)[0] for _ in range(4)])

    np.testing.assert_array_equal(drawn(1), drawn(1))
    assert (drawn(1) != drawn(2)).any()
