"""The only file that uses private names of Keras.

Keras may change names that begin with an underscore, yet some of what it knows
about a network is available under no other name. Each function says which it
relies on and what the public alternative lacks, so that a release that changes
one affects only this file. `pyproject.toml` allows the releases from the oldest
to the newest with which tests/keras_internals_test.py has passed.
"""

import contextlib
import copy
import math
import re


class OneLineError(Exception):
    """An error whose message Keras does not extend.

    Relies on `_keras_call_info_injected`, which Keras sets on an error raised
    by a layer once it has added the call's arguments to the message.

    Public alternative: `keras.config.disable_traceback_filtering()`, which
    affects every error of the process.
    """

    _keras_call_info_injected = True


class BuildsOnBatch:
    """Mixin that chooses the batch on which `fit` builds a distributed model.

    List it before keras.Model. Relies on `_maybe_symbolic_build`, which the
    TensorFlow trainer calls before the first step of `fit` and `evaluate`.

    Public alternative: none between `fit` and the first step; `Model.build`
    does not build metrics.
    """

    def building_batch(self, iterator):
        """Returns the batch to build on; None for the one that Keras uses.

        Args:
            iterator: Keras's epoch iterator, which yields (step, step,
                iterator over batches).
        """
        return None

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        if iterator is not None:
            batch = self.building_batch(iterator)
            if batch is not None:
                iterator, data_batch = None, batch
        super()._maybe_symbolic_build(iterator, data_batch)


def read_with(iterator, strategy, options):
    """Gives options to the tf.data.Dataset that an epoch iterator reads.

    To one that Keras made of arrays, or of a Python source and does not
    distribute. Relies on `_distributed_dataset` of the TensorFlow trainer's
    iterator, and on the `data_adapter` of arrays making the same dataset anew.

    Public alternative: a tf.data.Dataset instead of arrays.
    """
    from keras.src.trainers import data_adapters

    adapter, dataset = iterator.data_adapter, iterator._distributed_dataset
    if isinstance(adapter, data_adapters.ArrayDataAdapter):
        dataset = adapter.get_tf_dataset().with_options(options)
        dataset = strategy.experimental_distribute_dataset(dataset)
    elif not isinstance(adapter, data_adapters.TFDatasetAdapter) and hasattr(
        dataset, "with_options"
    ):  # Not distributed.
        dataset = dataset.with_options(options)
    iterator._distributed_dataset = dataset


def array_source(x, batch_size, options):
    """Returns an array as a source whose tf.data.Dataset has these options.

    Relies on `ArrayDataAdapter`. Public alternative: as of `read_with`.
    """
    from keras.src.trainers import data_adapters

    class Changed(data_adapters.ArrayDataAdapter):
        def get_tf_dataset(self):
            return super().get_tf_dataset().with_options(options)

    return Changed(x, batch_size=batch_size, shuffle=False)


class LowerIsBetter:
    """Mixin for a metric: callbacks that monitor it know that it should fall.

    List it before keras.metrics.Metric. Relies on `_direction`, which
    EarlyStopping and others read if their mode is "auto", for metrics that
    `monitored` shows them.

    Public alternative: `mode="min"` in each callback.
    """

    _direction = "down"


def monitored(metrics, own):
    """Returns a model's metrics, with its own where callbacks look for them.

    Relies on `MetricsList`: callbacks read the direction only of metrics within
    one of these, which Keras makes for the metrics given to `compile`.

    Public alternative: as of `LowerIsBetter`.

    Args:
        metrics: The keras.metrics.Metrics that a model has.
        own: Those among them that its class made.
    """
    from keras.src.trainers.compile_utils import MetricsList

    class Shown(MetricsList):
        def result(self):
            return self.get_result()

    return [
        Shown([metric], name=metric.name) if metric in own else metric
        for metric in metrics
    ]


@contextlib.contextmanager
def without_values():
    """Variables that are created inside have shapes but never get values.

    Relies on the list in which `keras.StatelessScope` keeps variables until
    they get their values.

    Public alternative: none; the next such scope would give them values.

    Yields:
        The list to which these variables are added.
    """
    import keras
    from keras.src.backend.common import global_state

    waiting, made = "uninitialized_variables", []
    before = global_state.get_global_attribute(waiting)
    global_state.set_global_attribute(waiting, made)
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield made
    finally:
        global_state.set_global_attribute(waiting, before or [])


def claimed_bytes(config):
    """Returns the size of the variables of a model that is not created.

    Public alternative: none; creating the model allocates its variables.

    Args:
        config: The model's configuration, as in the config.json of a .keras
            file.

    Returns:
        Number of bytes; None if the model cannot be built in this way.
    """
    import keras

    try:
        with without_values() as made:
            # Keras takes parts out of what it is given.
            config = copy.deepcopy(config)
            keras.saving.deserialize_keras_object(config, safe_mode=True)
        return sum(math.prod(v.shape) * _item_bytes(v.dtype) for v in made)
    except Exception:  # A malformed config can raise anything.
        return None


