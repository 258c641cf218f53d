"""The M output layers of a multi-output network."""

import math

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import arguments
from mimo_keras.layers.protocols import Twin
from mimo_keras.layers.registration import serializable


@serializable
class DenseMultihead(keras.layers.Layer):
    """M dense heads: y_m = x W_m + b_m, or y_m = x_m W_m + b_m.

    The heads' kernels are concatenated into one matrix, so that all heads take
    a single matrix product.

    Args:
        units: K, the outputs of each head.
        heads: M, the number of heads.
        use_bias: Whether each head has a bias.
        kernel_initializer: Initializer of the (F, M·K) kernel. The default,
            he_normal, depends only on F and so initializes each head like a
            separate dense layer.
        bias_initializer: Initializer of the (M·K,) bias.
        kernel_regularizer: Regularizer of the kernel; None for none.

    Call arguments:
        inputs: Features.

    Input shape:
        (N, F), which all heads read; or (N, M, F), features for each head.

    Output shape:
        (N, M, K).

    Example:

    ```python
    features = keras.Input((64,))
    logits = mimo_keras.layers.DenseMultihead(10, heads=3)(features)
    ```

    Reference:
        Havasi et al., Training independent subnetworks for robust
        prediction, ICLR 2021, section 2.
    """

    def __init__(
        self,
        units,
        heads,
        use_bias=True,
        kernel_initializer="he_normal",
        bias_initializer="zeros",
        kernel_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = arguments.whole("units", units)
        self.heads = arguments.whole("heads", heads)
        self.use_bias = arguments.flag("use_bias", use_bias)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.input_spec = keras.layers.InputSpec(min_ndim=2, max_ndim=3)

    def build(self, input_shape):
        width = self.heads * self.units
        self.kernel = self.add_weight(
            shape=(input_shape[-1], width),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(width,), initializer=self.bias_initializer, name="bias"
            )

    def call(self, inputs):
        self._check(inputs.shape)
        if len(inputs.shape) == 3:
            shape = (-1, self.heads, self.units)
            kernels = ops.reshape(self.kernel, shape)
            outputs = ops.einsum("nmf,fmk->nmk", inputs, kernels)
            if self.bias is not None:
                outputs = outputs + ops.reshape(self.bias, shape[1:])
            return outputs
        outputs = ops.matmul(inputs, self.kernel)
        if self.bias is not None:
            outputs = ops.add(outputs, self.bias)
        return ops.reshape(outputs, (-1, self.heads, self.units))

    def compute_output_shape(self, input_shape):
        self._check(input_shape)
        return (input_shape[0], self.heads, self.units)

    def member(self, index):
        """Returns the layer of one head, and its weights."""
        config = self.get_config() | {"heads": 1}
        columns = slice(index * self.units, (index + 1) * self.units)
        weights = [weight[..., columns] for weight in self.get_weights()]
        return Twin(type(self).from_config(config), weights)

    def multiply_adds(self, input_shape, output_shape):
        """Returns the multiply-adds of one example, for `evaluation.costs`."""
        return input_shape[-1] * math.prod(output_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "heads": self.heads,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
            "bias_initializer": keras.initializers.serialize(
                self.bias_initializer
            ),
            "kernel_regularizer": keras.regularizers.serialize(
                self.kernel_regularizer
            ),
        }

    def _check(self, shape):
        if len(shape) == 3 and shape[1] != self.heads:
            raise expected(
                f"features for {self.heads} heads, (N, {self.heads}, F)",
                f"shape={tuple(shape)}",
                "Pass features per head, or shared ones (N, F).",
            )
