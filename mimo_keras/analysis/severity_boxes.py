"""Box plots of calibration under corruption, by severity."""

from mimo_keras.analysis import style

_LABELS = {
    "accuracy": "Accuracy (fraction)",
    "brier": "Brier score",
    "ece": "ECE (fraction)",
    "nll": "NLL (nats)",
}
_COLORS = (
    *(style.GREY, style.SKY, style.BLUE, style.GREEN, style.VERMILLION),
    style.PALE,
)
_IN_A_ROW = 4
"""Titles of methods in a line of the legend."""


@style.drawn
def severity_boxes(scores, severities):
    """Plots the spread of scores over types of corruption as boxes.

    Args:
        scores: Dictionary from a method's title to a dictionary from a metric
            ("accuracy", "brier", "ece", "nll") to a list with, for each
            severity, its values over the types.
        severities: The severities, in order.

    Returns:
        A `matplotlib.figure.Figure` with a panel for each metric: for each
        severity a box of each method, from the lower to the upper quartile
        with the median; whiskers reach the extremes.

    Example:

    ```python
    scores = {name: [[0.9, 0.8], [0.7, 0.6]] for name in ("accuracy", "nll")}
    scores |= {"brier": scores["nll"], "ece": scores["nll"]}
    figure = mimo_keras.analysis.severity_boxes(
        {"MIMO": scores}, severities=[1, 2])
    ```

    Reference:
        Ovadia et al., Can you trust your model's uncertainty?, NeurIPS 2019,
        figures 2 and S5.
    """
    metrics = list(next(iter(scores.values())))
    figure, panels = style.new_figure(9.0, 3.0 * len(metrics), len(metrics))
    width = 0.8 / len(scores)
    for axes, metric in zip(panels, metrics, strict=True):
        handles = []
        for index, by_metric in enumerate(scores.values()):
            shift = (index - (len(scores) - 1) / 2) * width
            drawn = axes.boxplot(
                by_metric[metric],
                positions=[s + shift for s in severities],
                widths=0.85 * width,
                whis=(0, 100),
                patch_artist=True,
                manage_ticks=False,
                medianprops={"color": style.INK},
            )
            for box in drawn["boxes"]:
                box.set_facecolor(_COLORS[index % len(_COLORS)])
                box.set_hatch("///" * (index // len(_COLORS)))
            handles.append(drawn["boxes"][0])
        axes.set_xticks(list(severities))
        axes.set(xlabel="Severity", ylabel=_LABELS[metric])
    figure.legend(
        handles,
        [*scores],
        loc="outside upper center",
        ncols=min(len(scores), _IN_A_ROW),
    )
    return figure
