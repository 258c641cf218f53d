"""An ensemble teaches one network."""

import pathlib

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras.errors import InputError
from tests import documents
from tests.methods import small

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROWS, CLASSES = 6, 3
IMAGES = np.random.default_rng(0).random((ROWS, 5), "float32")
LABELS = np.arange(ROWS) % CLASSES
T, SHARE = 2.0, 0.25


def create(method="deterministic", members=1, **options):
    model = mimo_keras.create_model(
        method,
        backbone="mlp_4",
        input_shape=(5,),
        num_classes=CLASSES,
        ensemble_size=members,
        **options,
    )
    small.scatter(model.network)
    return model


@pytest.fixture(scope="module")
def teacher():
    return create("batch_ensemble", 2).predictor()


def softmax(logits):
    exp = np.exp(logits - logits.max(-1, keepdims=True))
    return exp / exp.sum(-1, keepdims=True)


def tempered(p):
    return p ** (1 / T) / np.sum(p ** (1 / T), -1, keepdims=True)


def wanted(taught, logits):
    """The loss in NumPy; taught (N, S, K), logits (N, E, K)."""
    q = softmax(logits / T)
    p = tempered(taught)
    kl = np.sum(p * np.log(p / q), -1).mean()
    own = softmax(logits)[np.arange(ROWS), :, LABELS]
    return SHARE * -np.log(own).mean() + (1 - SHARE) * T**2 * kl


def plain():
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((5,)), keras.layers.Dense(CLASSES)])


@pytest.mark.parametrize(
    ("student", "members", "of_members"),
    [
        (plain, None, False),
        (plain, True, True),
        (create, None, False),
        (lambda: create("naive_multihead", 2), None, True),
        (lambda: create("naive_multihead", 3), False, False),
    ],
    ids=["plain", "of_members", "ours", "hydra", "many"],
)
def test_the_loss_is_that_of_the_equation(
    teacher, student, members, of_members
):
    student = student()
    distiller = mimo_keras.distill(
        teacher, student, temperature=T, labels=SHARE, members=members
    )
    distiller.compile(keras.optimizers.SGD(0.05))
    answers = teacher(IMAGES)
    taught = small.numpy(answers["member_probabilities"])
    if not of_members:
        taught = small.numpy(answers["probabilities"])[:, None]
    logits = small.numpy(student(IMAGES)).reshape(ROWS, -1, CLASSES)
    found = distiller.evaluate(IMAGES, LABELS, verbose=0, return_dict=True)
    assert found["total_loss"] == pytest.approx(
        wanted(taught, logits), rel=1e-4
    )


@pytest.mark.tensorflow
def test_only_the_student_learns(teacher):
    student = create("naive_multihead", 2)
    before = [small.numpy(v) for v in teacher.weights]
    own = [small.numpy(v) for v in student.trainable_variables]
    distiller = mimo_keras.distill(teacher, student, labels=0.0)
    distiller.compile(keras.optimizers.Adam(0.05))

    def loss(labels):
        options = {"verbose": 0, "return_dict": True}
        return distiller.evaluate(IMAGES, labels, **options)["total_loss"]

    first = loss(LABELS)
    many = np.tile(IMAGES, (60, 1)), np.tile(LABELS, 60)
    distiller.fit(*many, batch_size=ROWS, shuffle=False, verbose=0)
    assert loss(LABELS) < 0.3 * first
    # The labels play no part.
    assert loss(LABELS * 0) == loss(LABELS)
    for one, other in zip(teacher.weights, before, strict=True):
        np.testing.assert_array_equal(small.numpy(one), other)
    for one, other in zip(student.trainable_variables, own, strict=True):
        assert np.any(small.numpy(one) != other)


def test_what_cannot_be_taught_is_told(teacher):
    cases = [
        ({"student": create("mimo", 2)}, "all see one image.*method mimo"),
        ({"student": create("naive_multihead", 3)}, "or of 2 as its teacher"),
        ({"student": keras.Sequential([keras.layers.Dense(3)])}, "logits"),
        ({"temperature": 0}, "temperature above 0"),
        ({"labels": 1.5}, "labels from 0 to 1"),
        ({"labels": "x"}, "labels from 0 to 1"),
        ({"teacher": plain()}, "keras.distillation.Distiller"),
    ]
    other = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4)])
    cases.append(({"student": other}, "3 classes.*4 outputs"))
    for given, match in cases:
        given = {"teacher": teacher, "student": plain()} | given
        with pytest.raises(InputError, match=match):
            mimo_keras.distill(
                given.pop("teacher"), given.pop("student"), **given
            )
    regression = mimo_keras.create_model(
        "deterministic", backbone="mlp_4", input_shape=(5,), output_dim=1
    )
    with pytest.raises(InputError, match="a teacher of a classification"):
        mimo_keras.distill(regression, plain())


@pytest.mark.tensorflow
def test_the_example_of_the_documents_runs():
    text = (ROOT / "docs" / "fine_tuning.md").read_text("utf-8")
    (_, code), *_ = documents.fences(
        text.split("<!-- digits -->")[1], {"python"}
    )
    names = {}
    exec(code.replace("epochs=10", "epochs=2, verbose=0"), names)
    assert names["results"]["accuracy"] > 0.3
