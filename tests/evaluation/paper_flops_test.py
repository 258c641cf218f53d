"""FLOPs by the papers' own rules, compared with the papers' figures."""

import keras
import pytest

import mimo_keras
from mimo_keras import evaluation


def network(method, members, backbone, classes, **options):
    return mimo_keras.create_model(
        method,
        backbone=backbone,
        input_shape=(32, 32, 3),
        num_classes=classes,
        ensemble_size=members,
        **options,
    ).network


def test_both_rules_by_hand():
    inputs = keras.Input((4, 4, 2))
    x = keras.layers.Conv2D(3, 3, padding="same")(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    made = keras.Model(inputs, keras.layers.Dense(5)(x))
    adds = 16 * 9 * 2 * 3 + 3 * 5
    extra = 48 + 2 * 48 + 48 + 48 + 5  # Bias, norm, ReLU, pooling, bias.
    assert evaluation.mimmo_flops(made) == adds + extra
    assert evaluation.mimo_flops(made) == 2 * adds + 2 * (54 + 15)


# Tables 1 and 2 of the supplement, in millions; and this rule's own figures.
SUPPLEMENT = {
    ("deterministic", 1): (109.85, 109.66),
    ("mimo", 2): (110.35, 110.16),
    ("dun", 1): (172.17, 171.98),
    ("mimmo", 2): (172.82, 172.63),
    ("mimmo", 4): (174.11, 173.92),
}


@pytest.mark.parametrize(("method", "members"), SUPPLEMENT, ids=str)
def test_the_supplements_figures(method, members):
    needs = method in ("dun", "mimmo")
    options = {"train_examples": 50_000} if needs else {}
    made = network(method, members, "bottleneck_resnet", 100, **options)
    paper, ours = SUPPLEMENT[method, members]
    found = evaluation.mimmo_flops(made) / 1e6
    assert round(found, 2) == ours
    assert found == pytest.approx(paper, rel=0.005)


@pytest.mark.parametrize(
    ("method", "members", "giga"),
    [("deterministic", 1, 10.559), ("mimo", 3, 10.561)],
)
def test_the_mimo_papers_figures(method, members, giga):
    made = network(method, members, "wide_resnet_28_10", 10)
    # The paper truncates 10.5596 to 10.559.
    assert evaluation.mimo_flops(made) // 1_000_000 == round(1000 * giga)
