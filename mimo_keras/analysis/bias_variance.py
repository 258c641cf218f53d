"""Expected squared error over training sets, split into bias² and variance."""

import numpy as np

from mimo_keras.analysis import style
from mimo_keras.errors import expected

_PANELS = {
    "bias2": "Bias² [10⁻³]",
    "variance": "Variance [10⁻³]",
    "error": "Expected squared error [10⁻³]",
}
_LOOKS = ((style.BLUE, "o"), (style.VERMILLION, "s"), (style.GREEN, "D"))
_LINES = ("-", "--", "-.", ":")
_SIZES = (style.INK, *style.MEMBERS)
_95 = 1.96  # Quantile 0.975 of the normal distribution.


def bias_variance(predictions, means, noise=0.0):
    """Decomposes the expected squared error of a regressor f_X.

    With t = E[y|x] and expectations over training sets X, averaged over
    inputs x,

        E (f_X(x) - y)² = (E f_X(x) - t)² + E (f_X(x) - E f_X(x))² + Var(y|x)
              error     =      bias²      +       variance         +  noise.

    Each estimate is unbiased: error is the mean over training sets; bias² is
    the mean of (f_X(x) - t)(f_X'(x) - t) over pairs of *different* sets, whose
    errors are independent (so it may be negative); variance is the remainder,
    which is the sample variance. The plain (mean f - t)² would be too large by
    variance / S.

    Each is returned as S jackknife values, one per training set, whose mean is
    the estimate and whose standard error is that of the estimate. To compare
    methods on the same training sets, use the mean and standard error of the
    differences of their values: see `normal_interval`.

    Args:
        predictions: (S, n), predictions of the regressors of S independent
            training sets at the same n inputs.
        means: (n,), t: the noise-free targets.
        noise: Var(y|x), a number or (n,). With 0, the error is relative to t.

    Returns:
        Dictionary of "bias2", "variance" and "error", each (S,) float64 with
        error = bias2 + variance + mean noise.

    Raises:
        InputError: There are fewer than 3 training sets, or shapes differ.

    Example:

    ```python
    errors = [[0.1, -0.1], [-0.1, 0.1], [0.1, 0.1]]          # S = 3, n = 2
    parts = mimo_keras.analysis.bias_variance(errors, means=[0.0, 0.0])
    round(float(parts["error"].mean()), 3)                   # 0.01
    ```

    Reference:
        Havasi et al., ICLR 2021, section 2.1, whose bias includes the noise;
        Efron and Stein, The jackknife estimate of variance, 1981.
    """
    predictions = np.asarray(predictions, np.float64)
    means = np.asarray(means, np.float64)
    if (
        predictions.ndim != 2
        or len(predictions) < 3
        or means.shape != predictions.shape[1:]
    ):
        raise expected(
            "predictions (S, n) of S >= 3 training sets and targets (n,)",
            f"predictions={predictions.shape}, targets={means.shape}",
            "Pass one row per training set and one column per input.",
        )
    sets, inputs = predictions.shape
    errors = predictions - means
    own = np.square(errors).mean(axis=1)
    # Sum of products with the errors of all other sets.
    others = errors @ errors.sum(axis=0) / inputs - own
    pairs = others.sum()
    # S times the estimate minus S - 1 times the one without the set.
    bias2 = pairs / (sets - 1) - (pairs - 2 * others) / (sets - 2)
    error = own + np.mean(noise)
    return {"bias2": bias2, "variance": own - bias2, "error": error}


def normal_interval(values):
    """Returns the mean of S values and half the width of its 95% interval.

    Args:
        values: (S,), one per training set, as returned by `bias_variance`, or
            differences of such values.

    Returns:
        Two floats; the half-width is 1.96 standard errors.

    Example:

    ```python
    mean, half = mimo_keras.analysis.normal_interval([1.0, 2.0, 3.0])
    round(mean, 2), round(half, 2)                           # (2.0, 1.13)
    ```
    """
    values = np.asarray(values, np.float64)
    error = values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(_95 * error)


