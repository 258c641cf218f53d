"""A model or its predictor is taken; anything else is refused in one line."""

import keras
import pytest

from mimo_keras.errors import InputError
from mimo_keras.training import Predictor
from mimo_keras.training.given_predictor import predictor_of
from tests.methods import small


def test_predictors_of_models_and_of_predictors():
    model = small.create("mimo", "mlp_8_8", 2, shape=(6,))
    predictor = predictor_of(model, "")
    assert isinstance(predictor, Predictor)
    assert predictor_of(predictor, "") is predictor


@pytest.mark.parametrize("other", [keras.Sequential, object])
def test_other_models_are_refused(other):
    with pytest.raises(InputError) as caught:
        predictor_of(other(), "Use model.export.")
    assert str(caught.value) == (
        "Expected an EnsembleModel or its predictor. Received: model of type "
        f"{other.__name__}. Use model.export."
    )
