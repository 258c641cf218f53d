"""NaN in the rows whose images are not finite, on any device."""

import keras
import numpy as np
from keras import ops

_LARGEST = float(np.finfo("float32").max)


def of_finite_rows(outputs, images):
    """Makes the outputs NaN in every row that has NaN or infinity in its image.

    A network does not do so by itself: fused kernels compute ReLU(NaN) = 0, and
    max pooling skips NaN, so that its answer looks like any other.

    Args:
        outputs: Tensors with first axis B, in any structure. Booleans and
            integers stay as they are.
        images: (B, …), of any dtype.

    Returns:
        The same structure.
    """
    if "float" not in keras.backend.standardize_dtype(images.dtype):
        return outputs
    # False for NaN too. LiteRT and ONNX runtimes have no `isfinite`.
    finite = ops.abs(ops.cast(images, "float32")) <= _LARGEST
    finite = ops.all(finite, axis=tuple(range(1, len(images.shape))))

    def masked(values):
        if "float" not in keras.backend.standardize_dtype(values.dtype):
            return values
        rows = ops.reshape(finite, (-1, *[1] * (len(values.shape) - 1)))
        return ops.where(rows, values, ops.cast(float("nan"), values.dtype))

    return keras.tree.map_structure(masked, outputs)
