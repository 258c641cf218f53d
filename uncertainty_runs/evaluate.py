r"""Evaluates finished runs or saved models, set by set.

    python uncertainty_runs/evaluate.py --runs=runs/imagenet2012-mimo-2-42 \
        --data_dir=DATA --suite=imagenet_a,imagenet_r
    python uncertainty_runs/evaluate.py --models=mimo.keras --dataset=cifar10 \
        --output_dir=runs/mimo
    python uncertainty_runs/evaluate.py --runs=runs/a,runs/b \
        --output_dir=runs/ab --export

    python uncertainty_runs/evaluate.py --runs=runs/a --calibrate=val \
        --prediction_sets=0.9 --detector=vim
    python uncertainty_runs/evaluate.py --models=runs/a/snapshots \
        --dataset=cifar10 --output_dir=runs/a_snapshots

The fourth command fits the predictor to the images that the run held out
(--validation_share), never to the test set, and adds how it does then, as
"fitted/…". With --export, the fitted predictor is exported.

Several runs or models are evaluated as one ensemble of all their members. With
--export, plain networks are also saved as one deep ensemble, in
ensemble.keras. The clean test set is always evaluated. Each set's results are
saved as soon as they are computed, so the same command resumes where it was
stopped; at the end they are added to the results.json of --output_dir.
"""

import dataclasses
import os

from absl import flags

from uncertainty_runs.common import early

with early.importing(__name__):
    import mimo_keras
    from mimo_keras import analysis, data
    from mimo_keras.analysis.run_files import (
        read_drawn,
        read_json,
        read_results,
    )
    from mimo_keras.errors import closest, expected
    from mimo_keras.evaluation import Results
    from mimo_keras.export import is_export, is_saved_ensemble
    from mimo_keras.files import write_json
    from mimo_keras.folders import check_ours, replacing_folder
    from mimo_keras.paths import as_path
    from mimo_keras.training import EnsembleModel
    from mimo_keras.training.assemble import loaded
    from mimo_keras.training.distribute import make_strategy
    from uncertainty_runs.common import models, run_data, script, signals
    from uncertainty_runs.common.config import FREE, DataConfig, with_defaults
    from uncertainty_runs.common.flags import (
        define_average_flag,
        define_bins_flag,
        define_corrupted_flag,
        define_machine_flags,
        define_unfinished_flag,
    )
    from uncertainty_runs.common.run_folder import RESULTS, alone
    from uncertainty_runs.evaluation import fitted, saved_models
    from uncertainty_runs.evaluation.predict import as_number, fingerprint
    from uncertainty_runs.evaluation.suite import Suite, save


def define_flags():
    text, yes_no = flags.DEFINE_string, flags.DEFINE_bool
    flags.DEFINE_list("runs", [], "Folders of finished runs.")
    flags.DEFINE_list("models", [], "Saved models: .keras files, or folders.")
    yes_no(
        "average_weights",
        False,
        "Evaluate one model with the mean of the weights of --models, as of "
        "snapshots of one run; batch norms see the training images anew.",
    )
    flags.DEFINE_enum(
        "dataset", None, [*data.DATASETS], "Data set of --models."
    )
    flags.DEFINE_list("suite", [], "Test sets to evaluate. Default: all.")
    text("data_dir", None, "Folder of the data sets.")
    yes_no("download_data", False, "Download missing data sets.")
    text("output_dir", None, "Folder of the results. Default: --runs.")
    yes_no("require", False, "Fail if a test set is missing.")
    yes_no(
        "export",
        False,
        "Also write the predictor as a SavedModel, and several models as one "
        "ensemble.keras.",
    )
    yes_no("skip_bad_records", False, "Skip photographs that cannot be read.")
    fitted.define_flags()
    define_bins_flag(None)
    define_average_flag(None)
    define_corrupted_flag(None)
    define_unfinished_flag()
    define_machine_flags()


