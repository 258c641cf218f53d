"""Photographs read, decoded and augmented per second, against a training step.

    python benchmarks/input_pipeline.py
    python benchmarks/input_pipeline.py --data_dir=DATA --use_bfloat16

Without --data_dir the photographs are synthetic: JPEGs of blurred noise with
500x375 pixels, the size of many ImageNet images, written as TFDS writes them.
All contestants take turns, round after round, so that drifts in the machine's
speed affect all of them equally. The table gives the median images per second
over the rounds, and its ratio to what the training step consumes: above 1 the
pipeline keeps up. The step is that of the recipe's MIMO, which sees each image
`batch_repetitions` times.
"""

import dataclasses
import itertools
import os
import statistics
import tempfile
import time

import keras
import numpy as np
from absl import app, flags, logging

import mimo_keras
from mimo_keras import data
from mimo_keras.analysis import markdown_table
from mimo_keras.data import photographs

flags.DEFINE_string(
    "data_dir",
    None,
    "Folder with imagenet2012; default: synthetic photographs.",
)
flags.DEFINE_string("backbone", "resnet50", "Backbone of the training step.")
flags.DEFINE_integer("batch_size", 16, "Unique images per step.")
flags.DEFINE_integer("batches", 12, "Batches of images per turn.")
flags.DEFINE_integer("rounds", 5, "Turns of each contestant.")
flags.DEFINE_bool("use_bfloat16", False, "Compute in bfloat16.")

MADE, HEIGHT, WIDTH = 256, 375, 500
MEMBERS, REPETITIONS = 2, 2


def main(_):
    f = flags.FLAGS
    logging.get_absl_logger().setLevel("ERROR")
    policy = "mixed_bfloat16" if f.use_bfloat16 else "float32"
    keras.mixed_precision.set_global_policy(policy)
    with tempfile.TemporaryDirectory() as folder:
        if f.data_dir is None:
            make(folder)
        photos = photographs.load(
            "imagenet2012", "train", data_dir=f.data_dir or folder
        )
        functions = contestants(f, photos)
        speeds = take_turns(functions, f.rounds)
    print(f"{f.backbone}, {policy}, batch {f.batch_size}, {f.rounds} rounds")
    print(f"{os.cpu_count()} CPU cores, Keras {keras.__version__}")
    step = speeds["training step"]
    rows = []
    for name, values in speeds.items():
        ratios = [a / b for a, b in zip(values, step, strict=True)]
        rows.append(
            [
                name,
                f"{statistics.median(values):.1f}",
                f"{statistics.median(ratios):.2f}",
                f"{min(ratios):.2f} to {max(ratios):.2f}",
            ]
        )
    print(markdown_table(rows, ["What", "Images/s", "By the step's", "Range"]))


def make(folder):
    """Writes images of blurred noise as TFDS would write ImageNet."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    builder = tfds.builder("imagenet2012", data_dir=folder)
    random = np.random.default_rng(0)

    def photograph(_):
        coarse = random.integers(0, 256, (HEIGHT // 4, WIDTH // 4, 3))
        image = tf.image.resize(coarse, (HEIGHT, WIDTH), "bicubic")
        image = tf.cast(tf.clip_by_value(image, 0, 255), tf.uint8)
        return tf.io.encode_jpeg(image, quality=95).numpy()

    encoded = [photograph(index) for index in range(MADE)]
    size = statistics.mean(map(len, encoded)) / 1000
    print(f"{MADE} photographs of {HEIGHT}x{WIDTH}, {size:.0f} kB each")
    columns = {
        "file_name": [f"{index}.JPEG" for index in range(MADE)],
        "image": encoded,
        "label": random.integers(0, 1000, MADE),
    }
    rows = tf.data.Dataset.from_tensor_slices(columns)
    tfds.disable_progress_bar()
    tfds.dataset_builders.store_as_tfds_dataset(
        name=builder.name,
        version=str(builder.version),
        data_dir=folder,
        features=builder.info.features,
        split_datasets={"train": rows.map(decoded)},
        disable_shuffling=True,
    )


def decoded(row):
    import tensorflow as tf

    return {**row, "image": tf.io.decode_jpeg(row["image"])}


def contestants(f, photos):
    """Returns what is timed: name -> function that returns its image count.

    Each turn reopens its data: nothing is read while others are timed.
    """

    def training_crops(photos):
        batches = photographs.training_crops(
            photos, f.batch_size, seed=0, epochs=1
        )
        return consume(f, batches)

    skipping = dataclasses.replace(photos, skip=True)
    return {
        "training step": training(f, photos),
        "training images": lambda: training_crops(photos),
        "training images, skip_bad_records": lambda: training_crops(skipping),
        "test images": lambda: consume(
            f, photos.evaluation_batches(f.batch_size)
        ),
    }


def consume(f, batches):
    return sum(
        len(labels) for _, labels in itertools.islice(batches, f.batches)
    )


def training(f, photos):
    mean, std = data.standardization("imagenet2012")
    model = mimo_keras.create_model(
        "mimo",
        backbone=f.backbone,
        input_shape=photos.image_shape,
        num_classes=1000,
        ensemble_size=MEMBERS,
        batch_repetitions=REPETITIONS,
        input_repetition_probability=0.6,
        mean=mean,
        std=std,
    )
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), l2=1e-4)
    images = np.zeros((f.batch_size, *photos.image_shape), np.uint8)
    labels = np.zeros(f.batch_size, np.int64)

    def run():
        model.train_on_batch(images, labels)
        return f.batch_size

    return run


def take_turns(functions, rounds):
    """Returns each contestant's images per second, one number per round."""
    for function in functions.values():
        function()
    speeds = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            images = function()
            speeds[name].append(images / (time.perf_counter() - start))
    return speeds


if __name__ == "__main__":
    app.run(main)
