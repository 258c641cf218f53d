"""Methods coincide in limits where they must, to float32 accuracy."""

import keras
import numpy as np
import pytest

from tests.methods import small

SINGLE = ("deterministic", "naive_multihead", "mimo")
CASES = (
    # JAX meets the deep network in the other tests.
    pytest.param(
        "wide_resnet_10_1",
        "classification",
        marks=[pytest.mark.tensorflow, pytest.mark.large],
    ),
    ("small_cnn", "classification"),
    ("mlp", "regression"),
)


def triplet(backbone, task):
    """The three methods with one member, all with the same weights."""
    models = [small.create(method, backbone, 1, task) for method in SINGLE]
    small.scatter(models[0].network)
    for model in models[1:]:
        model.network.set_weights(models[0].network.get_weights())
    return models


RATE = 0.1


def step(model):
    """Takes one step of SGD; returns the loss and the gradients.

    The gradients are the decrease of the weights. MIMO's step permutes the
    rows, which does not change a mean over rows.
    """
    before = [np.array(w) for w in small.numpy(model.trainable_weights)]
    optimizer = keras.optimizers.SGD(RATE, momentum=0.9)
    model.compile(optimizer, **small.step_by_step())
    [loss] = small.train(model, rows=4, epochs=1)
    after = small.numpy(model.trainable_weights)
    return loss, [(b - a) / RATE for b, a in zip(before, after, strict=True)]


@pytest.mark.parametrize(("backbone", "task"), CASES)
def test_one_member_predicts_like_the_deterministic_network(backbone, task):
    plain, *others = triplet(backbone, task)
    images, _ = small.examples(plain, 6)
    for model in others:
        small.assert_close(model(images), plain(images))
        small.assert_close(model.predictor()(images), plain.predictor()(images))


@pytest.mark.parametrize(("backbone", "task"), CASES)
def test_one_member_trains_like_the_deterministic_network(backbone, task):
    models = triplet(backbone, task)
    (loss, gradients), *others = map(step, models)
    assert max(np.abs(gradient).max() for gradient in gradients) > 1e-2
    for found in others:
        assert found[0] == pytest.approx(loss, rel=1e-5)
        small.assert_close(found[1], gradients, atol=1e-5, rtol=1e-4)
    plain, *others = models
    wanted = small.train(plain, rows=4, epochs=2)
    images, targets = small.examples(plain, 6)
    scores = plain.evaluate(images, targets, return_dict=True, verbose=0)
    for model in others:
        assert small.train(model, rows=4, epochs=2) == pytest.approx(
            wanted, rel=1e-4
        )
        small.assert_same_weights(model.network, plain.network, atol=5e-5)
        found = model.evaluate(images, targets, return_dict=True, verbose=0)
        assert found == pytest.approx(scores, rel=1e-4, abs=1e-5)


def stem(network):
    """The first layer with weights, and the network up to its output."""
    first = next(layer for layer in network.layers if layer.weights)
    return first, keras.Model(network.input, first.output)


@pytest.mark.parametrize("backbone", ["wide_resnet_10_1", "small_cnn", "mlp"])
def test_mimos_stem_is_a_sum_of_the_members_encoders(backbone):
    members = 3
    model = small.create("mimo", backbone, members)
    small.scatter(model.network)
    layer, joint = stem(model.network)
    kernel, *bias = layer.get_weights()
    parts = np.split(kernel, members, axis=-2)
    rng = np.random.default_rng(2)
    shape = (2, members, *model.image_shape)
    images = rng.normal(size=shape).astype("float32")
    total = 0.0
    for member, part in enumerate(parts):
        plain = small.create("deterministic", backbone)
        encoder, alone = stem(plain.network)
        encoder.set_weights([part, *(0 * b for b in bias)])
        total = total + small.numpy(alone(images[:, member]))
    wanted = total + sum(bias)
    small.assert_close(joint(images), wanted, atol=1e-4)


def with_head(model, weights, member):
    """The deterministic network with these weights and one member's head."""
    *trunk, kernel, bias = weights
    columns = slice(4 * member, 4 * member + 4)
    model.network.set_weights([*trunk, kernel[:, columns], bias[columns]])
    return model


@pytest.mark.parametrize("backbone", ["wide_resnet_10_1", "small_cnn", "mlp"])
@pytest.mark.parametrize("method", ["naive_multihead", "mimo"])
def test_one_members_prediction_is_its_own_networks(method, backbone):
    model = small.create(method, backbone, 3)
    small.scatter(model.network)
    images, _ = small.examples(model, 4)
    folded = model.predictor().network
    plain = small.create("deterministic", backbone)
    logits = small.numpy(model(images))
    for member in range(3):
        alone = with_head(plain, folded.get_weights(), member)
        small.assert_close(
            alone(images)[:, 0], logits[:, member], atol=1e-4, rtol=1e-4
        )


def test_loss_is_the_sum_of_the_members_own():
    model = small.create("naive_multihead", "mlp", 3)
    small.scatter(model.network)
    weights = model.network.get_weights()
    [loss] = small.train(model, rows=4, epochs=1)
    alone = []
    for member in range(3):
        plain = small.create("deterministic", "mlp")
        with_head(plain, weights, member)
        alone += small.train(plain, rows=4, epochs=1)
    assert loss == pytest.approx(sum(alone), rel=1e-5)


def test_mimo_with_one_image_in_all_inputs_is_naive_multihead():
    """ρ = 1, R = 1: the folded stem sees each image once."""
    model = small.create(
        "mimo", "wide_resnet_10_1", 3, input_repetition_probability=1.0
    )
    small.scatter(model.network)
    naive = small.create("naive_multihead", "wide_resnet_10_1", 3)
    naive.network.set_weights(model.predictor().network.get_weights())
    images, _ = small.examples(naive, 4)
    small.assert_close(naive(images), model(images), atol=1e-4)
    (loss, gradients), (wanted, naives) = step(model), step(naive)
    assert loss == pytest.approx(wanted, rel=1e-5)
    # After the stem all weights are equal, and so are their gradients.
    small.assert_close(gradients[1:], naives[1:], atol=1e-4, rtol=1e-3)
