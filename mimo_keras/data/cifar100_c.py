"""CIFAR-100-C from its authors' files, which TFDS does not have."""

from mimo_keras.data.corrupted_arrays import CorruptedArrays
from mimo_keras.data.corruptions import BENCHMARK
from mimo_keras.errors import argument

FOLDER = "CIFAR-100-C"

TYPES = (
    *BENCHMARK,
    "speckle_noise",
    "gaussian_blur",
    "spatter",
    "saturate",
)
"""The names of the authors' files."""

_SUITE = CorruptedArrays(
    FOLDER,
    (32, 32, 3),
    100,
    "Unpack the authors' CIFAR-100-C.tar (zenodo.org/records/3555552) in the "
    f"folder that {argument('data_dir')} names.",
)
opened, load = _SUITE.opened, _SUITE.load
