"""Every method in every format, against its predictor."""

import functools
import itertools

import numpy as np
import pytest

import mimo_keras
from mimo_keras import methods
from tests import exported
from tests.methods import networks, small, tables

SETTINGS = tables.SETTINGS | {
    "mc_dropout": {"members": 1, "dropout_rate": 0.3, "samples": 2},
    "rank1_bnn": {"members": 2, "train_examples": 16, "dropout_rate": 0.1},
}
# Dense layers are enough for what these do otherwise than other methods.
BACKBONES = {"mc_dropout": "mlp_8", "rank1_bnn": "mlp_8"}
ALWAYS = {
    # See rank1_bnn_test.py for its SavedModel.
    *((method, "tf_saved_model") for method in tables.METHODS),
    ("mc_dropout", "litert"),
    ("mc_dropout", "onnx"),
    ("rank1_bnn", "litert"),
    ("early_exit", "litert"),
}
RANDOM = {"mc_dropout", "rank1_bnn"}
SIZES = (1, 5)
COPIES = 100
SHAPE = (8, 8, 1)
IMAGES = np.random.default_rng(0).random((max(SIZES), *SHAPE), "f")


def _created(method, backbone="small_cnn_1", **options):
    settings = SETTINGS.get(method, {"members": 2})
    model = small.create(method, backbone, shape=SHAPE, **(settings | options))
    small.scatter_trainable(model.network)
    return model.predictor()


@functools.cache
def _predictor(method):
    return _created(method, BACKBONES.get(method, "small_cnn_1"))


def _cases():
    """Every method in every format: those with ops of their own always.

    tests/methods compares the SavedModel of every method.
    """
    for method in methods.list_methods():
        for format in exported.NAMES:
            if format == "tf_saved_model" and method not in ("mimo", *RANDOM):
                continue
            large = (method, format) not in ALWAYS
            yield pytest.param(
                method, format, marks=[pytest.mark.large] * large
            )


def _assert_predicts(predictor, run, is_random):
    for size in SIZES:
        found, wanted = run(IMAGES[:size]), predictor(IMAGES[:size])
        for name, value in wanted.items():
            assert found[name].shape == value.shape
            if not is_random:
                np.testing.assert_allclose(found[name], value, atol=1e-5)
    if is_random:
        copies = np.repeat(IMAGES[:1], COPIES, axis=0)
        found, wanted = run(copies), predictor(copies)
        for name, value in wanted.items():
            one, other = np.array(value), found[name]
            spread = np.sqrt((one.var(0) + other.var(0)) / COPIES)
            gap = np.abs(one.mean(0) - other.mean(0))
            assert (gap < 5 * spread + 1e-6).all(), name
            # The draws of rows differ, and as much as the predictor's.
            one, other = (np.abs(x - x.mean(0)).mean() for x in (one, other))
            assert 0.7 < other / one < 1.4, name
    bad = np.array(IMAGES[:2])
    bad[1, 0, 0] = np.nan
    for value in run(bad).values():
        assert np.isnan(value[1]).all() and not np.isnan(value[0]).any()


@pytest.mark.parametrize(("method", "format"), _cases())
def test_every_method_is_exported(method, format, tmp_path):
    if format == "onnx":
        pytest.importorskip("tf2onnx")
    predictor = _predictor(method)
    path = str(tmp_path / exported.NAMES[format])
    mimo_keras.export_saved_model(predictor, path, format)
    for run in exported.runs(path, format):
        _assert_predicts(predictor, run, method in RANDOM)


def test_member_batch_norms_and_shortcuts_in_litert(tmp_path):
    """Without XNNPACK, they were off by 0.33."""
    predictor = _created(
        "batch_ensemble", "wide_resnet_10_1", ensemble_batch_norm=True
    )
    path = str(tmp_path / exported.NAMES["litert"])
    mimo_keras.export_saved_model(predictor, path, "litert")
    for run in exported.runs(path, "litert"):
        _assert_predicts(predictor, run, is_random=False)


STARTED = {
    ("batch_ensemble", "tf_saved_model"): [],
    ("mimo", "litert"): [pytest.mark.large],
    ("mixture_ensemble", "onnx"): [pytest.mark.large],
}


@functools.cache
def _started(method):
    """A predictor that starts from a network, with few draws."""
    alone = method in ("deterministic", "dun", "early_exit", "mc_dropout")
    options = {
        "dun": {"train_examples": 16},
        "mc_dropout": {"dropout_rate": 0.0, "samples": 2},
        "mimmo": {"train_examples": 16},
        # Its posteriors are as wide as the noise.
        "rank1_bnn": {"train_examples": 16, "noise": 0.0},
    }
    return mimo_keras.from_network(
        networks.create("small_cnn"),
        method,
        ensemble_size=1 if alone else 2,
        seed=0,
        **{"noise": 0.1, **options.get(method, {})},
    ).predictor()


@pytest.mark.parametrize(
    ("method", "format"),
    [
        pytest.param(*case, marks=STARTED.get(case, [pytest.mark.matrix]))
        for case in itertools.product(
            sorted({*methods.list_methods()} - {"datamux"}), exported.NAMES
        )
    ],
)
def test_ensembles_from_a_network_are_exported(method, format, tmp_path):
    if format == "onnx":
        pytest.importorskip("tf2onnx")
    predictor = _started(method)
    path = str(tmp_path / exported.NAMES[format])
    mimo_keras.export_saved_model(predictor, path, format)
    wanted = predictor(networks.IMAGES)
    for run in exported.runs(path, format):
        found = run(networks.IMAGES)
        for name, value in wanted.items():
            np.testing.assert_allclose(found[name], value, atol=1e-5)
