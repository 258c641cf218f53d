"""Evaluates the deep ensemble of several finished deterministic runs.

    python uncertainty_runs/cifar.py --method=deterministic --seed=0
    python uncertainty_runs/cifar.py --method=deterministic --seed=1
    python uncertainty_runs/ensemble.py \
        --runs=runs/cifar10-deterministic-1-0,runs/cifar10-deterministic-1-1

Nothing is trained: the last checkpoint of each run becomes a member, and
--output_dir gets the ensemble's results, its report and ensemble.keras.
"""

import pathlib

from absl import flags

import mimo_keras
from mimo_keras.errors import expected
from mimo_keras.files import replacing_folder, write_json
from mimo_keras.training.distribute import make_strategy
from uncertainty_runs.common import config, models, signals, sources
from uncertainty_runs.common.run import conclude
from uncertainty_runs.common.run_folder import alone
from uncertainty_runs.evaluation.suite import Suite


def define_flags():
    flags.DEFINE_list("runs", [], "Folders of the members' runs.")
    flags.DEFINE_string("output_dir", "runs/ensemble", "Folder of the results.")
    flags.DEFINE_string("data_dir", None, "Folder of the data sets.")
    flags.DEFINE_bool("export", False, "Also write the predictor's SavedModel.")


def main():
    f = flags.FLAGS
    evaluate(f.runs, f.output_dir, data_dir=f.data_dir, export=f.export)


def evaluate(runs, output_dir, *, data_dir=None, export=False):
    """Assembles finished runs and writes what the ensemble's folder holds.

    Args:
        runs: Folders of the members' runs, on one data set.
        output_dir: Folder of the results.
        data_dir: Folder of the data sets.
        export: Whether to write the predictor as a SavedModel, too.

    Raises:
        InputError: A folder holds no finished run, or they do not fit
            together.
    """
    recorded = {run: models.recorded(run) for run in runs}
    s = common_settings(recorded) | {"data_dir": data_dir, "export": export}
    test = sources.load(s, "test")
    strategy = make_strategy(alone=True)
    with strategy.scope():
        members = [models.load_run(run, recorded[run], test) for run in runs]
        model = mimo_keras.assemble(members)
    folder = pathlib.Path(output_dir)
    with alone(folder), signals.on_sigterm() as stop:
        write_json(folder / "flags.json", s | {"runs": list(runs)})
        with replacing_folder(folder / "ensemble.keras") as path:
            model.save(path)
        conclude(model, Suite(test, strategy, s), folder, s, stop)


def common_settings(recorded):
    """Returns the settings of an ensemble of runs.

    Args:
        recorded: Dictionary from a run's folder to its flags.json.

    Raises:
        InputError: There is no run, or they are of several data sets.
    """
    if not recorded:
        raise expected("folders of finished runs", "none", "Name them: --runs.")
    first, *others = recorded.values()
    for run, values in recorded.items():
        if values["dataset"] != first["dataset"]:
            raise expected(
                f"runs on {first['dataset']}, as the first is",
                f"{run} on {values['dataset']}",
                "Name runs on one data set.",
            )
    members = {"method": "deep_ensemble", "ensemble_size": 1 + len(others)}
    return first | members


if __name__ == "__main__":
    define_flags()
    config.run(main)
