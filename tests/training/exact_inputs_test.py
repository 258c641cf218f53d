"""Token ids reach the embedding as they are."""

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras.errors import InputError

LENGTH, WORDS = 4, 3000
DRAW = np.random.default_rng(0)
# Whole numbers that bfloat16 cannot hold.
IDS = DRAW.integers(1000, WORDS, (5, LENGTH)) | 1


def embed(x):
    x = keras.layers.Reshape((-1,))(x)
    x = keras.layers.Embedding(WORDS, 4)(x)
    return keras.layers.GlobalAveragePooling1D()(x)


def create(method="deterministic", members=1, **options):
    arguments = {"input_scale": None, "seed": 1} | options
    return mimo_keras.create_model(
        method,
        backbone=embed,
        input_shape=(LENGTH,),
        num_classes=3,
        ensemble_size=members,
        **arguments,
    )


def by_table(network, ids):
    """Logits by hand, from the only embedding of a network."""
    table, kernel, bias = map(np.array, network.get_weights())
    logits = table[ids].mean(axis=1) @ kernel + bias
    return logits.reshape(len(ids), -1, 3)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_logits_are_those_of_the_ids(policy, dtype):
    keras.config.set_dtype_policy(policy)
    tolerance = 1e-6 if policy == "float32" else 2e-2
    model = create()
    wanted = by_table(model.network, IDS)
    ids = IDS.astype(dtype)
    found = keras.ops.convert_to_numpy(model(ids))
    np.testing.assert_allclose(found, wanted, atol=1e-3, rtol=tolerance)
    exps = np.exp(wanted[:, 0])
    probabilities = keras.ops.convert_to_numpy(
        model.predictor()(ids)["probabilities"]
    )
    np.testing.assert_allclose(
        probabilities, exps / exps.sum(1, keepdims=True), atol=1e-3
    )


@pytest.mark.parametrize("method", ["mimo", "deep_ensemble", "naive_multihead"])
def test_the_rows_of_a_table_that_are_read_are_those_of_the_ids(method):
    """Whatever stands between the input and the embedding."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = create(method, members=2)
    tables = [w for w in model.trainable_variables if w.shape == (WORDS, 4)]
    before = keras.ops.convert_to_numpy(model(IDS))
    for change in (False, True):
        for table in tables:
            values = np.array(table)
            read = np.isin(np.arange(WORDS), IDS)
            values[read == change] += 1.0
            table.assign(values)
        for x in (IDS, IDS.astype("float32")):
            for network in (model, model.predictor().network):
                after = keras.ops.convert_to_numpy(network(x))
                assert np.allclose(after, before, atol=1e-2) != change


def test_it_holds_after_loading(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = create("deep_ensemble", members=2)
    model.save(tmp_path / "model.keras")
    model.predictor().save(tmp_path / "predictor.keras")
    ids = IDS.astype("float32")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.standardize.input_scale is None
    np.testing.assert_array_equal(loaded(ids), model(ids))
    loaded = keras.saving.load_model(tmp_path / "predictor.keras")
    name = "probabilities"
    np.testing.assert_array_equal(
        loaded(ids)[name], model.predictor()(ids)[name]
    )


@pytest.mark.parametrize("scale", ["0..1", "0..255"])
def test_ids_are_never_divided(scale):
    with pytest.raises(InputError) as caught:
        create(input_scale=scale)
    assert str(caught.value).startswith(
        "Expected input_scale=None for a backbone that embeds token ids. "
        f"Received: input_scale={scale!r} and layer embedding"
    )


@pytest.mark.parametrize("keys", ["gaussian", "orthogonal"])
def test_ids_are_never_mixed(keys):
    with pytest.raises(InputError, match="as they are.*datamux and layer"):
        create("datamux", 2, keys=keys)
