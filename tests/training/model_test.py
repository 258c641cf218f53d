"""Training steps and metrics, each against NumPy."""

import keras
import numpy as np
import pytest

from tests.training import networks, twins

RATE = 0.3
COUNT = 8


@pytest.fixture
def examples():
    return networks.examples(COUNT)


def _fit(model, examples, **options):
    """One epoch in the order of the examples; returns its logs."""
    options = {"batch_size": COUNT, "shuffle": False, "verbose": 0} | options
    history = model.fit(examples.images, examples.labels, **options)
    return {name: values[-1] for name, values in history.history.items()}


def _twin_step(examples, rows, weights, sample_weight):
    """The loss of a linear network without L2, its gradients, its logits."""
    kernel, bias = weights
    inputs = twins.member_inputs(examples.images / 255, rows)
    logits = twins.linear_logits(inputs, kernel, bias, rows.shape[1])
    targets, row_weights = examples.labels[rows], sample_weight[rows]
    losses = twins.cross_entropy(targets, logits) * row_weights
    gradients = twins.linear_gradients(inputs, logits, targets, row_weights)
    return losses.sum(axis=1).mean(), gradients, logits


MIMO = {
    "members": 3,
    "batch_repetitions": 2,
    "input_repetition_probability": 0.4,
}
UNIFORM = np.ones(COUNT, "float32")
UNEVEN = np.array([0, 1, 2, 0.5, 3, 0, 1, 0.25], "float32")


@pytest.mark.parametrize("sample_weight", [UNIFORM, UNEVEN])
@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.0, 0.02), (0.03, 0.0)])
def test_a_step_is_that_of_a_linear_network_by_hand(
    examples, l1, l2, sample_weight
):
    model = networks.create(**MIMO)
    # Traced and eagerly, but not every case both ways.
    eager = sample_weight is UNIFORM
    model.compile(keras.optimizers.SGD(RATE), l1=l1, l2=l2, run_eagerly=eager)
    before = model.get_weights()
    rows = networks.rows_of(networks.create(**MIMO), examples.images)
    logs = _fit(model, examples, sample_weight=sample_weight)
    loss, gradients, logits = _twin_step(examples, rows, before, sample_weight)
    penalty = l2 * sum(np.sum(np.square(weight)) for weight in before)
    penalty += l1 * sum(np.sum(np.abs(weight)) for weight in before)
    np.testing.assert_allclose(logs["loss"], loss + penalty, rtol=1e-5)
    for weight, old, gradient in zip(
        model.get_weights(), before, gradients, strict=True
    ):
        wanted = old - RATE * (gradient + 2 * l2 * old + l1 * np.sign(old))
        np.testing.assert_allclose(weight, wanted, rtol=1e-4, atol=1e-6)
    # The metrics, on the members' rows before the step.
    picked, targets = sample_weight[rows], examples.labels[rows]
    correct = logits.argmax(axis=-1) == targets
    nll = twins.cross_entropy(targets, logits)
    for name, values in {"accuracy": correct, "nll": nll}.items():
        wanted = np.average(values, weights=picked)
        np.testing.assert_allclose(logs[name], wanted, rtol=1e-5)


def test_an_image_of_weight_0_is_never_learned_from(examples):
    """Whichever weighted images are in the same rows."""
    sample_weight = (np.arange(COUNT) != 3).astype("float32")
    other = networks.examples(COUNT)
    other.labels[3] = (other.labels[3] + 1) % networks.CLASSES
    models = []
    for data in (examples, other):
        model = networks.create(members=3, batch_repetitions=4)
        model.compile("sgd", run_eagerly=True)
        _fit(model, data, sample_weight=sample_weight)
        models.append(model)
    networks.assert_same_weights(*models)


def test_class_weights_are_weights_of_the_images(examples):
    by_class = {0: 0.5, 1: 2.0, 2: 1.0}
    models = []
    for options in (
        {"class_weight": by_class},
        {"sample_weight": np.vectorize(by_class.get)(examples.labels)},
    ):
        model = networks.create(**MIMO)
        model.compile("sgd", run_eagerly=True)
        _fit(model, examples, **options)
        models.append(model)
    networks.assert_same_weights(*models)


def test_training_metrics_of_an_epoch_with_a_partial_batch(examples):
    model, twin = networks.create(**MIMO), networks.create(**MIMO)
    model.compile(keras.optimizers.SGD(0.0))
    logs = _fit(model, examples, batch_size=5)
    wanted = {"accuracy": [], "nll": [], "loss": []}
    for start, stop in ((0, 5), (5, 8)):
        out = twin(examples.images[start:stop], training=True)
        labels = examples.labels[start:stop][np.array(out["rows"])]
        logits = np.array(out["logits"])
        nll = twins.cross_entropy(labels, logits)
        wanted["accuracy"].extend((logits.argmax(-1) == labels).ravel())
        wanted["nll"].extend(nll.ravel())
        wanted["loss"].extend(nll.sum(axis=1))
    assert logs.keys() == wanted.keys()
    for name, values in wanted.items():
        np.testing.assert_allclose(logs[name], np.mean(values), rtol=1e-5)


