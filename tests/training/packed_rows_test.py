"""Dictionaries of inputs in every door of a model, from every source."""

import pathlib

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras.errors import InputError
from mimo_keras.layers import SplitInputs
from mimo_keras.training import packed_rows, train_examples
from tests import documents
from tests.training import dictionaries
from tests.training.dictionaries import ROWS, SHAPES, some

pytestmark = pytest.mark.tensorflow
ROOT = pathlib.Path(__file__).parents[2]
INPUTS, LABELS = dictionaries.examples()


class Batches(keras.utils.PyDataset):
    def __init__(self, *others):
        super().__init__()
        self.others = others

    def __len__(self):
        return 3

    def __getitem__(self, index):
        rows = slice(4 * index, 4 * index + 4)
        return (some(rows), *(x[rows] for x in self.others))


@pytest.fixture(scope="module")
def trained():
    model = dictionaries.create("mimo")
    model.compile(keras.optimizers.SGD(0.01))
    return model


def dataset(*others):
    import tensorflow as tf

    given = (INPUTS, *others) if others else INPUTS
    return tf.data.Dataset.from_tensor_slices(given).batch(5)


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_rows_hold_the_inputs_in_the_order_of_their_names(trained):
    rows = packed_rows.packed(trained.split, INPUTS)
    assert rows.dtype == "float32"
    wanted = [INPUTS["age"][:, None], INPUTS["image"], INPUTS["tokens"]]
    wanted = np.concatenate([x.reshape(ROWS, -1) for x in wanted], axis=1)
    np.testing.assert_array_equal(rows, wanted.astype("float32"))
    back = packed_rows.unpacked(trained.split, rows)
    for name, values in back.items():
        assert values.shape == (ROWS, *SHAPES[name])
        np.testing.assert_allclose(
            values.reshape(ROWS, -1), INPUTS[name].reshape(ROWS, -1), rtol=1e-6
        )
    tensors = {k: keras.ops.convert_to_tensor(v) for k, v in INPUTS.items()}
    found = packed_rows.packed(trained.split, tensors)
    np.testing.assert_array_equal(array(found), rows)
    first = next(iter(packed_rows.packed(trained.split, dataset(LABELS))))
    np.testing.assert_array_equal(first[0], rows[:5])
    first = packed_rows.packed(trained.split, iter([(INPUTS, LABELS)]))
    np.testing.assert_array_equal(next(first)[0], rows)


def test_every_source_is_evaluated_and_predicted_alike(trained):
    wanted = trained.evaluate(INPUTS, LABELS, verbose=0, return_dict=True)
    weights = np.arange(ROWS, dtype="float32")
    weighted = trained.evaluate(
        INPUTS, LABELS, sample_weight=weights, verbose=0, return_dict=True
    )
    sources = {
        "dataset": (dataset(LABELS), wanted),
        "weighted batches": (Batches(LABELS, weights), weighted),
    }
    for name, (source, logs) in sources.items():
        found = trained.evaluate(source, verbose=0, return_dict=True)
        assert found == pytest.approx(logs, rel=1e-5), name
    found = trained.test_on_batch(INPUTS, LABELS, return_dict=True)
    assert found["loss"] == pytest.approx(wanted["loss"], rel=1e-5)
    logits = array(trained(INPUTS))
    for source in (INPUTS, Batches()):
        found = trained.predict(source, verbose=0)
        np.testing.assert_allclose(found, logits, atol=1e-5)
    predictor = trained.predictor()
    outputs = predictor.predict(dataset(), verbose=0)
    members = outputs["member_probabilities"]
    np.testing.assert_allclose(
        members, array(keras.ops.softmax(logits)), atol=1e-5
    )
    nll = -np.log(outputs["probabilities"][np.arange(ROWS), LABELS]).mean()
    for given in ((INPUTS, LABELS), (dataset(LABELS),)):
        found = mimo_keras.evaluate(predictor, *given, verbose=0)
        assert found["nll"] == pytest.approx(nll, rel=1e-5)


def test_every_source_trains_alike():
    """One batch of all examples, so that only the source differs."""
    single = dictionaries.create("deterministic", 1)
    start = single.get_weights()
    found = {}
    weights = np.where(LABELS == 0, 2.0, 1.0)
    doubled = {"class_weight": {0: 2.0}}
    for name, given, options in (
        ("arrays", (INPUTS, LABELS), {"batch_size": ROWS, **doubled}),
        ("dataset", (dataset(LABELS).unbatch().batch(ROWS),), doubled),
        ("generator", (iter([(INPUTS, LABELS, weights)] * 2),), {}),
    ):
        single.set_weights(start)
        single.compile(keras.optimizers.SGD(0.1))
        held = {"validation_data": (INPUTS, LABELS, weights)}
        options |= {"steps_per_epoch": 1, "shuffle": False, "verbose": 0}
        single.fit(*given, **options, **(held if name == "arrays" else {}))
        found[name] = single.get_weights()
    for name, weights in found.items():
        for one, other in zip(weights, found["arrays"], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6, err_msg=name)
    assert np.abs(found["arrays"][0] - start[0]).max() > 0
    with pytest.raises(InputError, match="trained on"):
        single.predictor().calibrate(INPUTS, LABELS)


