"""Tables and figures of the study of Fashion-MNIST, from its record."""

import math
import statistics

from mimo_keras import analysis, data
from mimo_keras.analysis.tables import mean_and_interval
from uncertainty_runs.studies import fashion_plan
from uncertainty_runs.studies.engine import COSTS

NOT_RUN = "not run"
COLUMNS = {
    "NLL": "test/nll",
    "Accuracy": "test/accuracy",
    "ECE": "test/ece",
    "Brier": "test/brier",
    "cNLL": "corrupted/nll",
    "cAccuracy": "corrupted/accuracy",
    "cECE": "corrupted/ece",
    "cBrier": "corrupted/brier",
}
"""Column -> key of results.json."""
SHORT = ("NLL", "Accuracy", "ECE", "cNLL")
"""The columns of the README's table."""
FOREIGN = {
    "OOD AUROC, digits": "ood/digits/auroc",
    "OOD AUROC, photographs": "ood/sample_images/auroc",
}
MEMBERS = {
    "Member's accuracy": "test/accuracy_member_mean",
    "Accuracy": "test/accuracy",
    "Member's NLL": "test/nll_member_mean",
    "NLL": "test/nll",
    "Disagreement": "test/disagreement",
    "KL [nats]": "test/kl",
}
SEVERITIES = (1, 2, 3, 4, 5)
BOXES = ("ece", "nll")
"""What the box plots show of each corrupted set."""


def _keys():
    types = data.get(fashion_plan.DATASET).corruptions.types
    boxes = [
        f"corrupted/{kind}_{severity}/{metric}"
        for kind in types
        for severity in SEVERITIES
        for metric in BOXES
    ]
    held_out = [f"val/{name}" for name in ("nll", "accuracy", "ece")]
    tables = (COLUMNS, FOREIGN, MEMBERS)
    shown = [key for table in tables for key in table.values()]
    return (*dict.fromkeys(shown), *held_out, *boxes)


KEYS = _keys()
"""Keys of results.json in the record."""


def found(record, point, seed):
    """Returns a run of a record, or None.

    Args:
        record: The record.
        point: `engine.Point`.
        seed: The seed.
    """
    wanted = point.label, point.members, str(seed)
    for run in record["runs"]:
        if (run["method"], run["ensemble_size"], str(run["seed"])) == wanted:
            return run
    return None


class Found:
    """The runs of a record by row.

    Args:
        record: The record.
    """

    def __init__(self, record):
        self.record = record
        self.plan = fashion_plan.Plan.of(record)
        self.rows = {row.title: row for row in self.plan.rows()}
        self._settings = {}
        self.seeds = sorted({str(run["seed"]) for run in record["runs"]})

    def settings(self, row):
        """Returns a row's tuned settings, or None if its tuning is not done."""
        row = self.rows[row.like] if row.like else row
        if row.title not in self._settings:
            self._settings[row.title] = self._searched(row)
        return self._settings[row.title]

    def _searched(self, row):
        def score(point):
            run = found(self.record, point, fashion_plan.TUNED_ON)
            if run is None:
                raise LookupError(point.label)
            value = run["val/nll"]
            return math.inf if value is None else value

        try:
            return fashion_plan.search(self.plan, row, score)
        except LookupError:
            return None

    def runs(self, row):
        """Returns a row's runs that have results: seed -> numbers."""
        settings = self.settings(row)
        if settings is None:
            return {}
        point = self.plan.point(row, settings)
        runs = {seed: found(self.record, point, seed) for seed in self.seeds}
        return {
            seed: run
            for seed, run in runs.items()
            if run is not None and run["test/nll"] is not None
        }

    def of_parts(self, *parts):
        """Returns the rows of parts of the study."""
        return [row for row in self.rows.values() if row.part in parts]


def tables(record):
    """Returns all tables of a record as Markdown, with a title above each.

    Rows that have not been run are named below their table.
    """
    of = Found(record)
    compared = of.of_parts("main", "deep", "others", "members")
    parts = [
        ("Methods", quality, compared),
        ("Differences to the deterministic network", differences, compared),
        ("Members", members, compared),
        ("Widths", quality, of.of_parts("widths")),
        ("Differences at each width", differences, of.of_parts("widths")),
        ("Batch repetitions R", quality, of.of_parts("repetitions")),
        ("Input repetition ρ", quality, of.of_parts("rho")),
        ("Budgets", quality, of.of_parts("budgets")),
        ("All training images", quality, of.of_parts("all")),
    ]
    alone = [row for row in of.rows.values() if row.like is None]
    blocks = [_block("Summary", summary, of, of.of_parts("main"), of.runs)]
    blocks.append(_block("Settings", tuned, of, alone, of.settings))
    blocks += [_block(*part[:2], of, part[2], of.runs) for part in parts]
    return "\n\n".join(blocks)


