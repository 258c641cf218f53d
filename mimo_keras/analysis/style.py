"""The common style of all figures, and their export to files and pages."""

import base64
import functools
import io
import struct

from mimo_keras.files import replacing

# The colors of Okabe and Ito ("Color Universal Design", 2008), which are
# distinguishable with any of the common color-vision deficiencies.
BLUE = "#0072B2"
SKY = "#56B4E9"
VERMILLION = "#D55E00"
GREEN = "#009E73"
INK = "#22262B"
GREY = "#8A9099"
PALE = "#C9CED6"
MEMBERS = (BLUE, VERMILLION, GREEN, SKY)
"""Colors of members, in order."""

_SOFTWARE = "mimo_keras"
_PNG = b"\x89PNG\r\n\x1a\n"
_DENSITY = struct.pack(">IIB", 7874, 7874, 1)
"""200 dots per inch, as a PNG stores them."""

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
    # A fixed salt makes the output reproducible byte for byte.
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
    """Decorates a function so that its figure has the common style.

    The settings apply only while the function runs. Ticks are created when a
    figure is first laid out, so layout also happens here, and only once: it
    takes as long as everything else.

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
    """Returns an empty figure and its axes, independent of pyplot's state.

    Args:
        width: Width in inches.
        height: Height in inches.
        rows: Number of rows of axes.
        columns: Number of columns of axes.
        **grid: Further options of `Figure.subplots`.

    Returns:
        The figure, with an Agg canvas, and a flat list of its axes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(rows, columns, squeeze=False, **grid).flat)
    for axes in panels:
        # Else the number of ticks depends on the settings at each drawing, and
        # their labels may be wider than when the figure was laid out.
        axes.tick_params(labelsize=_LOOK["xtick.labelsize"])
    return figure, panels


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

    # Omit the date and the program's URL from a run's page.
    bare = {
        "svg": {"Date": None, "Creator": None},
        "png": {"Software": _SOFTWARE},
    }
    buffer = io.BytesIO()
    with matplotlib.rc_context(_LOOK):
        figure.savefig(buffer, format=kind, dpi=dpi, metadata=bare[kind])
    return buffer.getvalue()


def is_figure(content):
    """Whether bytes are a PNG of `image_bytes`, also of an older version.

    Args:
        content: The bytes of a file.
    """
    if not content.startswith(_PNG):
        return False
    place, texts, density = len(_PNG), [], None
    while place + 8 <= len(content):
        size, kind = struct.unpack(">I4s", content[place : place + 8])
        body = content[place + 8 : place + 8 + size]
        if kind == b"IDAT":
            break
        if kind == b"tEXt":
            texts.append(body)
        elif kind == b"pHYs":
            density = body
        place += size + 12
    if not texts:  # Those of older versions say nothing.
        return density == _DENSITY
    return f"Software\0{_SOFTWARE}".encode() in texts


def save_png(figure, path, dpi=200):
    """Writes a figure to `path` as a PNG, atomically.

    Args:
        figure: A `matplotlib.figure.Figure`.
        path: Where to write.
        dpi: Dots per inch.

    Returns:
        None.

    Example:

    ```python
    figure = mimo_keras.analysis.depth_bars([[0.2, 0.8]])
    mimo_keras.analysis.save_png(figure, "depths.png", dpi=50)
    ```
    """
    with replacing(path, "wb") as file:
        file.write(image_bytes(figure, "png", dpi))


def data_uri(figure, kind="svg"):
    """Returns a figure as a base64 `data:` URI for an HTML page.

    Args:
        figure: A `matplotlib.figure.Figure`.
        kind: "svg" (sharp at any size) or "png".

    Returns:
        The URI as a string.
    """
    media = {"svg": "image/svg+xml", "png": "image/png"}[kind]
    content = base64.b64encode(image_bytes(figure, kind)).decode("ascii")
    return f"data:{media};base64,{content}"
