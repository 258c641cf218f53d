"""Losses against NumPy twins, at logits that break naive formulas."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import DenseMultihead
from mimo_keras.training import losses
from tests.training import networks, twins

EXTREME = np.array(
    [
        [[1e4, -1e4, 0.0], [0.0, 0.0, 0.0]],
        [[-1e4, 1e4, 1e4], [1e4, -1e4, 1.0]],
        [[-1e4, -1e4, -1e4], [-1e4, 0.0, 1e4]],
    ],
    np.float32,
)
LABELS = np.array([[1, 2], [0, 1], [2, 0]])
WEIGHTS = np.array([0.9, 0.1])


def _moderate(seed):
    draw = np.random.default_rng(seed)
    return draw.normal(0, 3, (7, 2, 3)).astype("float32"), draw.integers(
        0, 3, (7, 2)
    )


@pytest.mark.parametrize(
    ("logits", "labels"), [(EXTREME, LABELS), _moderate(0)]
)
def test_cross_entropy(logits, labels):
    np.testing.assert_allclose(
        losses.cross_entropy(labels, logits),
        twins.cross_entropy(labels, logits),
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("logits", "labels"), [(EXTREME, LABELS), _moderate(1)]
)
@pytest.mark.parametrize("weights", [WEIGHTS, WEIGHTS[::-1]])
def test_mixture_nll(logits, labels, weights):
    found = losses.mixture_nll(labels[:, 0], logits, np.log(weights))
    wanted = twins.mixture_nll(labels[:, 0], logits, weights)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_mixture_nll_averages_probabilities():
    """-log(0.9 · 1/4 + 0.1 · 3/4) = -log 0.3, by hand."""
    logits = np.log([[[0.25, 0.75], [0.75, 0.25]]]).astype("float32")
    found = losses.mixture_nll(np.array([0]), logits, np.log(WEIGHTS))
    np.testing.assert_allclose(found, [-np.log(0.3)], rtol=1e-6)


def test_a_mixture_of_one_is_cross_entropy():
    logits, labels = _moderate(2)
    found = losses.mixture_nll(labels[:, 0], logits[:, :1], (0.0,))
    wanted = losses.cross_entropy(labels[:, :1], logits[:, :1])[:, 0]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_squared_error():
    targets = np.array([[[1.0, 2.0]]], np.float32)
    means = np.array([[[4.0, 1.0]]], np.float32)
    np.testing.assert_allclose(losses.squared_error(targets, means), [[5.0]])


def test_l2_penalty_is_not_halved():
    variables = [
        keras.Variable([1.0, 2.0]),
        keras.Variable([[3.0]], dtype="bfloat16"),
    ]
    penalty = losses.l2_penalty(variables, 0.5)
    assert keras.backend.standardize_dtype(penalty.dtype) == "float32"
    np.testing.assert_allclose(penalty, 7.0)


def test_the_loss_is_a_sum_over_members_and_a_mean_over_rows_and_samples():
    """(1 + 2 + 3 + 4 + 5 + 6 + 7 + 8) / 2 rows / 2 samples, by hand."""
    values = np.array([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]], "float32")
    np.testing.assert_allclose(losses.mean_over_rows(values, 2), 9.0)


def test_no_row_has_no_loss():
    assert float(losses.mean_over_rows(np.zeros((0, 2), "float32"))) == 0.0


def test_penalties_come_on_top():
    """1 + 0.5 · (1 + 2) + 0.25 · (1 + 4), by hand."""
    variables = [keras.Variable([1.0, -2.0])]
    np.testing.assert_allclose(
        losses.penalized(1.0, variables, 0.5, 0.25), 3.75
    )
    assert losses.penalized(1.0, variables, 0.0, 0.0) == 1.0


def _size(variables):
    return sum(int(np.prod(variable.shape)) for variable in variables)


def test_all_is_every_trainable_weight():
    network = networks.create(
        backbone="wide_resnet_10_1", input_shape=(8, 8, 3)
    ).network
    found = losses.decayed_variables(network, "all")
    assert {id(v) for v in found} == {
        id(v) for v in network.trainable_variables
    }
    assert len(found) == len(network.trainable_variables)


def test_kernels_are_kernels_and_the_bias_of_the_heads():
    """WRN-10-1 on RGB for two members and three classes, by hand."""
    network = networks.create(
        backbone="wide_resnet_10_1", input_shape=(8, 8, 3)
    ).network
    convolutions = 9 * (6 * 16 + 16 * 16 * 2)
    convolutions += 9 * (16 * 32 + 32 * 32) + 16 * 32
    convolutions += 9 * (32 * 64 + 64 * 64) + 32 * 64
    found = losses.decayed_variables(network, "kernels")
    assert _size(found) == convolutions + 64 * 6 + 6
    # One stem, three blocks of two, two shortcuts, the heads' kernel, bias.
    assert len(found) == 1 + 3 * 2 + 2 + 2
    # The rest are scales and offsets of the seven batch norms.
    rest = _size(network.trainable_variables) - _size(found)
    assert rest == 2 * (16 + 16 + 16 + 32 + 32 + 64 + 64)


@keras.saving.register_keras_serializable("tests")
class _Mixed(keras.layers.Layer):
    """Two kernels, of which one is never decayed."""

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], 4))
        self.fast = self.add_weight(shape=(input_shape[-1], 4))
        self.undecayed_weights = [self.fast]

    def call(self, x):
        return x @ (self.kernel * self.fast)


@pytest.mark.parametrize("scope", ["all", "kernels"])
def test_a_layer_can_keep_weights_out(scope):
    layer = _Mixed()
    x = keras.Input((5,))
    network = keras.Model(x, DenseMultihead(3, 2)(layer(x)))
    found = losses.decayed_variables(network, scope)
    assert {id(v) for v in found} == {
        id(v) for v in network.trainable_variables if v is not layer.fast
    }


def test_a_layer_used_twice_counts_once():
    shared = keras.layers.Dense(4)
    inner_input = keras.Input((4,))
    inner = keras.Model(inner_input, shared(inner_input))
    x = keras.Input((4,))
    network = keras.Model(x, DenseMultihead(3, 2)(inner(shared(inner(x)))))
    found = losses.decayed_variables(network, "all")
    assert _size(found) == (4 * 4 + 4) + (4 * 6 + 6)


class _Transposed(keras.layers.Layer):
    """Applies the transposed kernel of another layer."""

    def __init__(self, dense):
        super().__init__()
        self.kernel = dense.kernel

    def call(self, x):
        return x @ keras.ops.transpose(self.kernel)


def test_a_weight_of_two_layers_counts_once():
    dense = keras.layers.Dense(4)
    x = keras.Input((5,))
    features = dense(x)
    back = _Transposed(dense)(features)
    network = keras.Model(x, DenseMultihead(3, 2)(back))
    found = losses.decayed_variables(network, "all")
    assert _size(found) == (5 * 4 + 4) + (5 * 6 + 6)


def test_a_frozen_layer_does_not_count():
    network = networks.create(backbone="mlp_4_5").network
    network.get_layer("dense0").trainable = False
    found = losses.decayed_variables(network, "all")
    assert _size(found) == (4 * 5 + 5) + (5 * 6 + 6)


def test_the_scope_must_be_known():
    network = networks.create().network
    with pytest.raises(InputError) as caught:
        losses.decayed_variables(network, "gamma")
    assert str(caught.value) == (
        'Expected l2_scope "all" or "kernels". Received: '
        "l2_scope='gamma'. Choose one."
    )


def test_smoothed_cross_entropy_is_that_of_smoothed_labels():
    logits, labels = _moderate(5)
    found = losses.SmoothedCrossEntropy(0.1).call(labels, logits)
    targets = 0.9 * np.eye(3)[labels] + 0.1 / 3
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(found, -(targets * np.log(p)).sum(-1), rtol=1e-4)
    again = losses.SmoothedCrossEntropy.from_config(
        losses.SmoothedCrossEntropy(0.25).get_config()
    )
    assert again.smoothing == 0.25
    with pytest.raises(InputError, match="smoothing in"):
        losses.SmoothedCrossEntropy(1.0)
