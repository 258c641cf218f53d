"""
Act on predictions
==================

How sure is the ensemble, which classes are possible, when should it not answer,
and what has it never seen? Each answer is fitted to held-out images, which the
model was not trained on, and goes with the predictor into every file.
"""

# %%
# An ensemble
# -----------
#
# Four members of BatchEnsemble, trained on only 200 digits, so that they are
# sometimes wrong, and too sure. Held-out images should be like those to come,
# so they are half of the test digits, which are of other writers than the
# training digits.

import keras
import numpy as np

import mimo_keras
from mimo_keras import analysis, data, evaluation

keras.utils.set_random_seed(0)
train, test = data.load("digits", "train"), data.load("digits", "test")
order = np.random.default_rng(0).permutation(len(test.images))
held_images, held_labels = test.images[order[:300]], test.labels[order[:300]]
test_images, test_labels = test.images[order[300:]], test.labels[order[300:]]

model = mimo_keras.create_model(
    "batch_ensemble",
    backbone="small_cnn_2",
    input_shape=(8, 8, 1),
    num_classes=10,
    ensemble_size=4,
    seed=0,
)
model.compile(optimizer=keras.optimizers.Adam(3e-3))
model.fit(train.images[:200], train.labels[:200], epochs=60, verbose=0)
predictor = model.predictor()

# %%
# Calibrated probabilities
# ------------------------
#
# A temperature changes how sure the ensemble is, and never which class is the
# most probable. Held-out images fit it; test images say what it is worth.

calibrated = predictor.calibrate(held_images, held_labels)
print(f"temperature: {calibrated.stages[0].temperature:.2f}")
for name, each in {"before": predictor, "after": calibrated}.items():
    found = mimo_keras.evaluate(each, test_images, test_labels)
    print(f"{name:6}  NLL {found['nll']:.4f}  ECE {found['ece']:.4f}")

# %%
# Sets that cover the truth
# -------------------------
#
# For images drawn like the held-out ones, a set has the true class with a
# probability of at least 0.95, whatever the network. This is a mean over draws
# of the held-out images: of a single draw of 300, coverage is 0.95 ± 0.025, and
# 299 test images measure it no better than that. So what is printed may lie
# 0.035 to either side. (The temperature, one number, was fitted to the same
# images, which matters little; strictly, sets ask for images of their own.)

sets = calibrated.prediction_sets(held_images, held_labels, coverage=0.95)
found = mimo_keras.evaluate(sets, test_images, test_labels)
print(f"coverage {found['coverage']:.3f}, mean size {found['set_size']:.2f}")

# %%
# Nothing is promised for other images. The same sets, on corrupted digits by
# severity:

severities, coverage, sizes = [0], [found["coverage"]], [found["set_size"]]
for severity in (1, 3, 5):
    suite = data.corrupted("digits", severities=[severity])
    each = [
        mimo_keras.evaluate(sets, one.examples.images, one.examples.labels)
        for one in suite
    ]
    severities.append(severity)
    coverage.append(float(np.mean([one["coverage"] for one in each])))
    sizes.append(float(np.mean([one["set_size"] for one in each])))
ours = {"coverage": coverage, "set_size": sizes}
analysis.coverage_by_method(severities, {"BatchEnsemble": ours}, wanted=0.95)

# %%
# Abstain
# -------
#
# Above which confidence are at most 5% of the answers wrong? With a probability
# of 95% the threshold holds for new images like the held-out ones.

careful = sets.threshold(held_images, held_labels, risk=0.05)
found = mimo_keras.evaluate(careful, test_images, test_labels)
print(f"answered {found['answered']:.3f}, wrong of these {found['risk']:.4f}")

metrics = evaluation.Classification(10, predictor.log_weights)
metrics.update(predictor.member_logits(test_images), test_labels)
analysis.risk_coverage_plot(*metrics.risk_coverage(), title="BatchEnsemble")

# %%
# Foreign images
# --------------
#
# A detector scores how unlike the given images an image is: here noise, and
# digits upside down.

watchful = careful.detector(held_images, held_labels, score="energy")
noise = np.random.default_rng(1).integers(0, 256, test_images.shape, "uint8")
foreign = {"noise": noise, "upside down": test_images[:, ::-1]}
own = watchful(test_images)["ood_score"].numpy()
scores = {
    name: (own, watchful(images)["ood_score"].numpy())
    for name, images in foreign.items()
}
auroc = {
    name: evaluation.detection(*pair)["auroc"] for name, pair in scores.items()
}
analysis.ood_histograms(scores, auroc)

# %%
# What was seen
# -------------
#
# One predictor answers with calibrated probabilities, sets, a flag to abstain
# and a score of how unlike the training data it is. All of it is saved and
# exported with it, and :func:`mimo_keras.fitted_on` reads from a file what it
# was fitted to. Promises hold for images like those held out: coverage falls as
# corruption grows. With few images, here 300, coverage and risk come out near
# what was asked for, not at it, to either side; ten times as many bring them
# three times nearer.

print(sorted(watchful(test_images[:1])))
