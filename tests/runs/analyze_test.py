"""The figures of a finished run, as the command writes them."""

import json
import pathlib

import matplotlib.image
import numpy as np
import pytest
from absl import flags

from mimo_keras import analysis, data
from mimo_keras.errors import InputError
from mimo_keras.training.checkpoints import Checkpoints
from uncertainty_runs import analyze
from uncertainty_runs.common import config, models
from uncertainty_runs.evaluation import trajectory


@pytest.fixture
def make_run(parse, tmp_path):
    """A function that creates the folder of a run without training."""

    def make(*given, epoch=None):
        parse("--dataset=digits", *given)
        values = config.resolve()
        model = models.build_model(
            values, data.load("digits", "test"), unique=32, steps=1
        )
        epochs = values.train_epochs if epoch is None else epoch
        Checkpoints(tmp_path / "checkpoints").save(model, epochs, [])
        (tmp_path / "flags.json").write_text(json.dumps(values.to_json()))
        return tmp_path, model

    return make


def run(folder, figure="all", allow_unfinished=False):
    found = flags.FlagValues()
    for name, value in {
        "run_dir": str(folder),
        "figure": figure,
        "data_dir": None,
        "examples": 20,
        "points": 3,
        "allow_unfinished": allow_unfinished,
    }.items():
        flags.DEFINE_string(name, None, "", flag_values=found)
        found[name].value = value
    found.mark_as_parsed()
    analyze.draw(found)


def assert_drawn(folder, name):
    """Opens a figure, and checks that it is not blank."""
    pixels = matplotlib.image.imread(folder / "figures" / f"{name}.png")
    assert min(pixels.shape[:2]) > 300
    assert pixels[..., :3].std() > 0.05


def saved(folder, name):
    with np.load(folder / "figures" / f"{name}.npz") as arrays:
        return dict(arrays)


def assert_same(found, wanted):
    assert set(found) == set(wanted)
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-3, atol=1e-6)


def test_every_figure_comes_with_its_arrays(make_run, capsys):
    folder, model = make_run("--method=mixshare")
    run(folder)
    said = capsys.readouterr().out
    assert "depth_posterior: skipped." in said
    for name in ("feature_norms", "feature_variance", "separation"):
        assert_drawn(folder, name)
        assert str(folder / "figures" / f"{name}.png") in said
    with np.load(folder / "figures" / "feature_norms.npz") as arrays:
        wanted = analysis.feature_norms(model.network)
        assert set(arrays) == {"encoders", "heads"}
        for name, norms in wanted.items():
            np.testing.assert_allclose(arrays[name], norms, rtol=1e-5)
            rate = analysis.sharing_rate(norms)
            overlap = analysis.feature_overlap(norms)
            wanted_line = (
                f"sharing rate {rate:.3f}, feature overlap {overlap:.3f}"
            )
            assert f"{name}: {wanted_line}" in said
    test = data.load("digits", "test")
    with np.load(folder / "figures" / "feature_variance.npz") as arrays:
        wanted = analysis.feature_variances(model, test.images[:20])
        assert set(arrays) == set(wanted)
        for name, variances in wanted.items():
            np.testing.assert_allclose(arrays[name], variances, rtol=1e-3)


def test_one_figure_alone(make_run):
    folder, _ = make_run("--method=mimo")
    run(folder, "feature_norms")
    names = {path.name for path in (folder / "figures").iterdir()}
    assert names == {"feature_norms.png", "feature_norms.npz"}


def test_the_posterior_over_depths_is_drawn(make_run):
    folder, model = make_run("--method=mimmo")
    run(folder, "depth_posterior")
    with np.load(folder / "figures" / "depth_posterior.npz") as arrays:
        np.testing.assert_allclose(
            arrays["theta"], analysis.depth_posterior(model), rtol=1e-6
        )
        assert arrays["theta"].shape == (2, 4)
    assert (folder / "figures" / "depth_posterior.png").stat().st_size > 5000


def test_all_test_images_are_used_if_asked_for():
    test = data.load("digits", "test")
    assert len(analyze.some_of(test, 0)[0]) == len(test)
    assert len(analyze.some_of(test, 3)[1]) == 3
    with pytest.raises(InputError, match="examples=1"):
        analyze.some_of(test, 1)


def test_the_plane_and_the_pre_activations_of_mimo(make_run):
    folder, model = make_run("--method=mimo")
    test = data.load("digits", "test")
    images, labels = test.images[:20], test.labels[:20]
    run(folder, "landscape")
    assert_drawn(folder, "landscape")
    wanted = analysis.plane_landscape(model, images, labels, 3)
    assert_same(saved(folder, "landscape"), wanted)
    run(folder, "separation")
    wanted = analysis.conditional_variances(model, images)
    assert_same(saved(folder, "separation"), wanted)


def test_the_line_between_networks(make_run):
    folder, model = make_run("--method=deep_ensemble", "--ensemble_size=2")
    test = data.load("digits", "test")
    run(folder, "line")
    assert_drawn(folder, "line")
    wanted = analysis.member_lines(model, test.images[:20], test.labels[:20], 3)
    assert_same(saved(folder, "line"), wanted)


