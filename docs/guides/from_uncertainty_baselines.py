"""
Coming from Uncertainty-Baselines
=================================

Uncertainty-Baselines has a script for each method, with its own loops over
batches. Here a method is a name, and training is Keras's ``fit``.
"""

# %%
# Side by side
# ------------
#
# The left column names what Uncertainty-Baselines documents and does in its
# scripts for CIFAR, the right one what takes its place.
#
# .. list-table::
#    :header-rows: 1
#    :widths: 50 50
#    :class: side-by-side
#
#    * - Uncertainty-Baselines
#      - mimo_keras
#    * - ``baselines/cifar/mimo.py``, ``batchensemble.py``, ``rank1_bnn.py``,
#        ``dropout.py``, ``deterministic.py``, each with its flags
#      - ``mimo cifar --method=mimo`` (``batch_ensemble``, ``rank1_bnn``,
#        ``mc_dropout``, ``deterministic``), with the same flag names, but for
#        :doc:`those that differ </uncertainty_baselines>`
#    * - ``ensemble.py``, on the checkpoints of several runs
#      - ``mimo evaluate --runs=A,B``, or :func:`mimo_keras.assemble`
#    * - ``ub.models.wide_resnet_mimo`` and its kin, a function for each
#      - :func:`mimo_keras.create_model` of any method and backbone
#    * - ``ub.datasets.get(name, split=…).load(batch_size=…)``, batches of
#        ``features`` and ``labels``
#      - :func:`mimo_keras.data.load`, or any batches of (images, labels)
#    * - the training step shuffles, gathers and stacks the members' images
#      - done in the model, from plain batches
#    * - images are tiled, for members (MIMO) or along the batch (BatchEnsemble)
#      - done in the model; ``predictor()`` folds MIMO's members into one pass
#    * - the loss is added up by hand: cross-entropy, L2, the scaled divergence
#      - in the model; L2 is ``model.compile(…, l2=3e-4)``, of the same
#        weights
#    * - ``ub.schedules.WarmUpPiecewiseConstantSchedule``
#      - :class:`mimo_keras.training.WarmUpStepDecay`
#    * - metrics kept by hand: ``test/nll_member_0``, ``rm.metrics``'s ECE with
#        ``num_bins``
#      - :func:`mimo_keras.evaluate` has ``nll_member_0``, ``ece`` and more;
#        a run's results.json has them as ``test/…``
#    * - ``tf.train.Checkpoint``, restored at the start of an epoch
#      - :func:`mimo_keras.training.fit`, also in the middle of an epoch
#
# SNGP, hyperparameter ensembles and variational inference over whole kernels
# have no counterpart here.
#
# A training step
# ---------------
#
# What ``mimo.py`` does in its step (repeat the batch, shuffle it for each
# member, keep a share of rows equal) are three options here.

import keras
import numpy as np

import mimo_keras
from mimo_keras import analysis, data, evaluation

keras.utils.set_random_seed(0)
train, test = data.load("digits", "train"), data.load("digits", "test")
model = mimo_keras.create_model(
    "mimo",
    backbone="small_cnn_2",
    input_shape=(8, 8, 1),
    num_classes=10,
    ensemble_size=3,
    batch_repetitions=2,
    input_repetition_probability=0.25,
    seed=0,
)

# %%
# In training the model returns which image each member saw. Of a batch of four
# images, each twice, the last quarter of the eight rows has one image for all
# members; in others this happens by chance:

outputs = model(train.images[:4], training=True)
print(np.asarray(outputs["rows"]))

# %%
# As there, the loss is the sum over members and the mean over rows, plus L2.
# The schedule warms up and falls in steps. ``per_core_batch_size`` counts rows;
# a batch of ``fit`` counts images.

steps = len(train) // 32
rate = mimo_keras.training.WarmUpStepDecay(
    0.03, boundaries=[8 * steps, 10 * steps], decay=0.2, warm_up_steps=steps
)
optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
model.compile(optimizer, l2=1e-4)
model.fit(train.images, train.labels, epochs=12, verbose=0)

# %%
# The evaluation
# --------------
#
# Their likelihood of an ensemble is that of the members' mean probability,
# computed from logits. Written out once, and as one call:

logits = model.predict(test.images, verbose=0).astype("float64")
log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
of_truth = log_p[np.arange(len(test)), :, test.labels]
by_hand = -np.log(np.exp(of_truth).mean(axis=1)).mean()
found = mimo_keras.evaluate(model, test.images, test.labels)
print(f"by hand {by_hand:.5f}, evaluate {found['nll']:.5f}")
for name, value in sorted(found.items()):
    print(f"test/{name:24} {value:.4f}")

# %%
# Corrupted sets, which their scripts evaluate every ``corruptions_interval``
# epochs, are one loop; their means are the cNLL, cA and cECE of the papers.

every = [
    mimo_keras.evaluate(model, one.examples.images, one.examples.labels)
    for one in data.corrupted("digits", severities=[3])
]
for name in ("nll", "accuracy", "ece"):
    print(f"c{name} {np.mean([one[name] for one in every]):.4f}")

metrics = evaluation.Classification(10, model.log_weights)
metrics.update(logits, test.labels)
analysis.reliability_diagram(*metrics.reliability())

# %%
# What was seen
# -------------
#
# Rows, loss and likelihood are those of the scripts, without a loop: three
# options, ``fit`` and ``evaluate``.
