"""The edges of a network's graph, under private names of Keras."""

import re


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


def repeated_name(error):
    """Returns the name that two layers of a new model share; None if none do.

    Relies on the message of the error that Keras raises for it.

    Public alternative: none; a model cannot be created without that check.
    """
    found = re.search(r'The name "(.*)" is used \d+ times', str(error))
    return found and found[1]
