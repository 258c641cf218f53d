"""Calibrates every method on held-out images; tests it also under corruption.

    python uncertainty_runs/studies/calibration_study.py

Does one temperature of the mixture still help each method, against one for each
member? And how far does the coverage of prediction sets fall under corruption?
Small networks are trained on digits by their recipes, for few epochs, without a
share of the training images, to which all of it is then fitted:
docs/calibration.md. A run takes seconds, so it happens in this process, and
nothing is kept of it but its numbers. These are added to --record: the command
can be stopped and given again, and what the record has is not run again.
--table_only only prints the tables and draws --figure.
"""

import itertools
import statistics

from absl import flags

from uncertainty_runs.common import early

with early.importing(__name__):
    import keras
    import numpy as np

    import mimo_keras
    from mimo_keras import analysis, data, evaluation
    from mimo_keras.analysis import mean_and_std
    from mimo_keras.errors import InputError, expected
    from mimo_keras.paths import as_path
    from mimo_keras.prediction import conformal
    from mimo_keras.training.distribute import make_strategy
    from uncertainty_runs.common import run as common_run
    from uncertainty_runs.common import run_data, script
    from uncertainty_runs.common.config import RunConfig
    from uncertainty_runs.common.flags import whole
    from uncertainty_runs.studies import engine, records, study
    from uncertainty_runs.studies.fashion_tables import found

KIND = "calibration_study"
METHODS = (
    "deterministic:1,mc_dropout:1,naive_multihead:3,mimo:3,mixmo:2,datamux:2,"
    "treenet:3,batch_ensemble:4,rank1_bnn:4,deep_ensemble:4,"
    "mixshare:2:backbone=small_cnn_2,"
    "mixture_ensemble:4:backbone=small_cnn_2:bank_single_layers=true,"
    "dun:1:backbone=small_cnn_2,early_exit:1:backbone=small_cnn_2,"
    "mimmo:2:backbone=small_cnn_2"
)
DATASET = "digits"
FACTS = ("train_epochs", "validation_share", "coverage", "score")
CALIBRATIONS = {
    "none": "as trained",
    "member_temperatures": "members' T",
    "temperature": "T",
}
"""How predictions are calibrated -> its name in the table."""
MEASURES = ("nll", "ece")
SEVERITIES = range(6)
"""0 is the clean test set."""


def define_flags():
    flags.DEFINE_list(
        "methods", METHODS.split(","), "Methods, as method:M[:flag=value…]."
    )
    whole("train_epochs", 20, "Training epochs.", 1)
    share = {"lower_bound": 0, "upper_bound": 1}
    flags.DEFINE_float(
        "validation_share", 0.25, "Share of images to fit to.", **share
    )
    flags.DEFINE_float("coverage", 0.99, "Of the prediction sets.", **share)
    flags.DEFINE_enum(
        "score", "lac", conformal.SCORES, "Score of the prediction sets."
    )
    flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds, one run each.")
    record = f"runs/{KIND}.json"
    flags.DEFINE_string("record", record, "JSON file of the numbers.")
    flags.DEFINE_string("figure", None, "PNG file to draw coverage in.")
    flags.DEFINE_bool("table_only", False, "Only print tables and draw.")


def main():
    f = flags.FLAGS
    if f.figure:
        records.check_figure(f.figure, f.record)
    if not f.table_only:
        run(f)
    record = records.read(f.record)
    with records.checked(f.record):
        print(tables(record))
        if f.figure:
            analysis.save_png(figure(record), as_path(f.figure))
            print("\nFigure:", f.figure)


def run(f):
    """Makes the runs that the record lacks, seed by seed."""
    engine.check_seeds(f.seeds)
    if not f.methods:
        raise expected("a method", "none", "Name one, as in mimo:3.")
    facts = {name: f[name].value for name in FACTS}
    records.check_is_file(f.record, "record")
    record = records.opened(f.record, KIND, {"dataset": DATASET, **facts})
    options = [
        f"train_epochs={f.train_epochs}",
        f"validation_share={f.validation_share}",
    ]
    points = [engine.parse(":".join([m, *options])) for m in f.methods]
    for seed, point in itertools.product(f.seeds, points):
        if found(record, point, seed) is None:
            print(f"{point.entry}, seed {seed} ...", flush=True)
            one = one_run(point, int(seed), f.coverage, f.score)
            records.add(record, one)
            engine.write(record, f.record)


def one_run(point, seed, *sets):
    """Trains, fits and evaluates a predictor; returns a run's numbers.

    Args:
        point: `engine.Point`.
        seed: The seed.
        *sets: Coverage and score of the prediction sets.
    """
    keras.utils.clear_session()
    config = config_of(point, seed)
    train, held_out = run_data.parted_train(config)
    model = trained(config, train)
    return {
        "method": point.label,
        "ensemble_size": point.members,
        "seed": seed,
        "cost/params": evaluation.trainable_parameters(model),
        **measured(model.predictor(), held_out, *sets),
    }


def config_of(point, seed):
    """Returns the `RunConfig` of a point; raises InputError for bad flags."""
    settings = point.settings()
    if settings is None:
        raise expected(
            "flags of cifar.py in an entry of --methods",
            f"methods={point.entry}",
            "Write method:M:flag=value.",
        )
    return RunConfig(
        dataset=point.dataset,
        data_dir=None,
        download_data=False,
        method=point.method,
        output_dir="",
        seed=seed,
        use_bfloat16=False,
        **settings,
    )


