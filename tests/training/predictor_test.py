"""The predictor: a folded copy that predicts the members' mixture."""

import keras
import numpy as np
import pytest

from tests.training import networks, twins


@pytest.fixture
def examples():
    return networks.examples(6)


def _shaken(**options):
    """A model whose weights all differ from their initial values."""
    model = networks.create(backbone="mlp_5", **options)
    draw = np.random.default_rng(0)
    model.set_weights(
        [w + draw.normal(0, 0.3, w.shape) for w in model.get_weights()]
    )
    return model


@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.parametrize("method", ["mimo", "naive_multihead"])
def test_predictions_are_the_models(examples, method, fold):
    model = _shaken(method=method, members=3, mean=[0.4, 0.6], std=0.3)
    predictor = model.predictor(fold)
    assert predictor.folded == (fold and method == "mimo")
    logits = np.array(model(examples.images))
    np.testing.assert_allclose(
        predictor.member_logits(examples.images), logits, rtol=1e-4, atol=1e-5
    )
    members = twins.softmax(logits)
    mixture = members.mean(axis=1)
    entropy = -(mixture * np.log(mixture)).sum(axis=-1)
    within = -(members * np.log(members)).sum(axis=-1).mean(axis=1)
    wanted = {
        "probabilities": mixture,
        "member_probabilities": members,
        "entropy": entropy,
        "mutual_information": entropy - within,
    }
    found = predictor(examples.images)
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, atol=1e-5)


def test_it_is_a_snapshot(examples):
    model = _shaken()
    model.compile(keras.optimizers.SGD(0.5), run_eagerly=True)
    predictor = model.predictor()
    before = np.array(predictor.member_logits(examples.images))
    model.train_on_batch(examples.images, examples.labels)
    after = np.array(predictor.member_logits(examples.images))
    np.testing.assert_array_equal(after, before)
    now = np.array(model.predictor().member_logits(examples.images))
    assert np.abs(now - before).max() > 0.01


def test_folding_leaves_the_cost_of_one_image(examples):
    """The kernel of 12 inputs is the sum of the members' kernels."""
    model = networks.create(members=3, backbone="mlp_5")
    whole, folded = (
        network.get_layer("dense0").get_weights()[0]
        for network in (model.network, model.predictor().network)
    )
    assert (whole.shape, folded.shape) == ((36, 5), (12, 5))
    by_member = whole.reshape(2, 3, 3, 2, 5)
    np.testing.assert_allclose(
        folded, by_member.sum(axis=2).reshape(12, 5), rtol=1e-5, atol=1e-6
    )


def test_it_saves_and_loads(tmp_path, examples):
    predictor = _shaken(mean=0.5, std=[0.2, 0.3]).predictor()
    predictor.save(tmp_path / "predictor.keras")
    copy = keras.saving.load_model(tmp_path / "predictor.keras")
    assert copy.folded
    assert copy.image_shape == networks.IMAGE
    assert copy.log_weights == predictor.log_weights
    for name, value in predictor(examples.images).items():
        np.testing.assert_array_equal(copy(examples.images)[name], value)


def test_regression():
    model = networks.create(
        num_classes=None, output_dim=2, members=3, backbone="mlp_4"
    )
    images = networks.examples(4).images
    means = np.array(model(images))
    found = model.predictor()(images)
    np.testing.assert_allclose(found["mean"], means.mean(axis=1), atol=1e-5)
    np.testing.assert_allclose(found["member_means"], means, atol=1e-5)
    np.testing.assert_allclose(
        found["member_variance"], means.var(axis=1), atol=1e-5
    )


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_bytes_and_floats_are_the_same_images(examples, policy):
    """Under mixed precision too: nothing is cast before centring."""
    keras.config.set_dtype_policy(policy)
    predictor = networks.create(mean=0.5, std=0.25).predictor()
    found = predictor(examples.images.astype("float32") / 255)
    for name, value in predictor(examples.images).items():
        assert found[name].dtype == "float32"
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.tensorflow
def test_batch_sizes_do_not_cause_retracing(monkeypatch):
    """Predict traces for one size, then for any; a call traces nothing."""
    import tensorflow as tf

    predictor = _shaken(members=3).predictor()
    traces, call = [], type(predictor).call

    def traced(self, images):
        traces.append(not tf.executing_eagerly())
        return call(self, images)

    monkeypatch.setattr(type(predictor), "call", traced)
    images = networks.examples(40).images
    sizes = (1, 40, 7, 23, 12, 31, 2)
    wanted = np.array(predictor(images)["probabilities"])
    for size in sizes:
        found = predictor(images[:size])["probabilities"]
        np.testing.assert_allclose(found, wanted[:size], atol=1e-6)
    assert sum(traces) == 0
    for size in sizes:
        found = predictor.predict(images[:size], batch_size=40, verbose=0)
        np.testing.assert_allclose(
            found["probabilities"], wanted[:size], atol=1e-6
        )
    assert 1 <= sum(traces) <= 4
