"""A bank of parameters from which layers compose their kernels."""

import keras
from keras import ops

from mimo_keras.layers import arguments
from mimo_keras.layers.registration import serializable


@serializable
class TemplateBank(keras.layers.Layer):
    """Owns the parameters that `TemplateConv2D` and `TemplateDense` share.

    The bank is a node of the functional graph that outputs its parameters as a
    tensor, so one bank serves any number of layers, and remains shared when the
    model is saved. Its input only connects it to the graph.

    Args:
        num_params: P, the number of parameters. A template for a kernel of s
            numbers is any s consecutive ones, wrapping around at the end.
        stddev: Standard deviation of the normal initializer. With coefficients
            of norm 1 it is also that of the composed kernels, so √(2 / fan-in)
            initializes them like he_normal.

    Call arguments:
        inputs: Any tensor of the model, such as its images.

    Output shape:
        (P,), float32 under every dtype policy: there is no batch axis.

    Example:

    ```python
    images = keras.Input((32, 32, 16))
    templates = mimo_keras.layers.TemplateBank(6 * 3 * 3 * 16 * 16)(images)
    x = mimo_keras.layers.FoldMembers(4)(images)
    conv = mimo_keras.layers.TemplateConv2D
    x = conv(16, 3, ensemble_size=4, templates=3)(x, templates)
    ```

    Reference:
        Teterwak et al., MixtureEnsembles, 2021, section 3.1: the parameter
        group.
    """

    def __init__(self, num_params, stddev=0.05, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.num_params = arguments.whole("num_params", num_params)
        self.stddev = arguments.number("stddev", stddev, 0)

    def build(self, input_shape):
        # Of rank 2, like kernels, so that their weight decay includes it.
        self.templates = self.add_weight(
            shape=(1, self.num_params),
            dtype="float32",
            initializer=keras.initializers.RandomNormal(stddev=self.stddev),
            autocast=False,
            name="templates",
        )

    def call(self, inputs):
        return ops.reshape(self.templates, (-1,))

    def compute_output_spec(self, inputs):
        return keras.KerasTensor((self.num_params,), "float32")

    def multiply_adds(self, input_shape, output_shape):
        """Returns 0: composing kernels is not a cost per example."""
        return 0

    def get_config(self):
        return {
            **super().get_config(),
            "num_params": self.num_params,
            "stddev": self.stddev,
        }
