"""Files of weights hold everything once, and the seeds' states."""

import io
import zipfile

import h5py
import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.training.distribute.seeds import states
from tests.training import networks

OPTIONS = {"backbone": "mlp_4", "input_shape": (5,)}


def _create(method="mimo", **options):
    return networks.create(method, **OPTIONS, **options)


def _compiled(optimizer="sgd", l2_scope="all", **options):
    model = _create(**options)
    model.compile(optimizer, l2=1e-3, l2_scope=l2_scope, run_eagerly=True)
    return model


def _data():
    draw = np.random.default_rng(0)
    return draw.random((8, 5), dtype="float32"), draw.integers(0, 3, 8)


def _fit(model, epochs=1, **options):
    x, y = _data()
    model.run_eagerly = True
    model.fit(
        x, y, batch_size=4, epochs=epochs, shuffle=False, verbose=0, **options
    )
    return model


def _assert_alike(first, second):
    """All variables, seeds and the optimizer's state included, are equal."""
    for one, other in zip(
        [*first.variables, *first.optimizer.variables],
        [*second.variables, *second.optimizer.variables],
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_a_compiled_models_file_holds_each_weight_once(tmp_path):
    model = _fit(_compiled("adam"))
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as file:
        weights = file.read("model.weights.h5")
    sizes = []
    with h5py.File(io.BytesIO(weights)) as file:
        file.visititems(
            lambda _, found: sizes.append(getattr(found, "size", 0))
        )
    kept = [*model.weights, *model.optimizer.variables, *states(model)]
    # And the number of members.
    assert sum(sizes) == 1 + sum(int(np.prod(v.shape)) for v in kept)


def test_compiled_or_not_in_any_scope_weights_fit(tmp_path):
    bare, path = _create(), tmp_path / "model.weights.h5"
    models = [_compiled(l2_scope=scope) for scope in ("all", "kernels")]
    for number, source in enumerate([bare, *models]):
        values = [np.full(w.shape, number) for w in bare.get_weights()]
        source.set_weights(values)
        source.save_weights(path)
        for model in (bare, *models):
            model.set_weights(source.get_weights())
            model.set_weights([w + 1 for w in values])
            model.load_weights(path)
            for one, other in zip(model.get_weights(), values, strict=True):
                np.testing.assert_array_equal(one, other)


def test_an_optimizers_state_fits_in_any_scope(tmp_path):
    """The scope sets the loss; it does not order the optimizer's variables."""
    model = _fit(_compiled("adam", "kernels"))
    model.save_weights(tmp_path / "model.weights.h5")
    other = _compiled("adam", "all")
    other.load_weights(tmp_path / "model.weights.h5")
    _assert_alike(other, model)


def test_a_model_loads_without_its_compilation(tmp_path):
    model = _fit(_compiled())
    model.save(tmp_path / "model.keras")
    bare = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert not bare.compiled
    networks.assert_same_weights(bare, model)


def test_parts_of_frozen_layers_stay_frozen():
    model = _create("rank1_bnn")
    for layer in model.network.layers:
        layer.trainable = False
    assert not model.trainable_variables
    copy = type(model).from_config(model.get_config())
    assert not copy.trainable_variables
    copy.network.get_layer("dense0").trainable = True
    assert len(copy.trainable_variables) == 6


@pytest.mark.parametrize("part", ["model", "trunk"])
def test_a_frozen_model_saves_loads_and_trains_on(part, tmp_path):
    """In part or whole, also after it is released again."""
    model = _fit(_compiled())
    frozen = [model] if part == "model" else model.network.layers[:-1]
    for layer in frozen:
        layer.trainable = False
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    copy = keras.saving.load_model(tmp_path / "model.keras")
    assert copy.trainable == model.trainable
    names = [v.path for v in model.trainable_variables]
    assert [v.path for v in copy.trainable_variables] == names
    before = [np.array(w) for w in copy.network.get_weights()]
    for each in (model, copy):
        each.compile("sgd", l2=1e-3)
        _fit(each)
    _assert_alike(copy, model)
    moved = [
        not np.array_equal(one, other)
        for one, other in zip(before, copy.network.get_weights(), strict=True)
    ]
    assert sum(moved) == len(names)
    copy.trainable = True
    copy.compile("sgd")
    copy.load_weights(tmp_path / "model.weights.h5")
    for one, other in zip(copy.network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_quantized_models_file_loads(tmp_path):
    model = _fit(_compiled())
    model.quantize("int8")
    model.save(tmp_path / "model.keras")
    copy = keras.saving.load_model(tmp_path / "model.keras")
    x, _ = _data()
    np.testing.assert_array_equal(copy(x), model(x))


def test_a_clone_is_new(tmp_path):
    model = _fit(_compiled())
    clone = keras.models.clone_model(model)
    np.testing.assert_array_equal(clone.row_seed.state, [11, 0])
    clone.set_weights(model.get_weights())
    networks.assert_same_weights(clone, model)


def test_draws_go_on_from_every_kind_of_file(tmp_path):
    options = {"batch_repetitions": 2}
    model = _fit(_compiled("adam", **options))
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    bare = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    filled = _compiled("adam", seed=99, **options)
    filled.load_weights(tmp_path / "model.weights.h5")
    for each in (loaded, bare, filled):
        np.testing.assert_array_equal(each.row_seed.state, [11, 2])
    _fit(model)
    for each in (loaded, filled):
        _assert_alike(_fit(each), model)


class _Fails(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


def test_backup_and_restore_goes_on_as_if_uninterrupted(tmp_path):
    whole = _fit(_compiled("adam"), epochs=3)
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(KeyboardInterrupt):
        _fit(_compiled("adam"), epochs=3, callbacks=[backup, _Fails()])
    resumed = _fit(_compiled("adam"), epochs=3, callbacks=[backup])
    _assert_alike(resumed, whole)


def test_other_layers_that_draw_keep_their_own_seeds(tmp_path):
    quiet = _create("deterministic", members=1)
    quiet.save_weights(tmp_path / "model.weights.h5")
    noisy = _create("mc_dropout", members=1, dropout_rate=0.5)
    before = [np.array(state) for state in states(noisy)]
    assert len(before) > 1
    noisy.load_weights(tmp_path / "model.weights.h5")
    networks.assert_same_weights(noisy, quiet)
    np.testing.assert_array_equal([np.array(s) for s in states(noisy)], before)


def test_a_predictors_draws_are_saved(tmp_path):
    model = _create("mc_dropout", members=1, dropout_rate=0.5)
    predictor, (x, _) = model.predictor(), _data()
    predictor(x)
    predictor.save(tmp_path / "predictor.keras")
    copy = keras.saving.load_model(tmp_path / "predictor.keras")
    found, wanted = (p.member_logits(x) for p in (copy, predictor))
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("ending", ["weights.h5", "keras"])
@pytest.mark.parametrize("method", ["mimo", "deep_ensemble"])
@pytest.mark.parametrize("kind", ["model", "predictor"])
def test_weights_of_other_members_are_refused(tmp_path, kind, method, ending):
    """Keras would take the first members of more without a word."""
    two, three = (_create(method, members=m) for m in (2, 3))
    if kind == "predictor":
        two, three = two.predictor(), three.predictor()
    path = tmp_path / f"file.{ending}"
    three.save(path) if ending == "keras" else three.save_weights(path)
    before = [np.array(v) for v in two.variables]
    with pytest.raises(InputError) as caught:
        two.load_weights(path)
    assert str(caught.value) == (
        "Expected weights of 2 members. Received: a file with those of 3. "
        "Create the model with the ensemble_size of the saved one."
    )
    for variable, value in zip(two.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    three.load_weights(path)


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_weights_of_another_network_are_refused_in_one_line(tmp_path):
    path = tmp_path / "file.weights.h5"
    _create(num_classes=4).save_weights(path)
    with pytest.raises(InputError) as caught:
        _create().load_weights(path)
    message = str(caught.value)
    assert message.startswith(
        "Expected weights of model mimo as it was created here. Received: "
    )
    assert "does not fit: " in message and "\n" not in message


def test_weights_files_without_the_members_still_load(tmp_path):
    path = tmp_path / "file.weights.h5"
    saved, model = _create(seed=1), _create(seed=2)
    saved.save_weights(path)
    with h5py.File(path, "a") as file:
        del file["vars/members"]
    model.load_weights(path)
    networks.assert_same_weights(model, saved)
