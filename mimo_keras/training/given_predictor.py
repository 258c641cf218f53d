"""What functions of a trained ensemble are given: a model or its predictor."""

from mimo_keras.errors import expected
from mimo_keras.training.model import EnsembleModel
from mimo_keras.training.predictor import Predictor


def predictor_of(model, remedy):
    """Returns the predictor of an ensemble.

    Args:
        model: `EnsembleModel`, or a `Predictor`, which is returned.
        remedy: What to do instead with any other model, for the error.

    Raises:
        InputError: The model is neither.
    """
    if isinstance(model, EnsembleModel):
        return model.predictor()
    if not isinstance(model, Predictor):
        raise expected(
            "an EnsembleModel or its predictor",
            f"model of type {type(model).__name__}",
            remedy,
        )
    return model
