"""Regression by distributions: how good and how honest they are."""

from typing import NamedTuple

import numpy as np

from mimo_keras.errors import expected
from mimo_keras.evaluation import normal_mixtures
from mimo_keras.evaluation.classification import by_member
from mimo_keras.evaluation.diversity import pair_mean
from mimo_keras.evaluation.regression import Regression
from mimo_keras.evaluation.streaming import Sums
from mimo_keras.prediction.prediction_checks import checked_array

COVERAGES = (0.5, 0.8, 0.9, 0.95)
"""Nominal coverages of the central intervals that are reported."""
_LEVELS = np.arange(1, 20) / 20


class Calibration(NamedTuple):
    """How often targets are below the predicted quantiles.

    Attributes:
        levels: Of the quantiles, (L,).
        observed: Share of targets at or below them, (L,): equal to the levels
            for a calibrated regression.
    """

    levels: np.ndarray
    observed: np.ndarray

    @property
    def error(self):
        """The mean |observed - level|."""
        return float(np.abs(self.observed - self.levels).mean())


class GaussianRegression:
    """Measures of a mixture of normal distributions, over a whole set.

    Args:
        log_weights: The log mixture weights, (E,).

    Example:

    ```python
    metrics = mimo_keras.evaluation.GaussianRegression([0.0])
    metrics.update(means=[[[0.0]]], stds=[[[1.0]]], targets=[[0.0]])
    round(metrics.result()["nll"], 3)                        # 0.919
    ```

    Reference:
        See `result`, which names a source for each measure.
    """

    def __init__(self, log_weights):
        self._means = Regression(log_weights)
        self._weights = np.exp(self._means.log_weights)
        self._sums, self._pit = Sums(), []

    def update(self, means, stds, targets):
        """Adds a batch of any size.

        Args:
            means: The members' predicted means, (b, E, d).
            stds: Their standard deviations, (b, E, d), above 0.
            targets: The targets, (b, d); or (b,) if d is 1.

        Raises:
            InputError: Shapes do not match, or values are not finite.
        """
        self._means.update(means, targets)
        means = np.asarray(means, np.float64)
        stds = checked_array("stds", stds, "(b, E, d)", means.shape)
        if not (stds > 0).all():
            raise expected(
                "standard deviations above 0",
                f"a smallest one of {stds.min():g}",
                "Pass the predictor's member_stds.",
            )
        targets = np.reshape(targets, means[:, 0].shape).astype(np.float64)
        own = normal_mixtures.log_densities(targets, *_last(means, stds))
        mixed = _last(means, stds)
        self._pit.append(normal_mixtures.cdf(targets, *mixed, self._weights))
        members = own.sum(axis=1)
        self._sums.add(
            len(targets),
            {
                "nll": -_log_mixture(members, self._weights).sum(),
                "member_nll": -members.sum(axis=0),
                "crps": self._crps(targets, *mixed).sum(),
                **self._spreads(*mixed),
                "kl": _divergences(*mixed),
            },
        )

    def _crps(self, targets, means, stds):
        found = normal_mixtures.crps(targets, means, stds, self._weights)
        return found.mean(axis=1)

    def _spreads(self, means, stds):
        """Returns sums of variances, deviations and widths of intervals."""
        mean = (means @ self._weights)[..., np.newaxis]
        aleatoric = stds**2 @ self._weights
        variance = aleatoric + (means - mean) ** 2 @ self._weights
        widths = []
        for coverage in COVERAGES:
            upper, lower = (
                normal_mixtures.quantile(q, means, stds, self._weights)
                for q in ((1 + coverage) / 2, (1 - coverage) / 2)
            )
            widths.append((upper - lower).mean(axis=1).sum())
        return {
            "aleatoric": aleatoric.mean(axis=1).sum(),
            "std": np.sqrt(variance).mean(axis=1).sum(),
            "widths": widths,
        }

    @property
    def pit(self):
        """The targets' probability integral transforms F(y), (n, d).

        Those of a calibrated regression are uniform.
        """
        return np.concatenate(self._pit)

    def pit_histogram(self, bins=10):
        """Returns the share of targets in each of equal parts of F(y).

        Args:
            bins: Number of parts.
        """
        count, _ = np.histogram(self.pit, bins, (0, 1))
        return count / count.sum()

    def calibration(self, levels=_LEVELS):
        """Returns the `Calibration` at these levels.

        Args:
            levels: Probabilities between 0 and 1.
        """
        levels = np.asarray(levels, np.float64)
        ordered = np.sort(self.pit, axis=None)
        below = np.searchsorted(ordered, levels, side="right")
        return Calibration(levels, below / len(ordered))

    def result(self):
        """Returns the measures of all examples so far, means over them.

        Returns:
            A flat dictionary of floats. "nll" of the joint density of the d
            numbers, in nats; "crps"; what `Regression.result` names;
            "nll_member_{e}"; "coverage_90" and "width_90", and so on, of the
            central intervals; "calibration_error" of the quantiles;
            "sharpness", the mean standard deviation; "aleatoric_variance",
            beside which "member_variance" is the epistemic one; and "kl"
            between pairs of members.

        Reference:
            Gneiting, Balabdaoui and Raftery, Probabilistic forecasts,
            calibration and sharpness, JRSS B 2007; Kuleshov, Fenner and
            Ermon, Accurate uncertainties for deep learning using calibrated
            regression, ICML 2018, section 3.5.
        """
        sums, intervals = self._sums, {}
        found = {"nll": sums.mean("nll"), "crps": sums.mean("crps")}
        distance = np.abs(2 * self.pit - 1)
        widths = sums.mean("widths")
        for coverage, width in zip(COVERAGES, widths, strict=True):
            name = f"{100 * coverage:.0f}"
            inside = (distance <= coverage).mean()
            intervals[f"coverage_{name}"] = float(inside)
            intervals[f"width_{name}"] = float(width)
        return {
            **{name: float(value) for name, value in found.items()},
            **self._means.result(),
            **by_member("nll", sums.mean("member_nll")),
            **intervals,
            "calibration_error": self.calibration().error,
            "sharpness": float(sums.mean("std")),
            "aleatoric_variance": float(sums.mean("aleatoric")),
            **pair_mean("kl", sums.mean("kl")),
        }


def _last(*values):
    """Moves the members' axis of (b, E, d) to the end."""
    return tuple(np.moveaxis(x, 1, -1) for x in values)


def _log_mixture(members, weights):
    from scipy.special import logsumexp

    return logsumexp(members, axis=-1, b=weights)


def _divergences(means, stds):
    """Returns the sums over a batch of KL(member i ‖ member j), (E, E)."""
    rows = []
    for e in range(means.shape[-1]):
        mean, std = means[..., e, np.newaxis], stds[..., e, np.newaxis]
        squares = (std**2 + (mean - means) ** 2) / stds**2
        kl = 0.5 * (squares - 1) + np.log(stds / std)
        rows.append(kl.sum(axis=(0, 1)))
    return np.stack(rows)
