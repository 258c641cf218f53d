"""Ensembles of separately trained networks."""

import os
import sys

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras.errors import InputError
from tests import hostile

SHAPE = (3, 2)
MEAN, STD = [0.5, 0.25], 2.0


def single(method="deterministic", **options):
    arguments = {
        "backbone": "mlp_5",
        "input_shape": SHAPE,
        "num_classes": 3,
        "mean": MEAN,
        "std": STD,
    }
    return mimo_keras.create_model(method, **(arguments | options))


def examples(rows=9):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(rows, *SHAPE)).astype("float32")
    return images, rng.integers(0, 3, rows)


def probabilities(model, images):
    predicted = model.predictor()(images)["probabilities"]
    return keras.ops.convert_to_numpy(predicted)


def test_it_predicts_the_mean_of_what_its_members_predict():
    models = [single() for _ in range(4)]
    images, _ = examples()
    wanted = np.mean([probabilities(m, images) for m in models], axis=0)
    ensemble = mimo_keras.assemble(models)
    assert (ensemble.name, ensemble.num_classes) == ("deep_ensemble", 3)
    np.testing.assert_allclose(
        probabilities(ensemble, images), wanted, rtol=1e-5
    )
    logits = keras.ops.convert_to_numpy(ensemble(images))
    for member, model in enumerate(models):
        alone = keras.ops.convert_to_numpy(model(images))
        np.testing.assert_allclose(logits[:, [member]], alone, rtol=1e-5)


def test_it_reads_keras_files(tmp_path):
    models = [single() for _ in range(2)]
    paths = [tmp_path / f"{index}.keras" for index in range(2)]
    for model, path in zip(models, paths, strict=True):
        model.compile("sgd")
        model.save(path)
    images, _ = examples()
    wanted = probabilities(mimo_keras.assemble(models), images)
    ensemble = mimo_keras.assemble([str(paths[0]), paths[1]])
    np.testing.assert_array_equal(probabilities(ensemble, images), wanted)
    ensemble.save(tmp_path / "ensemble.keras")
    loaded = keras.saving.load_model(tmp_path / "ensemble.keras")
    np.testing.assert_array_equal(probabilities(loaded, images), wanted)


def test_it_has_copies_that_can_be_trained_on():
    model = single()
    before = model.get_weights()
    ensemble = mimo_keras.assemble([model, model])
    ensemble.compile(keras.optimizers.SGD(0.5), run_eagerly=True)
    images, labels = examples()
    losses = [ensemble.train_on_batch(images, labels)[0] for _ in range(20)]
    assert losses[-1] < 0.9 * losses[0]
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    assert ensemble.sampling.members == 2


def test_one_model_is_an_ensemble_of_one():
    model = single()
    images, _ = examples()
    np.testing.assert_allclose(
        probabilities(mimo_keras.assemble([model]), images),
        probabilities(model, images),
        rtol=1e-6,
    )


def test_regression():
    models = [single(num_classes=None, output_dim=2) for _ in range(3)]
    images, _ = examples()

    def mean(model):
        return keras.ops.convert_to_numpy(model.predictor()(images)["mean"])

    ensemble = mimo_keras.assemble(models)
    assert ensemble.task == "regression"
    wanted = np.mean([mean(model) for model in models], axis=0)
    np.testing.assert_allclose(mean(ensemble), wanted, rtol=1e-5, atol=1e-6)


def _refusal(models):
    with pytest.raises(InputError) as caught:
        mimo_keras.assemble(models)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "wanted", "received"),
    [
        (
            {"input_shape": (4, 2)},
            "image_shape=(3, 2)",
            "image_shape=(4, 2)",
        ),
        (
            {"num_classes": 5},
            "likelihood=Categorical(num_classes=3)",
            "likelihood=Categorical(num_classes=5)",
        ),
        (
            {"num_classes": None, "output_dim": 3},
            "likelihood=Categorical(num_classes=3)",
            "likelihood=Mean(output_dim=3)",
        ),
        ({"mean": 0.0}, "mean=[0.5, 0.25]", "mean=0.0"),
        ({"std": 1.0}, "std=2.0", "std=1.0"),
    ],
)
def test_members_must_agree(options, wanted, received):
    assert _refusal([single(), single(), single(**options)]) == (
        f"Expected models with {wanted}, as model 0 has. Received: model 2 "
        f"with {received}. Assemble models of one task and one preparation "
        "of images."
    )


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("mimo", {"ensemble_size": 2}),
        ("mimo", {}),
        ("naive_multihead", {"ensemble_size": 2}),
        ("deep_ensemble", {"ensemble_size": 2}),
        ("mc_dropout", {"samples": 2}),
    ],
)
def test_members_must_be_single_networks(method, options):
    assert _refusal([single(), single(method, **options)]) == (
        "Expected models of one member, as method deterministic makes them. "
        f"Received: model 1: '{method}' of type EnsembleModel. Leave it out."
    )