def trained(config, train):
    """Returns the model that cifar.py would train, without its files."""
    strategy = make_strategy()
    steps = common_run.steps_of(config, strategy, train)
    model = common_run.create_model(config, strategy, train)
    common_run.compile_model(config, strategy, model, steps)
    batches = data.training_batches(
        train,
        steps.unique_images,
        seed=config.seed,
        epochs=config.train_epochs,
        augment=run_data.augmentation(config),
        copies=config.copies(),
    )
    model.fit(
        batches,
        epochs=config.train_epochs,
        steps_per_epoch=steps.per_epoch,
        shuffle=False,
        verbose=0,
    )
    return model


def measured(predictor, held_out, coverage, score):
    """Returns how a predictor does after it was fitted to held-out images.

    Args:
        predictor: `Predictor`.
        held_out: `data.Examples`.
        coverage: Of the prediction sets.
        score: Likewise.

    Returns:
        Dictionary of numbers: "held_out" images, "temperature/T", measures of
        the test set for each calibration, as in "temperature/nll", and of each
        severity after calibration, as in "severity_1/coverage". None for what
        no calibration is best for.
    """
    pair = held_out.images, held_out.labels
    result = {"held_out": len(held_out)}
    fitted = {"none": predictor}
    sets = test_sets()
    for name in CALIBRATIONS:
        if name != "none":
            fitted[name] = calibrated(predictor, *pair, name)
        values = dict.fromkeys(MEASURES)
        if fitted[name] is not None:
            values = evaluated(fitted[name], *sets[0])
        result |= {f"{name}/{m}": values[m] for m in MEASURES}
    best = fitted["temperature"]
    result["temperature/T"] = best and best.stages[0].temperature
    covering = (best or predictor).prediction_sets(*pair, coverage, score)
    for severity, (images, labels) in enumerate(sets):
        values = evaluated(covering, images, labels)
        for measure in ("accuracy", "ece", "coverage", "set_size"):
            result[f"severity_{severity}/{measure}"] = values[measure]
    return result


def test_sets():
    """Returns images and labels of each severity, of all types together."""
    test = data.load(DATASET, "test")
    sets = {0: [test]}
    for part in data.corrupted(DATASET):
        sets.setdefault(part.severity, []).append(part.examples)
    return [
        (
            np.concatenate([some.images for some in sets[severity]]),
            np.concatenate([some.labels for some in sets[severity]]),
        )
        for severity in SEVERITIES
    ]


def evaluated(predictor, images, labels):
    """Returns all measures of a predictor on a set."""
    return mimo_keras.evaluate(predictor, images, labels, batch_size=1024)


def calibrated(predictor, images, labels, method):
    """Returns the calibrated predictor, or None if no calibration is best."""
    try:
        return predictor.calibrate(images, labels, method)
    except InputError:
        return None


def tables(record):
    """Returns two Markdown tables of a record: calibration, and coverage."""
    return f"{calibration_table(record)}\n\n{coverage_table(record)}"


def calibration_table(record):
    """Returns NLL and ECE of each calibration; mean and std over seeds.

    The last column is in how many seeds the temperature lowers the NLL.
    """
    rows = []
    for (label, members), runs in study.groups(record).items():
        cells = [
            _cell(runs, f"{name}/{measure}", scale, digits)
            for measure, scale, digits in (("nll", 1, 4), ("ece", 100, 2))
            for name in CALIBRATIONS
        ]
        known = [run for run in runs if run["temperature/nll"] is not None]
        lower = sum(r["temperature/nll"] < r["none/nll"] for r in known)
        rows.append(
            [
                *(_title(label, members), *cells),
                _cell(runs, "temperature/T", 1, 2),
                f"{lower} of {len(runs)}",
            ]
        )
    columns = [
        f"{title}, {name}"
        for title in ("NLL", "ECE [%]")
        for name in CALIBRATIONS.values()
    ]
    return analysis.markdown_table(
        rows, ["Method", *columns, "T", "T lowers NLL"]
    )


def coverage_table(record):
    """Returns coverage, in per cent, and mean size of the sets by severity."""
    rows = [
        [
            _title(*key),
            *(
                _cell(runs, f"severity_{s}/coverage", 100, 1)
                for s in SEVERITIES
            ),
            *(_cell(runs, f"severity_{s}/set_size", 1, 2) for s in (0, 5)),
        ]
        for key, runs in study.groups(record).items()
    ]
    asked = 100 * record["coverage"]
    names = ["clean", *(f"severity {s}" for s in SEVERITIES[1:])]
    columns = [f"{name} [%]" for name in names] + ["Size, clean", "Size, 5"]
    first = f"Coverage, {asked:g}% asked for"
    return analysis.markdown_table(rows, [first, *columns])


def figure(record):
    """Draws coverage and size of the sets by severity, means over seeds."""
    curves = {}
    for key, runs in study.groups(record).items():
        # Without M, the longest names fit beside the lines.
        curves[_title(key[0], None)] = {
            measure: [
                statistics.fmean(study.values(runs, f"severity_{s}/{measure}"))
                for s in SEVERITIES
            ]
            for measure in ("coverage", "set_size")
        }
    return analysis.coverage_by_method(SEVERITIES, curves, record["coverage"])


def _title(label, members):
    return analysis.method_title(label.partition(":")[0], members)


def _cell(runs, key, scale, digits):
    values = [run[key] for run in runs if run[key] is not None]
    if not values:
        return "-"
    return mean_and_std([scale * value for value in values], digits=digits)


if __name__ == "__main__":
    define_flags()
    script.run(main)
