"""The flags of the scripts, in Uncertainty-Baselines' names."""

from absl import flags

from mimo_keras import methods

SHOW = "show_config"
"""The flag that is no part of a run."""
MOST = 1000
"""More members, filters or samples are a slip of the hand: refused at once."""
SIDE = 4096
"""So are images of more pixels a side."""

_text, _yes_no = flags.DEFINE_string, flags.DEFINE_bool
_number = flags.DEFINE_float


def whole(name, default, text, lower_bound=None, upper_bound=2**31 - 1):
    """Defines a flag of whole numbers; none is beyond what an int32 holds."""
    flags.DEFINE_integer(name, default, text, lower_bound, upper_bound)


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
    """Defines what only scripts for photographs take, with `define_flags`."""
    whole("image_size", 224, "Side of the crops.", 32, SIDE)
    _yes_no(
        "skip_bad_records",
        False,
        "Leave out photographs that cannot be read, and count them.",
    )
    _yes_no("require", False, "A test set that is not there is an error.")


def _define_task(datasets):
    known = ", ".join(methods.list_methods())
    flags.DEFINE_enum("dataset", datasets[0], datasets, "Data set.")
    _text("data_dir", None, "Folder of the data sets, as TFDS lays them out.")
    _yes_no("download_data", False, "Download a data set that is missing.")
    _text("output_dir", None, "Folder of the run. Default: runs/<what it is>.")
    _text("method", "mimo", f"Method: {known}.")
    flags.DEFINE_enum(
        "recipe",
        None,
        ["mimmo"],
        "Settings of that paper for all its methods. Default: those of the "
        "method's own.",
    )


def _define_model():
    _recipe(_text, "backbone", "Backbone; {width} is filled in.")
    _recipe(whole, "ensemble_size", "M, the members.", upper_bound=MOST)
    _recipe(
        whole, "width_multiplier", "Factor on the filters.", upper_bound=MOST
    )
    _recipe(whole, "batch_repetitions", "R.", lower_bound=1, upper_bound=MOST)
    _recipe(
        _number,
        "input_repetition_probability",
        "ρ, share of rows with one image in all members.",
    )
    _recipe(
        whole,
        "shuffle_group",
        "Images of a device among which rows form; 0: all of them.",
        lower_bound=0,
    )


def _define_method():
    """Defines the options that only some of the methods have."""
    _recipe(_number, "dropout_rate", "Dropout; width of rank-1 posteriors.")
    _recipe(
        whole,
        "samples",
        "S, samples of a prediction.",
        lower_bound=1,
        upper_bound=MOST,
    )
    _recipe(_text, "split", "Stages that treenet shares; or input, head.")
    _recipe(_yes_no, "ensemble_batch_norm", "Batch norm of each member's own.")
    _recipe(_number, "random_sign_init", "How rank-1 factors start.")
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
    )
    _recipe(_number, "kl_weight", "Its factor.", lower_bound=0)
    _recipe(_number, "prior_mean", "Mean of rank1_bnn's prior.")
    _recipe(_number, "prior_stddev", "Its standard deviation.", lower_bound=0)
    define_bank_flags()
    _define_mixing()
    _define_depths()


def _define_depths():
    """Defines the options of mimmo, dun and early_exit."""
    _recipe(_yes_no, "learn_depth", "θ is learned; if not: the prior.")
    _recipe(whole, "depth_warmup_epochs", "Epochs with θ at the prior.")
    _recipe(
        flags.DEFINE_list, "depth_prior", "Probabilities of depths, as 0.5,0.5."
    )
    _recipe(_number, "alpha", "Weight of the KL term.", lower_bound=0)
    _recipe(_text, "depth_divergence", "reverse or forward KL.")
    _recipe(_number, "exit_growth", "g of early_exit's heads.")
    _recipe(_yes_no, "everywhere", "Dropout before every layer.")


