"""
Your own data
=============

Arrays, a tf.data pipeline, a PyDataset or a folder of images: a model takes
what Keras takes, and says in one line what does not fit.
"""

# %%
# Arrays
# ------
#
# Images as bytes from 0 to 255 or as floats from 0 to 1, labels as class
# indices or one-hot. Each member of MIMO sees images of its own; which ones is
# drawn inside the model.

import pathlib
import tempfile

import keras
import tensorflow as tf

import mimo_keras
from mimo_keras import analysis, data, evaluation

keras.utils.set_random_seed(0)
train, test = data.load("digits", "train"), data.load("digits", "test")


def new_model(**options):
    """Returns a compiled MIMO network of two members for 8x8 images."""
    model = mimo_keras.create_model(
        "mimo",
        backbone="small_cnn_2",
        input_shape=(8, 8, 1),
        num_classes=10,
        ensemble_size=2,
        seed=0,
        **options,
    )
    model.compile(keras.optimizers.Adam(3e-3))
    return model


model = new_model()
history = model.fit(
    train.images, train.labels, epochs=8, validation_split=0.1, verbose=0
)
print(f"validation NLL: {history.history['val_nll'][-1]:.3f}")

# %%
# Before the first step the arrays are checked, whole:

for images, labels in (
    (train.images.astype("float32"), train.labels),
    (train.images, train.labels + 1),
    (train.images[:, :, :7], train.labels),
):
    try:
        model.fit(images, labels)
    except mimo_keras.InputError as error:
        print(f"{error}\n")

# %%
# A tf.data pipeline
# ------------------
#
# Batches of (images, labels), or of (images, labels, weights), shuffled and
# augmented as you like. Here digits are shifted by up to one pixel.


def shifted(image, label):
    """Shifts an image, and fills the border with black."""
    padded = tf.pad(image, [[1, 1], [1, 1], [0, 0]])
    return tf.image.random_crop(padded, (8, 8, 1)), label


batches = tf.data.Dataset.from_tensor_slices((train.images, train.labels))
batches = batches.shuffle(len(train), seed=0).map(shifted).batch(32)
history = model.fit(batches, epochs=4, shuffle=False, verbose=0)
print(f"training NLL: {history.history['nll'][-1]:.3f}")

# %%
# A PyDataset
# -----------
#
# For data that Python reads, such as files of your own format.


class Batches(keras.utils.PyDataset):
    """Batches of arrays."""

    def __init__(self, images, labels, batch_size=32):
        super().__init__()
        self.images, self.labels = images, labels
        self.batch_size = batch_size

    def __len__(self):
        return -(-len(self.images) // self.batch_size)

    def __getitem__(self, index):
        start = index * self.batch_size
        part = slice(start, start + self.batch_size)
        return self.images[part], self.labels[part]


model.fit(Batches(train.images, train.labels), epochs=2, verbose=0)
found = mimo_keras.evaluate(model, Batches(test.images, test.labels))
print(f"accuracy {found['accuracy']:.4f}")

# %%
# A folder of images
# ------------------
#
# One folder for each class. First such folders are written:

folder = pathlib.Path(tempfile.mkdtemp())
for split, examples in {"train": train, "test": test}.items():
    for index, image in enumerate(examples.images):
        path = folder / split / str(examples.labels[index]) / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        keras.utils.save_img(path, image, scale=False)
print(sorted(path.name for path in (folder / "train").iterdir()))

# %%
# Keras reads them as floats from 0 to 255, and the model is told so. The scale
# is saved and exported with it.


def read(split, **options):
    """Returns batches of a folder's images."""
    return keras.utils.image_dataset_from_directory(
        folder / split,
        color_mode="grayscale",
        image_size=(8, 8),
        verbose=False,
        **options,
    )


model = new_model(input_scale="0..255")
batches = read("train", seed=0)
model.fit(batches, epochs=12, shuffle=False, verbose=0)
predictor = model.predictor()
found = mimo_keras.evaluate(predictor, read("test", shuffle=False))
print(f"accuracy {found['accuracy']:.4f}, NLL {found['nll']:.4f}")

# %%
# Column k of ``probabilities`` is the k-th folder in alphabetical order. Models
# and exports do not have the names: keep them beside the file.

images, _ = next(iter(read("test", shuffle=False)))
likely = predictor(images[:3])["probabilities"].numpy().argmax(axis=1)
print([batches.class_names[k] for k in likely])

# %%
# The same measures, batch by batch, for a figure:

metrics = evaluation.Classification(10, predictor.log_weights)
for images, labels in read("test", shuffle=False):
    metrics.update(predictor.member_logits(images), labels.numpy())
analysis.reliability_diagram(*metrics.reliability())

# %%
# What was seen
# -------------
#
# One model was trained from arrays, a pipeline and a PyDataset in turn, and
# another from a folder. Bad arrays were refused before anything was trained.
# Tables, series, token ids and several inputs by name: :doc:`/inputs`. Folders
# of photographs for the scripts: :doc:`/data_sets`.
