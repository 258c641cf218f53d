"""Compares methods in regression, on scikit-learn's diabetes data.

    python uncertainty_runs/studies/diabetes.py

Each method is trained with a gaussian likelihood on random splits of the 442
patients, the same ones for all: 10% to test, and 10% to stop training when
their NLL has not improved for --patience epochs, with the weights of the best
one. Differences to the first method are paired by split. A stopped study
resumes with the next run; what the record has already is not run again.
--table_only only prints the tables.
"""

import itertools
import math

from absl import flags

from uncertainty_runs.common import early

with early.importing(__name__):
    import keras

    import mimo_keras
    from mimo_keras import analysis
    from mimo_keras.analysis.tables import mean_and_interval
    from mimo_keras.data import diabetes_patients
    from mimo_keras.errors import expected
    from uncertainty_runs.common import script
    from uncertainty_runs.common.flags import whole
    from uncertainty_runs.studies import engine, records, study

METHODS = (
    "deterministic:1,mc_dropout:1,mimo:3,batch_ensemble:4,mixture_ensemble:4,"
    "deep_ensemble:4"
)
OPTIONS = {
    "mc_dropout": {"samples": 10},
    # The paper's; the default, of networks with batch norm, diverges here.
    "batch_ensemble": {"random_sign_init": 0.5},
}
# Column -> what `mimo_keras.evaluate` calls it, and its decimal places.
COLUMNS = {
    "NLL": ("nll", 3),
    "CRPS": ("crps", 2),
    "RMSE": ("rmse", 2),
    "Coverage of 90%": ("coverage_90", 3),
    "Width of 90%": ("width_90", 1),
    "Calibration error": ("calibration_error", 3),
}
KEYS = tuple(key for key, _ in COLUMNS.values())
IN_UNITS = ("crps", "rmse", "width_90")
# Settings that the numbers depend on, besides method, M and split.
SETTINGS = (
    "backbone",
    "train_epochs",
    "patience",
    "batch_size",
    "learning_rate",
    "seed",
)


def define_flags():
    flags.DEFINE_list("methods", METHODS.split(","), "Methods, as method:M.")
    some = {"lower_bound": 1, "upper_bound": 10**6}
    few = {"lower_bound": 1, "upper_bound": 1000}
    whole("splits", 20, "Random splits of the data.", **few)
    flags.DEFINE_string("backbone", "mlp_50_50_50", "Network.")
    whole("train_epochs", 200, "Training epochs at most.", **some)
    whole("patience", 10, "Epochs without improvement.", **some)
    whole("batch_size", 32, "Examples per step.", **some)
    flags.DEFINE_float(
        "learning_rate", 0.01, "Learning rate of Adam.", lower_bound=0
    )
    whole("seed", 0, "Random seed.", lower_bound=0, upper_bound=2**31)
    flags.DEFINE_string(
        "record", "runs/diabetes.json", "JSON file of the numbers."
    )
    flags.DEFINE_bool("table_only", False, "Only print the tables of --record.")


def main():
    f = flags.FLAGS
    if not f.table_only:
        run(f)
    with records.checked(f.record):
        print(table(records.read(f.record)))


def run(f):
    """Runs the study, adding to its record."""
    points = [parse(entry) for entry in f.methods]
    if not points:
        raise expected("a method", "none", "Name one, as in mimo:3.")
    settings = {name: f[name].value for name in SETTINGS}
    record = records.opened(f.record, "diabetes", settings)
    done = {tuple(one[name] for name in records.RUN) for one in record["runs"]}
    examples = diabetes_patients.load()
    for index, (method, members) in itertools.product(range(f.splits), points):
        if (method, members, index) in done:
            continue
        print(f"{method}, M = {members}, split {index} ...", flush=True)
        one = {"method": method, "ensemble_size": members, "seed": index}
        one |= measures(
            f, method, members, diabetes_patients.split(examples, index)
        )
        records.add(record, one)
        # After every run, so that an interruption loses nothing.
        engine.write(record, f.record)


def parse(entry):
    """Returns the method and M of an entry of --methods."""
    point = engine.parse(entry)
    if point.options:
        raise expected(
            "methods as method:M", f"{entry!r}", "Leave out further flags."
        )
    return point.method, point.members


def measures(f, method, members, split):
    """Trains one model; returns its measures in the targets' own units."""
    # Models of a split start from the same draws, whichever ran before.
    keras.utils.set_random_seed(f.seed)
    model = mimo_keras.create_model(
        method,
        backbone=f.backbone,
        input_shape=split.train.image_shape,
        output_dim=1,
        likelihood="gaussian",
        ensemble_size=members,
        input_scale=None,
        seed=f.seed,
        **OPTIONS.get(method, {}),
    )
    model.compile(keras.optimizers.Adam(f.learning_rate))
    train, validation = (
        (part.images, part.labels) for part in (split.train, split.validation)
    )
    stop = keras.callbacks.EarlyStopping(
        "val_nll",
        mode="min",
        patience=f.patience,
        restore_best_weights=True,
    )
    history = model.fit(
        *train,
        validation_data=validation,
        batch_size=f.batch_size,
        epochs=f.train_epochs,
        callbacks=[stop],
        verbose=0,
    )
    found = mimo_keras.evaluate(model, split.test.images, split.test.labels)
    found = in_units({key: found[key] for key in KEYS}, split.std)
    return {**found, "epochs": len(history.epoch)}


def in_units(found, std):
    """Returns measures of targets that were divided by `std`, without that."""
    units = {key: found[key] * std for key in IN_UNITS}
    # The density of y is that of y / std, divided by std.
    return found | units | {"nll": found["nll"] + math.log(std)}


def table(record):
    """Returns two Markdown tables: means over splits, and paired changes."""
    groups = study.groups(record)
    first, *_ = groups
    means = [_row(key, runs) for key, runs in groups.items()]
    changes = [
        _row(key, changed(runs, groups[first]))
        for key, runs in groups.items()
        if key != first
    ]
    title = f"Change from {first[0]}"
    return "\n\n".join(
        analysis.markdown_table(rows, [name, "M", "Splits", *COLUMNS])
        for name, rows in (("Method", means), (title, changes))
        if rows
    )


def changed(runs, base):
    """Returns the differences of runs to those of the same split in `base`."""
    base = {one["seed"]: one for one in base}
    return [
        {key: one[key] - base[one["seed"]][key] for key in KEYS}
        for one in runs
        if one["seed"] in base
    ]


def _row(key, runs):
    cells = [
        mean_and_interval([one[name] for one in runs], digits) if runs else "-"
        for name, digits in COLUMNS.values()
    ]
    return [*key, len(runs), *cells]


if __name__ == "__main__":
    define_flags()
    script.run(main)
