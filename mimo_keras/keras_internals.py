"""The one door to what Keras does not promise.

Keras keeps the right to change names that begin with an underscore, yet some
of what it knows about a network can be had by no other name. Each function
here says which private name it relies on, and what Keras promises in public
instead, so that a release which changes one is met in this file alone.
`pyproject.toml` admits releases between
the oldest and the newest under which tests/keras_internals_test.py passed.
"""


class OneLineError(Exception):
    """An error whose message Keras leaves as it is.

    Relies on `_keras_call_info_injected`, which Keras sets on an error that a
    layer raised once it has added the arguments of the call to the message.

    In public: `keras.config.disable_traceback_filtering()` turns that off, but
    for every error of the process.
    """

    _keras_call_info_injected = True


class BuildsOnBatch:
    """Base that chooses the batch on which `fit` builds a distributed model.

    It stands before keras.Model. Relies on `_maybe_symbolic_build`, which the
    TensorFlow trainer calls before the first step of `fit` and `evaluate`.

    In public: nothing between `fit` and the first step; `Model.build` knows
    no metrics.
    """

    def building_batch(self, iterator):
        """Returns the batch to build on; None for the one that Keras takes.

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


def layers_within(model):
    """Returns all layers of a model at any depth, without the model itself.

    Relies on `Layer._flatten_layers`. A layer that is reached in two ways is
    listed once.

    In public: `Model.layers`, which stops at the first level.

    Args:
        model: keras.Model or any keras.layers.Layer.
    """
    return model._flatten_layers(include_self=False)


def own_trainable_variables(layer):
    """Returns the variables that a layer made itself to be trained.

    Relies on `Layer._trainable_variables`. They are listed whether or not the
    layer is frozen.

    In public: `Layer.trainable_variables`, with those of the layers within,
    and none if it is frozen.

    Args:
        layer: Built keras.layers.Layer.
    """
    return list(layer._trainable_variables)


def maker(tensor):
    """Returns the operation or layer that returned a symbolic tensor.

    Relies on `KerasTensor._keras_history`.

    In public: nothing; `Layer.output` leads the other way.

    Args:
        tensor: keras.KerasTensor of a functional network.
    """
    return tensor._keras_history.operation


def call_count(operation):
    """Returns how often an operation was called on symbolic tensors.

    Relies on `Operation._inbound_nodes`, a node for each call.

    In public: `Layer.input`, which tells of the first call only.

    Args:
        operation: keras.Operation, such as a layer.
    """
    return len(operation._inbound_nodes)


def readers(operation):
    """Returns the operations that read what an operation returns.

    Relies on `Operation._outbound_nodes`. One that reads it twice is listed
    twice, and one outside the network in question is listed, too.

    In public: nothing; `Function.operations` lists operations without edges.

    Args:
        operation: keras.Operation that was called on symbolic tensors.
    """
    return [node.operation for node in operation._outbound_nodes]


def run_graph(function, inputs, become):
    """Runs inputs through a graph, with another call for each operation.

    Relies on `Function._run_through_graph(inputs, operation_fn)`.

    In public: `keras.models.clone_model` with a `call_function`, which needs
    real layers and runs no shapes.

    Args:
        function: keras.Function.
        inputs: Its inputs, in its structure.
        become: Function from an operation to what is called in its place.

    Returns:
        What the graph returns, made of what those calls returned.
    """
    return function._run_through_graph(inputs, operation_fn=become)


def compiled_metrics(model):
    """Returns Keras's container of the metrics given to `compile`.

    Relies on `Trainer._compile_metrics`, and on its `build(y_true, y_pred)`
    making the metrics' variables.

    In public: `Model.metrics` lists the container among others under no
    promised name or class.

    Args:
        model: Compiled keras.Model.

    Returns:
        A keras.metrics.Metric; None if there are no such metrics.
    """
    return model._compile_metrics


def build_on(model, batch):
    """Makes the variables of a compiled model that the first step would make.

    Relies on `Trainer._symbolic_build`. No number is computed.

    In public: `Model.build`, which knows neither metrics nor optimizer.

    Args:
        model: Compiled keras.Model.
        batch: What `fit` would get: (x, y) or (x, y, sample_weight).
    """
    model._symbolic_build(data_batch=batch)


def variable_index(optimizer, variable):
    """Returns the place of a variable among those an optimizer was built with.

    Relies on `Optimizer._get_variable_index`. It knows a variable also as
    `update_step` gets it, which under TensorFlow is no keras.Variable and
    under tf.distribute one replica's copy.

    In public: the order of the variables given to `Optimizer.build`, if what
    is asked for is one of them.

    Args:
        optimizer: Built keras.optimizers.Optimizer.
        variable: Trainable keras.Variable, or the backend's own.
    """
    return optimizer._get_variable_index(variable)
