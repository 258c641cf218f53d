"""A user's own network of several named inputs as a backbone."""

import dataclasses

import keras

from mimo_keras.backbones.own import own
from mimo_keras.errors import expected
from mimo_keras.layers import SplitInputs


def of_named_inputs(backbone, shapes):
    """Returns the `Backbone` of a network of several inputs.

    It is built on rows that hold all inputs of an example, see `SplitInputs`,
    so that methods handle them as one.

    Args:
        backbone: Functional keras.Model, whose inputs have these names; or a
            function from a dictionary of KerasTensors to features.
        shapes: Dictionary from names to the shapes of one example.

    Raises:
        InputError: The backbone does not read a dictionary of such inputs.
    """
    if not callable(backbone):
        raise expected(
            "a network of your own for several inputs",
            f"backbone={backbone!r}",
            "Pass a keras.Model with inputs of these names, or a function of a "
            "dictionary, such as lambda x: combine(x['image'], x['age']).",
        )
    dtypes = _dtypes(backbone, shapes)

    def built(rows):
        named = SplitInputs(shapes, dtypes, name="split_inputs")(rows)
        try:
            return backbone(named)
        except KeyError as error:
            if error.args[:1] and error.args[0] in shapes:
                raise
            raise expected(
                f"a backbone that reads of the inputs {', '.join(shapes)}",
                f"one that asks for {error}",
                "Compare with input_shape.",
            ) from error

    return dataclasses.replace(own(built), named=True)


def _dtypes(backbone, shapes):
    """Returns the dtypes of inputs that are whole numbers."""
    if not isinstance(backbone, keras.Model) or not backbone.inputs:
        return {}
    found = {x.name: x for x in backbone.inputs}
    wanted = {name: tuple(x.shape[1:]) for name, x in found.items()}
    if wanted.keys() != shapes.keys() or not all(
        _fits(wanted[name], tuple(shape)) for name, shape in shapes.items()
    ):
        raise expected(
            f"input_shape of the backbone's inputs, {wanted}",
            f"input_shape={shapes}",
            "Name the inputs: keras.Input(shape, name='age').",
        )
    return {name: x.dtype for name, x in found.items() if "int" in x.dtype}


def _fits(shape, given):
    return len(shape) == len(given) and all(
        size in (None, other) for size, other in zip(shape, given, strict=True)
    )
