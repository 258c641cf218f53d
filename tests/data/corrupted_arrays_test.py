"""The layout of CIFAR-C with grey images; cifar100_c_test.py damages it."""

import numpy as np
import pytest

from mimo_keras.data.corrupted_arrays import CorruptedArrays
from mimo_keras.errors import AbsentError, InputError

SUITE = CorruptedArrays("a_c", (4, 4, 1), 10, "Make it.")


def test_a_block_of_grey_images(tmp_path):
    images = np.arange(10 * 16, dtype=np.uint8).reshape(10, 4, 4, 1)
    (tmp_path / "a_c").mkdir()
    np.save(tmp_path / "a_c" / "fog.npy", images)
    np.save(tmp_path / "a_c" / "labels.npy", np.arange(10, dtype=np.uint8))
    found = SUITE.opened(data_dir=tmp_path)("fog", 3)
    np.testing.assert_array_equal(found.images, images[4:6])
    assert (found.labels.tolist(), found.name) == ([4, 5], "a_c/fog_3")
    np.save(tmp_path / "a_c" / "fog.npy", images.repeat(3, axis=-1))
    with pytest.raises(InputError, match=r"\(10, 4, 4, 1\) uint8.*Make it."):
        SUITE.load("fog", 1, data_dir=tmp_path)
    with pytest.raises(AbsentError, match="the folder a_c. Received: no file"):
        SUITE.load("snow", 1, data_dir=tmp_path)
