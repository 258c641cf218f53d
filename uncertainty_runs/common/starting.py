"""Runs that start where a trained network stands (--init_from)."""

import mimo_keras
from mimo_keras import data
from mimo_keras.errors import argument, expected
from mimo_keras.export import is_saved_ensemble
from mimo_keras.folders import replacing_folder
from mimo_keras.paths import as_path
from mimo_keras.training import EnsembleModel
from mimo_keras.training.assemble import loaded

START = "start.keras"
"""In the folder of such a run, its model before training."""
BACKBONE = "init_from"
"""What stands for the backbone of such a run: it is the trained network's."""
_NOISE = 0.1
_ALONE = ("backbone", "width_multiplier")
_WITH = ("noise", "freeze", "input_scale")
FLAGS = ("init_from", *_WITH)


def settle(values):
    """Sets what --init_from says of a run's settings, in place.

    Args:
        values: Flag -> value as given, None where a recipe decides.

    Raises:
        InputError: Other flags do not apply with it, or without it.
    """
    start = values["init_from"]
    wrong, wanted = (_ALONE, "no") if start else (_WITH, "--init_from for")
    for name in wrong:
        if values[name] is not None:
            raise expected(
                f"{wanted} --{name}" + " with --init_from" * bool(start),
                f"{name}={values[name]}",
                "Leave it out.",
            )
    if start and values["use_bfloat16"]:
        raise expected(
            "no --use_bfloat16 with --init_from: layers keep their precision",
            "use_bfloat16=True",
            "Save the network with layers of the policy mixed_bfloat16.",
        )
    values.update(defaults(values))


def defaults(values):
    """Returns the settings that --init_from decides unless a flag does."""
    if not values.get("init_from"):
        return {}
    noise = values.get("noise")
    return {"backbone": BACKBONE, "noise": _NOISE if noise is None else noise}


def create_model(config, source, load_run):
    """Creates the model of a run that starts from a trained network.

    The run's own folder has it once the run has begun: it can go on, and be
    evaluated, without the file that it started from.

    Args:
        config: `RunConfig`.
        source: Images of its data set, for shape and classes.
        load_run: Function from the folder of a finished run, and such images,
            to its model.

    Returns:
        The `EnsembleModel`.

    Raises:
        InputError: The network cannot be read, or does not fit the data or
            the method.
    """
    kept = as_path(config.output_dir, "output_dir") / START
    if kept.exists():
        return loaded(kept)
    path = as_path(config.init_from, "init_from")
    network = load_run(path, source) if path.is_dir() else loaded(path)
    ours = isinstance(network, EnsembleModel)
    shape = network.image_shape if ours else _shape(network)
    if tuple(shape) != tuple(source.image_shape):
        raise expected(
            f"a network for images {tuple(source.image_shape)}, as in "
            f"{source.name}",
            f"init_from={config.init_from}, for {tuple(shape)}",
            "Name another network, or another data set.",
        )
    return mimo_keras.from_network(
        network,
        config.method,
        ensemble_size=config.ensemble_size,
        num_classes=source.num_classes,
        noise=config.noise,
        freeze=config.freeze,
        seed=config.seed,
        sync_batch_norm=bool(config.sync_batch_norm),
        norm_group=config.norm_group or 0,
        **_scale(config, ours),
        **config.method_options(train_examples=len(source)),
    )


def keep(config, model, folder):
    """Saves a model in the folder of its run before it is trained.

    Args:
        config: `RunConfig`.
        model: The `EnsembleModel` from `create_model`.
        folder: The folder's path object.
    """
    if config.init_from and not (folder / START).exists():
        save(model, folder / START)


def save(model, path):
    """Saves a model as .keras, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing_folder(path, is_saved_ensemble) as temporary:
        model.save(temporary)


def _shape(network):
    """Returns the shape of one input; from_network reports all else."""
    inputs = getattr(network, "inputs", None)
    return tuple(inputs[0].shape[1:]) if inputs else ()


def _scale(config, ours):
    """Returns how a network wants its images; ours say so themselves.

    A run's images are bytes, or floats from 0 to 1; with std = 1 / 255 both
    become 0 to 255.
    """
    named = config.input_scale
    if ours:
        if named is not None:
            raise expected(
                f"no {argument('input_scale')} for a network of this library, "
                "which knows its own",
                f"input_scale={named}",
                "Leave it out.",
            )
        return {}
    if named == "standardized":
        mean, std = data.standardization(config.dataset)
        return {"input_scale": "0..1", "mean": mean, "std": std}
    std = 1.0 if named == "0..1" else 1 / 255
    return {"input_scale": "0..1", "mean": 0.0, "std": std}
