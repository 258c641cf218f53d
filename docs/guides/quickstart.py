"""
Quickstart
==========

Train an ensemble of two members on handwritten digits, at the cost of one
network; see how good it is, and how sure; save it and serve it.
"""

# %%
# Data
# ----
#
# Any arrays will do. These are scikit-learn's digits, 8x8 pixels, which come
# with what the library requires.

import pathlib
import tempfile

import keras

import mimo_keras
from mimo_keras import analysis, data, evaluation

keras.utils.set_random_seed(0)
train, test = data.load("digits", "train"), data.load("digits", "test")
print(train.images.shape, train.images.dtype, train.labels[:10])

# %%
# A model
# -------
#
# MIMO puts M subnetworks into one network, which takes M images at once and
# predicts M labels. :func:`mimo_keras.create_model` makes it from the names of
# a method and a backbone. It is a Keras model; which images its members see
# together is drawn inside it.

model = mimo_keras.create_model(
    "mimo",
    backbone="small_cnn_2",
    input_shape=(8, 8, 1),
    num_classes=10,
    ensemble_size=2,
    seed=0,
)
model.compile(optimizer=keras.optimizers.Adam(3e-3))
history = model.fit(train.images, train.labels, epochs=20, verbose=0)
print(f"NLL of the last epoch: {history.history['nll'][-1]:.3f}")

# %%
# Predictions
# -----------
#
# Now both members see the same image. The predictor folds their first layers
# into one, so that a prediction costs what one network costs.

predictor = model.predictor()
outputs = predictor(test.images[:5])
for name, values in outputs.items():
    print(f"{name:22} {tuple(values.shape)}")

# %%
# How good are they? :func:`mimo_keras.evaluate` measures accuracy, negative
# log-likelihood, calibration error and more.

results = mimo_keras.evaluate(predictor, test.images, test.labels)
for name in ("accuracy", "nll", "ece", "brier"):
    print(f"{name:10} {results[name]:.4f}")
assert results["accuracy"] > 0.95

# %%
# Are predictions with a confidence of 80% right in 80% of the cases? The upper
# panel says how often they are right, the lower one how many there are. Every
# figure of the library is one of Matplotlib's, so ``savefig`` keeps it, as PNG,
# PDF or SVG.

folder = tempfile.mkdtemp()
metrics = evaluation.Classification(10, predictor.log_weights)
metrics.update(predictor.member_logits(test.images), test.labels)
figure = analysis.reliability_diagram(*metrics.reliability())
figure.savefig(f"{folder}/reliability.png", dpi=150)
figure

# %%
# :func:`mimo_keras.report` writes such figures and all measures into one page.

path = mimo_keras.report(
    predictor, test.images, test.labels, f"{folder}/report.html"
)
print(pathlib.Path(path).name)

# %%
# Save and serve
# --------------
#
# A .keras file keeps the predictor for Keras; a SavedModel needs TensorFlow
# alone.

predictor.save(f"{folder}/predictor.keras")
mimo_keras.export_saved_model(predictor, f"{folder}/saved_model")
again = keras.saving.load_model(f"{folder}/predictor.keras")
print(again(test.images[:1])["probabilities"].numpy().round(3))

# %%
# What was seen
# -------------
#
# Two members in one network end above 95% accuracy on digits after some seconds
# of training on a CPU, and the predictor that is served costs what one network
# costs.
