"""Every public layer fulfils what Keras promises its users."""

import inspect
import json

import keras
import numpy as np
import pytest

from mimo_keras import layers
from mimo_keras.layers import batch_ensemble, registration
from tests.layers.cases import BATCH, CASES, TENSORFLOW

# edward2's layers are tested as thoroughly in batch_ensemble_test.py.
# Banks and initializers have no rows: see template_bank_test.py. Mixtures are
# part of MixturePrediction: see mixtures_test.py.
MIXTURES = {
    *("BernoulliMixture", "CategoricalMixture", "GaussianMixture"),
    *("MeanMixture", "QuantileMixture"),
}
WITHOUT_ROWS = {"AlignedKernels", "RandomSign", "TemplateBank"}
ELSEWHERE = {*batch_ensemble.NAMES, *MIXTURES, *WITHOUT_ROWS}
OWN = [name for name in layers.__all__ if name not in ELSEWHERE]

every_layer = pytest.mark.parametrize("case", CASES, ids=str)


def arrays(outputs):
    """Outputs as NumPy arrays, bfloat16 as float32."""

    def array(tensor):
        dtype = keras.backend.standardize_dtype(tensor.dtype)
        if dtype == "bfloat16":
            tensor = keras.ops.cast(tensor, "float32")
        return keras.ops.convert_to_numpy(tensor)

    return keras.tree.map_structure(array, outputs)


def assert_close(outputs, wanted, **tolerances):
    # Flattened, since a loaded model returns a list instead of a tuple.
    pairs = (keras.tree.flatten(arrays(x)) for x in (outputs, wanted))
    for one, other in zip(*pairs, strict=True):
        np.testing.assert_allclose(one, other, **tolerances)


def specs(outputs):
    """Each output's shape without the batch axis, and its dtype."""
    return keras.tree.map_structure(
        lambda tensor: (
            keras.InputSpec(
                shape=tuple(tensor.shape[1:]),
                dtype=keras.backend.standardize_dtype(tensor.dtype),
            ).get_config()
            | {"ndim": len(tensor.shape)}
        ),
        outputs,
    )


def attributes(layer):
    """The layer's attribute for each argument of its constructor."""
    names = inspect.signature(type(layer).__init__).parameters
    found = {n: getattr(layer, n) for n in names if n not in ("self", "kwargs")}
    return keras.saving.serialize_keras_object(found)


def test_every_public_layer_is_in_the_table():
    assert {case.name for case in CASES} == set(OWN)


@pytest.mark.parametrize("name", OWN)
def test_every_argument_is_in_the_table(name):
    parameters = inspect.signature(getattr(layers, name).__init__).parameters
    given = [case.arguments for case in CASES if case.name == name]
    refused = () if TENSORFLOW else ("synchronized",)
    for argument, parameter in parameters.items():
        if argument not in ("self", "kwargs", *refused):
            values = [g[argument] for g in given if argument in g]
            assert any(v != parameter.default for v in values), argument


@pytest.mark.parametrize("name", OWN)
def test_every_layer_is_registered_under_the_package(name):
    layer = getattr(layers, name)
    assert keras.saving.get_registered_name(layer) == f"mimo_keras>{name}"
    assert registration.serializable.__module__.startswith("keras")


@every_layer
def test_config_round_trip(case):
    layer = case.layer()
    config = layer.get_config()
    twin = type(layer).from_config(json.loads(json.dumps(config)))
    assert twin.get_config() == config
    assert attributes(twin) == attributes(layer)


@every_layer
def test_attributes_are_the_arguments(case):
    layer = case.layer()
    for name, value in case.arguments.items():
        stored = getattr(layer, name)
        if name.endswith("initializer"):
            assert type(stored) is type(keras.initializers.get(value))
        elif name.endswith("regularizer"):
            config = keras.regularizers.get(value).get_config()
            assert stored.get_config() == config
        elif name.endswith("constraint"):
            assert type(stored) is type(keras.constraints.get(value))
        else:
            assert np.array_equal(stored, value)