def _item_bytes(dtype):
    """Returns the size of an element; at least 1, also for int4."""
    bits = re.search(r"\d+", dtype)
    return max(1, int(bits[0]) // 8) if bits else 1


def layers_within(model):
    """Returns all layers of a model at any depth, without the model itself.

    Relies on `Layer._flatten_layers`, which lists each layer once.

    Public alternative: `Model.layers`, which stops at the first level.
    """
    return model._flatten_layers(include_self=False)


def writes_old_file():
    """Whether Keras is writing a model in its old format, an .h5 file.

    Public alternative: none; of a model's, Keras calls only `get_config`.
    """
    from keras.src.backend.common import global_state as state

    return bool(state.get_global_attribute("use_legacy_config"))


def forget_layer(layer, part):
    """Makes a layer no longer list another one, that it replaces, as its part.

    Public alternative: none; it outlives the attribute's deletion.
    """
    layer._tracker.unlock()
    layer._tracker.untrack(part)


def own_trainable_variables(layer):
    """Returns the trainable variables that a layer itself created.

    Relies on `Layer._trainable_variables`. They are listed whether or not the
    layer is frozen.

    Public alternative: `Layer.trainable_variables`, which includes sublayers
    and is empty if the layer is frozen.
    """
    return list(layer._trainable_variables)


def maker(tensor):
    """Returns the operation or layer that returned a symbolic tensor.

    Relies on `KerasTensor._keras_history`.

    Public alternative: none; `Layer.output` leads the other way.
    """
    return tensor._keras_history.operation


def made_from(tensor):
    """Returns the tensors from which an operation made a symbolic tensor.

    Relies on `KerasTensor._keras_history` and `Operation._inbound_nodes`.
    Public alternative: `Layer.input`, which covers only the first call.
    """
    history = tensor._keras_history
    node = history.operation._inbound_nodes[history.node_index]
    return list(node.input_tensors)


def call_count(operation):
    """Returns how often an operation was called on symbolic tensors.

    Relies on `Operation._inbound_nodes`, which has a node for each call.

    Public alternative: `Layer.input`, which covers only the first call.
    """
    return len(operation._inbound_nodes)


def readers(operation):
    """Returns the operations that consume an operation's output.

    Relies on `Operation._outbound_nodes`. A consumer that reads it twice is
    listed twice, and consumers outside the network in question are included.

    Public alternative: none; `Function.operations` lists operations without
    edges.
    """
    return [node.operation for node in operation._outbound_nodes]


def calls_on(tensor):
    """Returns the calls that consume a symbolic tensor.

    Relies on `KerasTensor._keras_history` and `Operation._outbound_nodes`;
    unlike `readers`, it tells the calls of one operation apart.

    Public alternative: none, as for `readers`.

    Returns:
        A list of pairs (operation, list of the tensors that it returned).
    """
    return [
        (node.operation, node.outputs)
        for node in maker(tensor)._outbound_nodes
        if any(x is tensor for x in node.input_tensors)
    ]


def run_graph(function, inputs, become):
    """Runs inputs through a graph, replacing each operation.

    Relies on `Function._run_through_graph(inputs, operation_fn)`.

    Public alternative: `keras.models.clone_model` with a `call_function`, which
    needs real layers and cannot run on shapes.

    Args:
        function: keras.Function.
        inputs: Its inputs, in its structure.
        become: Function from an operation to the callable that replaces it.
    """
    return function._run_through_graph(inputs, operation_fn=become)


def compiled_metrics(model):
    """Returns Keras's container of the metrics given to `compile`, or None.

    Relies on `Trainer._compile_metrics`, and on its `build(y_true, y_pred)`
    creating the metrics' variables.

    Public alternative: `Model.metrics`, which lists the container among others
    with no documented name or class.
    """
    return model._compile_metrics


def build_on(model, batch):
    """Creates the variables that a compiled model's first step would create.

    Relies on `Trainer._symbolic_build`. No values are computed.

    Public alternative: `Model.build`, which builds neither metrics nor
    optimizer.
    """
    model._symbolic_build(data_batch=batch)


def evaluates_within_fit(arguments):
    """Whether `evaluate` is called by `fit`, on data that it has prepared.

    Relies on the argument `_use_cached_eval_dataset`.

    Public alternative: none.
    """
    return arguments.get("_use_cached_eval_dataset", False)


@contextlib.contextmanager
def variables_kept(model):
    """Restores a model's variables if an error ends `fit` under JAX.

    There Keras takes the variables' values away while steps run, and would lose
    them with the error. Relies on `_jax_state`, which holds them after the
    first step, and on `Variable._value`, which is None where they are gone.

    Public alternative: `jax_state_sync`, which knows nothing before that step.
    """
    import keras

    if keras.backend.backend() != "jax":
        yield
        return
    optimizer = getattr(model, "optimizer", None)
    variables = [
        *model.variables,
        *model.metrics_variables,
        *(optimizer.variables if optimizer else ()),
    ]
    before = [(variable, variable.value) for variable in variables]
    model._jax_state = None
    try:
        yield
    except Exception:
        model.jax_state_sync()
        for variable, value in before:
            if variable._value is None:
                variable.assign(value)
        raise


def variable_index(optimizer, variable):
    """Returns a variable's index among those an optimizer was built with.

    Relies on `Optimizer._get_variable_index`. It also recognizes a variable in
    the form that `update_step` receives, which under TensorFlow is not a
    keras.Variable and under tf.distribute is one replica's copy.

    Public alternative: the order of the variables given to `Optimizer.build`,
    if the variable is one of them.
    """
    return optimizer._get_variable_index(variable)


def has_mask(values):
    """Whether a loss's values come with a mask of the rows that count.

    Relies on `_keras_mask`, which losses of Keras such as
    SparseCategoricalCrossentropy(ignore_class=0) set on their values.

    Public alternative: none.
    """
    return getattr(values, "_keras_mask", None) is not None


def repeated_name(error):
    """Returns the name that two layers of a new model share; None if none do.

    Relies on the message of the error that Keras raises for it.

    Public alternative: none; a model cannot be created without that check.
    """
    found = re.search(r'The name "(.*)" is used \d+ times', str(error))
    return found and found[1]
