"""Exports predict what the model predicts, in any reader of the file."""

import json
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

import mimo_keras
from mimo_keras.errors import InputError
from mimo_keras.files import WriteError
from tests.stress import serving
from tests.training import exports, networks, subprocesses

NAMES = {
    "probabilities",
    "member_probabilities",
    "entropy",
    "mutual_information",
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "saved_model"
    assert mimo_keras.export_saved_model(exports.model(), path) == str(path)
    return path


SERVE = """
import json, sys
import numpy as np
import tensorflow as tf

sys.path.append(sys.argv[4])
import served

before = {name.split(".")[0] for name in sys.modules}
loaded = tf.saved_model.load(sys.argv[1])
images = np.load(sys.argv[2])
floats = (images / 255).astype("float32")
answers = []
for size in json.loads(sys.argv[3]):
    for function, batch in (
        (loaded.serve, images),
        (loaded.serve, floats),
        (loaded.signatures["serving_uint8"], images),
        (loaded.signatures["serving_default"], floats),
    ):
        found = function(images=tf.constant(batch[:size]))
        answers.append({k: v.numpy().tolist() for k, v in found.items()})
after = {name.split(".")[0] for name in sys.modules}
fitted = tf.saved_model.load(sys.argv[5]).signatures["serving_default"]
interpreter = tf.lite.Interpreter(sys.argv[6])
[image] = interpreter.get_input_details()
interpreter.resize_tensor_input(image["index"], floats.shape)
runner = interpreter.get_signature_runner()
[name] = runner.get_input_details()
ends = fitted(images=tf.constant(floats)), runner(**{name: floats})
print(json.dumps({
    "answers": answers,
    "fitted": [
        {k: np.asarray(v).tolist() for k, v in found.items()} for found in ends
    ],
    "signatures": sorted(loaded.signatures),
    "loaded": sorted(after - before),
    "ours": "mimo_keras" in after,
    "under_load": served.main(sys.argv[1], calls=100, threads=6, seed=0),
}))
"""


@pytest.fixture(scope="module")
def acting():
    """A predictor with stages of every kind."""
    predictor, kinds = exports.model().predictor(), mimo_keras.prediction
    weights = predictor.log_weights
    warm = kinds.Temperature(2.5, weights, fitted_on={"examples": 300})
    logits = predictor.member_logits(exports.FLOATS)
    likely = np.array(warm.probabilities({}, logits))
    stages = [
        warm,
        kinds.PredictionSets([0.7], "lac", fitted_on={"coverage": 0.9}),
        kinds.Abstention(np.median(likely.max(axis=1)) + 1e-3),
        kinds.LogitDetector("energy", weights, -1.0),
    ]
    return mimo_keras.Predictor(
        predictor.network,
        weights,
        mean=[0.4, 0.5],
        std=0.25,
        stages=stages,
    )


@pytest.fixture(scope="module")
def fitted(acting, tmp_path_factory):
    """Its SavedModel, which replaces another, and its LiteRT file."""
    folder = tmp_path_factory.mktemp("fitted")
    for _ in range(2):
        mimo_keras.export_saved_model(acting, folder / "saved_model")
    mimo_keras.export_saved_model(acting, folder / "it.tflite", "litert")
    return folder / "saved_model", folder / "it.tflite"


@pytest.fixture(scope="module")
def answer(saved, fitted, tmp_path_factory):
    """Answers of a process that has only TensorFlow."""
    images = tmp_path_factory.mktemp("images") / "images.npy"
    np.save(images, exports.IMAGES)
    sizes, folder = json.dumps(exports.SIZES), serving.SERVED.parent
    printed = subprocesses.python(SERVE, saved, images, sizes, folder, *fitted)
    return json.loads(printed.splitlines()[-1])


def test_a_process_with_tensorflow_alone_serves_it(answer):
    assert answer["signatures"] == ["serving_default", "serving_uint8"]
    assert not answer["ours"]
    assert not {"keras", "tf_keras", "mimo_keras"} & {*answer["loaded"]}
    answers = iter(answer["answers"])
    for size in exports.SIZES:
        for _ in range(4):
            found = next(answers)
            assert found.keys() == NAMES
            exports.assert_predictions(found, size)


def test_it_serves_all_that_was_fitted(answer, acting):
    wanted = {k: np.array(v) for k, v in acting(exports.FLOATS).items()}
    assert 0 < wanted["abstain"].mean() < 1 and wanted["set_size"].max() > 1
    for found in answer["fitted"]:
        assert found.keys() == wanted.keys()
        for name, value in wanted.items():
            np.testing.assert_allclose(found[name], value, atol=1e-5)


def test_what_is_served_is_folded(saved):
    """The kernel has one image's channels, and nothing tiles the image."""
    loaded = tf.saved_model.load(str(saved))
    shapes = sorted(tuple(v.shape) for v in loaded.variables_)
    assert shapes == [(2, 2, 2, 5), (5,), (5, 9), (9,)]
    graph = loaded.signatures["serving_default"].graph
    functions = graph.as_graph_def().library.function
    operations = {node.op for f in functions for node in f.node_def}
    assert "Conv2D" in operations
    assert not {"Tile", "ConcatV2", "Pack"} & operations


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((2, 3, 3, 2), np.float32),
        np.zeros((2, 2, 3, 3), np.uint8),
        np.zeros((2, 3, 2), np.float32),
        np.zeros((2, 2, 3, 2), np.int32),
    ],
)
def test_other_images_are_refused(saved, bad):
    loaded = tf.saved_model.load(str(saved))
    with pytest.raises(ValueError, match="Could not find matching concrete"):
        loaded.serve(bad)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), {}),
        ((), {"image": exports.FLOATS}),
        ((exports.FLOATS, 1), {}),
    ],
)
def test_a_bad_call_of_serve_blocks_no_other_thread(saved, arguments, named):
    loaded = tf.saved_model.load(str(saved))
    with pytest.raises(ValueError, match="Could not find matching concrete"):
        loaded.serve(*arguments, **named)
    found = []
    thread = threading.Thread(
        target=lambda: found.append(loaded.serve(images=exports.FLOATS)),
        daemon=True,
    )
    thread.start()
    thread.join(timeout=60)
    exports.assert_predictions(found[0], len(exports.FLOATS))


