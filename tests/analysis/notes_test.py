"""A report says what is on it, and nothing else."""

import pytest

from mimo_keras.analysis import notes
from mimo_keras.analysis.summary import Table

PAIRS = (("", "All."), ("ECE", "E."), ("own", "O."))


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["", "NLL"], "All."),
        (["ECE by class"], "All. E."),
        (["my set, own", "the NLL and ECE"], "All. O."),
        ([], ""),
    ],
)
def test_sentences_are_those_about_the_names(names, text):
    assert notes.said(PAIRS, names) == text


def test_rows_and_columns_have_notes():
    table = Table(("", "Test", "17 types"), (("AURC", "0", "1"),))
    text = notes.note("Quality", table)
    assert "AURC: area" in text and "17 types:" in text
    assert "NLL" not in text and "Brier" not in text
    members = Table(("", "NLL"), (("Ensemble", "1"),))
    assert "the members' logits" in notes.note("Members", members, "logits")
