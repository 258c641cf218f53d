"""Layers of templates against NumPy and against finite differences."""

import keras
import numpy as np
import pytest

from mimo_keras import layers
from mimo_keras.errors import InputError
from mimo_keras.layers.template_layers import UnitNorm

RNG = np.random.default_rng(0)


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def built(layer, shape, numbers):
    layer.build(shape, (numbers,))
    return layer


def test_dense_by_hand():
    # Templates (1 2), (3 4), (5 6) and, around the end, (7 1).
    bank = np.array([1.0, 2, 3, 4, 5, 6, 7], "float32")
    layer = built(
        layers.TemplateDense(1, ensemble_size=2, templates=2, use_bias=False),
        (4, 2),
        7,
    )
    layer.set_weights([np.array([[1.0, 0], [2, -1]])])
    rows = np.array([[1.0, 10], [1, 0], [1, 10], [0, 1]], "float32")
    # θ_0 = (1 2); θ_1 = 2 (1 2) - (3 4) = (-1 0).
    np.testing.assert_allclose(
        array(layer(rows, bank))[:, 0], [21, 1, -1, 0], rtol=1e-6
    )
    wrapped = built(
        layers.TemplateDense(
            1, ensemble_size=2, templates=2, offset=4, use_bias=False
        ),
        (4, 2),
        7,
    )
    wrapped.set_weights([np.array([[1.0, 0], [0, 1]])])
    # From 4: (5 6), then (7 1).
    np.testing.assert_allclose(
        array(wrapped(rows, bank))[:, 0], [65, 5, 17, 1], rtol=1e-6
    )


def test_members_with_templates_of_their_own_by_hand():
    bank = np.arange(1, 9, dtype="float32")
    layer = built(
        layers.TemplateDense(1, ensemble_size=2, templates=2, offset=(0, 6)),
        (2, 2),
        8,
    )
    layer.set_weights([np.array([[1.0, 1], [1, 1]]), np.array([100.0])])
    rows = np.array([[1.0, 10], [1, 10]], "float32")
    # (1 2) + (3 4) = (4 6); (7 8) + (1 2) = (8 10); a bias for both.
    np.testing.assert_allclose(array(layer(rows, bank))[:, 0], [164, 208])


def convolution_by_hand(images, kernel):
    """Valid convolution with loops over kernel positions."""
    height, width = kernel.shape[:2]
    rows = images.shape[1] - height + 1
    columns = images.shape[2] - width + 1
    return sum(
        images[:, i : i + rows, j : j + columns] @ kernel[i, j]
        for i in range(height)
        for j in range(width)
    )


def test_convolution_is_each_members_own():
    bank = RNG.normal(size=200).astype("float32")
    layer = built(
        layers.TemplateConv2D(
            3, (2, 3), ensemble_size=2, padding="valid", templates=3, offset=150
        ),
        (4, 5, 6, 2),
        200,
    )
    alpha = RNG.normal(size=(2, 3))
    bias = RNG.normal(size=3)
    layer.set_weights([alpha, bias])
    images = RNG.normal(size=(4, 5, 6, 2)).astype("float32")
    templates = np.take(bank, range(150, 150 + 108), mode="wrap")
    kernels = (alpha @ templates.reshape(3, 36)).reshape(2, 2, 3, 2, 3)
    wanted = np.concatenate(
        [
            convolution_by_hand(images[2 * m : 2 * m + 2], kernels[m])
            for m in range(2)
        ]
    )
    np.testing.assert_allclose(
        array(layer(images, bank)), wanted + bias, rtol=1e-4, atol=1e-4
    )


def test_without_coefficients_all_members_have_the_template():
    bank = RNG.normal(size=12).astype("float32")
    layer = built(
        layers.TemplateDense(
            2,
            ensemble_size=2,
            use_bias=False,
            offset=3,
            train_coefficients=False,
        ),
        (2, 3),
        12,
    )
    assert layer.weights == [] and layer.undecayed_weights == []
    rows = RNG.normal(size=(2, 3)).astype("float32")
    np.testing.assert_allclose(
        array(layer(rows, bank)), rows @ bank[3:9].reshape(3, 2), rtol=1e-5
    )