@pytest.mark.parametrize("method", ["mimo", "naive_multihead"])
def test_evaluation_metrics_are_the_ensembles(examples, method):
    """From averaged probabilities, including the last, partial batch."""
    model = networks.create(method, members=3)
    top = keras.metrics.SparseTopKCategoricalAccuracy(k=2, name="top")
    model.compile("sgd", weighted_metrics=["accuracy", top])
    logs = model.evaluate(
        examples.images,
        examples.labels,
        sample_weight=UNEVEN,
        batch_size=5,
        verbose=0,
        return_dict=True,
    )
    logits = np.array(model(examples.images))
    mixture = twins.softmax(logits).mean(axis=1)
    ranks = (mixture > mixture[range(COUNT), examples.labels][:, None]).sum(1)
    members = np.repeat(examples.labels[:, None], 3, axis=1)
    values = {
        "accuracy": ranks == 0,
        "top": ranks < 2,
        "nll": twins.mixture_nll(examples.labels, logits, [1 / 3] * 3),
    }
    for name, value in values.items():
        wanted = np.average(value, weights=UNEVEN)
        np.testing.assert_allclose(logs.pop(name), wanted, rtol=1e-5)
    by_member = twins.cross_entropy(members, logits).sum(axis=1)
    np.testing.assert_allclose(
        logs.pop("loss"), np.mean(by_member * UNEVEN), rtol=1e-5
    )
    assert not logs


@keras.saving.register_keras_serializable("tests")
class _Brier(keras.losses.Loss):
    """The squared error of the probabilities of each row and member."""

    def call(self, labels, logits):
        one_hot = keras.ops.one_hot(labels, logits.shape[-1])
        errors = keras.ops.softmax(logits) - one_hot
        return keras.ops.sum(keras.ops.square(errors), axis=-1)


def test_a_loss_of_ones_own(examples):
    model = networks.create(**MIMO)
    model.compile("sgd", loss=_Brier(), run_eagerly=True)
    out = networks.create(**MIMO)(examples.images, training=True)
    labels = examples.labels[np.array(out["rows"])]
    errors = twins.softmax(np.array(out["logits"])) - np.eye(3)[labels]
    wanted = np.square(errors).sum(axis=(1, 2)).mean()
    np.testing.assert_allclose(_fit(model, examples)["loss"], wanted, rtol=1e-5)


def test_a_metric_of_ones_own_sees_probabilities_of_member_rows(examples):
    model = networks.create(**MIMO)
    model.compile(
        "sgd", metrics=["sparse_categorical_crossentropy"], run_eagerly=True
    )
    logs = _fit(model, examples)
    np.testing.assert_allclose(
        logs["sparse_categorical_crossentropy"], logs["nll"], rtol=1e-5
    )


@pytest.mark.parametrize("flat", [False, True])
def test_regression(flat):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(COUNT, 5)).astype("float32")
    y = draw.normal(size=(COUNT, 1)).astype("float32")
    options = {
        "num_classes": None,
        "output_dim": 1,
        "backbone": "mlp_4",
        "input_shape": (5,),
        **MIMO,
    }
    model, twin = networks.create(**options), networks.create(**options)
    model.compile(keras.optimizers.SGD(0.0), metrics=["mae"], run_eagerly=flat)
    targets = y[:, 0] if flat else y
    history = model.fit(
        x, targets, batch_size=COUNT, shuffle=False, verbose=0
    ).history
    out = twin(x, training=True)
    errors = np.array(out["logits"]) - y[np.array(out["rows"])]
    squared = np.square(errors).mean(axis=-1)
    wanted = {
        "loss": squared.sum(axis=1).mean(),
        "mse": squared.mean(),
        "mae": np.abs(errors).mean(),
    }
    assert history.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_allclose(history[name], [value], rtol=1e-5)
    logs = model.evaluate(x, targets, verbose=0, return_dict=True)
    errors = np.array(model(x)).mean(axis=1) - y
    np.testing.assert_allclose(logs["mse"], np.mean(errors**2), rtol=1e-5)
    np.testing.assert_allclose(logs["mae"], np.abs(errors).mean(), rtol=1e-5)


@pytest.mark.tensorflow
@pytest.mark.parametrize("metric", ["accuracy", "mean_absolute_error"])
def test_a_step_is_traced_once(examples, metric, monkeypatch):
    """Tracing is most of what a first step takes."""
    traced = []

    def train_step(self, data):
        traced.append(data)
        return original(self, data)

    regression = {"num_classes": None, "output_dim": 1}
    model = networks.create(**({} if metric == "accuracy" else regression))
    original = type(model).train_step
    monkeypatch.setattr(type(model), "train_step", train_step)
    model.compile("sgd", metrics=[metric])
    labels = examples.labels.astype("float32")
    model.fit(examples.images, labels, batch_size=COUNT, verbose=0)
    assert len(traced) == 1
    assert metric in model.get_metrics_result()