def _block(name, make, of, rows, run):
    """Returns a title and the table of the rows of which `run` is true."""
    lines = [f"### {name}"]
    there = [row for row in rows if run(row)]
    if there:
        lines.append(make(of, there))
    missing = [row.title for row in rows if not run(row)]
    # Those that show rows of another table name none a second time.
    again = (summary, differences, members)
    if missing and (make not in again or not there):
        lines.append(f"{NOT_RUN.capitalize()}: {'; '.join(missing)}.")
    return "\n\n".join(lines)


def summary(of, rows):
    """Returns the README's table: few scores, and costs in multiples.

    FLOPs of a prediction are those of the deterministic network times a factor.
    """
    base = of.runs(of.rows[fashion_plan.title("deterministic", 1)])
    unit = next((run["cost/flops"] for run in base.values()), None)
    lines = []
    for row in rows:
        runs = [*of.runs(row).values()]
        factor = f"{runs[0]['cost/flops'] / unit:.3f}" if unit else "-"
        cells = [_mean(runs, COLUMNS[name]) for name in SHORT]
        lines.append([row.title, factor, *cells])
    return analysis.markdown_table(lines, ["Method", "FLOPs", *SHORT])


def quality(of, rows):
    """Returns the table of scores and costs, means over seeds."""
    columns = {**COLUMNS, **FOREIGN}
    lines = []
    for row in rows:
        runs = [*of.runs(row).values()]
        costs = [f"{runs[0][key]:,.0f}" if runs else "-" for key in COSTS]
        cells = [_mean(runs, key) for key in columns.values()]
        lines.append([row.title, len(runs) or NOT_RUN, *costs, *cells])
    names = ["Method", "Seeds", "Parameters", "FLOPs"]
    return analysis.markdown_table(lines, [*names, *columns])


def differences(of, rows):
    """Returns differences to each row's base, paired by seed, in intervals."""
    columns = {**COLUMNS, **FOREIGN}
    lines = []
    for row in rows:
        if row.base is None:
            continue
        mine, others = of.runs(row), of.runs(of.rows[row.base])
        both = [seed for seed in mine if seed in others]
        cells = []
        for key in columns.values():
            pairs = [(mine[s][key], others[s][key]) for s in both]
            changes = [a - b for a, b in pairs if None not in (a, b)]
            text = mean_and_interval(changes) if changes else "-"
            cells.append(text if text[0] == "-" else f"+{text}")
        lines.append([row.title, len(both) or NOT_RUN, *cells])
    return analysis.markdown_table(lines, ["Method", "Seeds", *columns])


def members(of, rows):
    """Returns how good and how different members are, means over seeds."""
    lines = []
    for row in rows:
        if row.members > 1:
            runs = [*of.runs(row).values()]
            cells = [_mean(runs, key) for key in MEMBERS.values()]
            lines.append([row.title, len(runs) or NOT_RUN, *cells])
    return analysis.markdown_table(lines, ["Method", "Seeds", *MEMBERS])


def tuned(of, rows):
    """Returns the settings that were chosen."""
    names = [*dict.fromkeys(n for row in rows for n, _ in of.plan.grid(row))]
    lines = []
    for row in rows:
        settings = of.settings(row)
        grid = dict(of.plan.grid(row))
        cells = [
            "-"
            if name not in grid
            else NOT_RUN
            if settings is None
            else settings[name]
            for name in names
        ]
        lines.append([row.title, *cells])
    return analysis.markdown_table(lines, ["Method", *names])


def _mean(runs, key):
    values = [run[key] for run in runs if run[key] is not None]
    return mean_and_interval(values) if values else "-"


def draw_severities(record, path):
    """Draws calibration under corruption; returns the file, None without."""
    of = Found(record)
    boxes = {}
    types = data.get(fashion_plan.DATASET).corruptions.types
    for row in of.of_parts("main"):
        runs = [*of.runs(row).values()]
        if runs:
            boxes[row.title] = {
                metric: [
                    [_over(runs, f"{kind}_{s}", metric) for kind in types]
                    for s in SEVERITIES
                ]
                for metric in BOXES
            }
    if not boxes:
        return None
    analysis.save_png(analysis.severity_boxes(boxes, SEVERITIES), path)
    return path


def _over(runs, name, metric):
    key = f"corrupted/{name}/{metric}"
    return statistics.fmean(run[key] for run in runs)


def draw_widths(record, path):
    """Draws scores against width; returns the file, None of one width."""
    of = Found(record)
    series = {}
    for row in of.of_parts("widths"):
        runs = [*of.runs(row).values()]
        if not runs:
            continue
        name = fashion_plan.title(row.method, row.members)
        keys = {"accuracy": "test/accuracy", "nll": "test/nll"}
        point = {
            panel: _spread([run[key] for run in runs])
            for panel, key in keys.items()
        }
        series.setdefault(name, []).append(point | {"x": row.x})
    if max(map(len, series.values()), default=0) < 2:
        return None
    label = "Width of the network"
    figure = analysis.sweep_curves(series, label, "log", ("accuracy", "nll"))
    analysis.save_png(figure, path)
    return path


def _spread(values):
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return statistics.fmean(values), deviation


FIGURES = {
    "severity.png": draw_severities,
    "widths.png": draw_widths,
}
"""Name of a figure after that of its record -> the function that draws it."""