@every_layer
def test_keras_file_gives_the_same_outputs(case, tmp_path):
    network = case.network()
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    assert_close(loaded(case.inputs()), network(case.inputs()), rtol=0)


@every_layer
@pytest.mark.parametrize("batch", [None, BATCH])
def test_symbolic_and_eager_outputs_are_alike(case, batch):
    layer = case.layer()
    bank = keras.KerasTensor((case.bank,), "float32") if case.bank else None
    inputs = keras.KerasTensor((batch, *case.shape), case.dtype)
    symbolic = case.call(layer, inputs, bank)
    eager = case.call(layer, case.inputs())
    assert specs(symbolic) == specs(eager)
    pairs = zip(
        keras.tree.flatten(symbolic), keras.tree.flatten(eager), strict=True
    )
    for one, other in pairs:
        assert one.shape[0] == (batch and other.shape[0])


@every_layer
def test_rows_are_independent_at_any_batch_size(case):
    network = case.network()
    inputs = case.inputs()
    whole = arrays(network(inputs))
    for rows in (slice(0, 1), slice(1, BATCH)):
        part = keras.tree.map_structure(lambda a, rows=rows: a[rows], whole)
        assert_close(network(inputs[rows]), part, rtol=1e-5, atol=1e-6)
    predicted = network.predict(inputs, batch_size=BATCH - 1, verbose=0)
    assert_close(predicted, whole, rtol=1e-5, atol=1e-6)


@every_layer
def test_config_round_trip_of_a_policy(case):
    arguments = case.arguments | {"dtype": keras.DTypePolicy("mixed_bfloat16")}
    layer = getattr(layers, case.name)(**arguments)
    copy = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    assert copy.dtype_policy == layer.dtype_policy


@every_layer
def test_mixed_bfloat16(case):
    exact = case.network()
    keras.config.set_dtype_policy("mixed_bfloat16")
    network = case.network()
    network.set_weights(exact.get_weights())
    outputs = network(case.inputs())
    low = tuple(
        keras.backend.standardize_dtype(tensor.dtype)
        for tensor in keras.tree.flatten(outputs)
    )
    if isinstance(case.low, str):
        assert {*low} == {case.low}
    else:
        assert low == case.low
    assert all(weight.dtype == "float32" for weight in network.weights)
    assert_close(outputs, exact(case.inputs()), rtol=0.03, atol=0.03)


@every_layer
@pytest.mark.tensorflow
def test_saved_model_gives_the_same_outputs(case, tmp_path):
    import tensorflow as tf

    network = case.network()
    network.export(tmp_path, verbose=False)
    loaded = tf.saved_model.load(tmp_path)
    for rows in (1, 5):
        inputs = case.inputs(rows)
        assert_close(
            loaded.serve(inputs), network(inputs), rtol=1e-5, atol=1e-6
        )


def in_two_replicas(case, two_cpus):
    """The strategy, and the case's network in its scope."""
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(
        two_cpus, tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        return strategy, case.network()


@every_layer
def test_two_replicas_give_the_same_outputs(case, two_cpus):
    strategy, network = in_two_replicas(case, two_cpus)
    halves = np.split(case.inputs(), 2)
    rows = strategy.experimental_distribute_values_from_function(
        lambda context: halves[context.replica_id_in_sync_group]
    )
    found = [
        keras.ops.concatenate(strategy.experimental_local_results(output))
        for output in keras.tree.flatten(strategy.run(network, args=(rows,)))
    ]
    wanted = keras.tree.flatten(case.network()(case.inputs()))
    assert_close(found, wanted, rtol=1e-5, atol=1e-6)


def test_two_replicas_predict_what_one_does(two_cpus):
    """Only the members' norm synchronizes with the other replica."""
    [case] = [c for c in CASES if "synchronized" in c.arguments]
    _, network = in_two_replicas(case, two_cpus)
    found = network.predict(case.inputs(), verbose=0)
    wanted = case.network()(case.inputs())
    assert_close(found, wanted, rtol=1e-5, atol=1e-6)
