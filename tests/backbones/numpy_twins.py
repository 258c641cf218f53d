"""The backbones' layers, in NumPy and float64."""

import numpy as np


def conv(x, kernel, strides=1, bias=0.0):
    """Convolution with padding "same"; x is (N, H, W, C)."""
    size = kernel.shape[0]
    pads = [(0, 0)]
    for length in x.shape[1:3]:
        total = max((-(-length // strides) - 1) * strides + size - length, 0)
        pads.append((total // 2, total - total // 2))
    padded = np.pad(np.asarray(x, "float64"), [*pads, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(
        padded, (size, size), axis=(1, 2)
    )[:, ::strides, ::strides]
    return np.einsum("nhwcij,ijcf->nhwf", windows, kernel) + bias


def norm(x, gamma, beta, mean, variance, epsilon=1e-5):
    """Batch normalisation at test time."""
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def relu(x):
    return np.maximum(x, 0)


def max_pool(x):
    """Maximum over blocks of 2x2; an incomplete last block is dropped."""
    rows, height, width, channels = x.shape
    x = x[:, : height // 2 * 2, : width // 2 * 2]
    shape = (rows, height // 2, 2, width // 2, 2, channels)
    return x.reshape(shape).max(axis=(2, 4))
