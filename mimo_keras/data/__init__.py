"""Data sets and input pipelines; nothing heavy is imported before its use."""

from mimo_keras.data import augmentation, fake, toy
from mimo_keras.data.corruptions import CORRUPTIONS, corrupted
from mimo_keras.data.damage import named as named_damage
from mimo_keras.data.examples import Examples
from mimo_keras.data.natural_sets import Natural, natural
from mimo_keras.data.ood import OUT_OF_DISTRIBUTION, out_of_distribution
from mimo_keras.data.photographs import Photographs
from mimo_keras.data.pipeline import (
    evaluation_batches,
    training_batches,
    weighted_batches,
)
from mimo_keras.data.shifts import shifted
from mimo_keras.data.sources import DATASETS, load, standardization
from mimo_keras.data.video_frames import VideoFrames

__all__ = [
    "CORRUPTIONS",
    "DATASETS",
    "OUT_OF_DISTRIBUTION",
    "Examples",
    "Natural",
    "Photographs",
    "VideoFrames",
    "augmentation",
    "corrupted",
    "evaluation_batches",
    "fake",
    "load",
    "named_damage",
    "natural",
    "out_of_distribution",
    "shifted",
    "standardization",
    "toy",
    "training_batches",
    "weighted_batches",
]
