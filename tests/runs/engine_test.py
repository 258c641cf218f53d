"""Points of studies: their flags as text, and what these mean."""

import pytest

from mimo_keras.errors import InputError
from uncertainty_runs.studies import engine


def test_options_without_a_value_are_switches():
    point = engine.parse("mimmo:2:recipe=mimmo:nolearn_depth:tune")
    values = point.settings()
    assert (values["learn_depth"], values["tune"]) == (False, True)
    with pytest.raises(InputError, match="Leave out seed"):
        engine.parse("mimo:2:seed=7")
    assert engine.parse("mimo:2:nonsense").settings() is None
    assert engine.parse("mimo:2:l2=x").settings() is None
