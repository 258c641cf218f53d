"""What every method predicts with every likelihood, and its exports."""

import functools

import keras
import numpy as np
import pytest
import scipy.special
import scipy.stats

import mimo_keras
from mimo_keras.training import likelihoods
from mimo_keras.training.predictor import Predictor
from tests.methods import rank1_bnn_test, small
from tests.methods.tables import METHODS, NEED_MAPS, ON_BACKBONE, SETTINGS

ROWS = 3
LEVELS = (0.1, 0.4, 0.6, 0.9)
# The networks have four outputs, of which a binary likelihood takes one.
LIKELIHOODS = {
    "mean": likelihoods.Mean(4),
    "gaussian": likelihoods.Gaussian(2),
    "quantiles": likelihoods.Quantiles(1, LEVELS),
    "categorical": likelihoods.Categorical(4),
    "multilabel": likelihoods.Multilabel(4),
    "binary": likelihoods.Binary(),
}
EVERY = [*METHODS, "rank1_bnn"]
# mixture_quantiles_test.py exports gaussian in every format.
ALWAYS = {
    ("multilabel", "mimo", "tf_saved_model"),
    ("quantiles", "mimo", "litert"),
    ("gaussian", "deterministic", "litert"),
}
FORMATS = ("tf_saved_model", "litert", "onnx")


@functools.cache
def created(method):
    """A model of four outputs with other weights than a new one."""
    backbone = "small_cnn" if method in NEED_MAPS else "mlp"
    settings = {"members": 2, **SETTINGS.get(method, {})}
    settings |= ON_BACKBONE.get((method, backbone), {})
    if method in ("rank1_bnn", "mimmo", "dun"):
        settings["train_examples"] = 9
    model = small.create(method, backbone, **settings)
    small.scatter_trainable(model.network)
    if method == "rank1_bnn":
        rank1_bnn_test.narrow(model)
    return model


@functools.cache
def plain(method):
    return created(method).predictor()


def predictor_of(method, name):
    """The method's predictor of a likelihood; all share one network."""
    known, likelihood = plain(method), LIKELIHOODS[name]
    network = known.network
    if likelihood.outputs == 1:
        one = network.output[..., :1]
        network = keras.Model(network.input, one)
    return Predictor(network, known.log_weights, likelihood)


def average(weights, values):
    return np.einsum("e,be...->b...", weights, values)


def of_mean(outputs, weights):
    mean = average(weights, outputs)
    return {
        "mean": mean,
        "member_means": outputs,
        "member_variance": average(weights, (outputs - mean[:, None]) ** 2),
    }


def of_gaussian(outputs, weights):
    means, raw = np.split(outputs, 2, axis=-1)
    stds = 1e-3 + np.logaddexp(0, raw)
    mean = average(weights, means)
    second = average(weights, means**2 + stds**2)
    aleatoric = average(weights, stds**2)
    return {
        "mean": mean,
        "std": np.sqrt(second - mean**2),
        "aleatoric_variance": aleatoric,
        "epistemic_variance": second - mean**2 - aleatoric,
        "member_means": means,
        "member_stds": stds,
    }


def of_quantiles(outputs, weights):
    middle, gaps = outputs[..., :1], np.logaddexp(0, outputs[..., 1:])
    members = np.concatenate(
        [
            middle - gaps[..., :1] - gaps[..., 1:2],
            middle - gaps[..., 1:2],
            middle,
            middle + gaps[..., 2:],
        ],
        axis=-1,
    )[..., None]
    found = average(weights, members)
    return {
        "median": found[:, 2],
        "quantiles": found,
        "member_quantiles": members,
    }


def of_classes(outputs, weights):
    members = scipy.special.softmax(outputs, axis=-1)
    mixture = average(weights, members)
    total = scipy.stats.entropy(mixture, axis=-1)
    within = average(weights, scipy.stats.entropy(members, axis=-1))
    return {
        "probabilities": mixture,
        "member_probabilities": members,
        "entropy": total,
        "mutual_information": total - within,
    }


def of_labels(outputs, weights):
    """Each label is a choice between two classes of its own."""
    pairs = np.stack([outputs, np.zeros_like(outputs)], axis=-1)
    each = [
        of_classes(pairs[:, :, k], weights) for k in range(outputs.shape[-1])
    ]
    found = {name: np.stack([x[name] for x in each], 1) for name in each[0]}
    members = np.moveaxis(found["member_probabilities"][..., 0], 1, 2)
    return found | {
        "probabilities": found["probabilities"][..., 0],
        "member_probabilities": members,
    }


WANTED = {
    "mean": of_mean,
    "gaussian": of_gaussian,
    "quantiles": of_quantiles,
    "categorical": of_classes,
    "multilabel": of_labels,
    "binary": of_labels,
}


