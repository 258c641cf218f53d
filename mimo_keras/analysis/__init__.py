"""Analysis: a run's tables and figures, and the report page with both.

matplotlib is imported only when a figure is drawn.
"""

from mimo_keras.analysis.bias_variance import (
    bias_variance,
    bias_variance_curves,
    normal_interval,
)
from mimo_keras.analysis.budget_figures import budget_curves
from mimo_keras.analysis.depth_figures import (
    depth_bars,
    depth_columns,
    depth_course,
    depth_course_plot,
    depth_posterior,
)
from mimo_keras.analysis.diversity_tables import (
    diversity_table,
    run_diversity,
)
from mimo_keras.analysis.line import line_plot, member_lines
from mimo_keras.analysis.names import method_title
from mimo_keras.analysis.ood_figures import ood_histograms
from mimo_keras.analysis.plane import plane_landscape, plane_maps
from mimo_keras.analysis.reliability import (
    reliability_diagram,
)
from mimo_keras.analysis.report import write_report
from mimo_keras.analysis.risk import risk_coverage_plot
from mimo_keras.analysis.separation import (
    conditional_variances,
    separation_plot,
    variance_shares,
)
from mimo_keras.analysis.set_figures import coverage_by_method
from mimo_keras.analysis.severity_boxes import severity_boxes
from mimo_keras.analysis.shared_features import (
    feature_norms,
    feature_overlap,
    feature_overlaps,
    feature_use,
    feature_variances,
    sharing_rate,
    sharing_rates,
)
from mimo_keras.analysis.sparsity import kept_weights
from mimo_keras.analysis.style import save_png
from mimo_keras.analysis.sweeps import PANELS as SWEEP_PANELS
from mimo_keras.analysis.sweeps import sweep_boxes, sweep_curves
from mimo_keras.analysis.tables import (
    markdown_table,
    mean_and_std,
    results_table,
)
from mimo_keras.analysis.trajectories import function_space, trajectory_plot

__all__ = [
    "SWEEP_PANELS",
    "bias_variance",
    "bias_variance_curves",
    "budget_curves",
    "conditional_variances",
    "coverage_by_method",
    "depth_bars",
    "depth_columns",
    "depth_course",
    "depth_course_plot",
    "depth_posterior",
    "diversity_table",
    "feature_norms",
    "feature_overlap",
    "feature_overlaps",
    "feature_use",
    "feature_variances",
    "function_space",
    "kept_weights",
    "line_plot",
    "markdown_table",
    "mean_and_std",
    "member_lines",
    "method_title",
    "normal_interval",
    "ood_histograms",
    "plane_landscape",
    "plane_maps",
    "reliability_diagram",
    "results_table",
    "risk_coverage_plot",
    "run_diversity",
    "save_png",
    "separation_plot",
    "severity_boxes",
    "sharing_rate",
    "sharing_rates",
    "sweep_boxes",
    "sweep_curves",
    "trajectory_plot",
    "variance_shares",
    "write_report",
]
