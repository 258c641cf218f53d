"""Monte Carlo dropout: one network, with a new sample at each call."""

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras import keras_internals
from mimo_keras.errors import InputError
from mimo_keras.evaluation import costs
from mimo_keras.layers import MonteCarloDropout
from mimo_keras.training.fit import fit
from tests.methods import baselines


@pytest.mark.parametrize("backbone", [*baselines.BACKBONES, "mlp_5_6"])
def test_at_rate_0_it_is_the_deterministic_network_exactly(backbone):
    dropout = baselines.create(
        "mc_dropout", backbone, dropout_rate=0.0, samples=1
    )
    single = baselines.create("deterministic", backbone)
    single.set_weights(dropout.get_weights())
    baselines.trained(dropout)
    baselines.trained(single)
    baselines.assert_same_weights(dropout, single, rtol=0)
    images, _ = baselines.examples(5, seed=1)
    found = baselines.logits(dropout, images)
    np.testing.assert_array_equal(found, baselines.logits(single, images))


@pytest.mark.parametrize("backbone", ["small_cnn", "mlp_5_6"])
def test_everywhere_is_in_front_of_every_layer_with_a_kernel(backbone):
    model = baselines.create("mc_dropout", backbone, everywhere=True)
    kernels = [x for x in model.network.layers if hasattr(x, "kernel")]
    assert len(kernels) > 2
    for layer in kernels:
        before = keras_internals.maker(layer.input)
        assert isinstance(before, MonteCarloDropout), layer.name
    drops = [x for x in model.network.layers if "drop" in x.name]
    assert len(drops) == len(kernels)


def linear(x):
    """A backbone of dropout only, so that the network is linear."""
    return MonteCarloDropout(0.2, seed=1)(keras.layers.Flatten()(x))


