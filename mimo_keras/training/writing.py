"""Keras's own `save` and `export`: what they write can be read."""

import os

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.layers import arguments
from mimo_keras.paths import as_path
from mimo_keras.training import packed_rows

FORMATS = ("tf_saved_model", "litert", "onnx")
"""What exports are written in; others are made from ONNX by their own tools."""


class Writing:
    """Mixin for keras.Model that writes only files that can be read again.

    List it before keras.Model. The model must have an `image_shape` and
    a `split`, see `CheckedCall`.
    """

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """Saves as in Keras, to a file that ends in .keras.

        Raises:
            InputError: The path ends otherwise.
        """
        path = str(as_path(filepath, "filepath"))
        if zipped is not False and not path.endswith(".keras"):
            raise _unreadable(f"filepath={path!r}")
        return super().save(filepath, overwrite, zipped, **kwargs)

    def export(
        self,
        filepath,
        format="tf_saved_model",
        verbose=None,
        input_signature=None,
        **kwargs,
    ):
        """Exports as in Keras, for float32 images and any batch size.

        `mimo_keras.export_saved_model` takes bytes too, and compares the file
        with the predictor.

        Raises:
            InputError: The format is not one of `FORMATS`.
        """
        arguments.choice("format", format, FORMATS)
        as_path(filepath, "filepath")
        filepath = os.fspath(filepath)
        if input_signature is None:
            input_signature = [
                packed_rows.signature(self.split, self.image_shape)
            ]
        return super().export(
            filepath,
            format=format,
            verbose=verbose,
            input_signature=input_signature,
            **kwargs,
        )


def check_format():
    """Raises InputError if Keras writes a file that could not be loaded.

    `keras.saving.save_model` does not call the model's `save`.
    """
    if keras_internals.writes_old_file():
        raise _unreadable("an .h5 file")


def _unreadable(received):
    return expected(
        "a path that ends in .keras",
        received,
        "Other formats of Keras cannot hold this model: rename it.",
    )
