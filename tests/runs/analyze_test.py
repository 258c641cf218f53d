"""The figures of a finished run, as the command leaves them."""

import json
import pathlib

import matplotlib.image
import numpy as np
import pytest
from absl import flags

from mimo_keras import analysis, data
from mimo_keras.errors import InputError
from mimo_keras.training.checkpoints import Checkpoints
from uncertainty_runs import analyze, models, recipes, settings


@pytest.fixture
def make_run(parse, tmp_path):
    """A function that leaves the folder of a run without training."""

    def make(*given):
        parse("--dataset=digits", *given)
        values = settings.resolve(recipes.recipe)
        model = models.build_model(
            values, data.load("digits", "test"), unique=32, steps=1
        )
        Checkpoints(tmp_path / "checkpoints").save(model, 1, [])
        (tmp_path / "flags.json").write_text(json.dumps(values))
        return tmp_path, model

    return make


def run(folder, figure="all"):
    found = flags.FlagValues()
    for name, value in {
        "run_dir": str(folder),
        "figure": figure,
        "data_dir": None,
        "examples": 20,
    }.items():
        flags.DEFINE_string(name, None, "", flag_values=found)
        found[name].value = value
    found.mark_as_parsed()
    analyze.draw(found)


def test_every_figure_comes_with_its_arrays(make_run, capsys):
    folder, model = make_run("--method=mixshare")
    run(folder)
    said = capsys.readouterr().out
    assert "depth_posterior: left out." in said
    for name in ("feature_norms", "feature_variance"):
        picture = folder / "figures" / f"{name}.png"
        pixels = matplotlib.image.imread(picture)
        assert min(pixels.shape[:2]) > 300
        assert pixels[..., :3].std() > 0.05
        assert str(picture) in said
    with np.load(folder / "figures" / "feature_norms.npz") as arrays:
        wanted = analysis.feature_norms(model.network)
        assert set(arrays) == {"encoders", "heads"}
        for name, norms in wanted.items():
            np.testing.assert_allclose(arrays[name], norms, rtol=1e-5)
            rate = analysis.sharing_rate(norms)
            assert f"{name}: sharing rate {rate:.3f}" in said
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


def test_a_method_without_is_one_line(make_run):
    folder, _ = make_run("--method=deterministic")
    with pytest.raises(InputError, match="feature_norms"):
        run(folder, "feature_norms")


def test_no_run_is_one_line(tmp_path):
    with pytest.raises(InputError, match="flags.json"):
        run(tmp_path / "none")
    assert not pathlib.Path(tmp_path / "none").exists()