def test_what_was_fitted_and_files_keep_the_inputs(trained, tmp_path):
    held = {**INPUTS, "age": INPUTS["age"] + 3}
    labels = array(trained(held)).mean(axis=1).argmax(axis=1)
    with pytest.warns(UserWarning, match="few"):
        acting = trained.predictor().threshold(held, labels, coverage=0.5)
        acting = acting.detector(held, labels, "knn", neighbors=2)
    acting.save(tmp_path / "acting.keras")
    loaded = keras.saving.load_model(tmp_path / "acting.keras")
    assert loaded.input_shapes == SHAPES
    wanted = acting(INPUTS)
    for name, value in loaded(INPUTS).items():
        np.testing.assert_allclose(value, wanted[name], atol=1e-6)
    mimo_keras.report(
        acting, held, labels, tmp_path / "r.html", foreign={"noise": INPUTS}
    )
    assert "noise" in (tmp_path / "r.html").read_text("utf-8")
    trained.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(INPUTS), trained(INPUTS))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"age": np.zeros((ROWS, 2))}, r"age of shape \(B, 1\)"),
        ({"age": np.zeros(3)}, "as many rows"),
        ({"age": np.array(["old"] * ROWS)}, "numbers in input age"),
        ({"tokens": np.full((ROWS, 4), 2**24 + 1)}, "16777216"),
        ({"image": np.zeros((6, 6, 1))}, "image of shape"),
        ({"more": LABELS}, "age, image, tokens"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(trained, changes, message):
    with pytest.raises(InputError, match=message) as caught:
        trained.predict({**INPUTS, **changes})
    assert "\n" not in str(caught.value)


def test_arrays_data_sets_and_nan_are_refused_in_one_line(trained):
    import tensorflow as tf

    with pytest.raises(InputError, match="a dictionary of the inputs"):
        trained.fit(INPUTS["image"], LABELS)
    nan = {**INPUTS, "age": np.full(ROWS, np.nan)}
    with pytest.raises(InputError, match="finite"):
        trained.fit(nan, LABELS)
    assert np.isnan(array(trained(nan))).all()
    large = {**INPUTS, "tokens": np.full((ROWS, 4), -(2**30))}
    for inputs, message in ((large, "16777216"), (nan, "finite")):
        source = tf.data.Dataset.from_tensor_slices((inputs, LABELS)).batch(5)
        with pytest.raises(InputError, match=message):
            trained.fit(source, shuffle=False, verbose=0)
    with pytest.raises(InputError, match=r"shape=\(\)"):
        trained.fit(dataset(LABELS).unbatch())
    other = mimo_keras.create_model(
        "deterministic", backbone="mlp", input_shape=(3,), num_classes=3
    )
    with pytest.raises(InputError, match="input_shape as a dictionary"):
        other.predict(INPUTS)


def test_training_examples_are_counted():
    import tensorflow as tf

    split = SplitInputs({"age": (1,), "tokens": (4,)})
    # (B,) looks like one example of (1,).
    for age in (INPUTS["age"][:, None], INPUTS["age"]):
        inputs = {"age": age, "tokens": INPUTS["tokens"]}
        source = tf.data.Dataset.from_tensor_slices((inputs, LABELS)).batch(5)
        source = packed_rows.packed(split, source)
        assert train_examples.find(source, 1, split.shapes) == ROWS


def test_the_example_of_the_documents_runs(tmp_path, monkeypatch):
    from tests import exported

    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "inputs.md").read_text("utf-8")
    *_, (_, code) = documents.fences(text, {"python"})
    names = {}
    exec(code.replace("verbose=2", "verbose=0"), names)
    assert names["predictor"].folded
    some = {name: x[:3] for name, x in names["patients"].items()}
    some["age"] = some["age"][:, None]
    some = {name: x.astype("float32") for name, x in some.items()}
    for run in exported.runs("saved_model", "tf_saved_model"):
        for name, value in run(some).items():
            wanted = names["outputs"][name][:3]
            np.testing.assert_allclose(value, wanted, atol=1e-5)


FORMATS = {
    "tf_saved_model": "saved",
    "litert": "m.tflite",
    "onnx": "m.onnx",
}


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("tf_saved_model", marks=pytest.mark.large),
        pytest.param("litert", marks=pytest.mark.large),
        pytest.param("onnx", marks=pytest.mark.large),
    ],
)
def test_exports_take_the_inputs_by_name(kind, tmp_path):
    from tests import exported

    if kind == "onnx":
        pytest.importorskip("tf2onnx")
    model = dictionaries.create("mimo", backbone=dictionaries.network())
    path = str(tmp_path / FORMATS[kind])
    mimo_keras.export_saved_model(model, path, kind)
    whole = {
        name: values.reshape(ROWS, *SHAPES[name]).astype(
            "int32" if name == "tokens" else "float32"
        )
        for name, values in INPUTS.items()
    }
    wanted = model.predictor()(INPUTS)
    for run in exported.runs(path, kind):
        found = run(whole)
        for name, value in wanted.items():
            np.testing.assert_allclose(found[name], value, atol=1e-5)
