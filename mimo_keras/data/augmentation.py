"""Random changes to training images that preserve their classes."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class CropAndFlip:
    """The usual augmentation of CIFAR's training images.

    Each image is padded with zeros on all sides, a window of the original
    size is cropped at a uniformly random position, and the window is flipped
    left to right with probability 1/2.

    Args:
        padding: Pixels of padding on each side, the most by which an image is
            shifted.
        flip: Whether windows are flipped.

    Call arguments:
        images: (B, H, W, C).
        seed: (2,) integers, which alone determine each image's own draw. It
            works eagerly and in `Dataset.map`, and returns images (B, H, W, C)
            of the same dtype.
    """

    padding: int = 4
    flip: bool = True

    def __call__(self, images, seed):
        import tensorflow as tf

        batch, padding = tf.shape(images)[0], self.padding
        seeds = tf.random.split(seed, 2, alg="philox")
        corners = _integers(seeds[0], (batch, 2), 2 * padding + 1)
        flips = _integers(seeds[1], (batch,), 2 if self.flip else 1)
        return crop(images, corners, flips, padding)


def crop_and_flip(padding=4, flip=True):
    """Returns `CropAndFlip`."""
    return CropAndFlip(padding, flip)


def crop(images, corners, flips, padding):
    """Crops a window from each zero-padded image and flips some of them.

    Args:
        images: (B, H, W, C).
        corners: (B, 2) integers in 0..2·padding, the window's top and left.
        flips: (B,) integers, 1 where the window is flipped left to right.
        padding: Pixels of padding on each side.

    Returns:
        The windows, (B, H, W, C).
    """
    import tensorflow as tf

    batch, (height, width, channels) = tf.shape(images)[0], images.shape[1:]
    border = (padding, padding)
    padded = tf.pad(images, ((0, 0), border, border, (0, 0)))
    rows = corners[:, :1] + tf.range(height)
    # Reading the columns backwards flips the window at no extra cost.
    columns = tf.range(width)
    columns = tf.where(flips[:, None] == 1, columns[::-1], columns)
    columns = corners[:, 1:] + columns
    # A single gather of pixels from the flattened batch is twice as fast as one
    # gather per axis with batch_dims.
    rows = rows + tf.range(batch)[:, None] * (height + 2 * padding)
    pixels = rows[:, :, None] * (width + 2 * padding) + columns[:, None, :]
    windows = tf.gather(tf.reshape(padded, (-1, channels)), pixels)
    return tf.ensure_shape(windows, images.shape)


def _integers(seed, shape, below):
    """Draws uniform integers 0..below-1; Philox is the same on all devices."""
    import tensorflow as tf

    return tf.random.stateless_uniform(
        shape, seed, 0, below, tf.int32, alg="philox"
    )
