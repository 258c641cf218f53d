"""The corrupted suites of the three data sets, as read by a run."""

import numpy as np
import pytest

from mimo_keras.data import (
    corruptions,
    digit_corruptions,
    digits,
    known_sets,
    sources,
)
from mimo_keras.errors import InputError


def _types(name):
    return known_sets.get(name).corruptions.types


def test_cifar10_reads_the_prepared_sets_in_order(tmp_path, store_tfds):
    stored = {
        (kind, severity): store_tfds(
            tmp_path, f"cifar10_corrupted/{kind}_{severity}", 10, seed=seed
        )
        for seed, (kind, severity) in enumerate(
            [("fog", 1), ("fog", 4), ("elastic", 1), ("elastic", 4)]
        )
    }
    found = list(
        sources.corrupted(
            "cifar10",
            data_dir=tmp_path,
            types=["elastic", "fog"],
            severities=(4, 1),
        )
    )
    # The order is the table's, whatever the order of the request.
    assert [(c.type, c.severity) for c in found] == list(stored)
    for corrupted, (images, labels) in zip(found, stored.values(), strict=True):
        np.testing.assert_array_equal(corrupted.examples.images, images)
        np.testing.assert_array_equal(corrupted.examples.labels, labels)
        assert corrupted.examples.num_classes == 10


def test_every_type_and_severity_of_cifar10_is_a_configuration_of_tfds():
    import tensorflow_datasets as tfds

    names = {
        f"{kind}_{severity}"
        for kind in _types("cifar10")
        for severity in corruptions.SEVERITIES
    }
    existing = set(tfds.builder_cls("cifar10_corrupted").builder_configs)
    extra = {
        f"{kind}_{severity}"
        for kind in ("gaussian_blur", "saturate", "spatter", "speckle_noise")
        for severity in corruptions.SEVERITIES
    }
    assert names == existing - extra
    assert len(names) == 75


def test_cifar100_reads_the_authors_files(tmp_path):
    draw = np.random.default_rng(1)
    images = draw.integers(0, 256, (5, 2, 32, 32, 3), dtype=np.uint8)
    folder = tmp_path / "CIFAR-100-C"
    folder.mkdir()
    np.save(folder / "snow.npy", images.reshape(10, 32, 32, 3))
    np.save(folder / "labels.npy", np.tile([3, 98], 5))
    found = list(
        sources.corrupted("cifar100", data_dir=tmp_path, types=["snow"])
    )
    assert [c.severity for c in found] == [1, 2, 3, 4, 5]
    for corrupted, expected in zip(found, images, strict=True):
        np.testing.assert_array_equal(corrupted.examples.images, expected)
        np.testing.assert_array_equal(corrupted.examples.labels, [3, 98])


def test_cifar100_has_the_19_types_of_the_authors():
    of_tfds = set(_types("cifar10"))
    of_tfds -= {"frosted_glass_blur", "elastic"}
    assert set(_types("cifar100")) == of_tfds | {
        "glass_blur",
        "elastic_transform",
        "gaussian_blur",
        "saturate",
        "spatter",
        "speckle_noise",
    }


def test_digits_are_corrupted_test_digits_with_their_labels():
    clean = digits.load("test")
    found = list(
        sources.corrupted(
            "digits", types=["contrast", "shot_noise"], severities=[2, 5]
        )
    )
    assert [(c.type, c.severity) for c in found] == [
        ("shot_noise", 2),
        ("shot_noise", 5),
        ("contrast", 2),
        ("contrast", 5),
    ]
    for corrupted in found:
        np.testing.assert_array_equal(
            corrupted.examples.images,
            digit_corruptions.corrupt(
                clean.images, corrupted.type, corrupted.severity
            ),
        )
        np.testing.assert_array_equal(corrupted.examples.labels, clean.labels)


def test_sets_are_made_when_their_turn_comes():
    made = []

    def open_suite(**where):
        made.append(where)
        return lambda *which: made.append(which) or [which]

    suite = corruptions.Corruptions(("fog", "snow"), open_suite)
    found = suite.sets(types="snow", data_dir="here")
    assert made == []
    first = next(found)
    assert made == [{"data_dir": "here"}]
    assert first.examples is first.examples
    assert made[1:] == [("snow", 1)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"types": ["fog"]}, "types out of gaussian_noise, .* types=fog"),
        ({"types": "fog"}, "types=fog"),
        ({"types": ["contrast", "fog"]}, "types=contrast, fog"),
        ({"types": []}, "types=none"),
        ({"severities": (0, 1)}, "out of 1, 2, 3, 4, 5.* severities=0, 1"),
        ({"severities": 6}, "severities=6"),
        ({"severities": ()}, "severities=none"),
    ],
)
def test_what_does_not_exist_is_refused_at_once(options, message):
    with pytest.raises(InputError, match=message) as caught:
        sources.corrupted("digits", **options)
    assert "\n" not in str(caught.value)


def test_an_unknown_data_set_error_lists_those_with_a_suite():
    with pytest.raises(InputError, match="cifar10, cifar100, digits.*=mnist"):
        sources.corrupted("mnist")


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_absent_data_is_reported_with_the_folder_and_the_flag(tmp_path, name):
    with pytest.raises(InputError, match="data_dir") as caught:
        _ = next(sources.corrupted(name, data_dir=tmp_path)).examples
    message = str(caught.value)
    assert str(tmp_path) in message and "\n" not in message
    assert ("download=True" in message) == (name == "cifar10")
