"""Every method with members, repetitions and types that Hypothesis draws."""

import keras
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mimo_keras import methods
from tests.methods import small
from tests.methods.tables import NEED_MAPS, ON_BACKBONE, SETTINGS

# Policy -> tolerance of probabilities. The first example has the first policy:
# here each method trains in bfloat16 on JAX.
POLICIES = {"mixed_bfloat16": 0.03, "mixed_float16": 5e-3, "float32": 1e-5}
TENSORFLOW = keras.backend.backend() == "tensorflow"
METHODS = methods.list_methods()
# For time; batch_ensemble_test.py and rank1_bnn_test.py run there, too.
if not TENSORFLOW:
    METHODS = sorted({*METHODS} - {"batch_ensemble", "rank1_bnn"})
ONE = {m for m, known in SETTINGS.items() if known.get("members") == 1}
MIXING = {"mixmo", "mixshare"}
RANDOM = {"rank1_bnn"}
REPEATED = [m for m in METHODS if "batch_repetitions" in methods.options(m)]
# JAX compiles again for each number of members and each type: there it is two
# members, in bfloat16.
few = settings(
    max_examples=2 if TENSORFLOW else 1,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)


def create(data, method, **changes):
    """Draws a model of a method, with weights unlike the initial ones."""
    least = 2 if method in MIXING else 1
    most = 1 if method in ONE else 4 if TENSORFLOW else 2
    members = data.draw(st.integers(least if TENSORFLOW else most, most))
    backbones = ["small_cnn"] + ["mlp"] * (method not in NEED_MAPS)
    backbone = data.draw(st.sampled_from(backbones))
    options = SETTINGS.get(method, {}) | ON_BACKBONE.get((method, backbone), {})
    options = {"batch_repetitions": 1, **options} if changes else options
    if method in ("dun", "mimmo", "rank1_bnn"):
        options = options | {"train_examples": 16}
    options = options | {"members": members} | changes
    model = small.create(method, backbone, **options)
    small.scatter(model.network)
    return model


def cut_rows(data):
    """Draws a number of rows and where to cut them.

    JAX compiles again for each number of rows, so there it is 4, cut into 2.
    """
    if not TENSORFLOW:
        return 4, 2
    rows = data.draw(st.integers(2, 7))
    return rows, data.draw(st.integers(1, rows - 1))


@pytest.mark.parametrize("method", METHODS)
@few
@given(data=st.data())
def test_predictions(method, data):
    policy = data.draw(st.sampled_from([*POLICIES]))
    keras.config.set_dtype_policy(policy)
    model, error = create(data, method), POLICIES[policy]
    predictor, (rows, cut) = model.predictor(), cut_rows(data)
    images, _ = small.examples(model, rows)
    found = small.numpy(predictor(images))
    check_mixture(found, model.log_weights)
    if method in RANDOM:
        return  # Each call draws a new sample.
    halves = [
        small.numpy(predictor(part)["probabilities"])
        for part in (images[:cut], images[cut:])
    ]
    whole = found["probabilities"]
    np.testing.assert_allclose(np.concatenate(halves), whole, atol=error)
    order = np.array(data.draw(st.permutations(range(rows))))
    permuted = small.numpy(predictor(images[order])["probabilities"])
    np.testing.assert_allclose(permuted, whole[order], atol=error)
    # Folded or not, with the same components as the model.
    members = small.numpy(keras.ops.softmax(model(images)))
    unfolded = small.numpy(model.predictor(fold=False)(images))
    for other in (members, unfolded["member_probabilities"]):
        np.testing.assert_allclose(
            found["member_probabilities"], other, atol=error
        )
    twin = type(predictor).from_config(predictor.get_config())
    twin.set_weights(predictor.get_weights())
    same = small.numpy(twin(images)["probabilities"])
    np.testing.assert_array_equal(same, whole)


def check_mixture(found, log_weights):
    """Probabilities are valid, and the mixture is that of its components."""
    members, mixture = found["member_probabilities"], found["probabilities"]
    for probabilities in (members, mixture):
        assert (probabilities >= 0).all() and (probabilities <= 1 + 1e-6).all()
        np.testing.assert_allclose(probabilities.sum(-1), 1, atol=1e-5)
    weights = np.exp(log_weights)
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    mean = np.einsum("e,bek->bk", weights, members)
    np.testing.assert_allclose(mixture, mean, atol=1e-5)
    assert (found["entropy"] >= 0).all()
    assert (found["mutual_information"] >= -1e-5).all()
    assert (found["mutual_information"] <= found["entropy"] + 1e-5).all()


@pytest.mark.parametrize("method", METHODS)
@few
@given(data=st.data())
def test_a_step_is_finite_and_moves_the_weights(method, data):
    policy = data.draw(st.sampled_from([*POLICIES]))
    keras.config.set_dtype_policy(policy)
    model = create(data, method)
    model.compile(keras.optimizers.SGD(1e-3), **small.step_by_step())
    before = [np.array(w) for w in map(small.numpy, model.trainable_weights)]
    images, labels = small.examples(model, data.draw(st.sampled_from([4, 8])))
    loss = model.train_on_batch(images, labels)[0]
    after = [np.array(w) for w in map(small.numpy, model.trainable_weights)]
    assert np.isfinite(loss)
    assert all(np.isfinite(weight).all() for weight in after)
    moved = [(a != b).any() for a, b in zip(before, after, strict=True)]
    # The loss scale in float16 starts too high: a step may be skipped.
    assert np.mean(moved) > 0.5 or policy == "mixed_float16"


@pytest.mark.parametrize("method", REPEATED)
@few
@given(data=st.data())
def test_rows_repeat_images_and_share_them(method, data):
    keras.config.set_dtype_policy("float32")
    repetitions = data.draw(st.integers(1, 4)) if TENSORFLOW else 2
    share = data.draw(st.sampled_from([0.0, 0.25, 0.5, 1.0]))
    model = create(
        data,
        method,
        batch_repetitions=repetitions,
        input_repetition_probability=share,
    )
    count = data.draw(st.integers(2, 6)) if TENSORFLOW else 4
    images, _ = small.examples(model, count)
    rows = small.numpy(model(images, training=True)["rows"])
    assert len(rows) == count * repetitions
    for member in rows.T:
        np.testing.assert_array_equal(
            np.bincount(member, minlength=count), repetitions
        )
    same = (rows == rows[:, :1]).all(axis=1).sum()
    assert same >= len(rows) - int(len(rows) * (1 - share))
    assert share < 1 or same == len(rows)
