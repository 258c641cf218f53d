"""Every method with every small backbone, in all uses of Keras.

New methods are tested by this table as soon as they are registered.
"""

import functools
import json

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras import methods
from mimo_keras.training.distribute import seeds
from tests.methods import rank1_bnn_test, small
from tests.methods.tables import (
    ELSEWHERE,
    HOME,
    METHODS,
    NEED_MAPS,
    ON_BACKBONE,
    SAME_ROWS,
    SETTINGS,
    SHORT_TABLE,
    TABLE,
    crosses,
    is_deep,
    matrix_if,
    photographs,
    replicas,
    table,
)
from tests.training import subprocesses

# Rows of a forward pass, the same in all tests: JAX compiles each operation
# again for each number of rows, which takes most of the time here.
ROWS = 3
BATCH = 8
# After this many, the loss of the slowest, MIMMO on the deep backbone, is down
# by a third; other machines' rounding changes that by a few hundredths.
EPOCHS = 8
TENSORFLOW = keras.backend.backend() == "tensorflow"
FULL, PARTIAL = 16, 22  # Rows; the last batch is full, or has 6.


def create(method, backbone, task, **changes):
    settings = {
        "members": 2,
        **SETTINGS.get(method, {}),
        **ON_BACKBONE.get((method, backbone), {}),
        **changes,
    }
    return small.create(method, backbone, task=task, **settings)


def fit(model, epochs, rows=FULL):
    """Fits rows in order; returns the loss of each epoch."""
    images, targets = small.examples(model, rows)
    history = model.fit(
        images,
        targets,
        batch_size=BATCH,
        epochs=epochs,
        shuffle=False,
        verbose=0,
    )
    return history.history["loss"]


def compiles_for_partial_batches(case):
    """Whether to have them: JAX takes long to compile for one more size."""
    return TENSORFLOW or case[1] == "mlp"


@functools.cache
def trained(*case):
    """A model after some epochs, shared by the tests, and its losses.

    The short table's cases are traced, and have a smaller last batch.
    """
    model = create(*case)
    short = case in SHORT_TABLE
    partial = short and compiles_for_partial_batches(case)
    optimizer = keras.optimizers.SGD(
        0.03, momentum=0.9, nesterov=True, global_clipnorm=1.0
    )
    how = {} if short else small.step_by_step()
    model.compile(optimizer, l2=1e-4, **how)
    return model, fit(model, epochs=EPOCHS, rows=PARTIAL if partial else FULL)


every_case = table(TABLE)
short_case = table(SHORT_TABLE)
# export_methods_test.py has the exports of images.
vector_case = table(
    SHORT_TABLE, lambda c: matrix_if(crosses(c) or c[1] != "mlp")
)
# Depth and batch norm affect what is trained and saved.
flat_case = table(SHORT_TABLE, lambda c: matrix_if(crosses(c) or is_deep(c)))


def test_every_method_has_all_its_cases():
    assert set(METHODS) | ELSEWHERE == set(methods.list_methods())
    assert len(SHORT_TABLE) == 3 * len(METHODS) - len(NEED_MAPS)
    assert not any(crosses((method, *HOME)) for method in METHODS)
    assert set(SETTINGS) <= set(methods.list_methods())


@every_case
def test_fit_reduces_the_loss(case):
    _, losses = trained(*case)
    assert losses[-1] < 0.8 * losses[0]


@flat_case
def test_symbolic_and_eager_outputs_are_alike(case):
    model, _ = trained(*case)
    images, _ = small.examples(model, ROWS)
    for network in (model, model.predictor()):
        for batch in (None, ROWS):
            symbolic = network(keras.KerasTensor((batch, *model.image_shape)))
            eager = network(images)
            keras.tree.map_structure(
                lambda a, b, batch=batch: check_alike(a, b, batch),
                symbolic,
                eager,
            )


def check_alike(symbolic, eager, batch):
    assert tuple(symbolic.shape) == (batch, *eager.shape[1:])
    dtype = keras.backend.standardize_dtype
    assert dtype(symbolic.dtype) == dtype(eager.dtype) == "float32"


