"""
Understanding an ensemble
=========================

Do the members of an ensemble differ? In what they predict, in their weights, in
the features they use, and on their way through training.
"""

# %%
# Two ensembles
# -------------
#
# MIMO, whose three members have inputs of their own, and the same network with
# one input and three heads. Their predictions on test images are kept after
# each epoch.

import keras
import numpy as np
from scipy.special import softmax

import mimo_keras
from mimo_keras import analysis, data, evaluation

keras.utils.set_random_seed(0)
train, test = data.load("digits", "train"), data.load("digits", "test")
EPOCHS, SEEN = 16, 200


def trained(method):
    """Returns a model of three members, and its course (T, N, M, K)."""
    model = mimo_keras.create_model(
        method,
        backbone="small_cnn_2",
        input_shape=(8, 8, 1),
        num_classes=10,
        ensemble_size=3,
        seed=0,
    )
    course = []

    def keep(epoch, logs):
        logits = model.predict_on_batch(test.images[:SEEN])
        course.append(softmax(logits, axis=-1))

    model.compile(keras.optimizers.Adam(3e-3))
    model.fit(
        train.images,
        train.labels,
        epochs=EPOCHS,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=keep)],
    )
    return model, np.stack(course)


mimo, course = trained("mimo")
heads, _ = trained("naive_multihead")

# %%
# Diversity
# ---------
#
# *Disagreement* is the fraction of images on which two members predict
# different classes, *KL* the distance between what they predict. If members are
# diverse, the ensemble is better than its members.

rows = []
for name, model in {"MIMO": mimo, "three heads": heads}.items():
    found = mimo_keras.evaluate(model, test.images, test.labels)
    names = ("disagreement", "kl", "nll", "nll_member_mean", "accuracy")
    rows.append([name, *(f"{found[x]:.4f}" for x in names)])
columns = ["", "Disagreement", "KL", "NLL", "NLL of a member", "Accuracy"]
print(analysis.markdown_table(rows, columns))

# %%
# For each pair of members:

metrics = evaluation.Classification(10, mimo.log_weights)
metrics.update(mimo.predict(test.images, verbose=0), test.labels)
print(metrics.diversity().disagreement.round(3))

# %%
# The way through training
# ------------------------
#
# Each point is a member after an epoch, and near points are functions that
# predict alike (t-SNE).

places = analysis.function_space(course)
analysis.trajectory_plot(places, range(1, EPOCHS + 1), title="MIMO")

# %%
# The landscape between members
# -----------------------------
#
# The plane through the weights of three members: at each point is a complete
# network. Are there worse networks between the members?

images, labels = test.images[:SEEN], test.labels[:SEEN]
landscape = analysis.plane_landscape(mimo, images, labels, points=13)
analysis.plane_maps(landscape, title="MIMO")

# %%
# The same for three heads on one trunk, whose members are near to each other:

landscape = analysis.plane_landscape(heads, images, labels, points=13)
analysis.plane_maps(landscape, title="Three heads")

# %%
# Shared features
# ---------------
#
# How much does each member use each feature: of the first convolution by its
# kernel there, of the last map by its head? A sharing rate of 1 says that all
# use all features equally, and 0 that each has its own.

for name, model in {"MIMO": mimo, "three heads": heads}.items():
    rates = analysis.sharing_rates(model.network)
    print(name, {part: round(rate, 3) for part, rate in rates.items()})
analysis.feature_use(analysis.feature_norms(mimo.network), "L1 norm")

# %%
# What was seen
# -------------
#
# MIMO's members differ on a tenth of the images, go ways of their own from the
# first epochs on, and have a hole between them where no weights are any good.
# Together they are clearly better than one of them. Three heads on one trunk
# are all one network: any weights between them do as well, they hardly differ,
# and gain as little. Yet here they are the better ensemble: on a small network
# and after few epochs, three subnetworks are each worse than one network.
# Diversity is worth what it does to the measures, and no aim by itself. Which
# figure works for which method, and the papers' own: :doc:`/figures`.
