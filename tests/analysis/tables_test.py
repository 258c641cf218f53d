"""Tables worked by hand."""

import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimo_keras.analysis import markdown_table, mean_and_std, results_table
from mimo_keras.errors import InputError
from mimo_keras.evaluation import Results, SuiteResults

_TEXT = """\
Quality     Test  Corrupted
---------------------------
NLL       0.0712     0.6543
Accuracy  0.9812     0.8125
ECE       0.0123     0.0789
Brier     0.0311     0.2468

Diversity        Test
---------------------
Disagreement   0.0417
KL divergence  0.2031

Members (3)    Mean             Range
-------------------------------------
NLL          0.1100  0.1000 to 0.1200
Accuracy     0.9642  0.9600 to 0.9700

Out of distribution   AUROC    AUPR   FPR95  AUROC ent.  AUROC MI
-----------------------------------------------------------------
scenes               0.9321  0.9123  0.2345      0.9432    0.8765

Cost                            Value
-------------------------------------
Parameters                 36,492,878
FLOPs per example            10.487 G
Multiply-adds per example     5.243 G
Milliseconds per example        1.235"""


def test_results_table_by_hand(results):
    assert results_table(results) == _TEXT


def test_results_table_leaves_out_what_is_not_there():
    accuracy = {"accuracy": 0.5}
    results = Results(test=accuracy, members={0: accuracy})
    assert results_table(results) == (
        "Quality     Test\n----------------\nAccuracy  0.5000"
    )
    assert results_table(Results()) == ""


def test_images_that_could_not_be_read_are_counted_where_there_are_any():
    results = Results(skipped={"test": 0, "natural/imagenet_v2": 3})
    assert results_table(results) == (
        "Unreadable images     Skipped\n"
        "-----------------------------\n"
        "natural, imagenet v2        3"
    )


def test_numbers_that_are_missing_are_dashes_and_unknown_ones_stay():
    results = Results(
        test={"nll": None, "mse": 0.25},
        corrupted=SuiteResults(means={"nll": 2.0}),
    )
    lines = results_table(results).splitlines()
    assert lines[2:] == [
        "NLL           –     2.0000",
        "mse      0.2500          –",
    ]


def test_markdown_table_by_hand():
    rows = [("mimo, M = 3", "0.98"), ("a|b", 1)]
    assert markdown_table(rows, ("Method", "Acc")) == (
        "| Method      |  Acc |\n"
        "| :---------- | ---: |\n"
        "| mimo, M = 3 | 0.98 |\n"
        "| a\\|b        |    1 |"
    )


def test_markdown_row_of_another_length_is_an_error():
    with pytest.raises(InputError, match=r"2 cells.*row=\('a',\)"):
        markdown_table([("a",)], ("x", "y"))


def test_mean_and_std_by_hand():
    # Deviations -0.01, 0, 0.01: sqrt(0.0002 / 2) = 0.01.
    assert mean_and_std([0.97, 0.98, 0.99]) == "0.9800 ± 0.0100"
    assert mean_and_std([1, 2], digits=2) == "1.50 ± 0.71"
    assert mean_and_std([0.5]) == "0.5000"


def test_mean_and_std_of_nothing_is_an_error():
    with pytest.raises(InputError, match="at least one number"):
        mean_and_std([])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=8))
def test_mean_and_std_are_the_samples(values):
    mean, deviation = map(float, mean_and_std(values, 6).split(" ± "))
    assert mean == pytest.approx(statistics.mean(values), abs=1e-6)
    assert deviation == pytest.approx(statistics.stdev(values), abs=1e-6)
