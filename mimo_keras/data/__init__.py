"""Data sets and input pipelines; heavy packages are imported only when used."""

from mimo_keras.data import augmentation, fake, toy
from mimo_keras.data.damage import named as named_damage
from mimo_keras.data.data_set import DataSet
from mimo_keras.data.examples import Examples
from mimo_keras.data.known_sets import DATASETS, get
from mimo_keras.data.natural_sets import Natural
from mimo_keras.data.photographs import Photographs
from mimo_keras.data.pipeline import (
    evaluation_batches,
    training_batches,
    weighted_batches,
)
from mimo_keras.data.shifts import shifted
from mimo_keras.data.sources import (
    corrupted,
    load,
    natural,
    out_of_distribution,
    standardization,
)
from mimo_keras.data.video_frames import VideoFrames

__all__ = [
    "DATASETS",
    "DataSet",
    "Examples",
    "Natural",
    "Photographs",
    "VideoFrames",
    "augmentation",
    "corrupted",
    "evaluation_batches",
    "fake",
    "get",
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