def test_samples_have_the_mean_and_variance_of_dropout():
    """E = x·W + b and Var = rate / (1 - rate) · Σ_i (x_i W_ik)²."""
    calls, samples = 8, 4000
    # Fewer at once: JAX takes 10 seconds to compile 4000.
    model = baselines.create("mc_dropout", linear, samples=samples // calls)
    images, _ = baselines.examples(2)
    found = np.concatenate(
        [baselines.logits(model, images) for _ in range(calls)], axis=1
    )
    assert found.shape == (2, samples, 4)
    kernel, bias = model.get_weights()
    inputs = images.reshape(2, -1)
    mean = inputs @ kernel + bias
    variance = 0.2 / 0.8 * np.square(inputs) @ np.square(kernel)
    error = np.sqrt(variance / samples)
    assert np.all(abs(found.mean(axis=1) - mean) < 5 * error)
    np.testing.assert_allclose(found.var(axis=1), variance, rtol=0.15)
    # Samples of different images are independent.
    noise = found[..., 0] - mean[:, None, 0]
    assert abs(np.corrcoef(noise)[0, 1]) < 0.1


def test_all_samples_of_an_image_are_of_that_image():
    model = baselines.create("mc_dropout", dropout_rate=0.0, samples=3)
    single = baselines.create("deterministic")
    single.set_weights(model.get_weights())
    images, _ = baselines.examples(4)
    wanted = np.repeat(baselines.logits(single, images), 3, axis=1)
    close = {"rtol": 1e-5, "atol": 1e-6}
    np.testing.assert_allclose(baselines.logits(model, images), wanted, **close)
    predictor = model.predictor()
    np.testing.assert_allclose(
        baselines.array(predictor.member_logits(images)), wanted, **close
    )
    np.testing.assert_allclose(np.exp(predictor.log_weights), [1 / 3] * 3)
    assert costs.multiply_adds(predictor.network) == 3 * costs.multiply_adds(
        single.predictor().network
    )


def test_training_takes_one_sample_and_evaluation_the_mean_over_them():
    model = baselines.create("mc_dropout", dropout_rate=0.0, samples=3)
    images, labels = baselines.examples()
    outputs = model(images, training=True)
    assert outputs["logits"].shape == (8, 1, 4)
    rows = baselines.array(outputs["rows"])
    np.testing.assert_array_equal(rows, np.arange(8)[:, None])
    baselines.compiled(model)
    found = model.evaluate(images, labels, verbose=0, return_dict=True)
    single = baselines.create("deterministic")
    single.set_weights(model.get_weights())
    baselines.compiled(single)
    wanted = single.evaluate(images, labels, verbose=0, return_dict=True)
    assert found == pytest.approx(wanted, rel=1e-5)


def test_each_prediction_has_new_draws_and_each_predictor_from_the_start():
    model = baselines.create("mc_dropout", dropout_rate=0.5, samples=2, seed=3)
    images, _ = baselines.examples()

    def probabilities(predictor):
        return baselines.array(predictor(images)["member_probabilities"])

    predictor, again = model.predictor(), model.predictor()
    first, second = probabilities(predictor), probabilities(predictor)
    assert np.any(first[:, 0] != first[:, 1])
    assert np.any(first != second)
    np.testing.assert_array_equal(probabilities(again), first)


def test_the_seed_decides_the_draws():
    images, _ = baselines.examples()
    found = []
    for seed in (3, 3, 4):
        model = baselines.create("mc_dropout", dropout_rate=0.5, seed=seed)
        weights = [np.full(w.shape, 0.1) for w in model.get_weights()]
        model.set_weights(weights)
        found.append(baselines.logits(model, images))
    np.testing.assert_array_equal(found[0], found[1])
    assert np.any(found[0] != found[2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"ensemble_size": 2},
            "Expected ensemble_size=1 for method mc_dropout. Received: "
            "ensemble_size=2. Its members are samples of one network: set "
            "samples instead.",
        ),
        (
            {"samples": 0},
            "Expected samples of at least 1. Received: samples=0. Use 1 for "
            "a single pass over each image.",
        ),
        (
            {"dropout_rate": 1.0},
            "Expected a dropout rate in [0, 1). Received: rate=1.0. It is "
            "the fraction of values that are zeroed.",
        ),
        (
            {"backbone": lambda x: keras.layers.Flatten()(x)},
            "Expected a backbone with MonteCarloDropout for method "
            "mc_dropout. Received: a callable that builds none. Use "
            "mimo_keras.layers.MonteCarloDropout in it, also in place of "
            "keras.layers.Dropout, which prediction turns off.",
        ),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(InputError) as caught:
        baselines.create("mc_dropout", **options)
    assert str(caught.value) == message


@pytest.mark.tensorflow
def test_a_stopped_run_resumes_bit_for_bit(tmp_path):
    import tensorflow as tf

    images, labels = baselines.examples(16)

    def batches(initial_epoch):
        data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(8)
        return data.repeat(2 - initial_epoch)

    def run(folder, epochs, seed):
        # A new process would have another seed.
        keras.utils.set_random_seed(seed)
        model = baselines.create("mc_dropout", dropout_rate=0.5)
        baselines.compiled(model)
        fit(
            model,
            batches,
            epochs=epochs,
            steps_per_epoch=2,
            output_dir=tmp_path / folder,
            validation_data=(images, labels),
            verbose=0,
        )
        return model

    whole = run("whole", 2, seed=1)
    run("parts", 1, seed=1)
    parts = run("parts", 2, seed=2)
    for one, other in zip(whole.variables, parts.variables, strict=True):
        np.testing.assert_array_equal(
            baselines.array(one.value), baselines.array(other.value)
        )


def test_by_default_a_prediction_tells_what_the_network_does_not_know():
    model = baselines.create("mc_dropout", dropout_rate=0.3)
    images, _ = baselines.examples()
    outputs = model.predictor()(images)
    assert outputs["member_probabilities"].shape == (8, 10, 4)
    assert baselines.array(outputs["mutual_information"]).max() > 1e-3


@pytest.mark.tensorflow
def test_saved_model_has_new_draws_at_each_call(tmp_path):
    import tensorflow as tf

    model = baselines.create("mc_dropout", dropout_rate=0.5, samples=2)
    images, _ = baselines.examples()
    mimo_keras.export_saved_model(model, tmp_path / "served")
    served = tf.saved_model.load(tmp_path / "served")
    first, second = (
        baselines.array(served.serve(images)["member_probabilities"])
        for _ in range(2)
    )
    assert first.shape == (8, 2, 4)
    assert np.any(first != second)
    wanted = model.predictor()(images)["member_probabilities"]
    np.testing.assert_allclose(first, baselines.array(wanted), rtol=1e-5)
