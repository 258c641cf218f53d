"""The flags of the scripts, named as in Uncertainty Baselines."""

import functools

from absl import flags

from mimo_keras import data, methods

SHOW = "show_config"
DROP = "drop_remainder_for_eval"
_NOT_SETTINGS = (SHOW, DROP)
"""Flags that are not part of a run's settings."""
MOST = 1000
"""Upper bound on members, filters and samples, to catch typing errors."""
SIDE = 4096
"""Upper bound on the side of images in pixels, likewise."""

_places = [flags.FLAGS]
"""The last one gets the definitions."""


def _defining(define):
    """Returns absl's function, for the last of `_places`."""

    @functools.wraps(define)
    def defined(*args, **kwargs):
        return define(*args, flag_values=_places[-1], **kwargs)

    return defined


_text, _yes_no = _defining(flags.DEFINE_string), _defining(flags.DEFINE_bool)
_number, _whole = _defining(flags.DEFINE_float), _defining(flags.DEFINE_integer)
_one_of, _list = _defining(flags.DEFINE_enum), _defining(flags.DEFINE_list)


def whole(name, default, text, lower_bound=None, upper_bound=2**31 - 1):
    """Defines an integer flag, by default bounded by the int32 range."""
    _whole(name, default, text, lower_bound, upper_bound)


@functools.cache
def parsers():
    """Returns absl's parser of each flag of a training script, by name."""
    values = flags.FlagValues()
    _places.append(values)
    try:
        define_flags([*data.DATASETS])
        define_photograph_flags()
    finally:
        _places.pop()
    return {name: values[name].parser for name in values}


def define_flags(datasets):
    """Defines the flags of a training script.

    Args:
        datasets: Names that --dataset takes; the first is the default.
    """
    _define_task(datasets)
    _define_model()
    _define_method()
    _define_training()
    define_machine_flags()
    _define_outcome()


def define_photograph_flags():
    """Defines the additional flags of scripts for photographs."""
    whole("image_size", 224, "Side of the crops in pixels.", 32, SIDE)
    _yes_no(
        "skip_bad_records",
        False,
        "Skip photographs that cannot be read, and count them.",
    )
    _yes_no("require", False, "Fail if a test set is missing.")


def _define_task(datasets):
    known = ", ".join(methods.list_methods())
    _one_of("dataset", datasets[0], datasets, "Data set.")
    _text("data_dir", None, "Folder of the data sets, in the layout of TFDS.")
    _yes_no("download_data", False, "Download missing data sets.")
    _number(
        "train_proportion",
        1.0,
        "Train on this first part of the training images; the rest is the "
        "validation set.",
        lower_bound=0,
        upper_bound=1,
    )
    _text(
        "output_dir",
        None,
        "Folder of the run. Default: runs/<dataset>-<method>-<M>-<seed>.",
    )
    _text("method", "mimo", f"Method: {known}.")
    _one_of(
        "recipe",
        None,
        ["mimmo"],
        "Use this paper's settings for any of its methods. Default: the "
        "settings of the method's own paper.",
    )


def _define_model():
    _recipe(
        _text, "backbone", "Backbone; {width} stands for --width_multiplier."
    )
    _recipe(
        whole, "ensemble_size", "M, the number of members.", upper_bound=MOST
    )
    _recipe(
        whole,
        "width_multiplier",
        "Factor on the number of filters.",
        upper_bound=MOST,
    )
    _recipe(
        whole,
        "batch_repetitions",
        "R, how often each unique image appears in a step.",
        lower_bound=1,
        upper_bound=MOST,
    )
    _recipe(
        _number,
        "input_repetition_probability",
        "ρ, the share of rows with the same image for all members.",
    )
    _recipe(
        whole,
        "shuffle_group",
        "Images per device from which rows are formed; 0: all of them.",
        lower_bound=0,
    )


def _define_method():
    """Defines the options that only some methods have."""
    _recipe(
        _number, "dropout_rate", "Dropout rate, or width of rank-1 posteriors."
    )
    _recipe(
        whole,
        "samples",
        "S, the number of samples per prediction.",
        lower_bound=1,
        upper_bound=MOST,
    )
    _recipe(_text, "split", "Stages that treenet shares, or input or head.")
    _recipe(
        _yes_no, "ensemble_batch_norm", "Give each member its own batch norm."
    )
    _recipe(_number, "random_sign_init", "Initialization of rank-1 factors.")
    _recipe(
        _number,
        "fast_weight_lr_multiplier",
        "Factor on the learning rate of batch_ensemble's rank-1 factors.",
        lower_bound=0,
    )
    _recipe(
        _number,
        "kl_annealing_epochs",
        "Epochs over which rank1_bnn's KL term grows.",
        lower_bound=0,
        upper_bound=10**6,
    )
    _recipe(
        _number, "kl_weight", "Factor on rank1_bnn's KL term.", lower_bound=0
    )
    _recipe(_number, "prior_mean", "Mean of rank1_bnn's prior.")
    _recipe(_number, "prior_stddev", "Its standard deviation.", lower_bound=0)
    define_bank_flags()
    _define_mixing()
    _define_depths()


def _define_depths():
    """Defines the options of mimmo, dun and early_exit."""
    _recipe(_yes_no, "learn_depth", "Learn θ; otherwise it stays at the prior.")
    _recipe(
        whole,
        "depth_warmup_epochs",
        "Epochs during which θ stays at the prior.",
    )
    _recipe(_list, "depth_prior", "Prior over depths, such as 0.5,0.5.")
    _recipe(_number, "alpha", "Weight of the KL term.", lower_bound=0)
    _recipe(_text, "depth_divergence", "KL divergence: reverse or forward.")
    _recipe(
        _number,
        "exit_growth",
        "g, growth of early_exit's heads.",
        lower_bound=0,
        upper_bound=100,
    )
    _recipe(_yes_no, "everywhere", "Apply dropout before every layer.")


