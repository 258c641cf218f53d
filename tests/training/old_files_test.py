"""Files from before December 2026 load, and training goes on from them.

Those in old/ are of that time: a compiled model, trained for two steps, and the
checkpoint of that moment. Others are made by doing what models did then.
"""

import pathlib
import shutil

import keras
import numpy as np
import pytest

from mimo_keras.training import EnsembleModel, losses
from mimo_keras.training.checkpoints import Checkpoints
from mimo_keras.training.distribute.seeds import states
from mimo_keras.training.saved_state import SavedState
from tests.training import networks

OLD = pathlib.Path(__file__).parent / "old"
# Σ |w| of each weight after two further steps, as that version computed it.
LATER = [14.441823, 0.14333221, 14.618789, 0.20558622]


def _create(method="mimo", **options):
    options = {"backbone": "mlp_4", "input_shape": (5,), **options}
    return networks.create(method, **options)


def _train(model, steps=2):
    draw = np.random.default_rng(0)
    x, y = draw.random((8, 5), dtype="float32"), draw.integers(0, 3, 8)
    model.run_eagerly = True
    for _ in range(steps):
        model.train_on_batch(x, y)


def _share_draws(model, other):
    for seed, state in zip(states(model), states(other), strict=True):
        seed.assign(state)


def test_real_files_go_on_with_all_of_their_state(tmp_path):
    shutil.copy(OLD / "epoch_000001.npz", tmp_path)
    resumed = _create(seed=7)
    resumed.compile("adam", l2=1e-3, l2_scope="kernels")
    assert Checkpoints(tmp_path).restore(resumed)[0] == 1
    loaded = keras.saving.load_model(OLD / "mimo.keras")
    # Those of that time had no seeds.
    np.testing.assert_array_equal(loaded.row_seed.state, [7, 0])
    np.testing.assert_array_equal(resumed.row_seed.state, [7, 2])
    _share_draws(loaded, resumed)
    for model in (resumed, loaded):
        _train(model)
        sums = [np.abs(w).sum() for w in model.network.get_weights()]
        np.testing.assert_allclose(sums, LATER, rtol=1e-5)


@pytest.fixture
def as_it_was(monkeypatch):
    """Until undone, models list and save decayed weights as they did then."""
    compile_now = EnsembleModel.compile

    def compile_then(model, *optimizer, l2_scope="all", **options):
        model.listed = losses.decayed_variables(model.network, l2_scope)
        compile_now(model, *optimizer, l2_scope=l2_scope, **options)

    monkeypatch.setattr(EnsembleModel, "compile", compile_then)
    monkeypatch.setattr(
        SavedState,
        "save_own_variables",
        lambda model, store: keras.Model.save_own_variables(model, store),
    )
    return monkeypatch


# The first has weights of equal names; the second another number of variables
# for each weight.
CASES = [
    ("deep_ensemble", {}, lambda: keras.optimizers.SGD(0.1, momentum=0.9)),
    ("mc_dropout", {"members": 1}, lambda: keras.optimizers.Adafactor(0.1)),
]


@pytest.mark.parametrize(("method", "options", "optimizer"), CASES)
def test_the_optimizer_finds_its_state_for_each_weight(
    method, options, optimizer, as_it_was, tmp_path
):
    model = _create(method, **options)
    model.compile(optimizer(), l2=1e-3, l2_scope="kernels")
    _train(model)
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    draws = [np.array(state) for state in states(model)]
    _train(model)
    as_it_was.undo()
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    other = _create(method, **options)
    # Another scope than the file's; then one that fits.
    other.compile(optimizer(), l2=1e-3, l2_scope="all")
    for scope in ("all", "kernels"):
        other.l2_scope = scope
        other.load_weights(tmp_path / "model.weights.h5")
    for each in (loaded, other):
        for seed, state in zip(states(each), draws, strict=True):
            seed.assign(state)
        _train(each)
        networks.assert_same_weights(each.network, model.network)
        assert len(each.weights) == len(model.network.weights)


def test_a_frozen_models_file_loads(as_it_was, tmp_path):
    model = _create()
    model.compile("sgd", l2=1e-3)
    model.trainable = False
    model.save(tmp_path / "model.keras")
    as_it_was.undo()
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    networks.assert_same_weights(loaded.network, model.network)
    assert not loaded.trainable_variables


def test_a_file_without_an_optimizer_leaves_the_next_file_alone(
    as_it_was, tmp_path
):
    """What waits for an optimizer's state does not wait for another file's."""
    model = _create()
    model.compile("sgd", l2_scope="kernels")
    model.save_weights(tmp_path / "old.weights.h5")
    as_it_was.undo()
    other = _create()
    other.compile("adam")
    _train(other)
    other.save_weights(tmp_path / "new.weights.h5")
    wanted = [np.array(v) for v in other.optimizer.variables]
    other.optimizer.learning_rate = 0.5
    keras.saving.load_weights(
        other, tmp_path / "old.weights.h5", objects_to_skip=[other.optimizer]
    )
    other.load_weights(tmp_path / "new.weights.h5")
    found = [np.array(v) for v in other.optimizer.variables]
    for one, two in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, two)
