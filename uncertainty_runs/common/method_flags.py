"""The flags of options that only some methods have."""

from uncertainty_runs.common.defining import (
    MOST,
    listed,
    number,
    of_recipe,
    text,
    whole,
    yes_no,
)


def define_method_flags():
    """Defines them all."""
    of_recipe(
        number, "dropout_rate", "Dropout rate, or width of rank-1 posteriors."
    )
    of_recipe(
        whole,
        "samples",
        "S, the number of samples per prediction.",
        lower_bound=1,
        upper_bound=MOST,
    )
    of_recipe(text, "split", "Stages that treenet shares, or input or head.")
    of_recipe(
        yes_no, "ensemble_batch_norm", "Give each member its own batch norm."
    )
    of_recipe(number, "random_sign_init", "Initialization of rank-1 factors.")
    of_recipe(
        number,
        "fast_weight_lr_multiplier",
        "Factor on the learning rate of batch_ensemble's rank-1 factors.",
        lower_bound=0,
    )
    of_recipe(
        text,
        "member_reduction",
        "Members' losses in batch_ensemble and rank1_bnn: mean or sum.",
    )
    of_recipe(
        number,
        "kl_annealing_epochs",
        "Epochs over which rank1_bnn's KL term grows.",
        lower_bound=0,
        upper_bound=10**6,
    )
    of_recipe(
        number, "kl_weight", "Factor on rank1_bnn's KL term.", lower_bound=0
    )
    of_recipe(number, "prior_mean", "Mean of rank1_bnn's prior.")
    of_recipe(number, "prior_stddev", "Its standard deviation.", lower_bound=0)
    define_bank_flags()
    _define_mixing()
    _define_depths()


def _define_depths():
    """Defines the options of mimmo, dun and early_exit."""
    of_recipe(
        yes_no, "learn_depth", "Learn θ; otherwise it stays at the prior."
    )
    of_recipe(
        whole,
        "depth_warmup_epochs",
        "Epochs during which θ stays at the prior.",
    )
    of_recipe(listed, "depth_prior", "Prior over depths, such as 0.5,0.5.")
    of_recipe(number, "alpha", "Weight of the KL term.", lower_bound=0)
    of_recipe(text, "depth_divergence", "KL divergence: reverse or forward.")
    of_recipe(
        number,
        "exit_growth",
        "g, growth of early_exit's heads.",
        lower_bound=0,
        upper_bound=100,
    )
    of_recipe(yes_no, "everywhere", "Apply dropout before every layer.")


def _define_mixing():
    """Defines the options of mixmo, mixshare and datamux."""
    of_recipe(
        number,
        "concentration",
        "Dirichlet concentration of mixing ratios.",
    )
    of_recipe(number, "cutmix_probability", "Share of batches with CutMix.")
    of_recipe(
        number,
        "cutmix_decay",
        "Last part of training, during which that share falls.",
    )
    of_recipe(number, "loss_root", "r, the root that evens out loss weights.")
    of_recipe(text, "unmix", "Unmixing: none, full, partial or fadeout.")
    of_recipe(
        number, "unmix_fraction", "Share of feature maps for unmix=partial."
    )
    of_recipe(number, "fadeout_epochs", "Epochs of unmix=fadeout.")
    of_recipe(text, "alignment", "Kernel alignment: equal, colinear or none.")
    of_recipe(
        text, "keys", "For datamux: gaussian, orthogonal, conv or identity."
    )
    of_recipe(text, "reduce", "For datamux: mean or concatenate.")
    of_recipe(text, "demultiplexer", "For datamux: mlp or heads.")


def define_bank_flags():
    """Defines the options of mixture_ensemble; see `methods.BankOptions`."""
    of_recipe(
        number,
        "num_params",
        "Parameter budget: a number of at least 1000, such as 7e6, or a "
        "multiple of the plain network's.",
        lower_bound=0,
    )
    of_recipe(
        whole,
        "templates_per_layer",
        "Number of templates that a layer mixes.",
        lower_bound=1,
        upper_bound=MOST,
    )
    of_recipe(
        text, "assign", "Members' templates: shared, disjoint or distinct."
    )
    of_recipe(text, "grouping", "Banks: by_shape or single.")
    of_recipe(
        yes_no,
        "bank_single_layers",
        "Also mix kernels whose shape occurs only once.",
    )
