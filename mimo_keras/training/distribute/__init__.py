"""Distributed training: devices, workers, and random draws per replica."""

from mimo_keras.training.distribute.distribution import (
    local_strategy,
    make_strategy,
)

__all__ = ["local_strategy", "make_strategy"]