def _define_mixing():
    """Defines the options of mixmo, mixshare and datamux."""
    _recipe(_number, "concentration", "Of mixing ratios, Dirichlet's.")
    _recipe(_number, "cutmix_probability", "Share of batches with CutMix.")
    _recipe(
        _number, "cutmix_decay", "Last part of training, in which it falls."
    )
    _recipe(_number, "loss_root", "r, which evens out the members' losses.")
    _recipe(_text, "unmix", "none, full, partial or fadeout.")
    _recipe(_number, "unmix_fraction", "Share of maps for unmix=partial.")
    _recipe(_number, "fadeout_epochs", "Epochs for unmix=fadeout.")
    _recipe(_text, "alignment", "Encoders start equal, colinear or none.")
    _recipe(_text, "keys", "datamux: gaussian, orthogonal, conv, identity.")
    _recipe(_text, "demultiplexer", "datamux: mlp or heads.")


def define_bank_flags():
    """Defines the options of mixture_ensemble, see `methods.BankOptions`."""
    _recipe(
        _number,
        "num_params",
        "Budget of parameters: a number from 1000, as 7e6; below that a "
        "multiple of the plain network's.",
        lower_bound=0,
    )
    _recipe(
        whole,
        "templates_per_layer",
        "Templates that a layer mixes.",
        lower_bound=1,
        upper_bound=MOST,
    )
    _recipe(_text, "assign", "Templates of members: shared or disjoint.")
    _recipe(_text, "grouping", "Banks: by_shape, or a single one.")
    _recipe(
        _yes_no,
        "bank_single_layers",
        "Kernels of a shape of their own are mixed, too.",
    )


def _define_training():
    _recipe(
        whole,
        "per_core_batch_size",
        "Rows of a step on each device, batch repetitions included.",
        lower_bound=1,
    )
    _recipe(whole, "train_epochs", "Epochs.", lower_bound=1)
    _recipe(
        _number,
        "base_learning_rate",
        "Learning rate at 128 unique images a step.",
        lower_bound=0,
    )
    _recipe(flags.DEFINE_list, "lr_decay_epochs", "Epochs of 200 to decay at.")
    _recipe(_number, "lr_decay_ratio", "Factor of each decay.", lower_bound=0)
    _recipe(whole, "lr_warmup_epochs", "Epochs of warm-up.", lower_bound=0)
    _recipe(_number, "l1", "Coefficient of the sum of sizes.", lower_bound=0)
    _recipe(_number, "l2", "Coefficient of the sum of squares.", lower_bound=0)
    _recipe(
        _number,
        "label_smoothing",
        "Probability of any class in the label's place.",
        lower_bound=0,
        upper_bound=1,
    )
    # None as before there was this flag, for runs that began then.
    _yes_no("sync_batch_norm", None, "Batch norm sees all devices' rows.")
    _yes_no("use_bfloat16", False, "Compute in bfloat16, keep float32 weights.")
    whole(
        "seed",
        42,
        "Seed of everything random.",
        lower_bound=0,
        upper_bound=2**32 - 1,
    )


def _recipe(define, name, text, **bounds):
    """Defines a flag whose default is the recipe's."""
    define(
        name,
        None,
        f"{text} Default: the recipe's, see --show_config.",
        **bounds,
    )


def define_machine_flags():
    """Defines which devices a script runs on."""
    _yes_no("use_tpu", False, "Run on a TPU, or fail.")
    _text("tpu", "", "Name or grpc:// address of the TPU; empty: a local one.")
    _yes_no("use_gpu", False, "Run on GPUs, or fail.")
    whole(
        "num_cores",
        0,
        "Devices to use; 0: all. On a CPU 0 is one.",
        lower_bound=0,
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
        "checkpoint_interval", 1, "Epochs between checkpoints.", lower_bound=1
    )
    whole(
        "trajectory_interval",
        0,
        "Epochs between predictions that are kept in trajectory.npz, for "
        "analyze.py; 0: none.",
        lower_bound=0,
    )
    _recipe(_yes_no, "shifted", "Also evaluate on MIMMO's shifted test set.")
    _yes_no("eval_only", False, "Evaluate the last checkpoint; do not train.")
    _yes_no("export", False, "Also write the predictor as a SavedModel.")
    _yes_no(SHOW, False, "Print what this command would do, and end.")


def values():
    """Returns the value of every flag of a run that is defined here."""
    return {flag.name: flag.value for flag in _of_runs()}


def given():
    """Returns the names of those that the command line has."""
    return {flag.name for flag in _of_runs() if flag.present}


def _of_runs():
    mine = flags.FLAGS.flags_by_module_dict()[__name__]
    return [flag for flag in mine if flag.name != SHOW]
