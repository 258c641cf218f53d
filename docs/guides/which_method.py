"""
Which method when
=================

Five methods on the same digits, cost beside quality, and what to choose.
"""

# %%
# Five methods
# ------------
#
# One network; dropout that stays active in ten passes; two networks in one
# (MIMO); four members that share kernels (BatchEnsemble); four networks. All
# have the same backbone, optimizer and epochs, and one seed.

import keras

import mimo_keras
from mimo_keras import analysis, data, evaluation

train, test = data.load("digits", "train"), data.load("digits", "test")
METHODS = {
    "deterministic": 1,
    "mc_dropout": 1,
    "mimo": 2,
    "batch_ensemble": 4,
    "deep_ensemble": 4,
}


def trained(method, members):
    """Returns a trained model."""
    keras.utils.set_random_seed(0)
    model = mimo_keras.create_model(
        method,
        backbone="small_cnn_2",
        input_shape=(8, 8, 1),
        num_classes=10,
        ensemble_size=members,
        seed=0,
    )
    model.compile(keras.optimizers.Adam(3e-3))
    model.fit(train.images, train.labels, epochs=12, verbose=0)
    return model


models = {method: trained(method, m) for method, m in METHODS.items()}
predictors = {method: model.predictor() for method, model in models.items()}

# %%
# Cost
# ----
#
# Parameters are memory, multiply-adds the work of a prediction. Milliseconds
# are those of one image in a batch of 64 on the machine that built this page.

rows = []
for method, predictor in predictors.items():
    work = evaluation.multiply_adds(predictor.network)
    took = evaluation.milliseconds_per_example(
        lambda x, each=predictor: each.predict_on_batch(x)["probabilities"],
        test.images[:64],
    )
    parameters = evaluation.trainable_parameters(models[method])
    rows.append([method, f"{parameters:,}", f"{work:,}", f"{took:.3f}"])
columns = ["Method", "Parameters", "Multiply-adds", "ms"]
print(analysis.markdown_table(rows, columns))

# %%
# Quality
# -------

rows = []
for method, predictor in predictors.items():
    found = mimo_keras.evaluate(predictor, test.images, test.labels)
    names = ("accuracy", "nll", "ece", "aurc")
    rows.append([method, *(f"{found[x]:.4f}" for x in names)])
columns = ["Method", "Accuracy", "NLL", "ECE", "AURC"]
print(analysis.markdown_table(rows, columns))

# %%
# And on corrupted digits, weakly (1) and strongly (4), over three corruptions:

NAMES = ("accuracy", "nll")
kinds = ("gaussian_noise", "contrast", "motion_blur")
scores = {
    analysis.method_title(method): {name: [[], []] for name in NAMES}
    for method in predictors
}
for one in data.corrupted("digits", types=kinds, severities=[1, 4]):
    for method, predictor in predictors.items():
        found = mimo_keras.evaluate(
            predictor, one.examples.images, one.examples.labels
        )
        for name in NAMES:
            where = scores[analysis.method_title(method)][name]
            where[0 if one.severity == 1 else 1].append(found[name])
analysis.severity_boxes(scores, [1, 4])

# %%
# What to choose
# --------------
#
# - **Passes are free, memory too:** ``deep_ensemble``, which the others are
#   measured by, at M times the cost of everything.
# - **Passes are free, memory is not:** ``batch_ensemble``, or
#   ``mixture_ensemble`` for a given number of parameters; ``rank1_bnn`` for the
#   Bayesian variant.
# - **One pass, and the network is wider than the data need:** ``mimo``. Begin
#   with M = 2: the more members, the less of the network is left for each.
#   ``mixmo`` and ``mixshare`` are its relatives for images.
# - **There is a trained network with dropout:**
#   ``mimo_keras.from_network(network, "mc_dropout")``, without training
#   anything, at S passes.
# - **There is a trained network without:**
#   :doc:`/generated/guides/start_from_network`.
# - **One pass, and depth to spare:** ``early_exit``, ``dun`` and ``mimmo``
#   predict at several depths and average.
# - **Only calibration is wanted:** one network and
#   :doc:`/generated/guides/act_on_predictions` may do.
#
# One seed on a small set orders nothing: differences in the third digit are
# noise. :doc:`/digits` has every method over three seeds, :doc:`/results`
# photographs, and :doc:`/reproduce` the papers' own tables.

# %%
# What was seen
# -------------
#
# Two members of MIMO cost what one network costs, four of BatchEnsemble four
# passes at the memory of one, and a deep ensemble four times both. Here, on a
# small network and after 12 epochs, one network and four of them are ahead, and
# MIMO, whose members must also learn to tell two images apart, is behind. After
# 40 epochs (:doc:`/digits`) it has caught up with one network: give it more
# epochs, or ``batch_repetitions``, and a wide network.
