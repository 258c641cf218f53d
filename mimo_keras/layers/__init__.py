"""Layers for efficient ensembles, usable in any functional Keras model."""

from mimo_keras.layers import batch_ensemble
from mimo_keras.layers.aligned_kernels import AlignedKernels
from mimo_keras.layers.bernoulli_mixture import BernoulliMixture
from mimo_keras.layers.concatenate_members import ConcatenateMembers
from mimo_keras.layers.demultiplex_members import DemultiplexMembers
from mimo_keras.layers.dense_multihead import DenseMultihead
from mimo_keras.layers.depth_posterior import DepthPosterior
from mimo_keras.layers.fold_members import FoldMembers
from mimo_keras.layers.fused_batch_norm import FusedBatchNormalization
from mimo_keras.layers.gaussian_mixture import GaussianMixture
from mimo_keras.layers.member_batch_norm import MemberBatchNormalization
from mimo_keras.layers.member_embedding import MemberEmbedding
from mimo_keras.layers.member_kernels import MemberConv2D, MemberDense
from mimo_keras.layers.mix_members import MixMembers
from mimo_keras.layers.mixing_loss_weights import MixingLossWeights
from mimo_keras.layers.mixture_prediction import MixturePrediction
from mimo_keras.layers.mixtures import CategoricalMixture, MeanMixture
from mimo_keras.layers.monte_carlo_dropout import MonteCarloDropout
from mimo_keras.layers.multiplex_members import (
    MultiplexConvolutions,
    MultiplexMembers,
)
from mimo_keras.layers.quantile_mixture import QuantileMixture
from mimo_keras.layers.random_sign import RandomSign
from mimo_keras.layers.repeat_members import RepeatMembers
from mimo_keras.layers.select_member import SelectMember
from mimo_keras.layers.series_as_map import SeriesAsMap
from mimo_keras.layers.split_inputs import SplitInputs
from mimo_keras.layers.standardize_images import StandardizeImages
from mimo_keras.layers.template_bank import TemplateBank
from mimo_keras.layers.template_layers import TemplateConv2D, TemplateDense
from mimo_keras.layers.unfold_members import UnfoldMembers
from mimo_keras.layers.unmix_members import UnmixMembers

__all__ = [
    "AlignedKernels",
    "BernoulliMixture",
    "CategoricalMixture",
    "ConcatenateMembers",
    "Conv1DBatchEnsemble",
    "Conv1DRank1",
    "Conv2DBatchEnsemble",
    "Conv2DRank1",
    "DemultiplexMembers",
    "DenseBatchEnsemble",
    "DenseMultihead",
    "DenseRank1",
    "DepthPosterior",
    "DepthwiseConv2DBatchEnsemble",
    "FoldMembers",
    "FusedBatchNormalization",
    "GaussianMixture",
    "MeanMixture",
    "MemberBatchNormalization",
    "MemberConv2D",
    "MemberDense",
    "MemberEmbedding",
    "MixMembers",
    "MixingLossWeights",
    "MixturePrediction",
    "MonteCarloDropout",
    "MultiplexConvolutions",
    "MultiplexMembers",
    "QuantileMixture",
    "RandomSign",
    "RepeatMembers",
    "SelectMember",
    "SeriesAsMap",
    "SplitInputs",
    "StandardizeImages",
    "TemplateBank",
    "TemplateConv2D",
    "TemplateDense",
    "UnfoldMembers",
    "UnmixMembers",
]


def __getattr__(name):
    # edward2 is imported only when one of its layers is first accessed.
    if name in batch_ensemble.NAMES:
        return getattr(batch_ensemble, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
