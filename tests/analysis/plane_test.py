"""The plane through three members, on known heads and stems."""

import keras
import matplotlib.text
import numpy as np
import pytest

import mimo_keras
from mimo_keras import analysis
from mimo_keras.errors import InputError


def create(method, backbone="mlp_2", shape=(2,), members=3, classes=3):
    return mimo_keras.create_model(
        method,
        backbone=backbone,
        input_shape=shape,
        num_classes=classes,
        ensemble_size=members,
        seed=0,
    )


def multihead(kernels):
    """Heads with these kernels, which read the two numbers as they are."""
    model = create("naive_multihead")
    dense, heads = map(model.network.get_layer, ("dense0", "heads"))
    dense.kernel.assign(np.eye(2))
    heads.kernel.assign(np.concatenate(kernels, axis=1))
    return model


def of_class(number):
    """A head (F, K) that always predicts this class, where x0 > 0."""
    kernel = np.zeros((2, 3))
    kernel[0, number] = 1
    return kernel


X = np.array([[1, 0], [2, 0], [3, 0], [4, 0]], "float32")
Y = np.array([0, 0, 0, 1])


def nearest(values, value):
    return np.abs(values - value).argmin()


def test_three_known_heads():
    """The plane parts into three: the nearest head's class is the largest."""
    model = multihead([of_class(number) for number in range(3)])
    found = analysis.plane_landscape(model, X, Y, points=9)
    np.testing.assert_allclose(found["member_accuracy"], [3 / 4, 1 / 4, 0])
    # Three unit vectors: 1 / √3 from the middle, √2 from each other.
    members = found["members"]
    middle = members.mean(axis=0)
    np.testing.assert_allclose(middle, 0, atol=1e-6)
    np.testing.assert_allclose(
        np.linalg.norm(members, axis=1), np.sqrt(2 / 3), rtol=1e-6
    )
    wanted = [3 / 4, 1 / 4, 0]
    for row, y in enumerate(found["y"]):
        for column, x in enumerate(found["x"]):
            far = np.linalg.norm(members - (x, y), axis=1)
            if np.diff(np.sort(far))[0] < 1e-6:
                continue  # On a border both classes are equally likely.
            own = far.argmin()
            assert found["accuracy"][row, column] == wanted[own]
            np.testing.assert_array_equal(
                found["disagreement"][:, row, column], np.arange(3) != own
            )


def test_equal_members_disagree_nowhere():
    model = multihead([of_class(0), of_class(0), of_class(0)])
    found = analysis.plane_landscape(model, X, Y, points=3)
    assert not found["disagreement"][:, 1, 1].any()
    assert np.ptp(found["members"], axis=0).max() < 1e-6
    two = multihead([of_class(0), of_class(0), of_class(2)])
    found = analysis.plane_landscape(two, X, Y, points=5)
    np.testing.assert_array_equal(*found["disagreement"][:2])
    assert found["disagreement"][2].any()


