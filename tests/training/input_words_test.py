"""What a model's inputs are called depends on their rank."""

import pytest

from mimo_keras.training.input_words import words


@pytest.mark.parametrize(
    ("shape", "one", "many"),
    [
        ((30,), "row", "rows"),
        ((None, 6), "series", "series"),
        ((8, 8, 1), "image", "images"),
        ((4, 8, 8, 1), "image", "images"),
    ],
)
def test_inputs_are_called_by_their_rank(shape, one, many):
    assert (words(shape).one, words(shape).many) == (one, many)
    assert words(shape).fit