def main():
    f = flags.FLAGS
    strategy = make_strategy(
        use_tpu=f.use_tpu,
        tpu=f.tpu,
        use_gpu=f.use_gpu,
        num_cores=f.num_cores,
        alone=True,
    )
    folder = output_dir(f)
    with strategy.scope():
        config, record, members, trained = (of_runs if f.runs else of_files)(f)
    check_folder(folder, record, f.runs)
    test = run_data.load(config, "test")
    check_fits(members, test)
    fit = fitted.wanted(f, config)
    suite = Suite(test, strategy, config, folder / "evaluated")
    check_suite(f.suite, suite)
    exported = as_one_model(members, strategy) if f.export else None
    if exported is not None:
        check_exports(folder, len(members) > 1)
    if fit is not None:
        predictor = fit.fit(members[0], suite.batch_size)
        exported = predictor if f.export else None
    only = {"test", *f.suite} if f.suite else None
    with alone(folder), signals.on_request() as stop:
        way = config.average, config.num_bins
        before = kept(folder, members, only is None, *way)
        results, arrays = suite.full(members, only=only, stop=stop)
        results |= Results(training=trained)
        if fit is not None:
            before = fitted.without(*before)
            more, drawn = suite.fitted(predictor, only)
            results, arrays = results | more, arrays | drawn
        if not (folder / "flags.json").exists():
            write_json(folder / "flags.json", record)
        save(folder, before[0] | results, before[1] | arrays)
    print(analysis.results_table(results))
    print("Report:     ", analysis.write_report(folder))
    if exported is not None:
        export(exported, folder, len(members) > 1)


def output_dir(f):
    """Returns the folder of the results; by default that of a single run."""
    if bool(f.runs) == bool(f.models):
        raise expected(
            "--runs or --models",
            f"runs={','.join(f.runs)}, models={','.join(f.models)}",
            "Name finished runs, or models saved as .keras.",
        )
    if f.output_dir is None and len(f.runs) != 1:
        raise expected(
            "--output_dir, unless one run is evaluated",
            "none",
            "Name a folder for the results.",
        )
    if f.average_weights and f.runs:
        raise expected(
            "--average_weights with --models: other runs' weights have no mean",
            f"runs={','.join(f.runs)}",
            "Name the snapshots of one run in --models.",
        )
    return as_path(f.output_dir or f.runs[0], "output_dir")


def of_runs(f):
    """Returns the data config, the contents of flags.json, and the models.

    And how far the one is trained that is furthest from its end.
    """
    configs = {run: models.recorded(run) for run in f.runs}
    first = next(iter(configs.values()))
    for run, config in configs.items():
        if config.dataset != first.dataset:
            raise expected(
                f"runs on {first.dataset}, like the first",
                f"{run} on {config.dataset}",
                "Name runs on one data set.",
            )
    config = dataclasses.replace(first, **_given(f))
    record = config.to_json()
    if len(f.runs) > 1:
        record |= {
            "method": "deep_ensemble",
            "ensemble_size": len(f.runs),
            "runs": list(f.runs),
        }
    test = run_data.load(config, "test")
    allow = f.allow_unfinished
    members, trained = zip(
        *(models.load_run(run, configs[run], test, allow) for run in f.runs),
        strict=True,
    )
    least = min(trained, key=lambda one: one["epoch"] / one["epochs"])
    return config, record, [*members], least


def of_files(f):
    """Returns the same for saved models."""
    if f.dataset is None:
        raise expected("--dataset with --models", "none", "Name the data set.")
    paths = saved_models.files_of(f.models)
    members = [_ensemble(path) for path in paths]
    config = DataConfig(
        dataset=f.dataset, image_size=members[0].image_shape[0], **_given(f)
    )
    averaged = {}
    if f.average_weights:
        members = [saved_models.averaged(members, config)]
        averaged = {"average_weights": True}
    record = {
        **vars(config),
        "method": members[0].name,
        "ensemble_size": sum(len(model.log_weights) for model in members),
        "models": paths,
        **averaged,
    }
    return config, record, members, {}


def _given(f):
    given = {
        name: getattr(f, name)
        for name in ("data_dir", "download_data", "require", "skip_bad_records")
    }
    # A run that was tuned can have its test set read here.
    given["tune"] = False
    names = ("num_bins", "average", "corrupted_examples")
    measures = {name: getattr(f, name) for name in names}
    return given | {n: v for n, v in measures.items() if v is not None}


def _ensemble(path):
    model = loaded(path)
    if not isinstance(model, EnsembleModel):
        raise expected(
            "a model created by create_model",
            f"{path} of type {type(model).__name__}",
            "Leave it out.",
        )
    return model


def check_fits(members, test):
    """Raises InputError if a model has other image shapes or classes."""
    for model in members:
        facts = tuple(model.image_shape), model.num_classes
        if facts != (tuple(test.image_shape), test.num_classes):
            raise expected(
                f"models for images {tuple(test.image_shape)} and "
                f"{test.num_classes} classes, as in {test.name}",
                f"images {facts[0]}, classes {facts[1]}",
                "Name models for this data set.",
            )


