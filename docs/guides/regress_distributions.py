"""
Regression with distributions
=============================

Predict a distribution in place of a number, and tell noise, which more data
does not lower, from what the ensemble does not know.
"""

# %%
# Data
# ----
#
# One input, a noise that grows to the right, and a gap in the middle without
# training data.

import keras
import matplotlib.figure
import numpy as np

import mimo_keras
from mimo_keras import evaluation
from mimo_keras.analysis import regression_figures

keras.utils.set_random_seed(0)
draw = np.random.default_rng(0)


def examples(count, low, high):
    """Draws inputs (n, 1) from an interval, and their targets (n, 1)."""
    x = draw.uniform(low, high, (count, 1)).astype("float32")
    noise = draw.normal(size=x.shape) * (0.05 + 0.2 * (x + 1) / 2)
    return x, (np.sin(3 * x) + noise).astype("float32")


left, right = examples(500, -1.0, -0.2), examples(500, 0.3, 1.0)
x, y = (np.concatenate(parts) for parts in zip(left, right, strict=True))

# %%
# An ensemble of distributions
# ----------------------------
#
# With ``likelihood="gaussian"`` each of the five members predicts a mean and a
# standard deviation, and is trained by the likelihood of the targets.

model = mimo_keras.create_model(
    "deep_ensemble",
    backbone="mlp_32_32",
    input_shape=(1,),
    output_dim=1,
    likelihood="gaussian",
    ensemble_size=5,
    input_scale=None,
    seed=0,
)
model.compile(keras.optimizers.Adam(0.01))
model.fit(x, y, epochs=40, batch_size=64, verbose=0)
predictor = model.predictor()
grid = np.linspace(-1, 1, 101, dtype="float32")[:, np.newaxis]
outputs = {name: np.asarray(v) for name, v in predictor(grid).items()}
for name, values in outputs.items():
    print(f"{name:20} {values.shape}")

# %%
# The variance is the sum of two: the members' own, which is noise
# ("aleatoric"), and that of their means ("epistemic"), which is high where
# there was nothing to learn from.

figure = matplotlib.figure.Figure(figsize=(7, 4), layout="constrained")
axes = figure.subplots()
axes.plot(x, y, ".", color="0.8", label="training data")
for member in range(5):
    label = "members' means" if member == 0 else None
    axes.plot(grid, outputs["member_means"][:, member], lw=0.7, label=label)
mean, std = outputs["mean"][:, 0], outputs["std"][:, 0]
axes.fill_between(
    grid[:, 0], mean - 2 * std, mean + 2 * std, alpha=0.2, label="mean ± 2 std"
)
axes.set(xlabel="x", ylabel="y")
axes.legend()
figure

# %%
inside, gap = np.abs(grid[:, 0] - 0.05) > 0.3, np.abs(grid[:, 0] - 0.05) < 0.1
for name in ("aleatoric_variance", "epistemic_variance"):
    where = outputs[name][inside].mean(), outputs[name][gap].mean()
    print(f"{name:20} with data {where[0]:.4f}, in the gap {where[1]:.4f}")

# %%
# How good are the distributions?
# -------------------------------
#
# :func:`mimo_keras.evaluate` knows scores of distributions: NLL, CRPS, coverage
# and width of central intervals.

new = [examples(500, -1.0, -0.2), examples(500, 0.3, 1.0)]
new_x, new_y = (np.concatenate(parts) for parts in zip(*new, strict=True))
found = mimo_keras.evaluate(predictor, new_x, new_y)
for name in ("nll", "crps", "rmse", "coverage_90", "width_90"):
    print(f"{name:12} {found[name]:.4f}")

# %%
# If the predicted distributions are true, the targets' places in them are
# uniform. :func:`mimo_keras.report` writes a page with this histogram and more.

metrics = evaluation.GaussianRegression(predictor.log_weights)
answer = predictor(new_x)
metrics.update(answer["member_means"], answer["member_stds"], new_y)
regression_figures.pit_histogram(metrics.pit_histogram())

# %%
# Intervals that hold
# -------------------
#
# Conformal intervals cover new targets as often as asked for, whether the
# distributions are true or not. They need held-out data.

held_x, held_y = examples(400, 0.3, 1.0)
sure = predictor.prediction_sets(
    held_x, held_y, coverage=0.9, score="normalized"
)
found = mimo_keras.evaluate(sure, *examples(2000, 0.3, 1.0))
print(f"asked for 0.900, covered {found['coverage']:.3f}")

# %%
# What was seen
# -------------
#
# The members agree where there are data and part in the gap, so the epistemic
# variance is highest where nothing was learned. The noise is predicted as
# noise, and conformal intervals cover about nine of ten new targets.
