"""The rows behind every table."""

import pytest

from mimo_keras.analysis import summary
from mimo_keras.evaluation import Results, SuiteResults


def test_headline_is_in_the_order_of_uncertainty_baselines(results):
    assert summary.headline(results) == [
        ("NLL", "0.0712"),
        ("Accuracy", "0.9812"),
        ("ECE", "0.0123"),
        ("NLL, corrupted", "0.6543"),
        ("Accuracy, corrupted", "0.8125"),
        ("ECE, corrupted", "0.0789"),
    ]
    assert summary.headline(Results(test={"nll": 1.0})) == [("NLL", "1.0000")]


def test_shifted_images_have_a_column_where_there_are_any():
    shifted = SuiteResults(
        means={"nll": 2.0},
        deviations={"nll": 1.0},
        sets={("rotation", 1): {"nll": 3.0}},
    )
    results = Results(test={"nll": 0.5}, shifted=shifted)
    table = summary.quality(results)
    assert table.columns == ("", "Test", "Shifted")
    assert table.rows == (("NLL", "0.5000", "2.0000"),)
    area = summary.quality(Results(test={"aurc": 0.01}))
    assert area.rows == (("AURC", "0.0100"),)


def test_members_stand_under_their_ensemble(results):
    table = summary.members(results)
    assert table.columns == ("", "NLL", "Accuracy")
    assert table.rows == (
        ("Ensemble", "0.0712", "0.9812"),
        ("Member 0", "0.1200", "0.9600"),
        ("Member 1", "0.1100", "0.9625"),
        ("Member 2", "0.1000", "0.9700"),
    )


def test_sharing_rates_stand_below_diversity():
    results = Results(
        test={"kl": 0.5},
        corrupted=SuiteResults(means={"kl": 0.25}),
        sharing={"heads": 0.125, "heads_overlap": 0.25},
    )
    assert summary.diversity(results).rows == (
        ("KL divergence", "0.5000", "0.2500"),
        ("Sharing rate, heads", "0.1250", summary.MISSING),
        ("Feature overlap, heads", "0.2500", summary.MISSING),
    )
    assert summary.diversity(Results(sharing={"encoders": 1.0})).rows == (
        ("Sharing rate, encoders", "1.0000"),
    )


def test_a_single_member_makes_no_table():
    results = Results(test={"nll": 0.5}, members={0: {"nll": 0.5}})
    assert summary.members(results).rows == ()
    assert summary.member_spread(results).rows == ()


def test_corruptions_by_type_and_severity(results):
    table = summary.corruptions(results)
    assert table.columns == ("", *(f"Severity {s}" for s in range(1, 6)))
    assert table.rows[2] == (
        "gaussian noise",
        *("0.950", "0.920", "0.890", "0.860", "0.830"),
    )
    assert table.rows[-1] == (
        "Mean",
        *("0.955", "0.930", "0.905", "0.880", "0.855"),
    )
    assert summary.corruptions(Results(test={"accuracy": 0.9})).rows == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1_500, "1.500 k"),
        (109_660_000, "109.660 M"),
        (10_486_683_136, "10.487 G"),
        (2e12, "2.000 T"),
        (float("nan"), "–"),
    ],
)
def test_scaled(value, text):
    assert summary.scaled(value) == text


def test_unknown_costs_are_kept_under_their_keys():
    rows = summary.cost(Results(cost={"joules": 12.5, "params": 10})).rows
    assert rows == (("Parameters", "10"), ("joules", "12.5"))
