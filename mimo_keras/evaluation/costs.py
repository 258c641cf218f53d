"""Cost: multiply-adds, parameters and time of a built network."""

import math
import statistics
import time

import keras
import numpy as np

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.layers.protocols import CountsMultiplyAdds

_CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
)
_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
_SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)
# Their weights may have rank above 1, but only scale, shift or look up.
_FREE = (
    keras.layers.BatchNormalization,
    keras.layers.Embedding,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
    keras.layers.Normalization,
    keras.layers.PReLU,
)


def multiply_adds(network):
    """Counts the multiply-adds of one example.

    Convolutions and dense layers count: each output position uses each weight
    of the kernel once. Biases, norms, activations and pooling do not count. A
    layer that is called several times counts once per call.

    Args:
        network: A built functional or sequential `keras.Model`, which may
            contain such models. A layer may offer a method
            `multiply_adds(input_shape, output_shape)`, which then does the
            counting; the shapes are those of the call's first argument and its
            result, with first axis 1, or M if members were folded into the
            batch.

    Returns:
        The number of multiply-adds.

    Raises:
        InputError: If the model is not functional, a size of its input is not
            known, or the multiply-adds of a layer with a kernel are unknown.

    Example:

    ```python
    small = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    mimo_keras.evaluation.multiply_adds(small)               # 12
    ```
    """
    return sum(count for _, count in multiply_adds_by_call(network))


def flops(network):
    """Counts floating-point operations of one example: 2 per multiply-add.

    The MIMO paper reports its training graph, whose L2 term adds 2 per kernel
    weight to this.

    Args:
        network: As for `multiply_adds`.

    Returns:
        The number of floating-point operations.

    Example:

    ```python
    small = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    mimo_keras.evaluation.flops(small)                       # 24
    ```
    """
    return 2 * multiply_adds(network)


def multiply_adds_by_call(network):
    """Counts the multiply-adds of one example, call by call.

    Args:
        network: As for `multiply_adds`.

    Returns:
        A list of pairs (name of the layer, multiply-adds), in the order of
        the calls. Operations without weights do not appear.
    """
    return [
        (operation.name, _count(operation, inputs, outputs))
        for operation, inputs, outputs in calls_of(network)
        if getattr(operation, "weights", None)
        or isinstance(operation, CountsMultiplyAdds)
    ]


def calls_of(network):
    """Lists the calls that one example makes, with their shapes.

    Args:
        network: As for `multiply_adds`.

    Returns:
        A list of triples in the order of the calls: the layer or operation, the
        shape of its first argument, and that of its result (in the structure of
        the argument or result); the batch is 1, or M if members were folded
        into it.
    """
    calls = []
    if not _is_graph(network):
        raise expected(
            "a functional keras.Model",
            f"network={type(network).__name__}",
            "Pass a built keras.Model(inputs, outputs).",
        )
    one = []
    for tensor in network.inputs:
        if None in tensor.shape[1:]:
            raise expected(
                "an input of fixed size",
                f"shape={tensor.shape}",
                "Build the network for a fixed image size.",
            )
        shape = (1, *tensor.shape[1:])
        one.append(keras.KerasTensor(shape, dtype=tensor.dtype))
    _run(network, one, calls)
    return calls


def trainable_parameters(model):
    """Returns the number of trainable parameters of a built model.

    Args:
        model: A built keras.Model.

    Returns:
        The number.

    Example:

    ```python
    small = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    mimo_keras.evaluation.trainable_parameters(small)        # 15
    ```
    """
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


class Stopwatch:
    """Times the batches that a network processes anyway.

    This is wall-clock time, which depends on the machine, its load and the
    batch size; compare only within one run.

    Args:
        logits_fn: Maps images (b, ...) to an array.

    Call arguments:
        images: (b, ...). The call returns the output of `logits_fn` as NumPy,
            because a device may return before it has finished.

    Attributes:
        calls: Pairs (b, seconds), one per call so far.

    Example:

    ```python
    timed = mimo_keras.evaluation.Stopwatch(predictor.member_logits)
    logits = timed(images)
    len(timed.calls)                                         # 1
    ```
    """

    def __init__(self, logits_fn):
        self.logits_fn = logits_fn
        self.calls = []

    def __call__(self, images):
        start = time.perf_counter()
        logits = np.asarray(self.logits_fn(images))
        self.calls.append((len(images), time.perf_counter() - start))
        return logits

    def milliseconds_per_example(self):
        """Returns the median time of the largest batches, divided by b.

        Smaller ones, such as a set's last batch, may take as long as a full
        batch. The first call, which compiles, is excluded.

        Raises:
            InputError: There were fewer than two calls, or one had no images.
        """
        timed = self.calls[1:]
        most = max((rows for rows, _ in timed), default=0)
        if most == 0:
            raise expected(
                "two batches of images or more",
                f"{len(self.calls)}, of at most {most} images",
                "Run some images after a first batch, which compiles.",
            )
        seconds = [took for rows, took in timed if rows == most]
        return 1000.0 * statistics.median(seconds) / most