@pytest.mark.parametrize(
    "method",
    [
        # JAX compiles each operation anew, and computes them all alike.
        pytest.param(m, marks=[pytest.mark.tensorflow] * (m != "mimo"))
        for m in EVERY
    ],
)
def test_predictions_are_those_of_the_members(method, tmp_path):
    model = created(method)
    images, _ = small.examples(model, ROWS)
    whole = small.numpy(model(images)).astype("float64")
    weights = np.exp(model.log_weights)
    for name, likelihood in LIKELIHOODS.items():
        predictor = predictor_of(method, name)
        outputs = whole[..., : likelihood.outputs]
        found, wanted = predictor(images), WANTED[name](outputs, weights)
        assert {*found} == {*wanted}, name
        for key, value in wanted.items():
            np.testing.assert_allclose(
                small.numpy(found[key]),
                value,
                atol=2e-4,
                err_msg=f"{name} {key}",
            )
    # One of them in a file: others for other methods.
    name = [*LIKELIHOODS][EVERY.index(method) % len(LIKELIHOODS)]
    predictor = predictor_of(method, name)
    predictor.save(tmp_path / "predictor.keras")
    loaded = keras.saving.load_model(tmp_path / "predictor.keras")
    assert loaded.likelihood == LIKELIHOODS[name]
    small.assert_close(loaded(images), predictor(images), atol=1e-4)


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(m, marks=[pytest.mark.tensorflow] * (m != "mimo"))
        for m in ("mimo", "mimmo", "deterministic")
    ],
)
def test_quantiles_are_those_of_the_mixture(method):
    images, _ = small.examples(created(method), ROWS)
    weights = np.exp(created(method).log_weights)
    found = small.numpy(
        predictor_of(method, "gaussian").quantile([0.2, 0.9])(images)
    )
    below = scipy.stats.norm.cdf(
        found["quantile"][:, None],
        found["member_means"][:, :, None],
        found["member_stds"][:, :, None],
    )
    wanted = np.broadcast_to([[0.2], [0.9]], found["quantile"].shape)
    np.testing.assert_allclose(average(weights, below), wanted, atol=1e-4)
    found = small.numpy(predictor_of(method, "quantiles").quantile(0.5)(images))
    known = found["quantiles"]
    np.testing.assert_allclose(
        found["quantile"], known[:, 1:3].mean(axis=1), rtol=1e-4, atol=1e-5
    )


@pytest.mark.tensorflow
@pytest.mark.parametrize("method", EVERY)
def test_soft_labels_weigh_the_losses_of_hard_ones(method):
    """Of the same rows, whatever the method gathers by them."""
    model = created(method)
    images, labels = small.examples(model, ROWS)
    model.compile("sgd")
    outputs = model(images, training=True)
    hard = np.eye(4, dtype="float32")[labels]
    other = hard[:, ::-1]

    def loss(targets):
        targets = keras.ops.convert_to_tensor(targets)
        return float(model.compute_loss(images, targets, outputs))

    wanted = 0.3 * loss(hard) + 0.7 * loss(other)
    assert loss(0.3 * hard + 0.7 * other) == pytest.approx(wanted, rel=1e-5)
    for form in (labels.astype("int8"), labels[:, None].astype("float32")):
        assert loss(form) == pytest.approx(loss(hard), rel=1e-5)
    assert abs(loss(hard) - loss(other)) > 1e-3


def exports():
    """Every product: MIMO's in CI, most others in the matrix."""
    for name in LIKELIHOODS:
        for method in EVERY:
            for kind in FORMATS:
                marks = [pytest.mark.tensorflow]
                if (name, method, kind) not in ALWAYS:
                    often = method == "mimo"
                    mark = pytest.mark.large if often else pytest.mark.matrix
                    marks.append(mark)
                yield pytest.param(name, method, kind, marks=marks)


@pytest.mark.parametrize(("name", "method", "kind"), exports())
def test_exports_predict_the_same(name, method, kind, tmp_path):
    from tests import exported

    if kind == "onnx":
        pytest.importorskip("tf2onnx")
    predictor = predictor_of(method, name)
    if name in ("gaussian", "quantiles"):
        predictor = predictor.quantile([0.2, 0.9])
    path = str(tmp_path / exported.NAMES[kind])
    mimo_keras.export_saved_model(predictor, path, kind)
    images, _ = small.examples(created(method), ROWS)
    wanted = small.numpy(predictor(images))
    for run in exported.runs(path, kind):
        found = run(images)
        assert {*found} == {*wanted}
        for key, value in wanted.items():
            np.testing.assert_allclose(found[key], value, rtol=1e-4, atol=2e-4)
