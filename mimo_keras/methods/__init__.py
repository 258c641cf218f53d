"""Methods: one file per paper, each describing its network."""

from mimo_keras.methods import (
    batch_ensemble,
    datamux,
    deep_ensemble,
    early_exit,
    mc_dropout,
    mimmo,
    mimo,
    mixmo,
    mixshare,
    mixture_ensemble,
    naive_multihead,
    rank1_bnn,
    trained,
    treenet,
)
from mimo_keras.methods.blueprint import Blueprint, KLTerm, Sampling, Task
from mimo_keras.methods.encoders import (
    encoder_kernels,
    encoder_layer,
    has_encoders,
)
from mimo_keras.methods.folding import single_image
from mimo_keras.methods.freezing import (
    freeze_trunk,
    freeze_variables,
    frozen_variables,
)
from mimo_keras.methods.mixture_ensemble import plan_templates
from mimo_keras.methods.one_member import one_member
from mimo_keras.methods.registry import build, list_methods, options, register
from mimo_keras.methods.samples import sampled
from mimo_keras.methods.template_plan import BankOptions, TemplatePlan
from mimo_keras.methods.warm_start import warm_start

__all__ = [
    "BankOptions",
    "Blueprint",
    "KLTerm",
    "Sampling",
    "Task",
    "TemplatePlan",
    "batch_ensemble",
    "build",
    "datamux",
    "deep_ensemble",
    "early_exit",
    "encoder_kernels",
    "encoder_layer",
    "freeze_trunk",
    "freeze_variables",
    "frozen_variables",
    "has_encoders",
    "list_methods",
    "mc_dropout",
    "mimmo",
    "mimo",
    "mixmo",
    "mixshare",
    "mixture_ensemble",
    "naive_multihead",
    "one_member",
    "options",
    "plan_templates",
    "rank1_bnn",
    "register",
    "sampled",
    "single_image",
    "trained",
    "treenet",
    "warm_start",
]