@flat_case
def test_any_batch_size_and_a_partial_batch_give_the_same_rows(case):
    model, _ = trained(*case)
    images, _ = small.examples(model, ROWS)
    whole = small.numpy(model(images))
    small.assert_close(model(images[:1]), whole[:1])
    size = ROWS - 1 if compiles_for_partial_batches(case) else ROWS
    predicted = model.predict(images, batch_size=size, verbose=0)
    small.assert_close(predicted, whole)


@flat_case
def test_predictor_is_the_models_mixture(case):
    model, _ = trained(*case)
    images, _ = small.examples(model, ROWS)
    outputs, found = small.numpy(model(images)), model.predictor()(images)
    weights = np.exp(model.log_weights)
    if model.task == "regression":
        mean = np.einsum("e,bed->bd", weights, outputs)
        small.assert_close(found["mean"], mean)
    else:
        odds = np.exp(outputs - outputs.max(-1, keepdims=True))
        members = odds / odds.sum(-1, keepdims=True)
        mixture = np.einsum("e,bek->bk", weights, members)
        small.assert_close(found["probabilities"], mixture)


@short_case
def test_keras_file_has_the_model_and_its_training(case, tmp_path):
    model, _ = trained(*case)
    images, _ = small.examples(model, ROWS)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    small.assert_close(loaded(images), model(images), atol=1e-6)
    assert loaded.predictor().folded == model.predictor().folded
    assert loaded.get_compile_config() == model.get_compile_config()
    variables = (m.optimizer.variables for m in (loaded, model))
    small.assert_close(*variables, atol=0)
    small.assert_close(*map(seeds.states, (loaded, model)), atol=0)
    loaded.run_eagerly = small.step_by_step()["run_eagerly"]
    one_step = {"epochs": 1, "rows": BATCH}
    [wanted], [found] = fit(model, **one_step), fit(loaded, **one_step)
    assert found == pytest.approx(wanted, rel=1e-5)
    small.assert_same_weights(loaded.network, model.network)


FRESH_PROCESS = """\
import json, pathlib, sys
import keras, numpy as np
import mimo_keras

differences = {}
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.keras")):
    model = keras.saving.load_model(path)
    with np.load(path.with_suffix(".npz")) as file:
        outputs = keras.ops.convert_to_numpy(model(file["images"]))
        differences[path.stem] = float(
            np.abs(outputs - file["outputs"]).max()
        )
    assert type(model) is mimo_keras.EnsembleModel and model.compiled
print(json.dumps(differences))
"""


def models_to_load(matrix):
    """Yields names and models, also of edward2's layers where they are.

    With other weights than those that a new model has. JAX has no other classes
    than TensorFlow but those of batch_ensemble, and takes long to compile.
    """
    for case in SHORT_TABLE:
        own = TENSORFLOW or case[0] == "batch_ensemble"
        if matrix or (own and tuple(case[1:]) == HOME):
            model = create(*case)
            small.scatter_trainable(model.network)
            model.compile()
            yield "-".join(case), model
    if TENSORFLOW:
        model = rank1_bnn_test.create("small_cnn")
        rank1_bnn_test.narrow(model)
        model.compile()
        yield "rank1_bnn", model


@pytest.mark.large
def test_keras_files_load_in_a_fresh_process(tmp_path, pytestconfig):
    saved = dict(models_to_load(pytestconfig.getoption("matrix")))
    for name, model in saved.items():
        images, _ = small.examples(model, ROWS)
        path = tmp_path / f"{name}.keras"
        model.save(path)
        np.savez(
            path.with_suffix(".npz"),
            images=images,
            outputs=small.numpy(model(images)),
        )
    printed = subprocesses.python(FRESH_PROCESS, tmp_path)
    differences = json.loads(printed.splitlines()[-1])
    assert set(differences) == set(saved)
    assert max(differences.values()) < 1e-5


