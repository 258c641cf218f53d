"""XLA compiles every method's training step and predictor, as a TPU must.

A seed's draws are the same as without it.
On one device: Keras itself compiles no step of several replicas, since XLA
refuses variables of another device.
"""

import keras
import numpy as np
import pytest

from mimo_keras import methods
from mimo_keras.errors import InputError
from tests.methods import small
from tests.methods.tables import NEED_MAPS, SETTINGS

pytestmark = pytest.mark.tensorflow

OPTIONS = {
    "rank1_bnn": {"train_examples": 8},
    "mimmo": {"train_examples": 8},
    "dun": {"train_examples": 8},
}
ROWS = 8
# Those that form rows, mix, draw in prediction, and compose kernels.
ALWAYS = {"mimo", "mixmo", "mc_dropout", "mixture_ensemble"}
every_method = pytest.mark.parametrize(
    "method",
    [
        pytest.param(m, marks=[pytest.mark.large] * (m not in ALWAYS))
        for m in methods.list_methods()
    ],
)


def create(method, **options):
    maps = {*NEED_MAPS, "mixmo", "mixshare"}
    backbone = "small_cnn" if method in maps else "mlp"
    members = SETTINGS.get(method, {}).get("members", 2)
    chosen = {**OPTIONS.get(method, {}), **options}
    if method == "mixture_ensemble":
        chosen["bank_single_layers"] = True
    return small.create(method, backbone, members, **chosen)


def fitted(method, **how):
    """A model after one step, and the step's loss."""
    model = create(method)
    model.compile(keras.optimizers.SGD(0.01), **how)
    images, targets = small.examples(model, ROWS)
    loss = model.train_on_batch(images, targets, return_dict=True)["loss"]
    return model, float(loss)


@every_method
def test_xla_compiles_a_step_and_the_predictor(method):
    import tensorflow as tf

    model, loss = fitted(method, jit_compile=True)
    _, wanted = fitted(method, run_eagerly=True)
    np.testing.assert_allclose(loss, wanted, rtol=1e-4)
    images, _ = small.examples(model, ROWS)
    predictor = model.predictor()
    predict = tf.function(
        lambda x: predictor(x)["probabilities"], jit_compile=True
    )
    found = small.numpy(predict(images))
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    if method not in ("mc_dropout", "rank1_bnn"):  # These draw at each call.
        small.assert_close(found, predictor(images)["probabilities"])


def test_no_step_of_several_replicas_is_compiled(two_cpus):
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(
        two_cpus, tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        model = create("mimo")
        model.compile("sgd", jit_compile=True)
    data = small.examples(model, ROWS)
    for step in (model.fit, model.evaluate, model.train_on_batch):
        with pytest.raises(InputError) as caught:
            step(*data)
        assert str(caught.value) == (
            "Expected jit_compile=False for several replicas. Received: "
            "jit_compile=True and 2 replicas. Leave it out, or use one device."
        )
