"""Crops an encoded photograph of any size to a square of the network's size.

Only the part that is needed is decoded, since decoding is most of the work.
"""

AREA = (0.08, 1.0)
"""Share of the photograph's area that a training crop covers."""

ASPECT = (3 / 4, 4 / 3)
"""Width over height of a training crop."""

MARGIN = 224 / 256
"""Side of the centre crop, relative to the photograph's shorter side."""


MOST_PIXELS = 10**8
"""Largest photograph: a small file can claim to be of any size."""

_PNG = b"\x89PNG\r\n\x1a\n"


def inception_crop(encoded, seed, size, border=0):
    """Returns a random crop of a photograph, resized and randomly flipped.

    The crop has a random share of the area and a random aspect ratio; if none
    of ten draws fits into the photograph, all of it is used.

    Args:
        encoded: The bytes of a JPEG, PNG, GIF or BMP, a scalar string tensor.
        seed: (2,) integers, which determine all draws.
        size: Height and width of the result.
        border: Pixels on each side that are not part of the photograph.

    Returns:
        (size, size, 3) uint8.

    Reference:
        Szegedy et al., Going deeper with convolutions, CVPR 2015, section 6.
    """
    import tensorflow as tf

    seeds = tf.random.split(seed, 2, alg="philox")

    def window(shape):
        begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
            tf.concat((shape, (3,)), 0),
            tf.zeros((1, 0, 4)),
            seeds[0],
            min_object_covered=0.0,
            aspect_ratio_range=ASPECT,
            area_range=AREA,
            max_attempts=10,
            use_image_if_no_bounding_boxes=True,
        )
        return tf.concat((begin[:2], extent[:2]), 0)

    image = _resized(_cut(encoded, window, border), size)
    return tf.image.stateless_random_flip_left_right(image, seeds[1])


def center_crop(encoded, size, margin=MARGIN, border=0):
    """Returns the centre of a photograph, resized.

    The side of the crop is `margin` times the photograph's shorter side: for
    one scaled to 256 pixels, the central 224.

    Args:
        encoded: The bytes of a JPEG, PNG, GIF or BMP, a scalar string tensor.
        size: Height and width of the result.
        margin: The share of the shorter side; 1 for images that are already
            cropped and must not be cropped twice.
        border: Pixels on each side that are not part of the photograph.

    Returns:
        (size, size, 3) uint8.
    """
    import tensorflow as tf

    def window(shape):
        shorter = tf.cast(tf.reduce_min(shape), tf.float64)
        side = tf.cast(tf.round(margin * shorter), tf.int32)
        return tf.concat(((shape - side) // 2, (side, side)), 0)

    return _resized(_cut(encoded, window, border), size)


def _cut(encoded, window, border):
    """Decodes a part of a photograph.

    Args:
        encoded: Its bytes.
        window: Function from (height, width) to (top, left, height, width).
        border: Pixels on each side to leave out.
    """
    import tensorflow as tf

    def within(shape):
        box = window(shape[:2] - 2 * border)
        return box + tf.constant((border, border, 0, 0))

    def of_jpeg():
        shape = tf.io.extract_jpeg_shape(encoded)
        _check_size(shape[:2])
        # The same pixels on every machine, and closer to other decoders'.
        return tf.io.decode_and_crop_jpeg(
            encoded,
            within(shape),
            channels=3,
            dct_method="INTEGER_ACCURATE",
        )

    def of_png():
        # Width and height are the first words of the first chunk.
        words = tf.strings.substr(encoded, 16, 8)
        _check_size(tf.io.decode_raw(words, tf.int32, little_endian=False))
        return of_others()

    def of_others():
        whole = tf.io.decode_image(encoded, 3, expand_animations=False)
        top, left, height, width = tf.unstack(within(tf.shape(whole)))
        return whole[top : top + height, left : left + width]

    image = tf.case(
        [
            (tf.io.is_jpeg(encoded), of_jpeg),
            (tf.strings.substr(encoded, 0, len(_PNG)) == _PNG, of_png),
        ],
        default=of_others,
    )
    return tf.ensure_shape(image, (None, None, 3))


def _check_size(sides):
    """Fails if a photograph has more than `MOST_PIXELS`."""
    import tensorflow as tf

    pixels = tf.reduce_prod(tf.cast(sides, tf.float64))
    few = tf.reduce_all(sides > 0) & (pixels <= MOST_PIXELS)
    tf.debugging.Assert(few, ["more pixels than a photograph has:", sides])


def _resized(image, size):
    """Resizes bicubically and rounds to uint8, to transfer one byte a value."""
    import tensorflow as tf

    image = tf.image.resize(image[None], (size, size), "bicubic")[0]
    return tf.cast(tf.clip_by_value(tf.round(image), 0, 255), tf.uint8)
