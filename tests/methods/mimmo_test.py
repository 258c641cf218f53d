"""MIMMO: its special cases, its loss, its parameters."""

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras import keras_internals
from mimo_keras.errors import InputError
from mimo_keras.training import losses
from tests.methods import small

LAST = (1e-7, 1e-7, 1 - 2e-7)  # A prior with nearly all mass on the last exit.


def create(members=2, method="mimmo", backbone="wide_resnet_10_1", **options):
    options = {"train_examples": 8, "depth_warmup_epochs": 0, **options}
    return small.create(method, backbone, members, **options)


def posterior(model):
    return model.training_network.get_layer("depth_posterior")


def shared_weights(mimmo, other):
    """Gives `other` the weights that have the same names in `mimmo`."""
    named = {w.path: w for w in mimmo.network.weights}
    for weight in other.network.weights:
        # A copy: under JAX, training one would invalidate the other's array.
        weight.assign(small.numpy(named[weight.path]))


@pytest.mark.parametrize(
    "members", [pytest.param(1, marks=pytest.mark.large), 2]
)
def test_with_all_weight_on_the_last_exit_it_is_mimo(members):
    mimmo = create(members, learn_depth=False, depth_prior=LAST)
    small.scatter_trainable(mimmo.network)
    mimo = small.create("mimo", "wide_resnet_10_1", members)
    shared_weights(mimmo, mimo)
    images, labels = small.examples(mimo, 6)
    outputs = small.numpy(mimmo(images))
    assert outputs.shape == (6, 3 * members, 4)
    # The last depth's members are the last components.
    small.assert_close(outputs[:, -members:], mimo(images), atol=1e-5)
    for one, other in zip(
        (mimmo.predictor()(images),), (mimo.predictor()(images),), strict=True
    ):
        small.assert_close(
            one["probabilities"], other["probabilities"], atol=1e-5
        )
    for model in (mimmo, mimo):
        model.compile(l2=0.0, **small.step_by_step())
    scores = [m.evaluate(images, labels, verbose=0) for m in (mimmo, mimo)]
    np.testing.assert_allclose(*scores, rtol=1e-4)


def test_one_member_is_dun():
    dun, mimmo = create(1, "dun"), create(1)
    small.assert_same_weights(dun.network, mimmo.network, atol=0)
    small.scatter(mimmo.network)
    dun.network.set_weights(mimmo.network.get_weights())
    images, _ = small.examples(dun, 5)
    small.assert_close(dun(images), mimmo(images), atol=1e-6)


def test_dun_on_the_last_exit_is_the_deterministic_network():
    fixed = {"learn_depth": False, "train_examples": None}
    dun = create(1, "dun", depth_prior=LAST, **fixed)
    assert not dun.annealing.is_waiting()  # There is no divergence.
    plain = small.create("deterministic", "wide_resnet_10_1")
    shared_weights(dun, plain)
    images, _ = small.examples(plain, 5)
    small.assert_close(
        dun.predictor()(images)["probabilities"],
        plain.predictor()(images)["probabilities"],
        atol=1e-5,
    )


@pytest.mark.parametrize("divergence", ["reverse", "forward"])
def test_the_loss_is_the_negative_elbo(divergence):
    model = create(alpha=3.0, depth_divergence=divergence)
    theta = np.array([[0.5, -1.0, 2.0], [0.0, 0.3, -0.2]])
    posterior(model).theta.assign(theta)
    model.compile(l2=0.0)
    images, labels = small.examples(model, 6)
    found = model(images, training=True)
    logits, rows = (small.numpy(found[name]) for name in ("logits", "rows"))
    odds = np.exp(theta)
    odds /= odds.sum(1, keepdims=True)
    total = 0
    for depth in range(3):
        for member in range(2):
            e = 2 * depth + member
            np.testing.assert_array_equal(rows[:, e], rows[:, member])
            scores = logits[:, e] - np.log(
                np.exp(logits[:, e]).sum(1, keepdims=True)
            )
            entropy = -scores[np.arange(6), labels[rows[:, e]]]
            total += odds[member, depth] * entropy.mean()
    if divergence == "reverse":
        kl = (odds * np.log(odds * 3)).sum()
    else:
        kl = -(np.log(odds * 3) / 3).sum()
    wanted = total + 3.0 / 8 * kl
    loss = model.compute_loss(images, labels, found)
    np.testing.assert_allclose(loss, wanted, rtol=1e-5)


