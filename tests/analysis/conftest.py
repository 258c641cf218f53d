"""A small run's output folder, with every file that a report reads."""

import json

import numpy as np
import pytest

from mimo_keras.evaluation import Results

_TYPES = ("brightness", "contrast", "gaussian_noise", "motion_blur")


@pytest.fixture(scope="module")
def results():
    """The results of a made-up run of three members."""
    found = {
        "test/accuracy": 0.98125,
        "test/nll": 0.0712,
        "test/ece": 0.0123,
        "test/brier": 0.0311,
        "test/disagreement": 0.0417,
        "test/kl": 0.2031,
        "corrupted/accuracy": 0.8125,
        "corrupted/nll": 0.6543,
        "corrupted/ece": 0.0789,
        "corrupted/brier": 0.2468,
        "ood/scenes/auroc": 0.9321,
        "ood/scenes/aupr": 0.9123,
        "ood/scenes/fpr95": 0.2345,
        "ood/scenes/auroc_entropy": 0.9432,
        "ood/scenes/auroc_mutual_information": 0.8765,
        "cost/params": 36492878,
        "cost/flops": 10486683136,
        "cost/multiply_adds": 5243341568,
        "cost/ms_per_example": 1.23456,
    }
    for member, (accuracy, nll) in enumerate(
        [(0.96, 0.12), (0.9625, 0.11), (0.97, 0.1)]
    ):
        found[f"test/accuracy_member_{member}"] = accuracy
        found[f"test/nll_member_{member}"] = nll
    for severity in range(1, 6):
        for order, kind in enumerate(_TYPES):
            drop = 0.01 * severity * (order + 1)
            key = f"corrupted/{kind}_{severity}"
            found[f"{key}/accuracy"] = 0.98 - drop
            found[f"{key}/nll"] = 0.07 + 3 * drop
            found[f"{key}/ece"] = 0.0123 + drop / 2
        key = f"corrupted/severity_{severity}"
        found[f"{key}/accuracy"] = 0.98 - 0.025 * severity
        found[f"{key}/nll"] = 0.07 + 0.075 * severity
        found[f"{key}/ece"] = 0.0123 + 0.0125 * severity
    return Results.from_flat(found)


@pytest.fixture(scope="module")
def metrics_rows():
    """Twenty epochs, in the form in which metrics.csv is read."""
    return [
        {
            "epoch": float(epoch),
            "loss": 2.0 / epoch + 0.4,
            "accuracy": 1 - 0.8 / epoch,
            "nll": 1.5 / epoch,
            "test_accuracy": 1 - 0.7 / epoch,
            "test_nll": 1.4 / epoch + 0.02,
            "learning_rate": 0.1 if epoch < 10 else 0.01,
            "seconds": 1.5,
        }
        for epoch in range(1, 21)
    ]


@pytest.fixture(scope="module")
def arrays():
    """The arrays that a run saves for its figures."""
    random = np.random.default_rng(0)
    confidence = (np.arange(15) + 0.5) / 15
    disagreement = np.array(
        [[0, 0.04, 0.05], [0.04, 0, 0.035], [0.05, 0.035, 0]]
    )
    return {
        "reliability_count": np.array(
            [0, 0, 1, 2, 3, 5, 4, 6, 8, 9, 7, 12, 15, 28, 300]
        ),
        "reliability_confidence": confidence,
        "reliability_accuracy": confidence**1.3,
        "corrupted_reliability_count": np.arange(15) ** 3 + 10,
        "corrupted_reliability_confidence": confidence,
        "corrupted_reliability_accuracy": confidence**2,
        "disagreement_matrix": disagreement,
        "kl_matrix": 4 * disagreement + np.triu(disagreement),
        "ood_scenes_in": random.beta(1, 20, 400),
        "ood_scenes_out": random.beta(3, 3, 300),
    }


@pytest.fixture(scope="module")
def write_run(results, metrics_rows, arrays):
    """A function that fills a folder like a finished run."""
    flags = {
        "method": "mimo",
        "dataset": "digits",
        "seed": 7,
        "ensemble_size": 3,
        "train_epochs": 20,
        "base_learning_rate": 0.1,
        "output_dir": "<script>alert('x')</script>",
    }

    def write(folder):
        (folder / "results.json").write_text(json.dumps(results.flat()))
        (folder / "flags.json").write_text(json.dumps(flags))
        columns = list(metrics_rows[0])
        lines = [",".join(columns)]
        for row in metrics_rows:
            lines.append(",".join(str(row[name]) for name in columns))
        (folder / "metrics.csv").write_text("\n".join(lines) + "\n")
        np.savez(folder / "arrays.npz", **arrays)
        return folder

    return write
