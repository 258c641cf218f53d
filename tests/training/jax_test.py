"""Training runs on the JAX backend too, with the same code."""

import json

import pytest

from tests.training import subprocesses

TRAIN = """
import json
import keras
import numpy as np
import tensorflow as tf
import mimo_keras
from tests.training import networks

model = networks.create(
    members=3, batch_repetitions=2, input_repetition_probability=0.4
)
model.compile(keras.optimizers.SGD(0.3), l2=1e-4)
examples = networks.examples(16)
rows = networks.rows_of(model, examples.images)
history = model.fit(
    examples.images, examples.labels, batch_size=8, epochs=30, verbose=0
).history
image = model.predictor()(examples.images)["probabilities"]
drawn = int(model.row_seed.state[1])
before, refused = model.get_weights(), []
for place in (0, 12):  # In the first batch and in the second.
    labels = examples.labels.astype("float32")
    labels[place] = 1.5
    pairs = tf.data.Dataset.from_tensor_slices((examples.images, labels))
    try:
        model.fit(pairs.batch(8), verbose=0)
    except mimo_keras.InputError as error:
        refused.append("label=1.5 in a batch" in str(error))
    moved = [np.any(a != b) for a, b in zip(model.get_weights(), before)]
    refused.append(bool(any(moved)))
    model.set_weights(before)
one_hot = np.eye(3, dtype="float32")[examples.labels]
print(json.dumps({
    "backend": keras.backend.backend(),
    "rows": rows.tolist(),
    "drawn": drawn,
    "loss": history["loss"],
    "nll": history["nll"],
    "evaluated": model.evaluate(
        examples.images, examples.labels, verbose=0, return_dict=True
    )["nll"],
    "refused": refused,
    "one_hot": model.evaluate(
        examples.images, one_hot, verbose=0, return_dict=True
    )["nll"],
    "predicted": -float(np.mean(np.log(
        np.array(image)[np.arange(16), examples.labels]
    ))),
}))
"""


def test_mimo_trains_under_jax():
    pytest.importorskip("jax")
    printed = subprocesses.python(
        TRAIN,
        KERAS_BACKEND="jax",
    )
    found = json.loads(printed.splitlines()[-1])
    assert found["backend"] == "jax"
    # Each of 16 images twice for each of three members; 32 · 0.6 rows differ.
    columns = list(zip(*found["rows"], strict=True))
    wanted = sorted([*range(16)] * 2)
    assert [sorted(column) for column in columns] == [wanted] * 3
    same = [len(set(row)) == 1 for row in found["rows"]]
    assert all(same[19:])
    assert not all(same[:19])
    # One draw before the fit and one for each of its 2 · 30 steps.
    assert found["drawn"] == 61
    assert found["loss"][-1] < 0.9 * found["loss"][0]
    assert found["nll"][-1] < found["nll"][0]
    assert found["evaluated"] == pytest.approx(found["predicted"], rel=1e-4)
    assert found["one_hot"] == pytest.approx(found["predicted"], rel=1e-4)
    # A bad batch ends fit, which keeps the weights of the steps before it.
    assert found["refused"] == [True, False, True, True]
