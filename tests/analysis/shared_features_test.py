"""Which member uses which feature, by hand and on handmade networks."""

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras import analysis
from mimo_keras.errors import InputError


def create(method, backbone="small_cnn", shape=(8, 8, 3), **options):
    return mimo_keras.create_model(
        method,
        backbone=backbone,
        input_shape=shape,
        num_classes=4,
        seed=0,
        **{"ensemble_size": 2, **options},
    )


def test_the_rate_by_hand():
    """1/2, 0 and 1, and a feature that no member uses."""
    norms = [[1.0, 0.0, 3.0, 0.0], [2.0, 5.0, 3.0, 0.0]]
    assert analysis.sharing_rate(norms) == pytest.approx(0.5)
    # Of three members, the smallest and the largest use count.
    assert analysis.sharing_rate([[1.0], [2.0], [4.0]]) == pytest.approx(0.25)
    assert np.isnan(analysis.sharing_rate([[0.0], [0.0]]))


def test_the_overlap_by_hand():
    """Norms relative to 2 and 8: (1, 1/2, 0) and (1, 1/4, 1)."""
    norms = [[2.0, 1.0, 0.0], [8.0, 2.0, 8.0]]
    assert analysis.feature_overlap(norms) == pytest.approx(1.5 / 3)
    assert analysis.sharing_rate(norms) == pytest.approx(0.75 / 3)
    # Members that differ by a factor overlap wholly.
    assert analysis.feature_overlap([[1.0, 2.0], [3.0, 6.0]]) == 1.0
    assert np.isnan(analysis.feature_overlap([[0.0], [1.0]]))


@pytest.mark.parametrize("norms", [[[1.0]], [1.0, 2.0], [[1.0], [-1.0]]])
@pytest.mark.parametrize(
    "measure", [analysis.sharing_rate, analysis.feature_overlap]
)
def test_bad_norms(measure, norms):
    with pytest.raises(InputError, match="at least 2 members"):
        measure(norms)


def test_norms_of_encoders_and_heads():
    model = create("mixmo")
    layer, heads = map(model.network.get_layer, ("conv0", "heads"))
    kernel = np.arange(2 * 9 * 3 * 16).reshape(2, 3, 3, 3, 16) / 100 - 3
    layer.kernel.assign(kernel)
    weights = np.arange(32 * 8).reshape(32, 8) / 10 - 9
    heads.kernel.assign(weights)
    norms = analysis.feature_norms(model.network)
    assert set(norms) == {"encoders", "heads"}
    for member in range(2):
        np.testing.assert_allclose(
            norms["encoders"][member],
            [np.abs(kernel[member, ..., f]).sum() for f in range(16)],
            rtol=1e-5,
        )
        own = weights[:, 4 * member : 4 * member + 4]
        np.testing.assert_allclose(
            norms["heads"][member], np.abs(own).sum(1), rtol=1e-5
        )


@pytest.mark.parametrize(
    ("method", "options", "found"),
    [
        ("mixmo", {}, {"encoders", "heads"}),
        ("mimo", {}, {"encoders", "heads"}),
        ("naive_multihead", {}, {"heads"}),
        ("datamux", {"keys": "conv"}, {"encoders", "heads"}),
        (
            "datamux",
            {"keys": "conv", "reduce": "concatenate"},
            {"encoders", "heads"},
        ),
        ("datamux", {"reduce": "concatenate"}, {"encoders"}),
        ("datamux", {}, set()),
        ("deterministic", {"ensemble_size": 1}, set()),
        ("deep_ensemble", {}, set()),
        # Inputs and heads as with several members, but none to share with.
        ("mimo", {"ensemble_size": 1}, set()),
    ],
)
def test_rates_are_of_what_there_is(method, options, found):
    model = create(method, **options)
    rates = analysis.sharing_rates(model.network)
    assert set(rates) == set(analysis.feature_overlaps(model.network)) == found
    assert all(0 < rate < 1 for rate in rates.values())


def vector_model():
    """Feature 0 is input 0's first number, 1 input 1's times 2, 2 both's."""
    model = create("mimo", "mlp_3", (2,))
    kernel = np.zeros((4, 3))
    kernel[0, 0] = 1
    kernel[2, 1] = 2
    kernel[0, 2] = kernel[2, 2] = 1
    dense = model.network.get_layer("dense0")
    dense.kernel.assign(kernel)
    dense.bias.assign([50.0] * 3)  # No number is clipped at 0.
    return model


@pytest.mark.parametrize("batch_size", [2, 3, 100])
def test_variances_that_are_known(batch_size):
    model = vector_model()
    x = np.random.default_rng(0).normal(size=(7, 2)).astype("float32")
    found = analysis.feature_variances(model, x, batch_size=batch_size)
    assert list(found) == ["stem"]
    variance = x[:, 0].var()
    np.testing.assert_allclose(
        found["stem"],
        [[variance, 0, variance], [0, 4 * variance, variance]],
        rtol=1e-4,
        atol=1e-6,
    )


def test_the_fixed_image_matters_where_relu_cuts():
    model = vector_model()
    model.network.get_layer("dense0").bias.assign([0.0, 0.0, 0.0])
    x = np.random.default_rng(0).normal(size=(7, 2)).astype("float32")
    fixed = np.full(2, -100, "float32")
    found = analysis.feature_variances(model, x, fixed)
    np.testing.assert_array_equal(found["stem"][:, 2], 0)


def test_variances_are_means_over_positions_of_every_stage():
    model = create("mixmo", "wide_resnet_10_1")
    x = np.random.default_rng(0).random((5, 8, 8, 3)).astype("float32")
    found = analysis.feature_variances(model, x, batch_size=2)
    shapes = {name: v.shape for name, v in found.items()}
    widths = {"stem": 16, "stage_0": 16, "stage_1": 32, "stage_2": 64}
    assert shapes == {name: (2, width) for name, width in widths.items()}
    rows = np.stack([x, np.broadcast_to(x[0], x.shape)], 1)
    for name in widths:
        layer = model.network.get_layer(name)
        tapped = keras.Model(model.network.input, layer.output)
        maps = np.array(tapped(model.standardize(rows)), "float64")
        np.testing.assert_allclose(
            found[name][0], maps.var(0).mean((0, 1)), rtol=1e-4
        )


def test_all_members_with_one_image_is_an_error():
    with pytest.raises(InputError, match="images of their own"):
        analysis.feature_variances(
            create("naive_multihead"), np.zeros((2, 8, 8, 3), "float32")
        )


def test_a_panel_shows_members_and_what_they_share():
    norms = np.array([[1.0, 4.0, 2.0], [3.0, 1.0, 2.0]])
    figure = analysis.feature_use({"A": norms, "B": norms[:, :2]}, "L1 norm")
    first, second = figure.axes
    assert (first.get_title("left"), second.get_title("left")) == ("A", "B")
    assert first.get_ylabel() == "L1 norm"
    # Sorted by how much more member 0 uses a feature.
    order = [1, 2, 0]
    for line, values in zip(first.lines, norms, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), values[order])
    [shared] = first.collections
    heights = shared.get_paths()[0].vertices[:, 1]
    assert heights.max() == norms.min(0).max()
    [legend] = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["Member 0", "Member 1", "All members"]
