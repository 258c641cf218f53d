"""Where a step runs: devices, several workers, and draws that differ there."""

from mimo_keras.training.distribute.distribution import (
    local_strategy,
    make_strategy,
)

__all__ = ["local_strategy", "make_strategy"]
