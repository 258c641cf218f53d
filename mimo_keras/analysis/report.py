"""The report of a run: one page with its tables, figures and flags."""

from mimo_keras.analysis import (
    fitted_figures,
    notes,
    page,
    report_figures,
    summary,
)
from mimo_keras.analysis.names import method_title
from mimo_keras.analysis.run_files import (
    read_drawn,
    read_json,
    read_metrics,
    read_results,
)
from mimo_keras.files import replacing
from mimo_keras.paths import as_path

_LIBRARIES = (
    "mimo_keras",
    "tensorflow",
    "keras",
    "numpy",
    "edward2",
    "tensorflow-probability",
    "tensorflow-datasets",
    "scikit-learn",
    "matplotlib",
)


def write_report(output_dir):
    """Writes report.html to the folder of a finished run.

    Reads results.json and, if present, flags.json, metrics.csv and arrays.npz.
    The page is self-contained, and the same files give the same page.

    Args:
        output_dir: The run's folder.

    Returns:
        The page's path.

    Raises:
        InputError: If results.json is missing, or a file is half-written.

    Example:

    ```python
    page = mimo_keras.analysis.write_report(run_dir)
    page.name                                                # report.html
    ```
    """
    folder = as_path(output_dir, "output_dir")
    results = read_results(folder / "results.json")
    flags_path = folder / "flags.json"
    flags = read_json(flags_path) if flags_path.exists() else {}
    rows = read_metrics(folder / "metrics.csv")
    arrays = read_drawn(folder / "arrays.npz")
    path = folder / "report.html"
    write_page(path, results, arrays, _title(flags), flags, rows)
    return path


def write_page(path, results, arrays, title, flags=None, rows=()):
    """Writes the page with the tables and figures for which there is data.

    Args:
        path: The page's path object.
        results: `evaluation.Results`.
        arrays: The arrays behind the figures, by name.
        title: Of the page.
        flags: Settings that are listed, or None.
        rows: The rows of metrics.csv, as `read_metrics` returns them.
    """
    figures = report_figures.figures(results, rows, arrays)
    with replacing(path) as file:
        file.write(_page(results, flags or {}, figures, title))


def _page(results, flags, figures, title):
    tables = {
        "Quality": (summary.quality(results), "reliability"),
        "Calibration": (fitted_figures.calibrated(results), "calibrated"),
        "Prediction sets": (fitted_figures.prediction_sets(results), "sets"),
        "Selective prediction": (None, "risk"),
        "Corruptions": (summary.corruptions(results), "corruption"),
        "Members": (summary.members(results), "members"),
        "Diversity": (summary.diversity(results), "agreement"),
        "Natural test sets": (summary.natural(results), None),
        "Unreadable images": (summary.skipped(results), None),
        "Out of distribution": (summary.ood(results), "ood"),
        "Detector": (None, "detected"),
        "Cost": (summary.cost(results), None),
        "Training": (None, "training"),
    }
    averaged = "logits" if _averages_logits(results) else "probabilities"
    sections = [
        _section(name, table, figures.get(figure), averaged)
        for name, (table, figure) in tables.items()
    ]
    return page.document(
        title,
        page.element(
            "header",
            page.element("h1", title),
            page.element("p", _line(flags, results)),
        ),
        page.tiles(summary.headline(results)),
        *sections,
        _flags_section(flags),
        page.section("Libraries", page.listing(library_versions())),
    )


def _title(flags):
    if "method" in flags and "dataset" in flags:
        return f"{method_title(flags['method'])} trained on {flags['dataset']}"
    return "Report of a run"


def _averages_logits(results):
    return bool(results.evaluation.get("averaged_logits"))


def _line(flags, results):
    """Returns the line under the title, with what else identifies the run."""
    named = {
        "seed": "seed",
        "ensemble_size": "members",
        "train_epochs": "epochs",
    }
    parts = [
        f"{label} {flags[name]}"
        for name, label in named.items()
        if flags.get(name) is not None
    ]
    epoch, epochs = (results.training.get(n) for n in ("epoch", "epochs"))
    if epoch != epochs:
        parts.append(f"unfinished: after epoch {epoch} of {epochs}")
    if _averages_logits(results):
        parts.append("averages logits, not probabilities")
    some = results.evaluation.get("corrupted_examples")
    if some:
        parts.append(f"{some:,.0f} images of each corrupted set")
    return " · ".join(parts)


def _section(title, table, figure, averaged):
    """Returns a section with a note, table and figure, as available."""
    parts = []
    if table and table.rows:
        said = notes.note(title, table, averaged)
        parts.append(page.element("p", said, class_="note"))
        parts.append(page.table(table.columns, table.rows))
    if figure:
        parts.append(figure)
    return page.section(title, *parts) if parts else page.NOTHING


def _flags_section(flags):
    if not flags:
        return page.NOTHING
    lines = (f"--{name}={value}" for name, value in sorted(flags.items()))
    return page.section("Flags", page.listing(lines))


def library_versions():
    """Returns the versions of Python and the installed libraries by line.

    They are those of the environment that writes the page.
    """
    import importlib.metadata
    import platform

    lines = [f"Python {platform.python_version()}"]
    for name in _LIBRARIES:
        try:
            lines.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return lines
