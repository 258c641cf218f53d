"""Makes scripts with random flags short, and stages a folder for them.

Nothing here changes what a flag means: data sets are small, there are at most
two epochs, and scripts that start others get the results of a finished run.
"""

import functools
import importlib
import json
import pathlib
import resource
import sys

from absl import flags

from tests import prepared_data
from tests.runs import photographs, processes
from uncertainty_runs.common import signals
from uncertainty_runs.reported import TABLES
from uncertainty_runs.studies import (
    depths,
    fashion_tables,
    sharing,
    study,
    sweep,
)

TRAIN, TEST = 64, 40
MEMORY = 16 * 2**30
"""Bytes of address space: larger requests fail without harm."""
EPOCHS = 2
TINY = (
    *("--dataset=digits", "--train_epochs=1", "--width_multiplier=1"),
    *("--per_core_batch_size=32", "--corruptions_interval=-1"),
    "--backbone=small_cnn_1",
)
_OWN = ("--output_dir=out",)
# Script -> flags that come first, so that drawn ones override them.
FIRST = {
    "cifar": (*TINY, *_OWN),
    "imagenet": (
        *("--data_dir=data", "--train_epochs=1", "--backbone=small_cnn_1"),
        *("--image_size=32", "--per_core_batch_size=16", *_OWN),
        *("--corruptions_interval=-1", "--method=deterministic"),
    ),
    "evaluate": ("--runs=a", *_OWN),
    "analyze": ("--run_dir=m", "--examples=8", "--points=2"),
    "toy_regression": (
        *("--train_epochs=10", "--training_sets=3", "--test_examples=20"),
        *("--train_examples=8", "--batch_size=8", "--sizes=1"),
        *("--record=toy.json", "--figure=toy.png"),
    ),
    "sweep": ("--seeds=0", "--record=sweep.json", "--vary=l1=0,1"),
    "cost": ("--backbone=small_cnn_1", "--methods=mimo:2", "--paper=mimo"),
    "plan": ("--backbone=wide_resnet_10_1",),
    "prepare": ("--dataset=mnist", "--source=none", "--data_dir=out"),
    "reproduce": (
        *("--table=mixture6", "--dataset=digits", "--run"),
        "--record=reproduce.json",
    ),
}
_STUDY = ("--seeds=0", "--methods=mimo:2", "--record=record.json")
_LISTS = ("budgets", "sharing", "depths")
FIRST |= {name: (*_STUDY, f"--record={name}.json") for name in _LISTS}
FIRST |= {"study": _STUDY}
FIRST["budgets"] += ("--figure=f.png",)
FIRST["fashion"] = (
    *("--seeds=0", "--record=fashion.json", "--parts=main", "--figures=."),
    *("--rates=0.1,0.2", "--epochs=1", "--l2=0", "--backbone=small_cnn_1"),
)
FIRST["warm_starts"] = (
    *("--seeds=0", "--record=warm.json", "--methods=mimo:2", "--epochs=10"),
)
FIRST["diabetes"] = (
    *("--splits=1", "--methods=deterministic:1", "--backbone=mlp_4"),
    "--record=diabetes.json",
)
FIRST["calibration_study"] = (
    *("--seeds=0", "--methods=mimo:2", "--train_epochs=1"),
    *("--coverage=0.8", "--record=calibration.json"),
)
_COSTS = ("cost/params", "cost/flops")
STARTERS = ("study", "budgets", "sharing", "depths", "sweep", "reproduce")
STARTERS += ("fashion", "warm_starts")


def script(name):
    """Returns the path of a script."""
    top = processes.CIFAR.with_name(f"{name}.py")
    return top if top.exists() else top.parent / "studies" / top.name