def test_trajectories_of_a_run_that_kept_them(make_run):
    folder, _ = make_run("--method=mimo")
    with pytest.raises(InputError, match="trajectory_interval"):
        run(folder, "trajectories")
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), (5, 6, 3))
    np.savez(
        folder / trajectory.NAME,
        epochs=np.arange(5),
        probabilities=probabilities.astype("float16"),
    )
    run(folder, "trajectories")
    assert_drawn(folder, "trajectories")
    found = saved(folder, "trajectories")
    assert found["places"].shape == (3, 5, 2)
    np.testing.assert_array_equal(found["epochs"], np.arange(5))


def test_figures_of_what_was_evaluated(make_run):
    folder, _ = make_run("--method=mimo")
    names = ("reliability", "risk_coverage", "ood_scores")
    for name in names:
        with pytest.raises(InputError, match="evaluate.py"):
            run(folder, name)
    arrays = {
        "reliability_count": np.array([1, 3]),
        "reliability_confidence": np.array([0.5, 0.9]),
        "reliability_accuracy": np.array([1.0, 1.0]),
        "risk_coverage": np.linspace(0, 1, 5),
        "risk": np.array([0, 0, 0, 0.1, 0.2]),
    }
    np.savez(folder / "arrays.npz", **arrays)
    results = {"test/aurc": 0.05, "ood/far/auroc": 0.9}
    (folder / "results.json").write_text(json.dumps(results))
    with pytest.raises(InputError, match="out-of-distribution sets"):
        run(folder, "ood_scores")
    scores = {"ood_far_in": np.zeros(3), "ood_far_out": np.ones(3)}
    np.savez(folder / "arrays.npz", **arrays, **scores)
    for name in names:
        run(folder, name)
        assert_drawn(folder, name)
    assert_same(
        saved(folder, "risk_coverage"),
        {"coverage": arrays["risk_coverage"], "risk": arrays["risk"]},
    )
    assert_same(saved(folder, "ood_scores"), scores)


def evaluated(folder, seed, differing):
    """Writes the files of a run that the table needs; returns the folder."""
    folder.mkdir(exist_ok=True)
    values = {
        **{"method": "mimo", "ensemble_size": 2, "batch_size": 32},
        **{"l2_scope": "all", "use_bfloat16": False, "seed": seed},
    }
    (folder / "flags.json").write_text(json.dumps(values))
    results = {
        "test/disagreement": differing,
        "test/kl": 1.0,
        "test/accuracy": 0.9,
        "test/accuracy_member_0": 0.8,
        "test/accuracy_member_1": 0.8,
    }
    (folder / "results.json").write_text(json.dumps(results))
    matrix = np.array([[0, differing], [differing, 0]])
    np.savez(folder / "arrays.npz", disagreement_matrix=matrix)
    return str(folder)


def test_the_table_of_several_runs(tmp_path):
    folders = [
        evaluated(tmp_path / str(seed), seed, differing)
        for seed, differing in enumerate((0.1, 0.3))
    ]
    record = tmp_path / "record.json"
    table = analyze.diversity([str(tmp_path / "[01]*")], record)
    assert table == analyze.diversity(folders)
    kept = json.loads(record.read_text())["runs"]
    assert analysis.diversity_table(kept) == table
    row = table.splitlines()[-1]
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert cells[:3] == ["MIMO", "2", "2"]
    assert cells[3].startswith("0.2000 ± ")
    assert cells[5].startswith("1.0000 ± ")
    with pytest.raises(InputError, match="--run_dirs"):
        analyze.diversity([])
    with pytest.raises(InputError, match="none-.*flags.json"):
        analyze.diversity([str(tmp_path / "none-*")])


def test_a_record_keeps_the_runs_that_it_has(tmp_path):
    record = tmp_path / "record.json"
    for seed, differing in ((1, 0.3), (0, 0.1), (1, 0.2)):
        analyze.diversity(
            [evaluated(tmp_path / "run", seed, differing)], record
        )
    runs = json.loads(record.read_text())["runs"]
    assert [(r["seed"], r["Disagreement"]) for r in runs] == [
        (0, 0.1),
        (1, 0.2),
    ]
    record.write_text('{"runs": [{}]}')
    with pytest.raises(InputError, match="record"):
        analyze.diversity([str(tmp_path / "run")], record)


def test_a_run_that_is_not_finished_is_drawn_on_request(make_run):
    folder, _ = make_run("--method=mimo", epoch=2)
    with pytest.raises(InputError, match=r"epoch 2 of \d+\. Run its tr"):
        run(folder, "feature_norms")
    assert not (folder / "figures").exists()
    run(folder, "feature_norms", allow_unfinished=True)
    assert_drawn(folder, "feature_norms")


def test_a_table_has_no_unfinished_run_unless_asked_for(tmp_path):
    folder = evaluated(tmp_path / "run", 0, 0.1)
    path = tmp_path / "run" / "results.json"
    found = json.loads(path.read_text())
    for epoch in (3, 200):
        progress = {"training/epoch": epoch, "training/epochs": 200}
        path.write_text(json.dumps(found | progress))
        if epoch == 3:
            with pytest.raises(InputError, match="epoch 3 of 200"):
                analyze.diversity([folder])
            assert analyze.diversity([folder], allow_unfinished=True)
        else:
            assert analyze.diversity([folder])


def test_a_method_without_is_one_line(make_run):
    folder, _ = make_run("--method=deterministic")
    with pytest.raises(InputError, match="feature_norms"):
        run(folder, "feature_norms")


def test_no_run_is_one_line(tmp_path):
    with pytest.raises(InputError, match="flags.json"):
        run(tmp_path / "none")
    assert not pathlib.Path(tmp_path / "none").exists()
