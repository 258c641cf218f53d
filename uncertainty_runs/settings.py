"""The flags of the scripts, in Uncertainty-Baselines' names."""

import dataclasses
import os
import sys

from absl import app, flags, logging

from mimo_keras import methods
from mimo_keras.errors import InputError, expected

# What another run in the same folder may change: where things lie and what
# is done after training, but nothing that the weights depend on.
FREE = ("data_dir", "output_dir", "download_data", "eval_only", "export")

_BY_RECIPE = "Default: the recipe's, see recipes.py."


def define_flags(datasets):
    """Defines the flags of a training script.

    Args:
        datasets: Names that --dataset takes; the first is the default.
    """
    text, number, yes_no = (
        flags.DEFINE_string,
        flags.DEFINE_float,
        flags.DEFINE_bool,
    )
    whole = flags.DEFINE_integer
    flags.DEFINE_enum("dataset", datasets[0], datasets, "Data set.")
    text("method", "mimo", "Method: " + ", ".join(methods.list_methods()) + ".")
    text("backbone", None, f"Backbone; {{width}} is filled in. {_BY_RECIPE}")
    text("data_dir", None, "Folder of the data sets, as TFDS lays them out.")
    yes_no("download_data", False, "Download a data set that is missing.")
    text("output_dir", None, "Folder of the run. Default: runs/<what it is>.")
    whole("ensemble_size", None, f"M, the members. {_BY_RECIPE}")
    whole("width_multiplier", None, f"Factor on the filters. {_BY_RECIPE}")
    whole("batch_repetitions", None, f"R. {_BY_RECIPE}", lower_bound=1)
    number(
        "input_repetition_probability",
        None,
        f"ρ, share of rows with one image in all members. {_BY_RECIPE}",
    )
    number("dropout_rate", None, f"Share dropped, mc_dropout. {_BY_RECIPE}")
    whole("samples", None, f"S, samples of a prediction. {_BY_RECIPE}")
    text("split", None, f"Stages that treenet shares. {_BY_RECIPE}")
    whole(
        "per_core_batch_size",
        None,
        "Rows of a step on each device, batch repetitions included. "
        + _BY_RECIPE,
        lower_bound=1,
    )
    whole("train_epochs", None, f"Epochs. {_BY_RECIPE}", lower_bound=1)
    number(
        "base_learning_rate",
        None,
        f"Learning rate at 128 unique images a step. {_BY_RECIPE}",
    )
    flags.DEFINE_list(
        "lr_decay_epochs", None, f"Epochs of 200 to decay at. {_BY_RECIPE}"
    )
    number("lr_decay_ratio", None, f"Factor of each decay. {_BY_RECIPE}")
    whole("lr_warmup_epochs", None, f"Epochs of warm-up. {_BY_RECIPE}")
    number("l2", None, f"Coefficient of the sum of squares. {_BY_RECIPE}")
    whole("seed", 42, "Seed of everything random.")
    yes_no("use_tpu", False, "Run on a TPU, or fail.")
    text("tpu", "", "Name or grpc:// address of the TPU; empty: a local one.")
    yes_no("use_gpu", False, "Run on GPUs, or fail.")
    whole("num_cores", 0, "Devices to use; 0: all. On a CPU 0 is one.")
    yes_no("use_bfloat16", False, "Compute in bfloat16, keep float32 weights.")
    whole(
        "corruptions_interval",
        0,
        "Epochs between evaluations on corrupted images; 0: after the last "
        "epoch only; -1: never.",
    )
    whole(
        "checkpoint_interval", 1, "Epochs between checkpoints.", lower_bound=1
    )
    yes_no("eval_only", False, "Evaluate the last checkpoint; do not train.")
    yes_no("export", False, "Also write the predictor as a SavedModel.")


def resolve(recipe_of):
    """Returns the value of every flag, with the recipe's where none is given.

    Args:
        recipe_of: Function from (dataset, method) to a `Recipe`.

    Returns:
        Dictionary from flag name to value, plus "batch_size", the recipe's
        rows a step, which --per_core_batch_size overrides.
    """
    mine = flags.FLAGS.flags_by_module_dict()[__name__]
    values = {flag.name: flag.value for flag in mine}
    recipe = dataclasses.asdict(recipe_of(values["dataset"], values["method"]))
    for name in ("source", "reported"):
        recipe.pop(name)
    for name, value in recipe.items():
        if values.get(name) is None:
            values[name] = value
    values["backbone"] = values["backbone"].format(
        width=values["width_multiplier"]
    )
    values["lr_decay_epochs"] = _epochs(values["lr_decay_epochs"])
    if values["output_dir"] is None:
        values["output_dir"] = os.path.join(
            "runs",
            "{dataset}-{method}-{ensemble_size}-{seed}".format(**values),
        )
    return values


def method_options(values):
    """Returns those of the flags' values that are the method's own options.

    One that neither a flag nor the recipe sets is left to the method.
    """
    names = methods.options(values["method"])
    return {n: values[n] for n in names if values.get(n) is not None}


def unique_images(values, replicas, examples):
    """Returns how many unique images a training step takes on all devices.

    Args:
        values: The value of every flag.
        replicas: Number of devices that share a step.
        examples: Number of training examples.

    Raises:
        InputError: The rows of a step cannot be shared out evenly, or there
            are fewer examples than a step takes.
    """
    rows = values["batch_size"]
    if values["per_core_batch_size"] is not None:
        rows = values["per_core_batch_size"] * replicas
    repetitions = values["batch_repetitions"]
    if rows % (repetitions * replicas):
        raise expected(
            "rows a step divisible by batch_repetitions times devices",
            f"rows={rows}, batch_repetitions={repetitions}, devices={replicas}",
            "Change --per_core_batch_size, the rows on each device.",
        )
    unique = rows // repetitions
    if unique > examples:
        raise expected(
            f"at most {examples} unique images a step, as many as there are",
            f"{unique}",
            "Lower --per_core_batch_size.",
        )
    return unique


def _epochs(texts):
    try:
        return [int(text) for text in texts]
    except ValueError:
        raise expected(
            "whole numbers of epochs",
            f"lr_decay_epochs={','.join(map(str, texts))}",
            "Write for example --lr_decay_epochs=80,160,180.",
        ) from None


def run(main):
    """Runs a script's main(); a user's error is one line and exit status 2.

    Args:
        main: Function without arguments.
    """
    script = os.path.basename(sys.argv[0])

    def fail(error):
        print(f"{script}: error: {error}", file=sys.stderr)
        sys.exit(2)

    def parse(argv):
        try:
            rest = flags.FLAGS(argv)
        except flags.Error as error:
            fail(" ".join(str(error).split()))
        if len(rest) > 1:
            fail(
                f"Expected flags only. Received: {rest[1]!r}. "
                "Write it as --name=value."
            )
        return rest

    def guarded(_):
        # TensorFlow tells through this logger what concerns nobody here.
        logging.set_verbosity(logging.WARNING)
        try:
            main()
        except InputError as error:
            fail(error)

    app.run(guarded, flags_parser=parse)
