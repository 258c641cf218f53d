"""Backbones by name, and a user's own callable as one."""

import keras
import numpy as np
import pytest

from mimo_keras import backbones
from mimo_keras.errors import InputError, closest

FORMS = [
    "wide_resnet_{depth}_{width}",
    "wide_resnet_{depth}_{width}_late_stride",
    "bottleneck_resnet[_{depth}_{width}]",
    "resnet50[_{width}]",
    "wide_resnet50",
    "vit_tiny_{patch}",
    "vit_small_{patch}",
    "vit_base_{patch}",
    "small_cnn[_{width}]",
    "temporal_cnn[_{filters}]",
    "mlp[_{units}_{units}…]",
]


def test_list_backbones_gives_the_forms_of_the_names():
    assert backbones.list_backbones() == FORMS


@pytest.mark.parametrize(
    ("name", "shape", "stages", "features"),
    [
        ("wide_resnet_10_2", (8, 8, 3), 3, 128),
        ("wide_resnet_16_1", (8, 8, 3), 3, 64),
        ("wide_resnet_10_2_late_stride", (8, 8, 3), 3, 128),
        ("small_cnn", (8, 8, 3), 2, 32),
        ("small_cnn_12", (8, 8, 3), 2, 32 * 12),
        ("temporal_cnn", (9, 2), 2, 128),
        ("temporal_cnn_6", (9, 2), 2, 6),
        ("mlp", (3,), 1, 128),
        ("mlp_7", (3,), 0, 7),
        ("mlp_16_8_11", (3,), 2, 11),
    ],
)
def test_numbers_of_a_name_are_read(build, name, shape, stages, features):
    assert len(backbones.get(name).stages) == stages
    assert build(name, shape).output["features"].shape == (None, features)


@pytest.mark.parametrize(
    "name",
    [
        "resnet",
        "resnet50_",
        "wide_resnet50_2",
        "wide_resnet",
        "wide_resnet_28",
        "wide_resnet_28_10_1",
        "wide_resnet_28_-1",
        "small_cnn_",
        "small_cnn_1_2",
        "my_mlp",
        "mlp_",
        "mlp_a",
        "",
        None,
        3,
    ],
)
def test_an_unknown_name_lists_what_there_is(name):
    with pytest.raises(InputError) as caught:
        backbones.get(name)
    assert str(caught.value) == (
        f"Expected a backbone among {', '.join(FORMS)} or a callable. "
        f"Received: backbone={name!r}. {closest(name, FORMS)}"
    )


def test_a_backbone_is_taken_as_it_is():
    backbone = backbones.get("mlp")
    assert backbones.get(backbone) is backbone


def test_a_callables_features_are_taken_as_they_are(build):
    network = build(keras.layers.Dense(4), (3,))
    assert list(network.output) == ["features", "stem"]
    assert network.output["features"] is network.output["stem"]


@pytest.mark.parametrize("shape", [(5, 2), (5, 4, 2), (5, 4, 3, 2)])
def test_a_callables_feature_map_is_averaged_over_space(build, images, shape):
    network = build(keras.layers.Dense(4), shape)
    outputs = network(images(3, *shape))
    space = tuple(range(1, len(shape)))
    np.testing.assert_allclose(
        outputs["features"],
        np.mean(keras.ops.convert_to_numpy(outputs["stem"]), axis=space),
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    "returned",
    [
        lambda x: keras.Model(x, keras.layers.Dense(4)(x)),
        lambda x: keras.ops.sum(x, axis=1),
        lambda x: [x, x],
        lambda x: None,
    ],
    ids=["network", "vector", "list", "none"],
)
def test_a_callable_that_returns_no_features_is_an_error(build, returned):
    message = (
        r"Expected features \(N, F\) or a feature map from the backbone\. "
        r"Received: backbone\(x\)="
    )
    with pytest.raises(InputError, match=message) as caught:
        build(returned, (3,))
    assert "\n" not in str(caught.value)


IMAGE_NAMES = ["wide_resnet_10_1", "wide_resnet_10_1_late_stride"]
IMAGE_NAMES += ["bottleneck_resnet", "resnet50", "wide_resnet50", "vit_tiny_4"]
IMAGE_NAMES += ["small_cnn"]
GREY = "Write (H, W, 1) for one channel, or use the backbone mlp."
BATCH = "Leave out the batch, or use the backbone mlp."


@pytest.mark.parametrize(
    ("names", "shape", "axes", "remedy"),
    [
        (IMAGE_NAMES, (8, 8), "(H, W, C)", GREY),
        (IMAGE_NAMES, (None, 8), "(H, W, C)", GREY),
        (IMAGE_NAMES, (32, 8, 8, 3), "(H, W, C)", BATCH),
        (["temporal_cnn"], (9,), "(T, C)", "Write (T, 1) for one channel"),
        (["temporal_cnn"], (32, 9, 2), "(T, C)", BATCH),
    ],
)
def test_shapes_of_another_rank_are_refused_in_one_line(
    names, shape, axes, remedy
):
    for name in names:
        with pytest.raises(InputError) as caught:
            backbones.get(name).check_shape(shape)
        assert str(caught.value).startswith(
            f"Expected input_shape={axes} for this backbone. Received: "
            f"input_shape={shape}. {remedy}"
        )


@pytest.mark.parametrize(
    ("names", "shape"),
    [
        (["vit_tiny_4", "small_cnn", "mlp"], (None, None, 3)),
        (["vit_tiny_4", "small_cnn", "mlp"], (8, None, 3)),
        (["mlp"], (None, 2)),
    ],
)
def test_only_some_backbones_take_any_size(names, shape):
    for name in names:
        with pytest.raises(InputError, match="of known sizes for this backb"):
            backbones.get(name).check_shape(shape)
    for name in {*IMAGE_NAMES} - {*names} if len(shape) == 3 else ():
        backbones.get(name).check_shape(shape)


@pytest.mark.parametrize("digits", [10, 5000])
def test_a_number_of_many_digits_is_no_name(digits):
    with pytest.raises(InputError, match="Expected a backbone among"):
        backbones.get("mlp_" + digits * "9")
