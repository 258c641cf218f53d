"""Trains MixMo with increasing sharing of features; prints a table.

    python uncertainty_runs/studies/sharing.py --seeds=0,1,2

This is a study (study.py) of MIMO and of the rows of table 1 of Sun et al.,
CVPR Workshops 2022 (reported/mixshare_tables.py): MixMo, MixMo with unmixing,
with unmixing and aligned encoders, and the two forms of MixShare. --table_only
only prints the table of the record.
"""

import statistics

from uncertainty_runs.common import early

with early.importing(__name__):
    from mimo_keras import analysis
    from mimo_keras.analysis import mean_and_std
    from uncertainty_runs.common import script
    from uncertainty_runs.reported import TABLES, mixshare_tables
    from uncertainty_runs.studies import engine, study

TABLE = TABLES["mixshare1"]
MIMO = "mimo:2:batch_repetitions=2:per_core_batch_size=64"
_SETTING = TABLE.rows[0].digits
ROWS = {
    "MIMO": ":".join([MIMO, *(f"{n}={v}" for n, v in _SETTING.items())]),
    # Of the smaller network, which comes first in the paper's table.
    **{
        label: engine.row_point(TABLE, row, "digits").entry
        for label, row in zip(mixshare_tables.RUNS, TABLE.rows, strict=False)
    },
}
# Column -> function from a run's results to a share, shown in per cent.
COLUMNS = {
    "Acc. ens.": lambda run: run["test/accuracy"],
    "Acc. ind.": lambda run: statistics.fmean(run[key] for key in MEMBERS),
    "Classifier share rate": lambda run: run["sharing/heads"],
    "Encoder share rate": lambda run: run["sharing/encoders"],
    "Disagreement": lambda run: run["test/disagreement"],
}
MEMBERS = ("test/accuracy_member_0", "test/accuracy_member_1")
KEYS = (
    "test/accuracy",
    *MEMBERS,
    "test/nll",
    "test/disagreement",
    "sharing/heads",
    "sharing/encoders",
)


def define_flags():
    study.define_flags(",".join(entries()), "sharing")


def entries():
    """Returns the entries of --methods that produce the rows."""
    return [*ROWS.values()]


def main():
    study.main(KEYS, table, "sharing")


def table(record):
    """Returns the Markdown table of a record: per cent, over seeds."""
    names = dict(zip(entries(), ROWS, strict=True))
    rows = []
    for (label, members), runs in study.groups(record).items():
        method, *options = label.split(":")
        entry = ":".join([method, str(members), *options])
        cells = [
            mean_and_std([100 * share(run) for run in runs], digits=1)
            for share in COLUMNS.values()
        ]
        rows.append([names.get(entry, entry), *cells])
    return analysis.markdown_table(rows, ["Method", *COLUMNS])


if __name__ == "__main__":
    define_flags()
    script.run(main)
