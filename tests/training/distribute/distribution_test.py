"""Two logical CPUs train like one; missing devices are named."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mimo_keras import data
from mimo_keras.errors import InputError
from mimo_keras.training.distribute import distribution
from tests.training import networks, subprocesses, twins

METHODS = {
    "deterministic": {"members": 1},
    "naive_multihead": {"members": 3},
    # With one member the rows are the images in another order.
    "mimo": {"members": 1, "batch_repetitions": 2},
}


# Nothing listens at the discard port of this machine.
TPUS = {
    "": "in this machine",
    "local": "in this machine",
    "grpc://127.0.0.1:9": "that answers",
    "grpc://:x": "that answers",
}


@pytest.fixture
def examples():
    return networks.examples(10)


@pytest.fixture
def one():
    return distribution.make_strategy()


@pytest.fixture
def two(two_cpus):
    strategy = distribution.make_strategy(num_cores=len(two_cpus))
    assert strategy.num_replicas_in_sync == 2
    return strategy


def _compiled(strategy, method, l2=0.01):
    with strategy.scope():
        model = networks.create(method, backbone="mlp_4", **METHODS[method])
        optimizer = keras.optimizers.SGD(0.2, momentum=0.9, nesterov=True)
        model.compile(optimizer, l2=l2)
    return model


@pytest.mark.parametrize(
    "method",
    [
        "naive_multihead",
        "mimo",
        pytest.param("deterministic", marks=pytest.mark.large),
    ],
)
def test_two_replicas_train_as_one_does(one, two, examples, method):
    models = [_compiled(strategy, method) for strategy in (two, one)]
    for model in models:
        model.fit(
            data.training_batches(examples, 4, seed=1, epochs=2),
            epochs=2,
            steps_per_epoch=2,
            shuffle=False,
            verbose=0,
        )
    networks.assert_same_weights(*models, rtol=1e-5, atol=1e-6)
    found, wanted = (model.history.history for model in models)
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5)


def test_two_replicas_evaluate_every_example_once(two, examples):
    """Ten examples in three batches of four, with two rows of padding."""
    model = _compiled(two, "naive_multihead", l2=0.0)
    found = model.evaluate(
        data.weighted_batches(examples, 4), verbose=0, return_dict=True
    )
    logits = np.array(model(examples.images))
    wanted = twins.mixture_nll(examples.labels, logits, [1 / 3] * 3).mean()
    np.testing.assert_allclose(found["nll"], wanted, rtol=1e-5)
    # The loss is a sum over members, each of which gets its own labels.
    wanted = sum(
        twins.mixture_nll(examples.labels, logits[:, [member]], [1]).mean()
        for member in range(3)
    )
    np.testing.assert_allclose(found["loss"], wanted, rtol=1e-5)
    predicted = twins.softmax(logits).mean(axis=1).argmax(axis=1)
    wanted = np.mean(predicted == examples.labels)
    np.testing.assert_allclose(found["accuracy"], wanted, rtol=1e-5)


def test_a_replica_without_a_row_does_no_harm(two, examples):
    """Nine images in batches of four leave one for two devices."""
    with two.scope():
        model = networks.create()
        model.compile("sgd")
    few = examples.take(9)
    history = model.fit(few.images, few.labels, batch_size=4, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_predict_on_batch_returns_each_row_once(two, examples):
    with two.scope():
        model = networks.create()
    for rows in (1, 3):
        images = examples.images[:rows]
        found = model.predict_on_batch(images)
        np.testing.assert_allclose(found, model(images), rtol=1e-5, atol=1e-6)


def test_a_batch_of_fewer_rows_than_replicas_is_refused(two, examples):
    with two.scope():
        model = networks.create()
        model.compile("sgd")
    for method in (model.fit, model.evaluate):
        with pytest.raises(InputError, match="each of the 2 devices"):
            method(examples.images, examples.labels, batch_size=1, verbose=0)


def test_outside_a_replica_there_is_one():
    assert distribution.replica_count() == 1
    assert distribution.replica_index() == 0


def test_replicas_know_their_number_and_count(two):
    counted = two.run(
        tf.function(
            lambda: (
                tf.identity(distribution.replica_index()),
                tf.constant(distribution.replica_count()),
            )
        )
    )
    index, count = map(two.experimental_local_results, counted)
    assert [int(number) for number in index] == [0, 1]
    assert [int(number) for number in count] == [2, 2]


@pytest.mark.parametrize("num_cores", [0, 1])
def test_a_cpu_is_one_replica_unless_more_are_asked_for(two_cpus, num_cores):
    strategy = distribution.make_strategy(num_cores=num_cores)
    assert strategy.num_replicas_in_sync == 1
    assert strategy.extended.worker_devices[0].endswith("CPU:0")


@pytest.fixture
def no_gpu(monkeypatch, two_cpus):
    """Simulates a machine without GPUs."""
    found = tf.config.list_logical_devices("CPU")
    monkeypatch.setattr(
        tf.config,
        "list_logical_devices",
        lambda kind: found if kind == "CPU" else [],
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"use_gpu": True},
            "Expected a GPU that TensorFlow can see. Received: use_gpu=True, "
            "GPUs found=0. Install tensorflow[and-cuda], or leave out "
            "use_gpu.",
        ),
        (
            {"use_gpu": True, "use_tpu": True},
            "Expected use_tpu or use_gpu, not both. Received: use_tpu=True, "
            "use_gpu=True. Choose one.",
        ),
        (
            {"use_tpu": True, "num_cores": 8},
            "Expected no num_cores with use_tpu. Received: num_cores=8, "
            "use_tpu=True. Leave it out: a step runs on all cores of the TPU.",
        ),
        (
            {"num_cores": 3},
            "Expected num_cores in 0 … 2. Received: num_cores=3. Only that "
            "many devices are available.",
        ),
        (
            {"num_cores": -1},
            "Expected num_cores in 0 … 2. Received: num_cores=-1. Only that "
            "many devices are available.",
        ),
    ],
)
def test_devices_that_are_not_there(no_gpu, options, message):
    with pytest.raises(InputError) as caught:
        distribution.make_strategy(**options)
    assert str(caught.value) == message


ALONE = f"""
from mimo_keras.errors import InputError
from mimo_keras.training.distribute import make_strategy

print(make_strategy(num_cores=3).num_replicas_in_sync)
for tpu in {TPUS}:
    try:
        make_strategy(use_tpu=True, tpu=tpu)
    except InputError as error:
        print(error)
"""


@pytest.fixture(scope="module")
def lines():
    """The output of a new process, in which TensorFlow has not started."""
    # Without our own time limit TensorFlow waits for minutes.
    return subprocesses.python(ALONE, timeout=120).splitlines()


def test_a_cpu_is_divided_before_tensorflow_starts(lines):
    assert lines[0] == "3"


def test_a_missing_tpu_is_reported_and_never_waited_for(lines):
    remedy = (
        "Leave out use_tpu to run on the GPUs or the CPU of this machine, "
        "or name a running TPU with tpu."
    )
    assert lines[1:] == [
        f"Expected a TPU {where}. Received: use_tpu=True, tpu={tpu!r}. {remedy}"
        for tpu, where in TPUS.items()
    ]
