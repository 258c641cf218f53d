"""The corrupted digits: scikit-learn's 8x8 digits under CIFAR-C's corruptions.

The constants are CIFAR-C's; ImageNet-C's are too strong for images this small.
Lengths are in pixels, as published: a digit's strokes are about two pixels
wide, and at 8/32 of its length no blur would reach the next pixel.

Of CIFAR-C's 19 types these are left out, since they are meaningless at 8x8 in
grey:

- `glass_blur`: its first level already exchanges most pixels of a stroke with
  a neighbour, which removes the digit, and its levels are not in order of
  their distance to the clean image.
- `pixelate`: the five sides, int(8c), are 7, 7, 6, 6 and 5, and 5 pixels are
  closer to the clean image than 6.
- `elastic_transform`: its displacements scale with the side, and are fractions
  of a pixel.
- `snow`, `frost`, `fog`, `spatter`: weather, overlaid on photographs.
- `saturate`: there is no colour.
"""

from mimo_keras.data.grey_corruptions import corrupt

SUITE = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "speckle_noise",
    "gaussian_blur",
    "defocus_blur",
    "motion_blur",
    "zoom_blur",
    "brightness",
    "contrast",
    "jpeg_compression",
)
"""The types, in the order of results."""

__all__ = ["SUITE", "corrupt"]
