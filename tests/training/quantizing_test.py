"""Quantized models: their predictors, exports, and what cannot be quantized."""

import gc
import warnings

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras.errors import InputError
from tests.methods import small

SHAPE = (6,)
VECTORS = np.random.default_rng(0).random((5, *SHAPE), "f")


@pytest.fixture(autouse=True)
def nothing_is_collected(monkeypatch):
    """Keras collects garbage after each layer, half a second each."""
    monkeypatch.setattr(gc, "collect", lambda: 0)


def create(method="mimo", **options):
    return small.create(method, "mlp_8_8", members=2, shape=SHAPE, **options)


def probabilities(predictor):
    return np.array(predictor(VECTORS)["member_probabilities"])


@pytest.mark.parametrize("mode", ["int8", "float8"])
def test_a_quantized_model_is_folded(mode):
    model = create()
    wanted = probabilities(model.predictor())
    model.quantize(mode)
    predictor = model.predictor()
    assert predictor.folded
    np.testing.assert_allclose(probabilities(predictor), wanted, atol=0.03)
    tiled = probabilities(model.predictor(fold=False))
    np.testing.assert_allclose(probabilities(predictor), tiled, atol=0.03)


def test_int4_is_for_the_predictor():
    model = create()
    wanted = probabilities(model.predictor())
    predictor = model.predictor()
    predictor.quantize("int4")
    assert 0 < np.abs(probabilities(predictor) - wanted).max() < 0.2
    model.quantize("int4")
    with pytest.raises(InputError) as caught:
        model.predictor()
    assert str(caught.value) == (
        "Expected a model that is not quantized, or to int8 or float8, to fold "
        "it. Received: dense0 quantized to int4. Quantize its predictor: "
        "model.predictor().quantize('int4')."
    )


@pytest.mark.tensorflow
def test_a_quantized_predictor_is_exported(tmp_path):
    import tensorflow as tf

    model = create()
    model.quantize("int8")
    predictor = model.predictor()
    mimo_keras.export_saved_model(predictor, tmp_path / "a")
    loaded = tf.saved_model.load(str(tmp_path / "a"))
    found = loaded.serve(VECTORS)["member_probabilities"]
    np.testing.assert_allclose(found, probabilities(predictor), atol=0.01)


@pytest.mark.tensorflow
def test_litert_takes_no_quantized_layers(tmp_path):
    predictor = create().predictor()
    predictor.quantize("int8")
    told = (
        r"Expected a predictor that is not quantized for format='litert'\. "
        r"Received: \w+ quantized to int8\. Export it before quantizing, or in "
        r"another format\."
    )
    with pytest.raises(InputError, match=told):
        mimo_keras.export_saved_model(
            predictor, tmp_path / "a.tflite", format="litert"
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.tensorflow
def test_batch_ensemble_has_nothing_to_quantize_but_its_members_apart():
    model = create("batch_ensemble")
    before = probabilities(model.predictor())
    for quantized in (model, model.predictor(apart=False)):
        with pytest.raises(InputError) as caught:
            quantized.quantize("int8")
        assert str(caught.value) == (
            "Expected layers that Keras quantizes, such as keras.layers.Dense. "
            "Received: DenseBatchEnsemble. Nothing was changed: use the model "
            "as it is."
        )
    np.testing.assert_array_equal(probabilities(model.predictor()), before)
    apart = model.predictor()
    apart.quantize("int8")
    change = np.abs(probabilities(apart) - before).max()
    assert 0 < change < 0.03


def test_it_warns_once_where_there_is_no_such_layer():
    model = small.create("mimo", "small_cnn", members=2)
    with pytest.warns(UserWarning, match="a network without any") as caught:
        model.quantize("int8")
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        create().quantize("int8")


def test_float8_of_separate_members_is_for_the_predictor():
    model = create("deep_ensemble")
    model.predictor().quantize("float8")
    model.quantize("float8")
    with pytest.raises(InputError, match="Quantize its predictor"):
        model.predictor()


def attention(x):
    x = keras.layers.Reshape((3, -1))(x)
    x = keras.layers.MultiHeadAttention(1, 2, name="attention")(x, x)
    return keras.layers.Dense(4)(keras.layers.Flatten()(x))


def test_parts_of_layers_are_left_as_they_are(tmp_path):
    model = mimo_keras.create_model(
        "naive_multihead",
        backbone=attention,
        input_shape=SHAPE,
        num_classes=3,
        ensemble_size=2,
    )
    wanted = probabilities(model.predictor())
    with pytest.warns(UserWarning, match="attention of type MultiHead") as said:
        model.quantize("int8")
    (own,) = (x for x in said if "attention" in str(x.message))
    assert own.filename == __file__
    found = probabilities(model.predictor())
    assert 0 < np.abs(found - wanted).max() < 0.03
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(probabilities(loaded.predictor()), found)


@pytest.mark.tensorflow
def test_posteriors_are_not_quantized():
    with pytest.raises(InputError, match=r"Received: DenseRank1\. Nothing"):
        create("rank1_bnn").quantize("int8")