def _prepare(name):
    import mimo_keras.data.digits as digits

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    processes.without_network()
    load, counts = digits.load, {"train": TRAIN, "test": TEST}
    digits.load = lambda split: load(split).take(counts.get(split))
    if name in STARTERS:
        signals.Request.run = _results
    elif name == "cost":
        _small_papers()
    elif name == "toy_regression":
        _shorten("mimo_keras.training.side_by_side", "SideBySide")
    else:
        _shorten("mimo_keras.training.model", "EnsembleModel")


def _shorten(module, model):
    """Limits the epochs and steps of a model's fit."""
    kind = getattr(importlib.import_module(module), model)
    fit = kind.fit

    def shortened(self, *args, epochs, steps_per_epoch=16, **kwargs):
        epochs = min(epochs, kwargs.get("initial_epoch", 0) + EPOCHS)
        steps = min(steps_per_epoch, 16)
        return fit(self, *args, epochs=epochs, steps_per_epoch=steps, **kwargs)

    kind.fit = shortened


def _small_papers():
    """Computes the papers' tables with a network that is quick to build."""
    import mimo_keras

    create = mimo_keras.create_model

    def small(method, *, backbone, **options):
        backbone = {"wide_resnet_28_10": "wide_resnet_10_1"}.get(
            backbone, backbone
        )
        return create(method, backbone=backbone, **options)

    mimo_keras.create_model = small


def _results(request, command):
    """Replaces cifar.py: takes the same flags, trains nothing."""
    given = dict(text[2:].partition("=")[::2] for text in command[2:])
    try:
        flags.IntegerParser(1).parse(given["ensemble_size"])
        flags.IntegerParser(0, 2**32 - 1).parse(given["seed"])
        folder = pathlib.Path(given["output_dir"])
        folder.mkdir(parents=True, exist_ok=True)
    except (ValueError, OSError) as error:
        print(f"cifar.py: error: {error}", file=sys.stderr)
        return 2
    keys = {*study.COLUMNS.values(), *depths.KEYS, *sharing.KEYS, *sweep.KEYS}
    keys |= {*fashion_tables.KEYS}
    keys |= {key for table in TABLES.values() for key in table.result_keys()}
    found = dict.fromkeys(keys, 0.5) | dict.fromkeys(_COSTS, 1000)
    (folder / "results.json").write_text(json.dumps(found))
    return 0


def stage(folder):
    """Writes what flags may refer to: runs, a model, records, data.

    Args:
        folder: Existing, empty folder.
    """
    splits = {"train": photographs.draw(32, 1)}
    splits["validation"] = photographs.draw(16, 2)
    prepared_data.write(folder / "data", "imagenet2012", splits)
    (folder / "file").write_text("text")
    (folder / "empty.json").write_text('{"runs": []}')
    plain = ("--method=deterministic", *TINY)
    for name, line in (
        ("cifar", [*plain, "--output_dir=a"]),
        ("cifar", [*plain, "--output_dir=b", "--seed=1"]),
        ("cifar", [*TINY, "--output_dir=m", "--trajectory_interval=1"]),
        ("evaluate", ["--runs=a,b", "--output_dir=e", "--export"]),
        ("study", [*_STUDY, "--methods=deterministic:1,mimo:2"]),
        *((name, FIRST[name]) for name in _LISTS),
        ("sweep", FIRST["sweep"]),
        ("reproduce", FIRST["reproduce"]),
        ("toy_regression", FIRST["toy_regression"]),
    ):
        done = run(name, line, folder)
        if done.status:
            raise RuntimeError(f"{name} {line}: {done.stderr}")


def run(name, line, folder, seconds=processes.SECONDS, before=None):
    """Runs a shortened script; returns `processes.Finished`.

    Args:
        name: The script's.
        line: Its flags.
        folder: Where to run it.
        seconds: Time after which it counts as hanging.
        before: Picklable function that the process calls before all else.
    """
    actions = [functools.partial(_prepare, name), *([before] if before else [])]
    return processes.run(
        line,
        folder,
        processes.together(*actions),
        script(name),
        seconds=seconds,
    )