@style.drawn
def bias_variance_curves(series, example):
    """Plots an ensemble's members, then bias², variance and error.

    Args:
        series: Dictionary from a label to its points in order of M, each a
            dictionary with "members" and, for "bias2", "variance" and
            "error", a pair (estimate, half the width of its interval). Its
            "course", if there is one, is the same over training: a dictionary
            with "epochs" (T,) and T pairs for each of the three.
        example: Dictionary of one ensemble: "x" (n,) in order, "mean" (n,)
            the noise-free targets, "members" (M, n) predictions, "train_x"
            and "train_y" its training set.

    Returns:
        A `matplotlib.figure.Figure` of four panels, against ensemble size. If
        all points have a course, three more below are against epochs, with a
        curve for each M, like the paper's figure 2.

    Example:

    ```python
    x = np.linspace(0, 1, 20)
    example = {"x": x, "mean": x, "members": [x, x**2]}
    example |= {"train_x": x, "train_y": x}
    point = {"bias2": (0.01, 0.002), "variance": (0.02, 0.002)}
    point |= {"error": (0.03, 0.002), "members": 1}
    series = {"MIMO": [point, {**point, "members": 2}]}
    figure = mimo_keras.analysis.bias_variance_curves(series, example)
    len(figure.axes)                                         # 4
    ```

    Reference:
        Havasi et al., ICLR 2021, figure 2.
    """
    if not all("course" in p for points in series.values() for p in points):
        figure, (left, *panels) = style.new_figure(8.2, 5.6, rows=2, columns=2)
    else:
        figure, axes = style.new_figure(13.0, 5.6, rows=2, columns=4)
        left, *panels = axes[:4]
        _draw_courses(axes[4], axes[5:], series)
    _draw_example(left, example)
    for axes, (key, label) in zip(panels, _PANELS.items(), strict=True):
        for index, (name, points) in enumerate(series.items()):
            color, marker = _LOOKS[index % len(_LOOKS)]
            members = np.array([point["members"] for point in points])
            values = 1000 * np.array([point[key] for point in points])
            axes.errorbar(
                # Side by side where intervals would overlap.
                members + 0.08 * (index - (len(series) - 1) / 2),
                values[:, 0],
                yerr=values[:, 1],
                label=name,
                color=color,
                marker=marker,
                capsize=2.5,
            )
        axes.set(xlabel="Members M", ylabel=label, xticks=members)
    panels[0].legend()
    return figure


def _draw_courses(legend, panels, series):
    """Draws the parts against epochs; `legend` is the axes for the labels."""
    for axes, (key, label) in zip(panels, _PANELS.items(), strict=True):
        for index, (name, points) in enumerate(series.items()):
            for number, point in enumerate(points):
                course = point["course"]
                values = 1000 * np.array(course[key])
                color = _SIZES[number % len(_SIZES)]
                axes.plot(
                    course["epochs"],
                    values[:, 0],
                    label=f"{name}, M = {point['members']}",
                    color=color,
                    linestyle=_LINES[index % len(_LINES)],
                )
                axes.fill_between(
                    course["epochs"],
                    values[:, 0] - values[:, 1],
                    values[:, 0] + values[:, 1],
                    color=color,
                    alpha=0.12,
                    linewidth=0,
                )
        axes.set(xlabel="Epochs", ylabel=label, xlim=(0, None))
    legend.set_axis_off()
    legend.legend(*panels[0].get_legend_handles_labels(), loc="center")


def _draw_example(axes, example):
    axes.plot(
        example["train_x"],
        example["train_y"],
        "x",
        color=style.GREY,
        label="Training set",
    )
    axes.plot(
        example["x"],
        example["mean"],
        color=style.INK,
        linewidth=1.0,
        label="E[y|x]",
    )
    colors = (style.BLUE, style.VERMILLION, style.GREEN, style.SKY)
    for member, values in enumerate(example["members"]):
        axes.plot(
            example["x"],
            values,
            color=colors[member % len(colors)],
            linestyle=_LINES[member % len(_LINES)],
            linewidth=1.2,
            label=f"Member {member}",
        )
    axes.set(xlabel="x", ylabel="y")
    axes.legend()