def _define_mixing():
    """Defines the options of mixmo, mixshare and datamux."""
    _recipe(
        _number,
        "concentration",
        "Dirichlet concentration of mixing ratios.",
    )
    _recipe(_number, "cutmix_probability", "Share of batches with CutMix.")
    _recipe(
        _number,
        "cutmix_decay",
        "Last part of training, during which that share falls.",
    )
    _recipe(_number, "loss_root", "r, the root that evens out loss weights.")
    _recipe(_text, "unmix", "Unmixing: none, full, partial or fadeout.")
    _recipe(
        _number, "unmix_fraction", "Share of feature maps for unmix=partial."
    )
    _recipe(_number, "fadeout_epochs", "Epochs of unmix=fadeout.")
    _recipe(_text, "alignment", "Kernel alignment: equal, colinear or none.")
    _recipe(
        _text, "keys", "For datamux: gaussian, orthogonal, conv or identity."
    )
    _recipe(_text, "reduce", "For datamux: mean or concatenate.")
    _recipe(_text, "demultiplexer", "For datamux: mlp or heads.")


def define_bank_flags():
    """Defines the options of mixture_ensemble; see `methods.BankOptions`."""
    _recipe(
        _number,
        "num_params",
        "Parameter budget: a number of at least 1000, such as 7e6, or a "
        "multiple of the plain network's.",
        lower_bound=0,
    )
    _recipe(
        whole,
        "templates_per_layer",
        "Number of templates that a layer mixes.",
        lower_bound=1,
        upper_bound=MOST,
    )
    _recipe(_text, "assign", "Members' templates: shared or disjoint.")
    _recipe(_text, "grouping", "Banks: by_shape or single.")
    _recipe(
        _yes_no,
        "bank_single_layers",
        "Also mix kernels whose shape occurs only once.",
    )


def _define_training():
    _recipe(
        whole,
        "per_core_batch_size",
        "Rows per step on each device, including batch repetitions.",
        lower_bound=1,
    )
    _recipe(whole, "train_epochs", "Training epochs.", lower_bound=1)
    _recipe(
        _number,
        "base_learning_rate",
        "Learning rate for 128 unique images per step.",
        lower_bound=0,
    )
    _recipe(
        _list,
        "lr_decay_epochs",
        "Epochs at which to decay, out of 200.",
    )
    _number(
        "one_minus_momentum",
        0.1,
        "1 minus SGD's momentum.",
        lower_bound=0,
        upper_bound=1,
    )
    _recipe(_number, "lr_decay_ratio", "Factor of each decay.", lower_bound=0)
    _recipe(whole, "lr_warmup_epochs", "Epochs of warm-up.", lower_bound=0)
    _recipe(_number, "l1", "Coefficient of Σ |w|.", lower_bound=0)
    _recipe(_number, "l2", "Coefficient of Σ w².", lower_bound=0)
    _recipe(
        _number,
        "label_smoothing",
        "Probability spread evenly over all classes.",
        lower_bound=0,
        upper_bound=1,
    )
    # None is the value in runs from before this flag existed.
    _yes_no("sync_batch_norm", None, "Synchronize batch norm over devices.")
    _yes_no("use_bfloat16", False, "Compute in bfloat16, with float32 weights.")
    whole(
        "seed",
        42,
        "Random seed.",
        lower_bound=0,
        upper_bound=2**32 - 1,
    )


def _recipe(define, name, text, **bounds):
    """Defines a flag whose default comes from the recipe."""
    define(
        name,
        None,
        f"{text} Default: the recipe's; see --show_config.",
        **bounds,
    )


def define_unfinished_flag():
    """Defines the flag that lets a run be evaluated before its end."""
    _yes_no(
        "allow_unfinished",
        False,
        "Evaluate a run from a checkpoint before its last epoch.",
    )


def define_machine_flags():
    """Defines the flags that choose the devices."""
    _yes_no("use_tpu", False, "Run on a TPU; fail if there is none.")
    _text("tpu", "", "Name or grpc:// address of the TPU; empty: a local one.")
    _yes_no("use_gpu", False, "Run on GPUs; fail if there are none.")
    whole(
        "num_cores",
        0,
        "Number of devices to use; 0: all, but one on a CPU.",
        lower_bound=0,
    )


def define_bins_flag(default):
    """Defines the flag for the number of bins of calibration errors."""
    whole("num_bins", default, "Bins of the ECE.", 1, MOST)


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
    _yes_no(DROP, False, "Only false is possible: every image is evaluated.")
    whole(
        "trajectory_interval",
        0,
        "Epochs between predictions saved in trajectory.npz for analyze.py; "
        "0: none.",
        lower_bound=0,
    )
    _recipe(_yes_no, "shifted", "Also evaluate on MIMMO's shifted test set.")
    _yes_no("eval_only", False, "Evaluate the last checkpoint; do not train.")
    define_unfinished_flag()
    _yes_no("export", False, "Also write the predictor as a SavedModel.")
    _yes_no(SHOW, False, "Print the settings of this command, and exit.")


def values():
    """Returns the value of every flag of a run."""
    return {flag.name: flag.value for flag in _of_runs()}


def given():
    """Returns the names of the flags given on the command line."""
    return {flag.name for flag in _of_runs() if flag.present}


def _of_runs():
    mine = flags.FLAGS.flags_by_module_dict()[__name__]
    return [flag for flag in mine if flag.name not in _NOT_SETTINGS]
