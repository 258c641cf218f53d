"""DataMUX's demultiplexer: from shared features to each member's own."""

import math

import keras
from keras import ops

from mimo_keras.layers import arguments
from mimo_keras.layers.members import MembersLayer
from mimo_keras.layers.registration import serializable


@serializable
class DemultiplexMembers(MembersLayer):
    """M perceptrons on the same features: y_m = ReLU(x V_m + a_m) W_m + b_m.

    Args:
        ensemble_size: M, the number of members.
        units: U, the number of features per member.
        hidden_units: Units of the hidden layer; None for U.

    Call arguments:
        inputs: Features of the multiplexed input.

    Input shape:
        (N, F).

    Output shape:
        (N, M, U).

    Example:

    ```python
    features = keras.Input((128,))
    features = mimo_keras.layers.DemultiplexMembers(2, units=64)(features)
    logits = keras.layers.Dense(10)(features)                # (N, 2, 10)
    ```

    Reference:
        Murahari et al., DataMUX: data multiplexing for neural networks,
        NeurIPS 2022, section 3.3.
    """

    def __init__(self, ensemble_size, units, hidden_units=None, **kwargs):
        super().__init__(ensemble_size, **kwargs)
        self.units = arguments.whole("units", units)
        self.hidden_units = arguments.whole(
            "hidden_units", units if hidden_units is None else hidden_units
        )
        self.input_spec = keras.layers.InputSpec(ndim=2)

    def build(self, input_shape):
        members, hidden = self.ensemble_size, self.hidden_units
        sizes = (input_shape[-1], hidden, self.units)
        self.kernels, self.biases = [], []
        for layer, (fan_in, width) in enumerate(
            zip(sizes, sizes[1:], strict=False)
        ):
            kernel = self.add_weight(
                shape=(members, fan_in, width),
                # he_normal would count the members as inputs.
                initializer=keras.initializers.RandomNormal(
                    stddev=(2.0 / fan_in) ** 0.5
                ),
                name=f"kernel{layer}",
            )
            bias = self.add_weight(
                shape=(members, width), initializer="zeros", name=f"bias{layer}"
            )
            self.kernels.append(kernel)
            self.biases.append(bias)

    def call(self, inputs):
        first, second = self.kernels
        hidden = ops.einsum("nf,mfh->nmh", inputs, first) + self.biases[0]
        hidden = ops.relu(hidden)
        return ops.einsum("nmh,mhu->nmu", hidden, second) + self.biases[1]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.ensemble_size, self.units)

    def multiply_adds(self, input_shape, output_shape):
        """Returns the multiply-adds of all members' matrix products."""
        both = (input_shape[-1] + self.units) * self.hidden_units
        return math.prod(output_shape[:-1]) * both

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "hidden_units": self.hidden_units,
        }
