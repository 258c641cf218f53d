"""Evaluation: named metrics from member logits, log weights and labels.

Nothing here depends on a method. Everything but the costs is pure NumPy.
"""

from mimo_keras.evaluation.calibration import Reliability
from mimo_keras.evaluation.classification import METRICS, Classification
from mimo_keras.evaluation.corruption_error import corruption_errors
from mimo_keras.evaluation.costs import (
    Stopwatch,
    flops,
    milliseconds_per_example,
    multiply_adds,
    trainable_parameters,
)
from mimo_keras.evaluation.diversity import Diversity
from mimo_keras.evaluation.gaussian_regression import GaussianRegression
from mimo_keras.evaluation.ood import detection, scores
from mimo_keras.evaluation.paper_flops import mimmo_flops, mimo_flops
from mimo_keras.evaluation.quantile_regression import QuantileRegression
from mimo_keras.evaluation.regression import Regression
from mimo_keras.evaluation.results import Results, SuiteResults
from mimo_keras.evaluation.selective import RiskCoverage, risk_coverage
from mimo_keras.evaluation.suites import (
    clean_results,
    corrupted_means,
    corrupted_results,
    evaluate,
    ood_results,
    ood_scores,
    padded,
    shifted_results,
)

__all__ = [
    "Classification",
    "Diversity",
    "GaussianRegression",
    "METRICS",
    "QuantileRegression",
    "Regression",
    "Reliability",
    "Results",
    "RiskCoverage",
    "Stopwatch",
    "SuiteResults",
    "clean_results",
    "corrupted_means",
    "corrupted_results",
    "corruption_errors",
    "detection",
    "evaluate",
    "flops",
    "milliseconds_per_example",
    "mimmo_flops",
    "mimo_flops",
    "multiply_adds",
    "ood_results",
    "ood_scores",
    "padded",
    "risk_coverage",
    "scores",
    "shifted_results",
    "trainable_parameters",
]
