"""What errors call a model's inputs: images, rows of a table, or series."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Words:
    """The words for inputs of a shape.

    Attributes:
        one: One input.
        many: Several.
        fit: What to do with those of another shape.
    """

    one: str
    many: str
    fit: str


_IMAGES = Words("image", "images", "Resize them")
_OF_RANK = {
    1: Words("row", "rows", "Pass the columns that the model has"),
    2: Words("series", "series", "Cut or pad them"),
}


def words(shape):
    """Returns the `Words` for inputs of a shape.

    Args:
        shape: That of one input, without the batch.
    """
    return _OF_RANK.get(len(shape), _IMAGES)
