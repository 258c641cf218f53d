"""
Export and serving
==================

One call writes a file that serves the ensemble without this library: a
SavedModel, a LiteRT or an ONNX file. How to call it, and how long it takes.
"""

# %%
# An ensemble
# -----------

import pathlib
import tempfile
import time
import warnings

import keras
import numpy as np
import tensorflow as tf

import mimo_keras
from mimo_keras import analysis, data

keras.utils.set_random_seed(0)
train, test = data.load("digits", "train"), data.load("digits", "test")
model = mimo_keras.create_model(
    "mimo",
    backbone="small_cnn_2",
    input_shape=(8, 8, 1),
    num_classes=10,
    ensemble_size=3,
    seed=0,
)
model.compile(keras.optimizers.Adam(3e-3))
model.fit(train.images[300:], train.labels[300:], epochs=15, verbose=0)
predictor = model.predictor()
predictor = predictor.prediction_sets(train.images[:300], train.labels[:300])

# %%
# A SavedModel
# ------------
#
# TensorFlow Serving looks for folders of versions, ``MODEL/1``, ``MODEL/2``. A
# client sends bytes to "serving_uint8", or floats from 0 to 1 to
# "serving_default", and gets every output of the predictor. (Floats from 0 to
# 255, if the model was created with ``input_scale="0..255"``. A file cannot
# refuse the wrong scale.)

folder = pathlib.Path(tempfile.mkdtemp())
mimo_keras.export_saved_model(predictor, folder / "digits/1")
served = tf.saved_model.load(str(folder / "digits/1"))
answer = served.signatures["serving_uint8"](images=test.images[:2])
for name, value in sorted(answer.items()):
    print(f"{name:22} {tuple(value.shape)}")

# %%
# .. code-block:: sh
#
#     tensorflow_model_server --rest_api_port=8501 \
#         --model_name=digits --model_base_path=/models/digits
#
# An export onto a folder that holds an earlier one replaces it, at once, when
# the new one is complete and was compared with the predictor; the earlier one
# is then gone. A new version for a running server is better a new folder,
# ``digits/2``, which the server loads by itself. If there is any other file in
# the folder, the export is refused, and nothing is touched:

(folder / "digits/1/notes.txt").write_text("Mine.")
try:
    mimo_keras.export_saved_model(predictor, folder / "digits/1")
except mimo_keras.InputError as error:
    print(str(error).replace(str(folder), "…"))
(folder / "digits/1/notes.txt").unlink()
mimo_keras.export_saved_model(predictor, folder / "digits/1")
print(sorted(path.name for path in (folder / "digits").iterdir()))

# %%
# A LiteRT file
# -------------
#
# For phones and small devices. It takes float32.

path = mimo_keras.export_saved_model(
    predictor, folder / "digits.tflite", format="litert"
)
warnings.filterwarnings("ignore", message=r"\s*Warning: tf.lite")
interpreter = tf.lite.Interpreter(path)
runner = interpreter.get_signature_runner()
images = (test.images / 255).astype("float32")
lite = runner(images=images[:2])["probabilities"]
print(np.abs(lite - answer["probabilities"]).max() < 1e-5)

# %%
# ``format="onnx"`` writes an ONNX file; it needs the extra ``onnx``. Every
# export is run once and compared with the predictor before it is kept.
#
# Latency
# -------
#
# Milliseconds for one image and for 64, on the machine that built this page:
# three members against one network, both without prediction sets.

one = mimo_keras.create_model(
    "deterministic",
    backbone="small_cnn_2",
    input_shape=(8, 8, 1),
    num_classes=10,
)
loaded = {}
for name, each in {"one network": one, "MIMO, M = 3": model}.items():
    mimo_keras.export_saved_model(each, folder / name)
    loaded[name] = tf.saved_model.load(str(folder / name))


def milliseconds(serve, count):
    """Returns the shortest time of 100 calls."""
    batch, took = tf.constant(images[:count]), []
    for _ in range(100):
        start = time.perf_counter()
        serve(images=batch)
        took.append(1000 * (time.perf_counter() - start))
    return min(took)


rows = []
for name, each in loaded.items():
    serve = each.signatures["serving_default"]
    rows.append([name, *(f"{milliseconds(serve, n):.2f}" for n in (1, 64))])
print(analysis.markdown_table(rows, ["SavedModel", "1 image", "64 images"]))

# %%
# The accuracy of what is served, by confidence:

probabilities = np.concatenate(
    [
        served.signatures["serving_uint8"](images=part)["probabilities"]
        for part in np.array_split(test.images, 8)
    ]
)
metrics = mimo_keras.evaluation.Classification(10, log_weights=[0.0])
metrics.update(np.log(probabilities + 1e-7)[:, np.newaxis], test.labels)
analysis.reliability_diagram(*metrics.reliability())

# %%
# What was seen
# -------------
#
# One call wrote a SavedModel that TensorFlow alone serves, prediction sets
# included, and another a LiteRT file that answers the same. The table has what
# three members in one network cost: their first layers are folded into one.
