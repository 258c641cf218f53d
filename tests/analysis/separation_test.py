"""Conditional variances of networks whose variances are known."""

import numpy as np
import pytest

import mimo_keras
from mimo_keras import analysis
from mimo_keras.errors import InputError


def create(method="mimo", backbone="mlp_3", shape=(2,), members=2):
    return mimo_keras.create_model(
        method,
        backbone=backbone,
        input_shape=shape,
        num_classes=3,
        ensemble_size=members,
        seed=0,
    )


def images(count=40):
    return np.random.default_rng(0).normal(size=(count, 2)).astype("float32")


def test_a_separable_network():
    """Variances of x0, 2 y0 and x0 + y0, all without clipping."""
    model = create()
    kernel = np.zeros((4, 3))
    kernel[0, 0], kernel[2, 1] = 1, 2
    kernel[0, 2] = kernel[2, 2] = 1
    model.network.get_layer("dense0").kernel.assign(kernel)
    x = images()
    found = analysis.conditional_variances(model, x, draws=3, batch_size=16)
    assert list(found) == ["relu0"]
    variance = x[:, 0].var()
    np.testing.assert_allclose(
        found["relu0"],
        [[variance, 0, variance], [0, 4 * variance, variance]],
        rtol=1e-4,
        atol=1e-6,
    )
    np.testing.assert_allclose(
        analysis.variance_shares(found),
        [[1, 0, 0.5], [0, 1, 0.5]],
        rtol=1e-4,
        atol=1e-6,
    )


def test_the_variance_is_a_mean_over_what_the_others_show():
    """After a ReLU, x0 only has an effect where y0 lets it."""
    model = create(backbone="mlp_1_1")
    first, second = map(model.network.get_layer, ("dense0", "dense1"))
    first.kernel.assign([[1.0], [0.0], [1.0], [0.0]])
    second.kernel.assign([[1.0]])
    x = images(30)
    found = analysis.conditional_variances(model, x, draws=5, seed=3)
    draw, wanted = np.random.default_rng(3), []
    for _ in range(5):
        others = x[draw.integers(30, size=2), 0]
        wanted.append(
            [
                np.maximum(x[:, 0] + others[1], 0).var(),
                np.maximum(x[:, 0] + others[0], 0).var(),
            ]
        )
    assert np.std(wanted, axis=0).min() > 1e-3
    np.testing.assert_allclose(
        found["relu1"][:, 0], np.mean(wanted, axis=0), rtol=1e-4
    )


def test_maps_are_averaged_over_positions():
    model = create(backbone="small_cnn", shape=(8, 8, 1), members=3)
    x = np.random.default_rng(0).random((6, 8, 8, 1)).astype("float32")
    found = analysis.conditional_variances(model, x, draws=2)
    shapes = {name: values.shape for name, values in found.items()}
    assert shapes == {"relu0": (3, 16), "relu1": (3, 32), "relu2": (3, 32)}
    shares = analysis.variance_shares(found)
    assert shares.shape == (3, 80)
    np.testing.assert_allclose(shares.sum(axis=0), 1)


def test_a_pre_activation_that_nothing_moves_has_no_share():
    shares = analysis.variance_shares({"a": np.array([[0.0, 3], [0, 1]])})
    np.testing.assert_array_equal(shares, [[0.75], [0.25]])


def test_members_with_one_image_in_common():
    with pytest.raises(InputError, match="images of their own"):
        analysis.conditional_variances(create("naive_multihead"), images())


def test_a_backbone_without_nonlinearities():
    model = create(backbone=lambda x: x[..., :1])
    with pytest.raises(InputError, match="nonlinearities"):
        analysis.conditional_variances(model, images())


@pytest.mark.parametrize(("members", "panels"), [(2, 2), (3, 4), (5, 4)])
def test_shares_and_pairs_are_drawn(members, panels):
    draw = np.random.default_rng(0)
    variances = {"a": draw.random((members, 7)), "b": draw.random((members, 5))}
    figure = analysis.separation_plot(variances, "MIMO")
    histogram, *pairs = figure.axes
    assert len(figure.axes) == panels
    heights = {
        patch.get_label(): patch.get_data().values.sum()
        for patch in histogram.patches
        if patch.get_label()
    }
    assert heights == {f"Input {m}": 12 for m in range(members)}
    values = np.concatenate(list(variances.values()), axis=1)
    points = np.concatenate([line.get_xydata() for line in pairs[0].lines])
    assert sorted(map(tuple, points)) == sorted(map(tuple, values[:2].T))
    largest = values.argmax(axis=0)
    counts = [len(line.get_xydata()) for line in pairs[0].lines]
    assert counts == np.bincount(largest, minlength=members).tolist()