def milliseconds_per_example(logits_fn, images, repeats=10):
    """Times a network: wall-clock milliseconds for one example.

    Args:
        logits_fn: Maps images (b, ...) to an array.
        images: A batch, (b, ...).
        repeats: Number of timed batches, after a first one that compiles.

    Returns:
        The median time of a batch, divided by b, in milliseconds; see
        `Stopwatch`.

    Raises:
        InputError: If `repeats` is not positive or there are no images.

    Example:

    ```python
    took = mimo_keras.evaluation.milliseconds_per_example(
        predictor.member_logits, images, repeats=2)
    took > 0                                                 # True
    ```
    """
    watch = Stopwatch(logits_fn)
    for _ in range(repeats + 1):
        watch(images)
    return watch.milliseconds_per_example()


def _is_graph(operation):
    """Whether the operation is a model whose calls can be traversed."""
    is_model = isinstance(operation, keras.Model)
    return is_model and hasattr(operation, "inputs") and bool(operation.inputs)


def _run(network, inputs, calls):
    """Propagates shapes through a network and records each call.

    Shapes are recomputed with a batch of 1 rather than read from the nodes,
    because a layer may fold members into the batch, and a model may be called
    at a size other than the one it was built at.
    """
    # This also converts a Sequential to the graph of its layers.
    graph = keras.Function(network.inputs, network.outputs)

    def counted(operation):
        if _is_graph(operation):
            return lambda inputs, **_: _run(operation, inputs, calls)

        def call(*args, **kwargs):
            outputs = operation.compute_output_spec(*args, **kwargs)
            first = [*args, *kwargs.values()][0]
            calls.append((operation, _shape(first), _shape(outputs)))
            return outputs

        return call

    return keras_internals.run_graph(graph, inputs, counted)


def _shape(tensors):
    """Returns the shape of each tensor, in the argument's structure."""
    return keras.tree.map_structure(
        lambda tensor: tuple(getattr(tensor, "shape", ())), tensors
    )


def _count(layer, inputs, outputs):
    """Returns the multiply-adds of one call of a layer, from the shapes."""
    if isinstance(layer, CountsMultiplyAdds):
        return int(layer.multiply_adds(inputs, outputs))
    if isinstance(layer, _DEPTHWISE):
        channels = math.prod(layer.kernel.shape[-2:])
        return _kernel_uses(layer.kernel, outputs, channels)
    if isinstance(layer, _SEPARABLE):
        kernels = (layer.depthwise_kernel, layer.pointwise_kernel)
        return sum(_kernel_uses(k, outputs, layer.filters) for k in kernels)
    if isinstance(layer, _CONVOLUTIONS):
        return _kernel_uses(layer.kernel, outputs, layer.filters)
    if isinstance(layer, keras.layers.Dense):
        return _kernel_uses(layer.kernel, inputs, inputs[-1])
    if isinstance(layer, keras.layers.EinsumDense):
        return _einsum(layer.equation, inputs, layer.kernel.shape)
    kernels = [w.path for w in layer.weights if len(w.shape) > 1]
    if kernels and not isinstance(layer, _FREE):
        raise expected(
            "a layer whose multiply-adds are known",
            f"layer={type(layer).__name__} with {kernels[0]}",
            "Give it a method multiply_adds(input_shape, output_shape).",
        )
    return 0


def _kernel_uses(kernel, shape, channels):
    """Counts each weight once per position, over all axes but the channels.

    The kernel of a grouped or depthwise convolution has no entries for inputs
    that a filter does not see, so its size is correct for these too.
    """
    return math.prod(shape) // channels * math.prod(kernel.shape)


def _einsum(equation, inputs, kernel):
    """Returns the product of the sizes of all letters and the ellipsis."""
    letters = equation.split("->")[0].split(",")
    summed = zip(letters[1].strip(), kernel, strict=True)
    new = [size for letter, size in summed if letter not in letters[0]]
    return math.prod(inputs) * math.prod(new)
