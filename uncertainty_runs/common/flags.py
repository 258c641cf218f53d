"""The flags of the scripts, named as in Uncertainty Baselines."""

import functools

from absl import flags

from mimo_keras import data, methods
from uncertainty_runs.common import defining
from uncertainty_runs.common.defining import (
    MOST,
    SIDE,
    listed,
    number,
    of_recipe,
    one_of,
    text,
    whole,
    yes_no,
)
from uncertainty_runs.common.method_flags import define_method_flags

SHOW = "show_config"
DROP = "drop_remainder_for_eval"
_NOT_SETTINGS = (SHOW, DROP)
"""Flags that are not part of a run's settings."""


@functools.cache
def parsers():
    """Returns absl's parser of each flag of a training script, by name."""
    values = flags.FlagValues()
    with defining.elsewhere(values):
        define_flags([*data.DATASETS])
        define_photograph_flags()
    return {name: values[name].parser for name in values}


def define_flags(datasets):
    """Defines the flags of a training script.

    Args:
        datasets: Names that --dataset takes; the first is the default.
    """
    _define_task(datasets)
    _define_model()
    define_method_flags()
    _define_batches()
    _define_training()
    define_machine_flags()
    _define_outcome()


def define_photograph_flags():
    """Defines the additional flags of scripts for photographs."""
    whole("image_size", 224, "Side of the crops in pixels.", 32, SIDE)
    yes_no(
        "skip_bad_records",
        False,
        "Skip photographs that cannot be read, and count them.",
    )
    yes_no("require", False, "Fail if a test set is missing.")


def _define_task(datasets):
    known = ", ".join(methods.list_methods())
    one_of("dataset", datasets[0], datasets, "Data set.")
    define_data_flags()
    number(
        "train_proportion",
        1.0,
        "Train on this first part of the training images; the rest is the "
        "validation set.",
        lower_bound=0,
        upper_bound=1,
    )
    of_recipe(
        number,
        "validation_share",
        "Hold out this share of the training images as the validation set, "
        "drawn by --seed with all classes in proportion.",
        lower_bound=0,
        upper_bound=1,
    )
    whole(
        "train_examples",
        None,
        "Train on this many images only, drawn by --seed with all classes in "
        "proportion.",
        lower_bound=1,
    )
    yes_no(
        "tune",
        False,
        "Evaluate on the validation set only; no test set is read.",
    )
    text(
        "output_dir",
        None,
        "Folder of the run. Default: runs/<dataset>-<method>-<M>-<seed>, with "
        "the flags before the seed that change the recipe's network.",
    )
    text("method", "mimo", f"Method: {known}.")
    one_of(
        "recipe",
        None,
        ["mimmo"],
        "Use this paper's settings for any of its methods. Default: the "
        "settings of the method's own paper.",
    )


def _define_model():
    of_recipe(
        text, "backbone", "Backbone; {width} stands for --width_multiplier."
    )
    of_recipe(
        whole, "ensemble_size", "M, the number of members.", upper_bound=MOST
    )
    of_recipe(
        whole,
        "width_multiplier",
        "Factor on the number of filters.",
        upper_bound=MOST,
    )
    of_recipe(
        whole,
        "batch_repetitions",
        "R, how often each unique image appears in a step.",
        lower_bound=1,
        upper_bound=MOST,
    )
    of_recipe(
        number,
        "input_repetition_probability",
        "ρ, the share of rows with the same image for all members.",
    )
    of_recipe(
        whole,
        "shuffle_group",
        "Images per device from which rows are formed; 0: all of them.",
        lower_bound=0,
    )
    of_recipe(
        yes_no,
        "augment_repetitions",
        "Augment an image anew for each member and repetition of a step.",
    )
    _define_start()


def _define_start():
    text(
        "init_from",
        None,
        "Start where a trained network stands: a .keras file, or the folder of "
        "a finished run of one member. See docs/fine_tuning.md.",
    )
    number(
        "noise",
        None,
        "Relative standard deviation of what makes the members of --init_from "
        "differ. Default: 0.1.",
        lower_bound=0,
    )
    one_of(
        "freeze",
        None,
        ["trunk"],
        "Train only what is the members' own; for --init_from.",
    )
    one_of(
        "input_scale",
        None,
        ["None", "0..1", "standardized"],
        "How the network of --init_from takes its images, unless it is one of "
        "this library: as they are stored, 0 to 255 (None); from 0 to 1; or "
        "with the mean and standard deviation of the data set. Default: None.",
    )


def _define_batches():
    of_recipe(
        whole,
        "per_core_batch_size",
        "Rows per step on each device, including batch repetitions.",
        lower_bound=1,
    )
    whole(
        "images_per_step",
        None,
        "Unique images per step over all devices, in place of the recipe's: "
        "the rows are batch_repetitions times as many.",
        lower_bound=1,
    )
    whole(
        "gradient_accumulation_steps",
        1,
        "Passes over a batch whose gradients make one step. The recipe's rows "
        "of a step are divided among them; --per_core_batch_size is for each.",
        lower_bound=1,
        upper_bound=MOST,
    )
    whole(
        "steps_per_execution",
        1,
        "Passes that Keras runs at once, between callbacks.",
        lower_bound=1,
        upper_bound=10**6,
    )
    # None is the value in runs from before this flag existed.
    yes_no("sync_batch_norm", None, "Synchronize batch norm over devices.")
    of_recipe(
        whole,
        "norm_group",
        "Images per device that batch norm sees together in training; 0: all.",
        lower_bound=0,
    )


