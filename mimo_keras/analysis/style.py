"""The one look of every figure, and its way to a file or into a page."""

import base64
import functools
import io

from mimo_keras.files import replacing

# The colours of Okabe and Ito ("Color Universal Design", 2008), which people
# with any of the common colour-vision deficiencies can tell apart.
BLUE = "#0072B2"
SKY = "#56B4E9"
VERMILLION = "#D55E00"
GREEN = "#009E73"
INK = "#22262B"
GREY = "#8A9099"
PALE = "#C9CED6"
MEMBERS = (BLUE, VERMILLION, GREEN, SKY)
"""Colours of members, in their order."""

_LOOK = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "figure.facecolor": "white",
    "figure.titlesize": 11,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.color": "#E4E7EB",
    "grid.linewidth": 0.7,
    "hatch.linewidth": 0.7,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "savefig.facecolor": "white",
    # A fixed salt makes the same figure the same bytes.
    "svg.hashsalt": "mimo_keras",
    "text.color": INK,
    "xtick.color": GREY,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8,
}


def drawn(function):
    """Gives the figure that `function` returns the look of this house.

    The settings hold only while the function runs. Ticks are made when a
    figure is first laid out, so that happens here too, and once only: laying
    out takes as long as all else.

    Args:
        function: A function that returns a `matplotlib.figure.Figure`.

    Returns:
        The function, with the same signature.
    """

    @functools.wraps(function)
    def styled(*args, **kwargs):
        import matplotlib

        with matplotlib.rc_context(_LOOK):
            figure = function(*args, **kwargs)
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
        return figure

    return styled


def new_figure(width, height, rows=1, columns=1, **grid):
    """Returns an empty figure and its axes, apart from pyplot's state.

    Args:
        width: Width in inches.
        height: Height in inches.
        rows: How many rows of axes.
        columns: How many columns of axes.
        **grid: Further options of `Figure.subplots`.

    Returns:
        The figure, which draws by Agg, and a flat list of its axes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, **grid)
    return figure, list(axes.flat)


def image_bytes(figure, kind="png", dpi=200):
    """Returns a figure as the bytes of an image file.

    Args:
        figure: A `matplotlib.figure.Figure`.
        kind: "png" or "svg".
        dpi: Dots per inch of a PNG.

    Returns:
        The bytes; the same figure gives the same bytes.
    """
    import matplotlib

    # Neither a date nor the program's address belongs into a run's page.
    bare = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}
    buffer = io.BytesIO()
    with matplotlib.rc_context(_LOOK):
        figure.savefig(buffer, format=kind, dpi=dpi, metadata=bare[kind])
    return buffer.getvalue()


def save_png(figure, path, dpi=200):
    """Writes a figure to `path` as a PNG, whole or not at all."""
    with replacing(path, "wb") as file:
        file.write(image_bytes(figure, "png", dpi))


def data_uri(figure, kind="svg"):
    """Returns a figure as a base64 `data:` address for an HTML page.

    Args:
        figure: A `matplotlib.figure.Figure`.
        kind: "svg" (sharp at any size) or "png".

    Returns:
        The address as a string.
    """
    media = {"svg": "image/svg+xml", "png": "image/png"}[kind]
    content = base64.b64encode(image_bytes(figure, kind)).decode("ascii")
    return f"data:{media};base64,{content}"