def test_prediction_weighs_components_by_the_posterior_as_it_is():
    model = create()
    theta = np.array([[0.5, -1.0, 2.0], [0.0, 0.3, -0.2]])
    posterior(model).theta.assign(theta)
    odds = np.exp(theta)
    odds /= odds.sum(1, keepdims=True)
    np.testing.assert_allclose(
        np.exp(model.log_weights), odds.T.ravel() / 2, rtol=1e-5
    )
    images, labels = small.examples(model, 5)
    logits = small.numpy(model(images))
    members = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    wanted = np.einsum("e,bek->bk", odds.T.ravel() / 2, members)
    found = model.predictor()(images)["probabilities"]
    small.assert_close(found, wanted)
    model.compile(**small.step_by_step())
    nll = model.evaluate(images, labels, verbose=0, return_dict=True)["nll"]
    right = wanted[np.arange(5), labels]
    np.testing.assert_allclose(nll, -np.log(right).mean(), rtol=1e-5)


def test_warm_up_holds_theta_and_then_lets_go():
    model = create(depth_warmup_epochs=2, alpha=0.0)
    start = small.numpy(posterior(model).theta)
    small.train(model, epochs=2)
    np.testing.assert_array_equal(small.numpy(posterior(model).theta), start)
    small.train(model, epochs=1)
    assert np.abs(small.numpy(posterior(model).theta) - start).max() > 1e-5


def test_l2_leaves_theta_to_the_divergence():
    model = create(alpha=0.0)
    decayed = losses.decayed_variables(model.network, "all")
    assert decayed and all(v is not posterior(model).theta for v in decayed)


def test_a_loaded_model_has_its_posterior(tmp_path):
    model = create()
    posterior(model).theta.assign([[0.5, -1.0, 2.0], [0.0, 0.3, -0.2]])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.log_weights == pytest.approx(model.log_weights)
    assert loaded.log_weights[0] != loaded.log_weights[-1]


# Millions of trainable parameters, to two decimals, of tables 1 and 2.
PAPER = {
    ("deterministic", 1): 1.76,
    ("dun", 1): 1.99,
    ("early_exit", 1): 2.24,
    ("mimo", 2): 1.81,
    ("datamux", 2): 1.81,
    ("mixmo", 2): 1.81,
    ("mimmo", 2): 2.04,
    ("deep_ensemble", 2): 3.51,
    ("mimo", 4): 1.91,
    ("datamux", 4): 1.91,
    ("mixmo", 4): 1.91,
    ("mimmo", 4): 2.15,
    ("deep_ensemble", 4): 7.02,
}


@pytest.mark.tensorflow  # Counting is the same on every backend.
@pytest.mark.parametrize(
    ("method", "members"),
    [
        # The third and fourth member cost as much as the second.
        pytest.param(*row, marks=[pytest.mark.large] * (row[1] > 2))
        for row in PAPER
    ],
)
def test_parameters_are_the_papers(method, members):
    options = {"keys": "conv"} if method == "datamux" else {}
    if method in ("mimmo", "dun"):
        options = {"train_examples": 50_000}
    with keras_internals.without_values():
        model = mimo_keras.create_model(
            method,
            backbone="bottleneck_resnet",
            input_shape=(32, 32, 3),
            num_classes=100,
            ensemble_size=members,
            **options,
        )
    count = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    if method == "deep_ensemble":
        # The paper truncates 7,025,360 to 7.02.
        assert count // 10_000 == round(100 * PAPER[method, members])
    else:
        assert round(count / 1e6, 2) == PAPER[method, members]
    if (method, members) == ("deterministic", 1):
        assert count == 1_756_340


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"backbone": "mlp"}, "stages that return maps"),
        ({"train_examples": 0}, "train_examples=0"),
        ({"alpha": -1.0}, "alpha=-1.0"),
        (
            {"depth_prior": (0.5, 0.5)},
            "depth_prior to be 3 .* depth_prior=.0.5, 0.5",
        ),
        ({"depth_warmup_epochs": -1}, "depth_warmup_epochs=-1"),
        ({"depth_divergence": "kl"}, "depth_divergence='kl'"),
        ({"method": "dun"}, "ensemble_size=2"),
    ],
)
def test_bad_input(options, match):
    with pytest.raises(InputError, match=match):
        create(**options)