def _define_training():
    of_recipe(whole, "train_epochs", "Training epochs.", lower_bound=1)
    of_recipe(
        number,
        "base_learning_rate",
        "Learning rate for 128 unique images per step.",
        lower_bound=0,
    )
    of_recipe(
        listed,
        "lr_decay_epochs",
        "Epochs at which to decay, out of 200.",
    )
    number(
        "one_minus_momentum",
        0.1,
        "1 minus SGD's momentum.",
        lower_bound=0,
        upper_bound=1,
    )
    of_recipe(number, "lr_decay_ratio", "Factor of each decay.", lower_bound=0)
    of_recipe(whole, "lr_warmup_epochs", "Epochs of warm-up.", lower_bound=0)
    whole(
        "snapshots",
        0,
        "Keep the model at the ends of so many cycles, in each of which the "
        "rate falls along a cosine; 0: the recipe's schedule.",
        lower_bound=0,
        upper_bound=MOST,
    )
    of_recipe(number, "l1", "Coefficient of Σ |w|.", lower_bound=0)
    of_recipe(number, "l2", "Coefficient of Σ w².", lower_bound=0)
    number(
        "norm_l2",
        None,
        "L2 coefficient of norms, which then have no L1. Default: the others'.",
        lower_bound=0,
    )
    yes_no(
        "scale_ends",
        False,
        "Multiply l1 and l2 of the first layer and of the heads by M.",
    )
    of_recipe(
        number,
        "label_smoothing",
        "Probability spread evenly over all classes.",
        lower_bound=0,
        upper_bound=1,
    )
    of_recipe(yes_no, "augment", "Crop, shift or flip training images.")
    whole(
        "augment_padding",
        None,
        "Zeros around a CIFAR image before it is cropped. Default: 4, as is "
        "usual; MIMO's code pads 2.",
        lower_bound=0,
        upper_bound=SIDE,
    )
    _define_numerics()


def _define_numerics():
    yes_no("use_bfloat16", False, "Compute in bfloat16, with float32 weights.")
    whole(
        "seed",
        42,
        "Random seed.",
        lower_bound=0,
        upper_bound=2**32 - 1,
    )


def define_unfinished_flag():
    """Defines the flag that lets a run be evaluated before its end."""
    yes_no(
        "allow_unfinished",
        False,
        "Evaluate a run from a checkpoint before its last epoch.",
    )


def define_data_flags():
    """Defines the flags that say where the data sets are."""
    text("data_dir", None, "Folder of the data sets, in the layout of TFDS.")
    yes_no("download_data", False, "Download missing data sets.")


def define_machine_flags():
    """Defines the flags that choose the devices."""
    yes_no("use_tpu", False, "Run on a TPU; fail if there is none.")
    text("tpu", "", "Name or grpc:// address of the TPU; empty: a local one.")
    yes_no("use_gpu", False, "Run on GPUs; fail if there are none.")
    whole(
        "num_cores",
        0,
        "Number of devices to use; 0: all, but one on a CPU.",
        lower_bound=0,
    )


def define_bins_flag(default):
    """Defines the flag for the number of bins of calibration errors."""
    whole("num_bins", default, "Bins of the ECE.", 1, MOST)


def define_corrupted_flag(default):
    """Defines the flag for how many corrupted images are evaluated."""
    whole(
        "corrupted_examples",
        default,
        "Evaluate this many images of each corrupted set, the same for all "
        "runs, with all classes in proportion; 0: all.",
        lower_bound=0,
    )


def define_average_flag(default):
    """Defines the flag for what the ensemble's prediction averages."""
    one_of(
        "average",
        default,
        ["probabilities", "logits"],
        "What the ensemble's prediction averages, in the evaluation.",
    )


def _define_outcome():
    whole(
        "corruptions_interval",
        0,
        "Epochs between evaluations on corrupted images; 0: after the last "
        "epoch only; -1: never.",
        lower_bound=-1,
    )
    whole(
        "checkpoint_interval",
        1,
        "Epochs between checkpoints; the last epoch always has one. -1: none "
        "before.",
        lower_bound=-1,
    )
    define_bins_flag(15)
    define_average_flag("probabilities")
    define_corrupted_flag(0)
    yes_no(DROP, False, "Only false is possible: every image is evaluated.")
    whole(
        "trajectory_interval",
        0,
        "Epochs between predictions saved in trajectory.npz for analyze.py; "
        "0: none.",
        lower_bound=0,
    )
    whole(
        "trajectory_images",
        512,
        "Number of test images of these predictions; 0: all.",
        lower_bound=0,
    )
    of_recipe(yes_no, "shifted", "Also evaluate on MIMMO's shifted test set.")
    yes_no("eval_only", False, "Evaluate the last checkpoint; do not train.")
    define_unfinished_flag()
    yes_no("export", False, "Also write the predictor as a SavedModel.")
    yes_no(SHOW, False, "Print the settings of this command, and exit.")


def values():
    """Returns the value of every flag of a run."""
    return {flag.name: flag.value for flag in _of_runs()}


def given():
    """Returns the names of the flags given on the command line."""
    return {flag.name for flag in _of_runs() if flag.present}


def _of_runs():
    mine = defining.all_of()
    return [flag for flag in mine if flag.name not in _NOT_SETTINGS]
