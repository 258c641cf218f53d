"""The kernels by which members read their inputs."""

import keras
import numpy as np
import pytest

from mimo_keras import methods
from mimo_keras.errors import InputError
from tests.methods import small


@pytest.mark.parametrize(
    "backbone",
    [
        "small_cnn",
        "mlp",
        # JAX would compile each of its layers.
        pytest.param("resnet50", marks=pytest.mark.tensorflow),
    ],
)
def test_mimos_members_have_slices_of_one_kernel(backbone):
    """A member's slice is applied to its own input only."""
    model = small.create("mimo", backbone, 2, shape=(16, 16, 3))
    kernels = methods.encoder_kernels(model.network)
    first = next(x for x in model.network.layers if hasattr(x, "kernel"))
    x = np.random.default_rng(0).normal(size=(1, 2, 16, 16, 3))
    alone = x.copy()
    alone[:, 1] = 0
    tapped = keras.Model(model.network.input, first.output)
    response = keras.ops.convert_to_numpy(tapped(alone))
    kernel = np.array(first.kernel)
    positions = kernel[..., 0].size // 6
    assert kernels.shape == (2, positions, 3, kernel.shape[-1])
    np.testing.assert_allclose(
        np.abs(kernels).sum(), np.abs(kernel).sum(), rtol=1e-5
    )
    # The response does not depend on the other member's slice.
    split = kernel.reshape(-1, 2, 3, kernel.shape[-1])
    np.testing.assert_array_equal(
        kernels[0], split[:, 0].reshape(kernels[0].shape)
    )
    split = split.copy()
    split[:, 1] = 0
    first.kernel.assign(split.reshape(kernel.shape))
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(tapped(alone)), response, atol=1e-5
    )


def test_no_encoders_is_one_line():
    network = small.create("naive_multihead", "small_cnn", 2).network
    with pytest.raises(InputError, match="such as mimo or mixmo"):
        methods.encoder_kernels(network)
