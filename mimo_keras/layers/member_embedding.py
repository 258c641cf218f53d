"""MIMO on token ids: an embedding for each member, whose sum is read."""

import keras
from keras import ops

from mimo_keras.layers import arguments
from mimo_keras.layers.members import MembersLayer
from mimo_keras.layers.protocols import Twin
from mimo_keras.layers.registration import serializable


@serializable
class MemberEmbedding(MembersLayer):
    """Embeds each member's token ids and sums the members: y = Σ_m E_m[x_m].

    A convolution of concatenated inputs is such a sum, too. Where all members
    see the same ids, y = (Σ_m E_m)[x]: one table, one look-up.

    Args:
        ensemble_size: M, the number of members.
        input_dim: V, the number of different ids.
        output_dim: D, the size of an embedding.
        embeddings_initializer: Initializer of each member's table (V, D).
        embeddings_regularizer: As for `keras.layers.Embedding`, of each table.
        embeddings_constraint: Likewise.

    Call arguments:
        inputs: The ids that each member sees, integers or whole floats.

    Input shape:
        (N, M, ...).

    Output shape:
        (N, ..., D).

    Example:

    ```python
    ids = keras.Input((3, 20), dtype="int32")                # M = 3
    x = mimo_keras.layers.MemberEmbedding(3, 1000, 16)(ids)  # (N, 20, 16)
    ```

    Reference:
        As `ConcatenateMembers`, for a first layer that looks up: Havasi et al.,
        Training independent subnetworks for robust prediction, ICLR 2021,
        section 2.
    """

    def __init__(
        self,
        ensemble_size,
        input_dim,
        output_dim,
        *,
        embeddings_initializer="uniform",
        embeddings_regularizer=None,
        embeddings_constraint=None,
        **kwargs,
    ):
        # Under mixed precision ids would lose digits.
        super().__init__(ensemble_size, autocast=False, **kwargs)
        self.input_dim = arguments.whole("input_dim", input_dim)
        self.output_dim = arguments.whole("output_dim", output_dim)
        self.embeddings_initializer = keras.initializers.get(
            embeddings_initializer
        )
        self.embeddings_regularizer = keras.regularizers.get(
            embeddings_regularizer
        )
        self.embeddings_constraint = keras.constraints.get(
            embeddings_constraint
        )

    @classmethod
    def of(cls, embedding, ensemble_size):
        """Returns the layer that gives each member such an embedding.

        Args:
            embedding: keras.layers.Embedding without a mask; its table is not
                used.
            ensemble_size: M.
        """
        return cls(
            ensemble_size,
            embedding.input_dim,
            embedding.output_dim,
            embeddings_initializer=embedding.embeddings_initializer,
            embeddings_regularizer=embedding.embeddings_regularizer,
            embeddings_constraint=embedding.embeddings_constraint,
            trainable=embedding.trainable,
            dtype=embedding.dtype_policy,
            name=embedding.name,
        )

    def build(self, input_shape):
        self.embeddings = [
            self.add_weight(
                name=f"embeddings_{member}",
                shape=(self.input_dim, self.output_dim),
                initializer=_of_member(self.embeddings_initializer, member),
                regularizer=self.embeddings_regularizer,
                constraint=self.embeddings_constraint,
            )
            for member in range(self.ensemble_size)
        ]

    def call(self, inputs):
        dtype = keras.backend.standardize_dtype(inputs.dtype)
        if dtype not in ("int32", "int64"):
            inputs = ops.cast(inputs, "int32")
        return sum(
            ops.cast(ops.take(table, inputs[:, m], axis=0), self.compute_dtype)
            for m, table in enumerate(self.embeddings)
        )

    def compute_output_shape(self, input_shape):
        batch, _, *rest = input_shape
        return (batch, *rest, self.output_dim)

    def for_one_image(self):
        """Returns one embedding, whose table is the sum of the members'."""
        tables = [ops.convert_to_numpy(table) for table in self.embeddings]
        one = keras.layers.Embedding(
            self.input_dim,
            self.output_dim,
            trainable=self.trainable,
            dtype=self.dtype_policy,
            name=self.name,
        )
        return Twin(one, [sum(tables)])

    def multiply_adds(self, input_shape, output_shape):
        """Returns the multiply-adds of one call: look-ups have none."""
        return 0

    def get_config(self):
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": keras.initializers.serialize(
                self.embeddings_initializer
            ),
            "embeddings_regularizer": keras.regularizers.serialize(
                self.embeddings_regularizer
            ),
            "embeddings_constraint": keras.constraints.serialize(
                self.embeddings_constraint
            ),
        }


def _of_member(initializer, member):
    """Returns an initializer that draws other numbers for each member."""
    if not isinstance(initializer, keras.initializers.Initializer):
        return initializer
    config = initializer.get_config()
    if isinstance(config.get("seed"), int):
        config["seed"] += member
    return type(initializer).from_config(config)