@pytest.mark.parametrize("method", ["mimo", "naive_multihead"])
def test_a_members_place_is_that_member(method):
    """Of mimo, that member of a batch in which the others see the next."""
    model = create(method, "small_cnn", (8, 8, 1))
    draw = np.random.default_rng(0)
    for weight in model.network.weights:
        weight.assign(draw.normal(size=weight.shape) / 3)
    before = model.get_weights()
    images = draw.normal(size=(20, 8, 8, 1)).astype("float32")
    labels = draw.integers(3, size=20)
    found = analysis.plane_landscape(model, images, labels, 3, batch_size=7)
    for member in range(3):
        x = images
        if method == "mimo":
            x = np.stack([np.roll(images, 1, axis=0)] * 3, axis=1)
            x[:, member] = images
        logits = keras.ops.convert_to_numpy(model.network(x))[:, member]
        accuracy = np.mean(logits.argmax(axis=-1) == labels)
        assert found["member_accuracy"][member] == pytest.approx(accuracy)
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_the_stem_moves_with_the_head():
    """mimo: a point between two members has the mean of both their parts."""
    model = create("mimo", members=4)
    stem, heads = map(model.network.get_layer, ("dense0", "heads"))
    draw = np.random.default_rng(1)
    kernel = draw.normal(size=(4, 2, 2))
    columns = draw.normal(size=(4, 2, 3))
    stem.kernel.assign(kernel.reshape(8, 2))
    stem.bias.assign([5.0, 5.0])
    heads.kernel.assign(np.concatenate(columns, axis=1))
    parts = analysis.plane._Parts(model, X, 256)
    weights = parts.members()
    assert weights.shape == (3, 2 * 2 + 2 * 3 + 3)
    own = kernel[:2].mean(axis=0)
    others = kernel.sum(axis=0) - own
    features = np.maximum(X @ own + np.roll(X, 1, axis=0) @ others + 5, 0)
    np.testing.assert_allclose(
        parts.logits(weights[:2].mean(axis=0)),
        features @ columns[:2].mean(axis=0),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize(
    ("method", "members"), [("mimo", 2), ("treenet", 3), ("mixmo", 3)]
)
def test_members_that_span_no_plane(method, members):
    model = create(method, "small_cnn", (8, 8, 1), members)
    with pytest.raises(InputError, match="at least 3 members"):
        analysis.plane_landscape(
            model, np.zeros((2, 8, 8, 1), "float32"), np.zeros(2)
        )


def test_labels_of_maps_are_within_the_figure():
    """Decimals may appear when the layout is done: 2.5 in place of 2."""
    found = {
        "x": np.linspace(-9, 9, 13),
        "y": np.linspace(-9, 6.5, 13),
        "members": np.zeros((3, 2)),
        "accuracy": np.zeros((13, 13)),
        "disagreement": np.zeros((3, 13, 13)),
        "member_accuracy": np.zeros(3),
        "ensemble_accuracy": 0.0,
    }
    figure = analysis.plane_maps(found, "MIMO")
    figure.canvas.draw()
    assert figure.axes[0].yaxis.label.get_window_extent().x0 > 0


def test_maps_show_the_numbers_and_the_members():
    draw = np.random.default_rng(0)
    found = {
        "x": np.arange(4.0),
        "y": np.arange(4.0) - 2,
        "members": np.array([[0, 0], [1, 1], [3, -1]]),
        "accuracy": np.linspace(0.25, 0.875, 16).reshape(4, 4),
        "disagreement": draw.random((3, 4, 4)),
        "member_accuracy": np.array([0.5, 0.25, 1]),
        "ensemble_accuracy": 0.9876,
    }
    figure = analysis.plane_maps(found, "MIMO")
    maps = figure.axes[:4]
    titles = [axes.get_title("left") for axes in maps]
    assert titles[0] == "Accuracy (0.250 to 0.875)"
    assert titles[3] == "Disagreement with member 2"
    assert figure.get_suptitle() == (
        "MIMO: members 0.500, 0.250, 1.000; ensemble 0.988"
    )
    values = [found["accuracy"], *found["disagreement"]]
    for axes, wanted in zip(maps, values, strict=True):
        np.testing.assert_array_equal(axes.collections[0].get_array(), wanted)
        origin, *members = axes.lines
        assert origin.get_label() == "Origin (projected)"
        places = [line.get_xydata()[0] for line in members]
        np.testing.assert_array_equal(places, found["members"])


@pytest.mark.parametrize("width, height", [(3, 12), (12, 3)])
def test_no_text_of_a_narrow_map_is_cut_off(width, height):
    found = {
        "x": np.linspace(0, width, 5),
        "y": np.linspace(0, height, 5),
        "members": np.eye(3, 2),
        "accuracy": np.eye(5),
        "disagreement": np.full((3, 5, 5), 0.5),
        "member_accuracy": np.ones(3),
        "ensemble_accuracy": 1.0,
    }
    figure = analysis.plane_maps(found, "MIMO")
    texts = figure.findobj(matplotlib.text.Text)
    # The last tick of an axis may lie beyond it, and is not drawn.
    texts = [text for text in texts if len(text.get_text()) > 4]
    boxes = [text.get_window_extent() for text in texts]
    assert len(boxes) == 17
    for text, box in zip(texts, boxes, strict=True):
        inside = [figure.bbox.contains(*corner) for corner in box.get_points()]
        assert all(inside), text.get_text()