@short_case
def test_mixed_bfloat16(case):
    exact = create(*case)
    small.scatter(exact.network)
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = create(*case)
    model.network.set_weights(exact.network.get_weights())
    images, _ = small.examples(model, ROWS)
    outputs, wanted = model(images), small.numpy(exact(images))
    assert keras.backend.standardize_dtype(outputs.dtype) == "float32"
    assert {w.dtype for w in model.trainable_weights} == {"float32"}
    scale = float(np.abs(wanted).max())
    small.assert_close(outputs, wanted, atol=0.05 * scale)
    assert np.any(small.numpy(outputs) != wanted)  # Internally it is bfloat16.
    folded = model.predictor()
    small.assert_close(folded.member_logits(images), wanted, atol=0.05 * scale)
    if not TENSORFLOW:
        return  # JAX would compile a step: properties_test.py trains there.
    model.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    # Over 20 seeds, five epochs leave at most 0.60 of the first loss.
    losses = fit(model, epochs=3)
    assert losses[-1] < losses[0]


@vector_case
@pytest.mark.tensorflow
def test_saved_model_gives_the_same_outputs(case, tmp_path):
    import tensorflow as tf

    model, _ = trained(*case)
    path = mimo_keras.export_saved_model(model, tmp_path / "saved_model")
    loaded = tf.saved_model.load(path)
    for rows in (1, 5):
        images, _ = small.examples(model, rows)
        small.assert_close(loaded.serve(images), model.predictor()(images))


@photographs()
@pytest.mark.tensorflow
def test_backbones_for_photographs_are_those_of_every_method(case):
    method, backbone = case
    model = create(method, backbone, "classification", shape=(16, 16, 3))
    images, _ = small.examples(model, 2)
    wanted, predictor = small.numpy(model(images)), model.predictor()
    assert np.isfinite(wanted).all() and np.ptp(wanted, axis=0).min() > 0
    scale = float(np.abs(wanted).max())
    small.assert_close(
        predictor.member_logits(images), wanted, atol=1e-4 * scale
    )


def after_steps(case, images, targets, settings, **how):
    """Trains a new model; returns it, its losses, and its scores."""
    model = create(*case, **settings)
    model.compile(keras.optimizers.SGD(0.02, momentum=0.9), l2=1e-3, **how)
    history = model.fit(
        images,
        targets,
        batch_size=len(images),
        epochs=3,
        shuffle=False,
        verbose=0,
    )
    return model, history.history


def check_replicas(case, two_cpus, images, targets, settings):
    """Compares training on one CPU with training on two replicas."""
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(
        two_cpus, tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        model, found = after_steps(case, images, targets, settings)
    alone, wanted = after_steps(
        case, images, targets, settings, run_eagerly=True
    )
    assert wanted["loss"][-1] < wanted["loss"][0]
    for name in wanted:
        assert found[name] == pytest.approx(wanted[name], rel=1e-4), name
    # In deep networks, another order of sums may flip a ReLU.
    atol = 5e-4 if case[1].startswith("wide_resnet") else 2e-5
    small.assert_same_weights(model.network, alone.network, atol=atol)


@replicas()
def test_two_replicas_train_like_one_on_the_same_rows(case, two_cpus):
    settings = SAME_ROWS.get(case[0], {})
    if case[0] in SAME_ROWS:
        settings = {"batch_repetitions": 1, **settings}
    images, targets = small.examples(create(*case), 8)
    if case[1] != "mlp":
        # Batch norm sees only the replica's rows: give both the same.
        images, targets = (
            np.tile(images[:4], (2, 1, 1, 1)),
            np.tile(targets[:4], 2),
        )
    check_replicas(case, two_cpus, images, targets, settings)


def test_two_replicas_that_draw_rows_train_like_one(two_cpus):
    """With one image in all rows, only the labels' frequencies matter.

    Every member sees each label R times, whatever is drawn; so ρ = 0 and
    R = 2 here, as in the paper.
    """
    case = ("mimo", "mlp", "classification")
    images, targets = small.examples(create(*case), 8)
    images = np.repeat(images[:1], 8, axis=0)
    settings = {"members": 3, "input_repetition_probability": 0.0}
    check_replicas(case, two_cpus, images, targets, settings)