def check_suite(requested, suite):
    """Raises InputError if an unknown part is requested."""
    known = suite.parts()
    names = {*known, *(name.split("/")[0] for name in known)}
    for name in requested:
        if name not in names:
            raise expected(
                f"parts of the suite of {suite.dataset}: " + ", ".join(known),
                f"suite={name}",
                closest(name, sorted(names), "Choose from these."),
            )


def as_one_model(members, strategy):
    """Combines models; raises InputError unless they are plain networks."""
    if len(members) == 1:
        return members[0]
    with strategy.scope():
        return mimo_keras.assemble(members)


def check_exports(folder, assembled):
    """Raises InputError if `export` would refuse to replace what is there."""
    check_ours(folder / "saved_model", is_export)
    if assembled:
        check_ours(folder / "ensemble.keras", is_saved_ensemble)


def export(model, folder, assembled):
    """Writes a model as a SavedModel; if assembled here, also as .keras."""
    if assembled:
        path = folder / "ensemble.keras"
        with replacing_folder(path, is_saved_ensemble) as temporary:
            model.save(temporary)
        print("Ensemble:   ", path)
    path = mimo_keras.export_saved_model(model, folder / "saved_model")
    print("SavedModel: ", path)


def check_folder(folder, record, runs):
    """Raises InputError if other networks' results are in the folder.

    Args:
        folder: The folder of the results.
        record: What its flags.json would hold.
        runs: Folders of the runs that are evaluated; that of a single one is
            also right.
    """
    own = [run for run in runs if _same(run, folder)]
    if own and len(runs) == 1:
        return
    path = folder / "flags.json"
    there = [
        name for name in ("flags.json", *RESULTS) if (folder / name).exists()
    ]
    if own or (there and not path.exists()):
        received = "one of --runs" if own else f"{there[0]} in it"
    elif there and _identity(read_json(path)) != _identity(record):
        received = "the flags.json of others in it"
    else:
        return
    raise expected(
        "an --output_dir that is new or has results of the same networks",
        f"output_dir={folder}, {received}",
        "Choose another folder.",
    )


def _identity(record):
    """Returns the entries of a flags.json that say what is evaluated."""
    found = {k: v for k, v in with_defaults(record).items() if k not in FREE}
    for name in ("runs", "models"):
        if isinstance(paths := found.get(name), list):
            found[name] = [_real(path) for path in paths]
    return found


def _same(one, other):
    return _real(one) == _real(other)


def _real(path):
    return os.path.realpath(str(as_path(str(path))))


def kept(folder, members, whole, average="probabilities", num_bins=15):
    """Returns the results and arrays in the folder, to add to.

    Args:
        folder: The folder of the results.
        members: The models.
        whole: Whether all sets are evaluated: results of other weights, as
            after an earlier epoch, of another average or of another number
            of bins are then replaced.
        average: What predictions average.
        num_bins: Bins of the calibration error.

    Raises:
        InputError: They are of other weights, average or bins, but not all
            are replaced.
    """
    path = folder / "results.json"
    results = read_results(path) if path.exists() else Results()
    arrays = read_drawn(folder / "arrays.npz")
    now = as_number(fingerprint(members))
    # Results of older versions say nothing about the weights, and average
    # probabilities.
    averaged = bool(results.evaluation.get("averaged_logits", 0))
    others = []
    if results.weights.get("fingerprint", now) != now:
        others.append("of other weights")
    measured = results.test or results.validation
    if measured and averaged != (average == "logits"):
        what = "logits" if averaged else "probabilities"
        others.append(f"from averaged {what}")
    bins = _bins(folder, results)
    if measured and bins != num_bins:
        others.append(f"of {bins} bins")
    if not others:
        return results, arrays
    if whole:
        return Results(), {}
    raise expected(
        f"results of the same weights, --average={average} and "
        f"--num_bins={num_bins} in {folder}, to add others to",
        f"{path.name} {' and '.join(others)}",
        "Leave out --suite to replace them all, or choose another "
        "--output_dir.",
    )


def _bins(folder, results):
    """Returns the bins of a folder's results.

    Results of older versions do not say: they are those of the run's flags.
    """
    path = folder / "flags.json"
    flags_json = read_json(path) if path.exists() else {}
    run = flags_json.get("num_bins", DataConfig.num_bins)
    return int(results.evaluation.get("num_bins", run))


if __name__ == "__main__":
    define_flags()
    script.run(main)
