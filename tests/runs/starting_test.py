"""Runs that start from a trained network: --init_from and its flags."""

import dataclasses
import json
import pathlib
from unittest import mock

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras import data
from mimo_keras.errors import InputError
from mimo_keras.training.checkpoints import Checkpoints
from tests.methods import small
from uncertainty_runs.common import config, models, run, script, starting
from uncertainty_runs.common.config import RunConfig
from uncertainty_runs.studies import engine

DIGITS = "--dataset=digits"


@pytest.fixture(scope="module")
def images():
    return data.load("digits", "test").take(20)


@pytest.fixture(scope="module")
def network():
    """A plain network of the user's own, with its softmax."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Dense(6, activation="relu")(keras.layers.Flatten()(inputs))
    x = keras.layers.Dense(5, activation="relu")(x)
    outputs = keras.layers.Dense(10, activation="softmax")(x)
    return keras.Model(inputs, outputs)


@pytest.fixture
def create(parse, images, tmp_path, monkeypatch):
    """A function from a command line to the `RunConfig` and the model."""
    monkeypatch.chdir(tmp_path)

    def created(*line):
        parse(DIGITS, "--output_dir=run", *line)
        found = config.resolve()
        return found, models.build_model(found, images, unique=20, steps=1)

    return created


def trained_run(parse, images):
    """Writes the folder of a finished deterministic run; returns its model."""
    parse(DIGITS, "--method=deterministic", "--output_dir=base", "--seed=3")
    values = dataclasses.replace(config.resolve(), backbone="mlp_6")
    model = models.build_model(values, images, unique=20, steps=1)
    folder = pathlib.Path("base")
    saved = Checkpoints(folder / "checkpoints", run=values.identity())
    saved.save(model, values.train_epochs, [])
    (folder / "flags.json").write_text(json.dumps(values.to_json()))
    return model


def test_a_finished_run_and_its_file_start_the_same(create, parse, images):
    base = trained_run(parse, images)
    base.save("base.keras")
    wanted = np.repeat(base(images.images), 3, axis=1)
    for source in ("base", "base.keras"):
        line = "--method=batch_ensemble", "--ensemble_size=3", "--noise=0"
        found, model = create(*line, f"--init_from={source}")
        small.assert_close(model(images.images), wanted, atol=1e-5)
        assert (found.backbone, found.noise) == ("init_from", 0.0)
    # Without a word, members differ by a tenth.
    _, model = create(*line[:2], "--init_from=base")
    logits = small.numpy(model(images.images))
    assert np.abs(logits[:, 0] - logits[:, 1]).max() > 0.01


@pytest.mark.parametrize("scale", [None, "None", "0..1", "standardized"])
def test_another_network_gets_the_images_as_it_takes_them(
    create, network, images, scale
):
    network.save("own.keras")
    line = ["--init_from=own.keras", "--method=mimo", "--noise=0"]
    _, model = create(*line, *([f"--input_scale={scale}"] if scale else []))
    seen = images.images.astype("float32")
    if scale in ("0..1", "standardized"):
        seen = seen / 255
    if scale == "standardized":
        mean, std = data.standardization("digits")
        seen = (seen - mean) / std
    found = model.predictor()(images.images)["probabilities"]
    small.assert_close(found, network(seen), atol=1e-5)
    # Floats from 0 to 1, as of shifted sets, are the same images.
    floats = images.images.astype("float32") / 255
    small.assert_close(model.predictor()(floats)["probabilities"], found)


def test_the_folder_has_the_start_so_that_its_source_may_go(
    create, network, images
):
    network.save("own.keras")
    line = ("--init_from=own.keras", "--method=mimo", "--ensemble_size=2")
    line = (*line, "--freeze=trunk", "--batch_repetitions=1")
    found, model = create(*line)
    folder = pathlib.Path("run")
    starting.keep(found, model, folder)
    before = (folder / starting.START).read_bytes()
    pathlib.Path("own.keras").unlink()
    _, again = create(*line)
    for one in (model, again):
        keras.utils.set_random_seed(0)
        one.fit(images.images, images.labels, batch_size=10, verbose=0)
    for one, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(small.numpy(one), small.numpy(other))
    names = [v.path for v in again.trainable_variables]
    assert names == [v.path for v in model.trainable_variables]
    starting.keep(found, model, folder)
    assert (folder / starting.START).read_bytes() == before
    saved = Checkpoints(folder / "checkpoints", run=found.identity())
    saved.save(model, found.train_epochs, [])
    folder.rename("moved")
    loaded, _ = models.load_run("moved", found, images)
    small.assert_close(loaded(images.images), model(images.images), atol=0)


def test_training_keeps_the_start_first(create, network, monkeypatch):
    network.save("own.keras")
    found, model = create("--init_from=own.keras", "--method=mimo")
    seen = []
    monkeypatch.setattr(
        run,
        "train_resumably",
        lambda *_, **__: seen.append(
            pathlib.Path("run", starting.START).exists()
        ),
    )
    monkeypatch.setattr(run.models, "trained", lambda *_: None)
    suite = mock.MagicMock(held_out=None)
    for writes in (False, True):
        output = run.Output(pathlib.Path("run"), writes, None)
        run.fit(found, model, None, models.Steps(20, 1), suite, output)
    assert seen == [False, True]


@pytest.mark.parametrize(
    ("line", "match"),
    [
        (["--noise=0.1"], "--init_from for --noise. Received: noise=0.1"),
        (["--freeze=trunk"], "--init_from for --freeze"),
        (["--init_from=a.keras", "--backbone=mlp_4"], "no --backbone with"),
        (["--init_from=a.keras", "--width_multiplier=2"], "no --width_mult"),
        (["--init_from=a.keras", "--use_bfloat16"], "no --use_bfloat16"),
        (["--init_from=none.keras"], "none.keras"),
        (["--init_from=text.keras"], "text.keras"),
        (["--init_from=empty"], "flags.json"),
        (["--init_from=mimo.keras"], "a model of one member"),
        (["--init_from=plain.keras", "--method=datamux"], "a method among"),
        (["--init_from=plain.keras"], "no --input_scale for a network of this"),
        (["--init_from=small.keras"], r"images \(8, 8, 1\), as in digits"),
    ],
)
def test_what_cannot_start_is_answered_in_one_line(create, line, match):
    pathlib.Path("text.keras").write_text("text")
    pathlib.Path("empty").mkdir()
    for name, method, members in (
        ("mimo", "mimo", 2),
        ("plain", "deterministic", 1),
    ):
        if f"--init_from={name}.keras" in line:
            shape = {"input_shape": (8, 8, 1), "num_classes": 10}
            mimo_keras.create_model(
                method, backbone="mlp_4", ensemble_size=members, **shape
            ).save(f"{name}.keras")
    inputs = keras.Input((2,))
    other = keras.Model(inputs, keras.layers.Dense(3)(inputs))
    other.save("small.keras")
    if "--input_scale" in match:
        line = [*line, "--input_scale=0..1"]
    with pytest.raises(InputError, match=match) as caught:
        try:
            create(*line)
        except InputError as error:
            raise InputError(script.with_flags(error)) from error
    assert "\n" not in str(caught.value)


def test_the_default_folder_names_the_start(resolve):
    found = resolve("mimo:2:init_from=base/a.keras:freeze=trunk")
    name = pathlib.Path(found.output_dir).name
    assert name.startswith("digits-mimo-2-init_from_base_a.keras-freeze_trunk")
    # Runs of before have no such flags, and a study knows those that do.
    options = ("init_from=a.keras", "freeze=trunk")
    settings = engine.Point("digits", "mimo", 2, options).settings()
    assert (settings["backbone"], settings["noise"]) == ("init_from", 0.1)
    plain = resolve("mimo:2").to_json()
    for name in ("init_from", "noise", "freeze", "input_scale"):
        assert plain.pop(name) is None
    again = RunConfig.from_json(plain, "flags.json")
    assert again.init_from is None
