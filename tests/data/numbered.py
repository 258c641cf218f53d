"""Small photographs in record files, numbered by their labels."""

import dataclasses

import numpy as np
import tensorflow as tf

from mimo_keras.data import photographs

SIZE = 16
FILES, EACH = 5, 6


def jpeg(label):
    """A grey JPEG with a distinct size and shade."""
    shape = (24 + label % 3, 30, 3)
    return tf.io.encode_jpeg(np.full(shape, 8 * label, np.uint8), quality=100)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Numbered(photographs.Records):
    """Records of a label's byte and a JPEG."""

    def parse(self, file, index, record):
        label = tf.io.decode_raw(record, tf.uint8)[0]
        return tf.strings.substr(record, 1, -1), tf.cast(label, tf.int64)


def write(path, labels, spoil=None):
    """Writes records, one of them with a truncated image."""
    with tf.io.TFRecordWriter(path) as writer:
        for label in labels:
            encoded = jpeg(label).numpy()
            end = 200 if label == spoil else None
            writer.write(bytes([label]) + encoded[:end])