def test_a_predictor_is_exported_as_it_is(tmp_path):
    predictor = exports.model().predictor(fold=False)
    mimo_keras.export_saved_model(predictor, tmp_path / "a")
    loaded = tf.saved_model.load(str(tmp_path / "a"))
    exports.assert_predictions(
        loaded.serve(exports.IMAGES), len(exports.IMAGES)
    )
    shapes = [tuple(v.shape) for v in loaded.variables_]
    assert (2, 2, 6, 5) in shapes


def test_an_export_is_a_snapshot(tmp_path):
    model = networks.create("naive_multihead")
    mimo_keras.export_saved_model(model, tmp_path / "a")
    before = model.predictor()(exports.IMAGES)["probabilities"]
    model.set_weights([weight * 0 for weight in model.get_weights()])
    loaded = tf.saved_model.load(str(tmp_path / "a"))
    np.testing.assert_allclose(
        loaded.serve(exports.IMAGES)["probabilities"], before, atol=1e-6
    )


def test_a_full_disk_is_not_blamed_on_the_model(tmp_path, monkeypatch):
    def save(*_):
        raise tf.errors.UnknownError(None, None, "saved; File too large")

    monkeypatch.setattr(tf.saved_model, "save", save)
    with pytest.raises(WriteError, match="File too large"):
        mimo_keras.export_saved_model(exports.model(), tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_regression(tmp_path):
    model = networks.create(num_classes=None, output_dim=2, members=3)
    mimo_keras.export_saved_model(model, tmp_path / "a")
    loaded = tf.saved_model.load(str(tmp_path / "a"))
    found = loaded.serve(exports.FLOATS[:5])
    means = np.array(model(exports.IMAGES[:5]))
    assert found.keys() == {"mean", "member_means", "member_variance"}
    np.testing.assert_allclose(found["mean"], means.mean(axis=1), atol=1e-5)
    np.testing.assert_allclose(found["member_means"], means, atol=1e-5)
    np.testing.assert_allclose(
        found["member_variance"], means.var(axis=1), atol=1e-5
    )


def test_mixed_precision_is_served_in_float32(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = networks.create(backbone=exports.convolution, mean=0.4, std=0.25)
    mimo_keras.export_saved_model(model, tmp_path / "a")
    loaded = tf.saved_model.load(str(tmp_path / "a"))
    found = loaded.serve(exports.FLOATS)
    wanted = model.predictor()(exports.IMAGES)
    for name, value in wanted.items():
        assert found[name].dtype == "float32"
        np.testing.assert_allclose(found[name], value, atol=5e-3)


def test_threads_get_the_answers_of_a_serial_run(answer):
    found = answer["under_load"]
    assert (found["calls"], found["batches"]) == (100, 64)
    assert serving.faults(found) == []


@pytest.mark.large
def test_a_larger_network_under_load(tmp_path):
    """As `make stress` does with ten thousand calls."""
    found = serving.serve(serving.export(tmp_path / "a"), 400, 6)
    assert (found["calls"], found["batches"]) == (400, 64)
    assert serving.faults(found) == []


def test_other_answers_and_growing_memory_are_faults():
    found = {"differ_in_turn": 0, "differ_in_threads": 1, "megabytes_grown": 99}
    assert serving.faults(found) == [
        "answers differ in threads",
        "memory grows",
    ]


def test_what_was_fitted_is_read_by_other_programs(saved, fitted):
    assert mimo_keras.fitted_on(saved) == []
    path, lite = fitted
    found = mimo_keras.fitted_on(path)
    assert found[0] == {
        **{"stage": "Temperature", "examples": 300, "temperature": 2.5},
    }
    assert [stage["stage"] for stage in found[1:]] == [
        *("PredictionSets", "Abstention", "LogitDetector"),
    ]
    assert found[1]["coverage"] == 0.9 and found[3]["score"] == "energy"
    assert mimo_keras.fitted_on(lite) == found
    file = path / "assets.extra" / "fitted_on.json"
    assert json.loads(file.read_text("utf-8")) == {"stages": found}
    for part in ("saved_model.pb", "variables"):
        assert (path / part).exists()


def test_litert_files_are_written_under_tensorflow(tmp_path, monkeypatch):
    predictor = exports.model().predictor()
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(InputError) as caught:
        mimo_keras.export_saved_model(
            predictor, tmp_path / "a.tflite", format="litert"
        )
    assert str(caught.value) == (
        "Expected the TensorFlow backend for format='litert'. Received: "
        "backend jax. Save the model as .keras, and export it with "
        "KERAS_BACKEND=tensorflow."
    )


def test_what_a_converter_raises_is_told_in_one_line(tmp_path, monkeypatch):
    def convert(*args, **kwargs):
        raise RuntimeError("<unknown>:0: error: 'op'\nand a thousand lines")

    monkeypatch.setattr(mimo_keras.Predictor, "export", convert)
    with pytest.raises(InputError) as caught:
        mimo_keras.export_saved_model(
            exports.model(), tmp_path / "a.tflite", format="litert"
        )
    assert str(caught.value) == (
        "Expected an export that predicts what the predictor does. Received: "
        "format='litert' that does not, when it is converted: <unknown>:0: "
        "error: 'op'. Use format='tf_saved_model'."
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tflite", b"nothing"),
        ("a.keras", b"PK"),
        ("a.txt", b""),
        ("missing.keras", None),
        ("folder", None),
    ],
)
def test_what_is_no_export_was_not_fitted(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="Expected a SavedModel, or a whole"):
        mimo_keras.fitted_on(tmp_path / name)
