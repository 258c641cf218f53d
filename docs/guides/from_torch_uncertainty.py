"""
Coming from torch-uncertainty
=============================

torch-uncertainty wraps a PyTorch network in a Lightning routine. Here the
ensemble is a Keras model, and what is fitted after training is part of it.
"""

# %%
# Side by side
# ------------
#
# The left column is what torch-uncertainty documents, the right one what takes
# its place.
#
# .. list-table::
#    :header-rows: 1
#    :widths: 50 50
#    :class: side-by-side
#
#    * - torch-uncertainty
#      - mimo_keras
#    * - ``ClassificationRoutine(model=…, num_classes=…, loss=…,
#        optim_recipe=…)``
#      - :func:`mimo_keras.create_model`, then ``compile`` with an optimizer;
#        the loss is the method's
#    * - ``TUTrainer(…).fit(routine, …)`` and ``.test(routine, …)``
#      - ``model.fit(…)`` and :func:`mimo_keras.evaluate`
#    * - ``is_ensemble=True`` and ``format_batch_fn=RepeatTarget(M)``
#      - nothing: a model knows its members
#    * - ``MIMOBatchFormat(num_estimators, rho, batch_repeat)``
#      - ``ensemble_size``, ``input_repetition_probability`` and
#        ``batch_repetitions`` of method ``mimo``
#    * - ``deep_ensembles(model, num_estimators=…)``, ``mc_dropout(…)``,
#        ``batch_ensemble(…)``: wrappers of a network
#      - :func:`mimo_keras.from_network` of a network, or a method by name;
#        :func:`mimo_keras.assemble` for networks trained apart
#    * - ``BatchLinear``, ``BatchConv2d``
#      - ``DenseBatchEnsemble``, ``Conv2DBatchEnsemble`` in
#        ``mimo_keras.layers``
#    * - outputs (M·B, K), members first
#      - outputs (B, M, K)
#    * - ``TemperatureScaler``, ``VectorScaler``, ``MatrixScaler``
#      - ``predictor.calibrate(…, method=…)``
#    * - ``ConformalClsTHR``, ``ConformalClsAPS``, ``ConformalClsRAPS`` with
#        ``alpha``
#      - ``predictor.prediction_sets(…, coverage=1 - alpha, score="lac")``,
#        ``"aps"``, ``"raps"``
#    * - ``eval_ood=True``, ``EnergyCriterion`` and others
#      - ``predictor.detector(…, score="energy")``,
#        :func:`mimo_keras.evaluation.detection`
#    * - ``BrierScore``, ``CategoricalNLL``, ``CalibrationError``, ``AURC``,
#        ``Disagreement``
#      - ``brier``, ``nll``, ``ece``, ``aurc``, ``disagreement`` of
#        :func:`mimo_keras.evaluate`
#    * - ``SWA``, ``EMA``, ``CheckpointCollector``: wrappers of a model
#      - :func:`mimo_keras.average_weights`; ``keras.callbacks.SwapEMAWeights``;
#        :func:`mimo_keras.assemble` of the files of several epochs
#    * - ``MCBatchNorm``, ``SWAG``, ``LaplaceApprox``, packed ensembles,
#        Masksembles, evidential losses, segmentation
#      - no counterpart here
#    * - no counterpart there that we know of
#      - MixMo, MixShare, DataMUX, MIMMO, MixtureEnsembles; folded predictors;
#        SavedModel, LiteRT and ONNX with calibration and sets inside
#
# Train and test
# --------------
#
# A routine, a trainer and a format of batches become three calls.

import keras
import numpy as np

import mimo_keras
from mimo_keras import analysis, data, evaluation

keras.utils.set_random_seed(0)
train, test = data.load("digits", "train"), data.load("digits", "test")
order = np.random.default_rng(0).permutation(len(test))
held, new = order[:300], order[300:]

model = mimo_keras.create_model(
    "mimo",
    backbone="small_cnn_2",
    input_shape=(8, 8, 1),
    num_classes=10,
    ensemble_size=2,  # num_estimators
    input_repetition_probability=0.0,  # rho
    batch_repetitions=1,  # batch_repeat
    seed=0,
)
model.compile(keras.optimizers.Adam(3e-3))
model.fit(train.images, train.labels, epochs=15, verbose=0)
found = mimo_keras.evaluate(model, test.images[new], test.labels[new])
names = {
    "accuracy": "cls/Acc",
    "brier": "cls/Brier",
    "nll": "cls/NLL",
    "ece": "cal/ECE",
    "aurc": "sc/AURC",
}
for name, theirs in names.items():
    print(f"{name:9} ({theirs}) {found[name]:.4f}")

# %%
# A network of your own, as an ensemble
# -------------------------------------
#
# Where torch-uncertainty wraps a ``nn.Module``, a Keras network is converted,
# weights included.

network = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(16, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    ]
)
for method in ("deep_ensemble", "batch_ensemble"):
    ensemble = mimo_keras.from_network(
        network, method, ensemble_size=4, num_classes=10, noise=0.1
    )
    print(method, ensemble(test.images[:2]).shape)

# %%
# Post-processing
# ---------------
#
# What torch-uncertainty fits in ``post_processing`` are methods of the
# predictor. Each returns a new predictor, and all of it is saved and exported
# with it.

images, labels = test.images[held], test.labels[held]
fitted = model.predictor().calibrate(images, labels)
fitted = fitted.prediction_sets(images, labels, coverage=0.95, score="lac")
fitted = fitted.detector(images, labels, score="energy")
found = mimo_keras.evaluate(fitted, test.images[new], test.labels[new])
for name in ("nll", "ece", "coverage", "set_size"):
    print(f"{name:9} {found[name]:.4f}")

# %%
# Out of distribution, as ``eval_ood`` measures it:

noise = np.random.default_rng(1).integers(0, 256, test.images[new].shape)
own, foreign = (
    np.asarray(fitted(x)["ood_score"])
    for x in (test.images[new], noise.astype("uint8"))
)
detected = evaluation.detection(own, foreign)
analysis.ood_histograms({"noise": (own, foreign)}, {"noise": detected["auroc"]})

# %%
# What was seen
# -------------
#
# Training, measures, calibration, prediction sets and a detector, each in one
# call on a Keras model. Shapes are (B, M, K) here, and targets are never
# repeated.
