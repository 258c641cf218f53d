"""Scores of the toy study's distributions, by SciPy and by hand."""

import pathlib

import numpy as np
import scipy.special
import scipy.stats

from uncertainty_runs.studies import records, toy_regression, toy_scores

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_scores_are_those_of_each_sets_mixture():
    draw = np.random.default_rng(0)
    outputs, targets = draw.normal(size=(3, 20, 2, 2)), draw.normal(size=20)
    found = toy_scores.scores(outputs, targets)
    assert {*found} == {*toy_scores.COLUMNS.values()}
    means, stds = outputs[..., 0], 1e-3 + np.logaddexp(0, outputs[..., 1])
    logs = scipy.stats.norm.logpdf(targets[:, None], means, stds)
    mixed = scipy.special.logsumexp(logs, axis=-1) - np.log(2)
    np.testing.assert_allclose(found["nll"], -mixed.mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(
        found["member_nll"], -logs.mean(axis=(1, 2)), rtol=1e-6
    )
    below = scipy.stats.norm.cdf(targets[:, None], means, stds).mean(axis=-1)
    inside = (np.abs(below - 0.5) < 0.45).mean(axis=1)
    np.testing.assert_allclose(found["coverage_90"], inside)
    alone = toy_scores.scores(outputs[:, :, :1], targets)
    np.testing.assert_allclose(alone["member_nll"], alone["nll"])


def test_tables_by_hand():
    pairs = {name: (0.5, 0.25) for name in toy_scores.COLUMNS.values()}
    one = {"method": "mimo", "ensemble_size": 1, **pairs}
    changes = {f"{name}_change": pair for name, pair in pairs.items()}
    two = one | changes | {"ensemble_size": 2}
    main, changed = (
        [[c.strip() for c in line.split("|")[1:-1]] for line in text]
        for text in map(str.splitlines, toy_scores.tables({"runs": [one, two]}))
    )
    cells = ["0.50 ± 0.25"] * 2 + ["500.00 ± 250.00", "50.00 ± 25.00"]
    assert main[2:] == [["mimo", "1", *cells], ["mimo", "2", *cells]]
    assert changed[0][0] == "Change from mimo, M = 1"
    assert changed[2:] == [["mimo", "2", *[f"+{c}" for c in cells]]]
    assert toy_scores.tables({"runs": [{"method": "mimo"}]}) == []


def test_the_document_has_the_tables_of_the_record():
    record = records.read(ROOT / "results/toy_gaussian.json")
    assert record["likelihood"] == "gaussian"
    told = (ROOT / "docs/toy_regression.md").read_text("utf-8")
    tables = toy_regression.table(record).split("\n\n")
    assert len(tables) == 4
    for table in tables:
        assert table in told
    assert record["command"] in " ".join(told.replace("\\", " ").split())
