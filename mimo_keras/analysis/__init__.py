"""The report of a run: its tables, its figures, and the page with both.

Nothing here imports matplotlib before a figure is drawn.
"""

from mimo_keras.analysis.bias_variance import (
    bias_variance,
    bias_variance_curves,
    mean_and_interval,
)
from mimo_keras.analysis.budgets import budget_curves
from mimo_keras.analysis.corruption import corruption_by_severity
from mimo_keras.analysis.curves import training_curves
from mimo_keras.analysis.depths import depth_bars, depth_posterior
from mimo_keras.analysis.members import member_agreement, member_scores
from mimo_keras.analysis.ood import ood_histograms
from mimo_keras.analysis.reliability import (
    calibration_error,
    reliability_diagram,
)
from mimo_keras.analysis.report import write_report
from mimo_keras.analysis.sharing import (
    feature_norms,
    feature_use,
    feature_variances,
    sharing_rate,
    sharing_rates,
)
from mimo_keras.analysis.style import data_uri, image_bytes, save_png
from mimo_keras.analysis.tables import (
    markdown_table,
    mean_and_std,
    results_table,
)

__all__ = [
    "bias_variance",
    "bias_variance_curves",
    "budget_curves",
    "calibration_error",
    "corruption_by_severity",
    "data_uri",
    "depth_bars",
    "depth_posterior",
    "feature_norms",
    "feature_use",
    "feature_variances",
    "image_bytes",
    "markdown_table",
    "mean_and_interval",
    "mean_and_std",
    "member_agreement",
    "member_scores",
    "ood_histograms",
    "reliability_diagram",
    "results_table",
    "save_png",
    "sharing_rate",
    "sharing_rates",
    "training_curves",
    "write_report",
]
