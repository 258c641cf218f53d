"""Several named inputs of a network, from one row of numbers."""

import math

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers.arguments import is_whole
from mimo_keras.layers.protocols import Twin
from mimo_keras.layers.registration import serializable


@serializable
class SplitInputs(keras.layers.Layer):
    """Splits rows of D numbers into named inputs, the inverse of joining them.

    A model of several inputs forms its training rows, of one input or of
    several members', from rows that hold all of an example. In them the inputs
    stand in the order of their names, each flattened.

    Args:
        shapes: Dictionary from the inputs' names to the shape of one example.
        dtypes: Dictionary from names to the dtypes of those that are not
            floats, such as "int32"; None for none.

    Call arguments:
        inputs: Rows, of one example or of several members'.

    Input shape:
        (N, D), or (N, M, D).

    Output shape:
        A dictionary of (N, ...), or (N, M, ...).

    Example:

    ```python
    rows = keras.Input((67,))
    split = mimo_keras.layers.SplitInputs({"image": (8, 8, 1), "age": (3,)})
    split(rows)["image"]                                     # (N, 8, 8, 1)
    ```
    """

    def __init__(self, shapes, dtypes=None, **kwargs):
        # Whole numbers above 256 are not exact in bfloat16.
        super().__init__(autocast=False, **kwargs)
        self.shapes = {
            name: _checked_shape(name, shapes[name]) for name in sorted(shapes)
        }
        self.dtypes = dict(dtypes or {})
        unknown = {*self.dtypes} - {*self.shapes}
        if unknown or not self.shapes:
            raise expected(
                "shapes of at least one input, and dtypes of these inputs",
                f"shapes={self.shapes}, dtypes={self.dtypes}",
                "Name them alike.",
            )
        self.built = True

    @property
    def width(self):
        """D, the numbers of a row."""
        return sum(map(math.prod, self.shapes.values()))

    def places(self):
        """Returns a dictionary from names to slices of a row."""
        found, start = {}, 0
        for name, shape in self.shapes.items():
            found[name] = slice(start, start + math.prod(shape))
            start = found[name].stop
        return found

    def call(self, inputs):
        self._check(inputs.shape)
        lead = (-1, *inputs.shape[1:-1])
        outputs = {}
        for name, place in self.places().items():
            values = ops.reshape(
                inputs[..., place], (*lead, *self.shapes[name])
            )
            if name in self.dtypes:
                values = ops.cast(values, self.dtypes[name])
            outputs[name] = values
        return outputs

    def compute_output_spec(self, inputs):
        self._check(inputs.shape)
        return {
            name: keras.KerasTensor(
                (*inputs.shape[:-1], *shape),
                self.dtypes.get(name, inputs.dtype),
            )
            for name, shape in self.shapes.items()
        }

    def for_one_image(self):
        """Returns a copy, which splits one example's rows likewise."""
        return Twin(type(self).from_config(self.get_config()))

    def get_config(self):
        shapes = {name: list(shape) for name, shape in self.shapes.items()}
        return {
            **super().get_config(),
            "shapes": shapes,
            "dtypes": dict(self.dtypes),
        }

    def _check(self, shape):
        if len(shape) not in (2, 3) or shape[-1] not in (None, self.width):
            raise expected(
                f"rows of shape (N, {self.width}) or (N, M, {self.width})",
                f"shape={tuple(shape)}",
                "Join the inputs in the order of their names.",
            )


def _checked_shape(name, shape):
    sizes = tuple(shape) if isinstance(shape, (list, tuple)) else ()
    is_name = isinstance(name, str) and name.isidentifier()
    if not sizes or not is_name or not all(map(_is_size, sizes)):
        raise expected(
            "inputs with names such as 'age' and shapes of one example such as "
            "(3,), all of whose sizes are known",
            f"{name!r}: {shape!r}",
            "Write (1,) for one number; pad series to one length.",
        )
    return tuple(map(int, sizes))


def _is_size(size):
    return is_whole(size) and size > 0
