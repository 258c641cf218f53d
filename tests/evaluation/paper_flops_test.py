"""FLOPs by the papers' own rules, compared with the papers' figures."""

import keras
import pytest

import mimo_keras
from mimo_keras import evaluation, keras_internals, layers


def network(method, members, backbone, classes, **options):
    with keras_internals.without_values():
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


def test_mimmos_rule_for_additions_dropout_and_datamux():
    inputs = keras.Input((2, 4, 4, 3))
    x = layers.MultiplexConvolutions(2, reduce="concatenate")(inputs)
    x = layers.MonteCarloDropout(0.5)(keras.layers.Add()([x, x]))
    made = keras.Model(inputs, keras.layers.Dropout(0.5)(x))
    values = 16 * 6  # Positions times the channels of two members.
    convolved = values * 9 * 3
    # A bias, a ReLU and the reduction; the addition; two dropouts.
    assert evaluation.mimmo_flops(made) == convolved + 3 * values + 3 * values


# Tables 1 to 3 of the supplement, in millions, for one pass.
SUPPLEMENT = {
    ("deterministic", 1): 109.85,
    ("mc_dropout", 1): 110.46,
    ("mimo", 2): 110.35,
    ("datamux", 2): 110.53,
    ("datamux", 4): 111.70,
    ("datamux", 8): 114.05,
    ("dun", 1): 172.17,
    ("mimmo", 2): 172.82,
    ("mimmo", 4): 174.11,
}
FORMS = {
    "datamux": {"keys": "conv", "reduce": "concatenate"},
    "dun": {"train_examples": 50_000},
    "mc_dropout": {"everywhere": True},
    "mimmo": {"train_examples": 50_000},
}


@pytest.mark.parametrize(("method", "members"), SUPPLEMENT, ids=str)
def test_the_supplements_figures(method, members):
    form = FORMS.get(method, {})
    made = network(method, members, "bottleneck_resnet", 100, **form)
    found = evaluation.mimmo_flops(made) / 1e6
    assert round(found, 2) == SUPPLEMENT[method, members]


@pytest.mark.parametrize(
    ("method", "members", "giga"),
    [("deterministic", 1, 10.559), ("mimo", 3, 10.561)],
)
def test_the_mimo_papers_figures(method, members, giga):
    made = network(method, members, "wide_resnet_28_10", 10)
    # The paper truncates 10.5596 to 10.559.
    assert evaluation.mimo_flops(made) // 1_000_000 == round(1000 * giga)
