"""A .keras file of one backend is the same model on the other."""

import keras
import numpy as np
import pytest

from tests.methods import rank1_bnn_test, small
from tests.training import subprocesses

pytestmark = pytest.mark.tensorflow
METHODS = ("batch_ensemble", "rank1_bnn")
UNDER_JAX = """\
import sys
import keras, numpy as np
import mimo_keras
from tests.methods import rank1_bnn_test, small

assert keras.backend.backend() == "jax"
for method in ("batch_ensemble", "rank1_bnn"):
    model = keras.saving.load_model(f"{sys.argv[1]}/{method}.keras")
    images, _ = small.examples(model, 4)
    outputs = small.numpy(model(images))
    kl = sum(
        float(layer.kl_divergence())
        for layer in model.network.layers
        if hasattr(layer, "kl_divergence")
    )
    predictor = model.predictor()
    assert "jax" in type(predictor(images)["entropy"]).__module__
    # It goes back with other weights.
    small.scatter_trainable(model.network)
    if method == "rank1_bnn":
        rank1_bnn_test.narrow(model)
    after = small.numpy(model(images))
    assert np.abs(after - outputs).max() > 1e-4
    model.save(f"{sys.argv[1]}/{method}-jax.keras")
    np.savez(
        f"{sys.argv[1]}/{method}.npz", outputs=outputs, kl=kl, after=after
    )
"""


def create(method):
    if method == "batch_ensemble":
        model = small.create(method, "mlp", members=2)
    else:
        model = rank1_bnn_test.create("mlp_4", prior_mean=0.5)
    small.scatter_trainable(model.network)
    if method == "rank1_bnn":
        rank1_bnn_test.narrow(model)
    return model


@pytest.mark.large
def test_files_pass_from_tensorflow_to_jax_and_back(tmp_path):
    pytest.importorskip("jax")
    models = {method: create(method) for method in METHODS}
    for method, model in models.items():
        model.save(tmp_path / f"{method}.keras")
    subprocesses.python(
        UNDER_JAX,
        tmp_path,
        KERAS_BACKEND="jax",
    )
    for method, model in models.items():
        images, _ = small.examples(model, 4)
        with np.load(tmp_path / f"{method}.npz") as file:
            found = dict(file)
        wanted = small.numpy(model(images))
        np.testing.assert_allclose(found["outputs"], wanted, atol=1e-4)
        if method == "rank1_bnn":
            divergence = rank1_bnn_test.kl(model, prior_mean=0.5)
            assert float(found["kl"]) == pytest.approx(divergence, rel=1e-4)
        back = keras.saving.load_model(tmp_path / f"{method}-jax.keras")
        assert "tensorflow" in type(back(images)).__module__
        np.testing.assert_allclose(
            small.numpy(back(images)), found["after"], atol=1e-4
        )