@pytest.mark.parametrize("attack", hostile.ATTACKS)
def test_code_in_a_file_is_refused_and_never_runs(
    tmp_path, monkeypatch, attack
):
    mark, path = hostile.module(tmp_path), tmp_path / "bad.keras"
    monkeypatch.syspath_prepend(tmp_path)
    hostile.keras_file(path, attack)
    assert f"Received: {path} (" in _refusal([path])
    assert not mark.exists() and hostile.MODULE not in sys.modules


def test_a_file_that_claims_more_weights_than_it_has_is_refused(tmp_path):
    path = tmp_path / "bomb.keras"
    single().save(path)
    hostile.claim_weights(path, 10**11)
    message = _refusal([path])
    assert f"{path} (model.weights.h5 claims 100000000" in message
    os.mkfifo(tmp_path / "pipe.keras")
    message = _refusal([tmp_path / "pipe.keras"])
    assert "pipe.keras (a pipe, not a regular file)" in message


def test_other_things_are_refused(tmp_path):
    assert "Received: none. Name their files." in _refusal([])
    missing = tmp_path / "missing.keras"
    message = _refusal([missing])
    assert message.startswith("Expected a model saved as .keras, of layers of")
    assert f"Received: {missing} (" in message
    other = tmp_path / "model.h5"
    assert f"Received: {other} (another ending)" in _refusal([other])
    damaged = tmp_path / "damaged.keras"
    damaged.write_bytes(b"PK no archive")
    assert f"Received: {damaged} (" in _refusal([damaged])
    plain = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    plain.save(tmp_path / "plain.keras")
    message = _refusal([tmp_path / "plain.keras"])
    assert "of type Sequential. Leave it out." in message


@pytest.mark.tensorflow
def test_models_on_another_file_system(ram, tmp_path):
    model = single()
    model.save(tmp_path / "a.keras")
    (ram / "a.keras").write_from(tmp_path / "a.keras")
    images, _ = examples()
    found = mimo_keras.assemble([f"{ram}/a.keras", ram / "a.keras"])
    np.testing.assert_allclose(
        probabilities(found, images), probabilities(model, images), atol=1e-6
    )
    for path in (f"{ram}/none.keras", "s3://a/b.keras"):
        with pytest.raises(InputError, match=path):
            mimo_keras.assemble([path])


@pytest.mark.parametrize("models", ["one.keras", 3, None])
def test_what_is_no_list_of_models_is_refused(models):
    assert _refusal(models) == (
        "Expected a list of models or of their files. Received: "
        f"models={models!r}. Write a single one as a list, too."
    )


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_epochs_of_one_run_are_members_by_their_weights(tmp_path):
    model = single()
    model.compile("sgd")
    images, labels = examples()
    file = str(tmp_path / "{epoch}.weights.h5")
    keep = keras.callbacks.ModelCheckpoint(file, save_weights_only=True)
    seen = []
    look = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: seen.append(model.get_weights())
    )
    model.fit(images, labels, epochs=3, verbose=0, callbacks=[keep, look])
    paths = [tmp_path / f"{epoch}.weights.h5" for epoch in (1, 3)]
    ensemble = mimo_keras.assemble(paths, model=model)
    logits = keras.ops.convert_to_numpy(ensemble(images))
    for member, epoch in enumerate((0, 2)):
        model.set_weights(seen[epoch])
        alone = keras.ops.convert_to_numpy(model(images))
        np.testing.assert_allclose(logits[:, [member]], alone, rtol=1e-5)
    with pytest.raises(InputError, match="the model whose weights are in"):
        mimo_keras.assemble(paths)
    for name, text in (("bad", b"text"), ("none", None)):
        path = tmp_path / f"{name}.weights.h5"
        if text:
            path.write_bytes(text)
        with pytest.raises(InputError, match=f"weights of model.*{name}"):
            mimo_keras.assemble([path], model=model)
    other = single(backbone="mlp_4")
    with pytest.raises(InputError, match="weights of model deterministic"):
        mimo_keras.assemble(paths, model=other)