def network():
    """Two layers that share a bank, with different parts of it."""
    inputs = keras.Input((5, 5, 2))
    bank = layers.TemplateBank(60, name="bank")(inputs)
    x = layers.FoldMembers(2)(inputs)
    x = layers.TemplateConv2D(2, 3, ensemble_size=2, templates=1, name="one")(
        x, bank
    )
    x = keras.layers.Activation("tanh")(x)
    x = layers.TemplateConv2D(
        2, 3, ensemble_size=2, templates=1, offset=30, name="two"
    )(x, bank)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.UnfoldMembers(2)(x))


def test_gradients_against_finite_differences():
    model = network()
    images = RNG.normal(size=(3, 5, 5, 2)).astype("float32")
    model.set_weights([RNG.normal(size=w.shape) for w in model.get_weights()])
    before = model.get_weights()

    def loss(weights):
        model.set_weights(weights)
        return float(np.mean(array(model(images)).astype("float64") ** 2))

    rate = 1e-3
    model.set_weights(before)
    model.compile(keras.optimizers.SGD(rate), "mse", run_eagerly=False)
    zeros = np.zeros((3, *model.output_shape[1:]), "float32")
    model.train_on_batch(images, zeros)
    gradients = [
        (old - new) / rate
        for old, new in zip(before, model.get_weights(), strict=True)
    ]
    names = [w.path for w in model.weights]
    assert len(names) == 5  # A bank, and coefficients and bias twice.
    for place, weight in enumerate(before):
        for index in list(np.ndindex(weight.shape))[:12]:
            step = [[w.copy() for w in before] for _ in range(2)]
            step[0][place][index] += 1e-2
            step[1][place][index] -= 1e-2
            slope = (loss(step[0]) - loss(step[1])) / 2e-2
            assert gradients[place][index] == pytest.approx(slope, abs=2e-3), (
                names[place]
            )


def test_one_bank_stays_one_when_saved(tmp_path):
    model = network()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    banks = [x for x in loaded.layers if isinstance(x, layers.TemplateBank)]
    assert len(banks) == 1 and len(loaded.weights) == len(model.weights)
    images = RNG.normal(size=(3, 5, 5, 2)).astype("float32")
    np.testing.assert_array_equal(array(loaded(images)), array(model(images)))
    # Training changes the parameters that both layers read.
    (before,) = banks[0].get_weights()
    loaded.compile("sgd", "mse")
    loaded.fit(images, np.ones((3, 2, 2)), verbose=0)
    moved = np.abs(banks[0].get_weights()[0] - before)[0] > 0
    assert moved[:36].any() and moved[36:60].any()


def test_unit_norm():
    drawn = array(UnitNorm(2.0, seed=1)((50, 7)))
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 2.0, rtol=1e-5)
    assert len(np.unique(np.sign(drawn), axis=0)) > 20
    config = UnitNorm(2.0, seed=1).get_config()
    twin = UnitNorm.from_config(config)
    np.testing.assert_array_equal(array(twin((50, 7))), drawn)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"templates": 0}, "templates=0"),
        ({"offset": -1}, "offset=-1"),
        ({"offset": (0, 1)}, "offset=(0, 1)"),
        ({"templates": 2, "train_coefficients": False}, "templates=2"),
    ],
)
def test_wrong_arguments_are_named(options, told):
    with pytest.raises(InputError) as caught:
        layers.TemplateDense(2, ensemble_size=3, **options)
    assert told in str(caught.value)


def test_a_bank_too_small_says_what_is_needed():
    layer = layers.TemplateConv2D(4, 3, ensemble_size=2, templates=3)
    with pytest.raises(InputError, match="at least 216 numbers, 3 templates"):
        layer.build((4, 8, 8, 2), (215,))
    with pytest.raises(InputError, match="num_params=0"):
        layers.TemplateBank(0)


def test_rows_that_members_cannot_share_are_refused():
    layer = built(layers.TemplateDense(1, ensemble_size=3), (6, 2), 4)
    with pytest.raises(InputError, match="rows=5"):
        layer(np.ones((5, 2), "float32"), np.ones(4, "float32"))


def test_a_dense_layer_reads_the_positions_of_a_map():
    images = keras.random.normal((4, 3, 2, 5), seed=0)
    bank = keras.random.normal((2 * 5 * 6,), seed=1)
    dense = layers.TemplateDense(6, ensemble_size=2, templates=2)
    outputs = dense(images, bank)
    assert outputs.shape == (4, 3, 2, 6)
    kernels = dense.kernels(bank)
    wanted = [images[row] @ kernels[row // 2] for row in range(4)]
    np.testing.assert_allclose(outputs, np.stack(wanted), atol=1e-5)
