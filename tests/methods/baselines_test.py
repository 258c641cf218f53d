"""What the baselines, each in its way, must all be able to do."""

import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import mimo_keras
from tests.methods import baselines

ROOT = pathlib.Path(__file__).resolve().parents[2]
METHODS = {
    "mc_dropout": {"dropout_rate": 0.2, "samples": 3},
    "treenet": {"ensemble_size": 3},
    "deep_ensemble": {"ensemble_size": 3},
}

every_method = pytest.mark.parametrize("method", METHODS)


def create(method, backbone="small_cnn", **changes):
    options = METHODS[method] | changes
    return baselines.create(method, backbone, seed=1, **options)


def members(model, images):
    """Member probabilities of a new predictor, whose draws start anew."""
    predicted = model.predictor()(images)["member_probabilities"]
    return baselines.array(predicted)


def test_all_are_methods_to_choose():
    assert set(METHODS) <= set(mimo_keras.list_methods())


@every_method
def test_fit_learns_four_patterns(method):
    rng = np.random.default_rng(0)
    patterns = rng.normal(size=(4, *baselines.SHAPE))
    labels = np.repeat(np.arange(4), 16)
    noise = 0.3 * rng.normal(size=(64, *baselines.SHAPE))
    images = (patterns[labels] + noise).astype("float32")
    model = create(method)
    model.compile(keras.optimizers.SGD(0.01, 0.9))
    history = model.fit(images, labels, batch_size=16, epochs=12, verbose=0)
    losses = history.history["loss"]
    assert losses[-1] < 0.3 * losses[0]
    assert model.evaluate(images, labels, verbose=0, return_dict=True)[
        "accuracy"
    ] == pytest.approx(1.0, abs=0.05)


_LOAD = """
import sys, json
import keras, numpy as np, mimo_keras
model = keras.saving.load_model(sys.argv[1])
predicted = model.predictor()(np.load(sys.argv[2]))["member_probabilities"]
print(json.dumps(keras.ops.convert_to_numpy(predicted).tolist()))
"""


@every_method
def test_keras_file_predicts_the_same_in_a_new_process(method, tmp_path):
    model = baselines.trained(create(method), steps=1)
    images, _ = baselines.examples(5)
    np.save(tmp_path / "images.npy", images)
    model.save(tmp_path / "model.keras")
    names = ("model.keras", "images.npy")
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, *(str(tmp_path / n) for n in names)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = np.array(json.loads(done.stdout.splitlines()[-1]))
    assert found.shape == (5, 3, 4)
    np.testing.assert_allclose(found, members(model, images), rtol=1e-5)


@every_method
@pytest.mark.tensorflow
def test_saved_model_takes_one_batch_of_any_size(method, tmp_path):
    import tensorflow as tf

    model = create(method)
    mimo_keras.export_saved_model(model, tmp_path / "served")
    loaded = tf.saved_model.load(str(tmp_path / "served"))
    for rows in (1, 5):
        images, _ = baselines.examples(rows)
        served = loaded.serve(images)
        assert sorted(served) == [
            "entropy",
            "member_probabilities",
            "mutual_information",
            "probabilities",
        ]
        by_member = served["member_probabilities"].numpy()
        assert by_member.shape == (rows, 3, 4)
        np.testing.assert_allclose(
            served["probabilities"], by_member.mean(axis=1), rtol=1e-5
        )
        if method != "mc_dropout":  # Which draws on from call to call.
            np.testing.assert_allclose(
                by_member, members(model, images), rtol=1e-5, atol=1e-6
            )


@every_method
def test_two_replicas_train_as_one(method, two_cpus):
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(
        two_cpus, tf.distribute.ReductionToOneDevice()
    )
    # Each replica drops other values, so only rate 0 compares.
    changes = {"dropout_rate": 0.0} if method == "mc_dropout" else {}
    alone = create(method, **changes)
    with strategy.scope():
        both = create(method, **changes)
        both.set_weights(alone.get_weights())
    losses = []
    for model, scope in ((alone, None), (both, strategy.scope())):
        optimizer = keras.optimizers.SGD(0.05, 0.9)
        if scope is None:
            model.compile(optimizer, l2=1e-3)
        else:
            with scope:
                model.compile(keras.optimizers.SGD(0.05, 0.9), l2=1e-3)
        history = model.fit(
            *baselines.examples(), batch_size=8, epochs=2, verbose=0
        )
        losses.append(history.history["loss"])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
    baselines.assert_same_weights(both, alone, rtol=1e-4, atol=1e-6)


@every_method
def test_mixed_bfloat16_trains_and_predicts_in_float32(method):
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = baselines.trained(create(method), steps=1)
    images, _ = baselines.examples()
    assert all(weight.dtype == "float32" for weight in model.weights)
    predicted = model.predictor()(images)
    for value in predicted.values():
        assert keras.backend.standardize_dtype(value.dtype) == "float32"
    np.testing.assert_allclose(
        baselines.array(predicted["probabilities"]).sum(axis=1), 1, rtol=1e-5
    )


@every_method
def test_resnet50_takes_part(method):
    model = create(method, "resnet50", ensemble_size=1)
    images, _ = baselines.examples(2)
    components = METHODS[method].get("samples", 1)
    assert baselines.logits(model, images).shape == (2, components, 4)
