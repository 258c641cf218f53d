"""Models that were saved as .keras, such as the snapshots of a run."""

import mimo_keras
from mimo_keras import data
from mimo_keras.errors import expected
from mimo_keras.paths import as_path
from uncertainty_runs.common import run_data

_SUFFIX = ".keras"


def files_of(paths):
    """Returns the names of all files, of folders those of models in order.

    Args:
        paths: Names of .keras files, and of folders with some.

    Raises:
        InputError: There are no models in a folder.
    """
    found = []
    for name in paths:
        path = as_path(name, "models")
        if not path.is_dir():
            found.append(name)
            continue
        inside = sorted(
            str(one)
            for one in path.iterdir()
            if one.name.endswith(_SUFFIX) and not one.name.startswith(".")
        )
        if not inside:
            raise expected(
                f"a folder of {_SUFFIX} files, such as a run's snapshots",
                f"models={name}, without any",
                "Train with --snapshots, or name files.",
            )
        found += inside
    return found


def averaged(models, config):
    """Returns one model with the mean weights of several.

    Args:
        models: `EnsembleModel`s of one architecture.
        config: `DataConfig`, of a data set in memory.
    """
    if not data.get(config.dataset).in_memory:
        raise expected(
            "a data set in memory for --average_weights",
            f"dataset={config.dataset}",
            "Use mimo_keras.average_weights with some training images.",
        )
    train = run_data.load(config, "train")
    return mimo_keras.average_weights(models, train.images)
