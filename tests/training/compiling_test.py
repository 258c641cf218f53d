"""compile: with one member and one head, fit and evaluate equal plain Keras."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from tests.training import networks, twins

REGRESSION = {"num_classes": None, "output_dim": 2}


def metrics(model):
    """All metrics; Keras wraps those of `compile` in one metric."""
    return [m for one in model.metrics for m in getattr(one, "metrics", [one])]


def test_a_model_may_have_none():
    model = networks.create(**REGRESSION)
    model.compile("sgd")
    assert [m.name for m in metrics(model)] == ["loss", "mse"]


@pytest.mark.parametrize(
    ("metric", "options", "kind"),
    [
        ("accuracy", {}, keras.metrics.SparseCategoricalAccuracy),
        ("mse", REGRESSION, keras.metrics.MeanSquaredError),
    ],
)
def test_compiled_metrics_are_there_at_once(metric, options, kind):
    model = networks.create(**options)
    model.compile("sgd", metrics=[metric])
    found = [m for m in metrics(model) if type(m) is kind]
    assert len(found) == 1
    assert len(found[0].variables) == 2  # A sum and a count.


def test_a_metric_by_name_takes_labels_as_indices():
    """With shapes of another kind Keras would choose another accuracy."""
    model = networks.create()
    model.compile("sgd")
    (metric,) = [m for m in metrics(model) if "accuracy" in m.name]
    probabilities = np.eye(model.num_classes, dtype="float32")[[0, 1, 1, 0]]
    metric.update_state(np.array([0, 1, 0, 0]), probabilities)
    assert float(metric.result()) == 0.75


COUNT = 8
EXAMPLES = networks.examples(COUNT)
IMAGES = (EXAMPLES.images / 255).astype("float32")
LABELS = EXAMPLES.labels
HOT = np.eye(3, dtype="float32")[LABELS]
SOFT = 0.8 * HOT + 0.2 / 3
IGNORING = keras.losses.SparseCategoricalCrossentropy(ignore_class=1)
UNEVEN = np.array([0, 1, 2, 0.5, 3, 0, 1, 0.25], "float32")


def _logs(model, targets, sample_weight=None, **options):
    """The logs of two steps of fit, and of evaluate."""
    data = {"sample_weight": sample_weight, "batch_size": 5, "verbose": 0}
    history = model.fit(IMAGES, targets, shuffle=False, **data, **options)
    logs = model.evaluate(IMAGES, targets, return_dict=True, **data)
    fitted = {name: values[-1] for name, values in history.history.items()}
    return fitted | {f"evaluated_{name}": value for name, value in logs.items()}


def _plain(model):
    """A model of Keras alone with the same weights."""
    dense = keras.layers.Dense(3, activation="softmax")
    plain = keras.Sequential(
        [keras.Input(networks.IMAGE), keras.layers.Flatten(), dense]
    )
    kernel, bias = model.get_weights()
    dense.set_weights([kernel, bias])
    return plain


def _metrics():
    return [
        keras.metrics.F1Score("macro", name="f1"),
        keras.metrics.AUC(multi_label=True, num_labels=3, name="auc"),
        keras.metrics.CategoricalCrossentropy(),
        keras.metrics.TopKCategoricalAccuracy(2),
        keras.metrics.OneHotMeanIoU(3, name="iou"),
        keras.metrics.Precision(0.4, name="precision"),
        "accuracy",
        "mae",
    ]


SPARSE = "sparse_categorical_crossentropy"


@pytest.mark.parametrize(
    ("targets", "options"),
    [
        (LABELS, lambda: {"loss": SPARSE, "metrics": ["accuracy"]}),
        (LABELS[:, None], lambda: {"loss": SPARSE, "metrics": [["acc"]]}),
        (
            LABELS,
            lambda: {
                "loss": keras.losses.SparseCategoricalCrossentropy(),
                "loss_weights": [3.0],
                "metrics": [keras.metrics.SparseTopKCategoricalAccuracy(2)],
                "weighted_metrics": ["accuracy", SPARSE],
            },
        ),
        (
            HOT,
            lambda: {
                "loss": "categorical_crossentropy",
                "metrics": _metrics(),
            },
        ),
        (
            SOFT,
            lambda: {
                "loss": keras.losses.CategoricalCrossentropy(),
                "weighted_metrics": _metrics(),
            },
        ),
        (
            HOT,
            lambda: {
                "loss": "mse",
                "metrics": ["mse"],
                "steps_per_execution": 2,
            },
        ),
    ],
)
def test_one_member_is_plain_keras(targets, options):
    model = networks.create("deterministic", members=1)
    plain = _plain(model)
    for one in (model, plain):
        given = options()
        eager = "steps_per_execution" not in given
        one.compile(keras.optimizers.SGD(0.5), run_eagerly=eager, **given)
    found = _logs(model, targets, UNEVEN)
    wanted = _logs(plain, targets, UNEVEN)
    assert {*found} - {*wanted} == {"nll", "evaluated_nll"}
    for name, value in wanted.items():
        np.testing.assert_allclose(
            found[name], value, rtol=2e-4, atol=1e-5, err_msg=name
        )
    for one, other in zip(
        model.get_weights(), plain.get_weights(), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_without_weights_one_member_is_plain_keras():
    model = networks.create("deterministic", members=1)
    logs = []
    for one in (_plain(model), model):
        one.compile(keras.optimizers.SGD(0.5), SPARSE, run_eagerly=True)
        logs.append(_logs(one, LABELS))
    wanted, found = logs
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=2e-4, atol=1e-5)


def test_one_hot_labels_are_labels():
    """The same steps and the same metrics, with several members too."""
    logs = []
    for targets in (LABELS, HOT):
        model = networks.create(members=3, batch_repetitions=2)
        model.compile(keras.optimizers.SGD(0.5), run_eagerly=True)
        logs.append(_logs(model, targets, UNEVEN))
    assert logs[0].keys() == logs[1].keys()
    for name, value in logs[0].items():
        np.testing.assert_allclose(logs[1][name], value, rtol=1e-5)


def test_the_kind_of_labels_may_change_between_calls():
    model = networks.create()
    model.compile("sgd", run_eagerly=True)
    values = [
        model.evaluate(IMAGES, y, verbose=0, return_dict=True)
        for y in (LABELS, HOT, LABELS[:, None])
    ]
    for name, value in values[0].items():
        np.testing.assert_allclose([v[name] for v in values], value, rtol=1e-5)


@pytest.mark.parametrize(
    ("targets", "options", "received"),
    [
        (LABELS, {"metrics": [keras.metrics.F1Score()]}, "targets of shape"),
        (HOT, {"loss": SPARSE}, "loss=sparse_categorical_crossentropy"),
        (LABELS, {"loss": "categorical_crossentropy"}, "loss=categorical_"),
        # Three rows of three classes would be broadcast.
        (LABELS[:3], {"loss": "mse"}, "loss=mse"),
        (LABELS[:3], {"loss": keras.losses.Hinge()}, "loss=Hinge"),
        (LABELS[:3], {"metrics": ["mse"]}, "targets of shape (B, ), and Mean"),
        (LABELS[:3], {"weighted_metrics": ["AUC"]}, "targets of shape (B, )"),
        (LABELS, {"loss": IGNORING}, "loss=SparseCategoricalCrossentropy"),
    ],
)
def test_labels_of_another_kind_are_refused(targets, options, received):
    model = networks.create()
    model.compile("sgd", **options)
    with pytest.raises(InputError) as caught:
        model.fit(IMAGES[: len(targets)], targets, verbose=0)
    assert f"Received: {received}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_validation_labels_are_of_the_kind_of_the_labels():
    model = networks.create()
    model.compile("sgd")
    with pytest.raises(InputError) as caught:
        model.fit(IMAGES, HOT, validation_data=(IMAGES, LABELS), verbose=0)
    assert str(caught.value) == (
        "Expected validation labels of the shape of the labels. Received: "
        "shapes (8,) and (8, 3). Use class indices, or one-hot labels, in both."
    )


@pytest.mark.parametrize("name", ["l1", "l2"])
@pytest.mark.parametrize("value", [-1e-4, np.nan, np.inf, "0.1", None])
def test_penalties_are_numbers(name, value):
    with pytest.raises(InputError) as caught:
        networks.create().compile("sgd", **{name: value})
    assert str(caught.value) == (
        f"Expected {name} to be a number of at least 0. Received: "
        f"{name}={value!r}. Use 0 for no penalty."
    )


def test_in_files_of_earlier_versions_metrics_are_weighted(tmp_path):
    model = networks.create()
    model.compile_from_config(
        keras.saving.serialize_keras_object(
            {"optimizer": "sgd", "loss": None, "metrics": ["accuracy"]}
        )
    )
    data = {"sample_weight": UNEVEN, "verbose": 0, "return_dict": True}
    labels = twins.softmax(np.array(model(IMAGES))).mean(1).argmax(-1)
    right = np.arange(COUNT) < 3
    labels = np.where(right, labels, (labels + 1) % 3)
    found = model.evaluate(IMAGES, labels, **data)["accuracy"]
    weighted = np.average(right, weights=UNEVEN)
    assert weighted != np.mean(right)
    np.testing.assert_allclose(found, weighted, rtol=1e-6)
    model.compile("sgd", loss_weights=2.0, metrics=["accuracy"])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    logs = [one.evaluate(IMAGES, labels, **data) for one in (model, loaded)]
    assert logs[0] == logs[1]
    np.testing.assert_allclose(logs[0]["accuracy"], np.mean(right), rtol=1e-6)


def test_the_shape_of_labels_may_change_between_calls():
    """Keras would trace a step for labels of unknown rank."""
    model = networks.create(num_classes=None, output_dim=1)
    model.compile("sgd")
    flat = LABELS.astype("float32")
    logs = [
        model.evaluate(IMAGES, targets, verbose=0)
        for targets in (flat, flat[:, None], flat)
    ]
    np.testing.assert_allclose(logs[1:], logs[:2], rtol=1e-6)
    pair = (IMAGES, flat[:, None])
    model.fit(IMAGES, flat, validation_data=pair, verbose=0)
    model.fit(*pair, validation_data=(IMAGES, flat), verbose=0)


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch"])
def test_a_model_is_compiled_first(method):
    with pytest.raises(InputError, match="^Expected a compiled model"):
        getattr(networks.create(), method)(IMAGES, LABELS)


@pytest.mark.parametrize(
    "optimizer",
    [None, "nonsense", 0.1, keras.optimizers.SGD, ["sgd"], {"name": "sgd"}],
    ids=str,
)
def test_what_is_no_optimizer_is_refused_in_one_line(optimizer):
    model = networks.create()
    with pytest.raises(InputError) as caught:
        model.compile(optimizer)
    assert str(caught.value) == (
        "Expected an optimizer: its name or an instance. Received: optimizer="
        f'{optimizer!r}. Pass "sgd", or keras.optimizers.SGD(0.1).'
    )


def test_without_an_optimizer_it_is_sgd():
    model = networks.create()
    model.compile()
    assert type(model.optimizer) is keras.optimizers.SGD
