"""
Tables
======

Columns of numbers, as a CSV file or a data frame has them: from raw rows to a
served model that is calibrated and says which classes are possible.
"""

# %%
# Data
# ----
#
# Any array (n, columns) will do; of a pandas data frame, ``frame.to_numpy()``.
# Here: 569 tumors, 30 measurements of each, malignant (0) or benign (1), which
# come with scikit-learn. 200 are for training, 200 are held out for
# calibration, the rest is for the test.

import pathlib
import tempfile

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import mimo_keras
from mimo_keras import analysis, evaluation

keras.utils.set_random_seed(0)
table = load_breast_cancer()
rest, x_test, rest_y, y_test = train_test_split(
    table.data,
    table.target,
    test_size=169,
    stratify=table.target,
    random_state=0,
)
x_train, x_held, y_train, y_held = train_test_split(
    rest, rest_y, test_size=200, stratify=rest_y, random_state=0
)
for column in (0, 3, 4):
    low, high = x_train[:, column].min(), x_train[:, column].max()
    print(f"{table.feature_names[column]:16} from {low:.4g} to {high:.4g}")

# %%
# Standardized columns
# --------------------
#
# Columns differ in scale by a factor of 10,000, and a network learns badly from
# them. Their means and standard deviations are taken from the training rows
# alone: held-out and test rows must not leak into the model. The model gets
# them as ``mean`` and ``std``, so they are part of it: it takes raw rows, in
# ``fit``, in predictions and in the exported file. ``input_scale=None`` says
# that these are no images, whose bytes would be divided by 255.

scaler = StandardScaler().fit(x_train)


def train(method, **options):
    """Returns a model that is trained on raw rows."""
    model = mimo_keras.create_model(
        method,
        backbone="mlp_64_64",
        input_shape=(30,),
        num_classes=2,
        mean=scaler.mean_,
        std=scaler.scale_,
        input_scale=None,
        seed=0,
        **options,
    )
    model.compile(keras.optimizers.Adam(3e-3))
    model.fit(x_train, y_train, epochs=40, verbose=0)
    return model


models = {
    "one network": train("deterministic"),
    "MIMO, M = 2": train("mimo", ensemble_size=2),
}
rows = []
for name, each in models.items():
    found = mimo_keras.evaluate(each, x_test, y_test)
    scores = (found[key] for key in ("accuracy", "nll", "ece"))
    rows.append([name, *(f"{score:.4f}" for score in scores)])
print(analysis.markdown_table(rows, ["Method", "Accuracy", "NLL", "ECE"]))

# %%
# ``"mlp_64_64"`` is a network of two dense layers with 64 units each; any such
# name works, and so does a function of your own. Columns of categories become
# one-hot columns (``pandas.get_dummies``), or an input of their own with an
# embedding: :doc:`/inputs`. Missing values must be filled in first: rows with
# NaN are refused in ``fit``, and answered NaN in predictions.
#
# A number in place of a class: ``output_dim=1`` for ``num_classes``, with
# ``likelihood="gaussian"`` for a distribution of it, see
# :doc:`regress_distributions`.
#
# Calibrate, and predict sets
# ---------------------------
#
# Held-out rows fit a temperature, then sets of classes that have the true one
# with a probability of 0.99: both classes where the model cannot tell.

predictor = models["MIMO, M = 2"].predictor()
calibrated = predictor.calibrate(x_held, y_held)
sets = calibrated.prediction_sets(x_held, y_held, coverage=0.99)
found = mimo_keras.evaluate(sets, x_test, y_test)
print(f"temperature {calibrated.stages[0].temperature:.2f}")
print(f"NLL {found['nll']:.4f}, ECE {found['ece']:.4f}")
print(f"coverage {found['coverage']:.3f}, mean size {found['set_size']:.2f}")

# %%
# Export
# ------
#
# The file takes raw rows too. Call its signature "serving_default"; the other
# one, "serving_uint8", is for images.

path = pathlib.Path(tempfile.mkdtemp()) / "tumors/1"
mimo_keras.export_saved_model(sets, path)
served = tf.saved_model.load(str(path))
serve = served.signatures["serving_default"]
answer = serve(images=tf.constant(x_test, tf.float32))
ours = sets(x_test)["probabilities"]
print(np.abs(answer["probabilities"] - ours).max() < 1e-5)
for name, value in sorted(answer.items()):
    print(f"{name:22} {tuple(value.shape)}")

# %%
# If the model answers only the rows of which it is most sure, how often is it
# wrong? ``savefig`` keeps the figure in a file.

metrics = evaluation.Classification(2, predictor.log_weights)
metrics.update(predictor.member_logits(x_test), y_test)
figure = analysis.risk_coverage_plot(*metrics.risk_coverage(), title="Tumors")
figure.savefig(path.parent / "risk.png", dpi=150)
figure

# %%
# What was seen
# -------------
#
# Both models were trained on raw rows, and what standardizes the columns went
# with them into the file, which answers raw rows as the predictor does. With so
# few rows, two members in one network have a lower NLL than one network; their
# accuracies differ by one row of the test. The sets cover 99% of the tumors,
# and name both classes for one in nine. More that is fitted to predictions:
# :doc:`act_on_predictions`.
