"""Costs against TensorFlow's own profiler and cases worked by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from mimo_keras.errors import InputError
from mimo_keras.evaluation import costs

COUNTED = ["Conv2D", "MatMul", "BatchMatMul.*", "DepthwiseConv2dNative"]


def profiled(function, *shapes):
    """Floating-point operations by tf.profiler, convolutions and matmuls."""
    specs = [tf.TensorSpec(shape) for shape in shapes]
    graph = tf.function(function).get_concrete_function(*specs).graph
    builder = tf.compat.v1.profiler.ProfileOptionBuilder
    options = builder(builder.float_operation())
    options = options.with_accounted_types(COUNTED).with_empty_output().build()
    profile = tf.compat.v1.profiler.profile(graph, cmd="op", options=options)
    return profile.total_float_ops


def plain(build, shape):
    inputs = keras.Input(shape)
    return keras.Model(inputs, build(inputs))


def chain(*parts):
    def build(x):
        for part in parts:
            x = part(x)
        return x

    return build


NETWORKS = {
    "strided_same": (chain(layers.Conv2D(6, 3, 2, "same")), (9, 8, 4)),
    "strided_valid": (chain(layers.Conv2D(6, (3, 2), 2)), (9, 8, 4)),
    # TensorFlow pads sizes not divisible by the rate, and counts the padding.
    "dilated": (chain(layers.Conv2D(6, 3, dilation_rate=2)), (8, 8, 4)),
    "one_dimension": (chain(layers.Conv1D(6, 3, 2, "same")), (9, 4)),
    "depthwise": (
        chain(layers.DepthwiseConv2D(3, 2, "same", depth_multiplier=2)),
        (9, 9, 4),
    ),
    "separable": (
        chain(layers.SeparableConv2D(5, 3, 2, depth_multiplier=3)),
        (9, 9, 4),
    ),
    "dense_on_tokens": (chain(layers.Dense(7), layers.ReLU()), (5, 6)),
    "classifier": (
        chain(
            layers.Conv2D(8, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10),
        ),
        (8, 8, 3),
    ),
}


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", NETWORKS)
def test_agrees_with_tf_profiler(name):
    build, shape = NETWORKS[name]
    network = plain(build, shape)
    expected = profiled(network, (1, *shape))
    assert expected > 0
    assert costs.flops(network) == expected
    assert 2 * costs.multiply_adds(network) == expected


@pytest.mark.tensorflow
def test_groups_agree_with_tf_profiler():
    network = plain(layers.Conv2D(6, 3, 2, "same", groups=2), (9, 8, 4))

    def convolution(x, kernel):
        # Keras hides grouped ones in a function, where nothing is counted.
        return tf.nn.conv2d(x, kernel, 2, "SAME")

    expected = profiled(convolution, (1, 9, 8, 4), (3, 3, 2, 6))
    assert costs.flops(network) == expected > 0


@pytest.mark.tensorflow
def test_nested_and_shared_layers_count_at_each_call():
    shared = layers.Conv2D(3, 3, padding="same")
    inner = plain(chain(shared, layers.Conv2D(3, 1)), (None, None, 3))
    sequential = keras.Sequential([layers.Flatten(), layers.Dense(4)])
    inputs = keras.Input((8, 8, 3))
    x = shared(inner(inner(inputs)))
    x = layers.AveragePooling2D(2)(x)
    network = keras.Model(inputs, sequential(inner(x)))
    convolution, pointwise = 3 * 3 * 3 * 3, 3 * 3
    positions = 64 + 64 + 16
    by_hand = positions * (convolution + pointwise) + 64 * convolution
    by_hand += 4 * 4 * 3 * 4
    assert costs.multiply_adds(network) == by_hand
    assert costs.flops(network) == profiled(network, (1, 8, 8, 3))
    assert len(costs.multiply_adds_by_call(network)) == 8


def test_counting_leaves_the_network_as_it_was():
    layer = layers.Dense(3)
    network = plain(layer, (4,))
    costs.multiply_adds(network)
    assert layer.output is network.output
    assert network(np.ones((5, 4))).shape == (5, 3)


def test_sequential_counts_too():
    network = keras.Sequential(
        [keras.Input((6,)), layers.Dense(4), layers.Dense(2)]
    )
    names = [layer.name for layer in network.layers]
    assert costs.multiply_adds_by_call(network) == list(
        zip(names, [24, 8], strict=True)
    )


@pytest.mark.parametrize(
    ("equation", "output_shape", "shape", "expected"),
    [
        ("abc,cd->abd", (None, 5), (7, 3), 7 * 3 * 5),
        ("abc,cde->abde", (7, 2, 5), (7, 3), 7 * 3 * 2 * 5),
        ("...x,xy->...y", 5, (7, 2, 3), 7 * 2 * 3 * 5),
        ("bme,mek->bmk", (2, 5), (2, 3), 2 * 3 * 5),
    ],
)
def test_einsum_by_hand(equation, output_shape, shape, expected):
    network = plain(layers.EinsumDense(equation, output_shape), shape)
    assert costs.multiply_adds(network) == expected


class Fold(layers.Layer):
    """Lays the members of (B, M, F) along the batch."""

    def call(self, x):
        return keras.ops.reshape(x, (-1, x.shape[-1]))

    def compute_output_shape(self, shape):
        batch = None if shape[0] is None else shape[0] * shape[1]
        return (batch, shape[2])


def test_members_folded_into_the_batch_all_count():
    network = plain(chain(Fold(), layers.Dense(5)), (3, 4))
    assert costs.multiply_adds(network) == 3 * 4 * 5


class OwnCount(layers.Layer):
    """A layer with a kernel that reports its own cost."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 2), name="kernel")

    def call(self, x):
        return keras.ops.matmul(x, self.kernel)


class Counting(OwnCount):
    """The same, with the method."""

    def multiply_adds(self, input_shape, output_shape):
        assert (input_shape, output_shape) == ((1, 5), (1, 2))
        return 1234


def test_a_layer_may_count_for_itself():
    assert costs.multiply_adds(plain(Counting(), (5,))) == 1234


def test_an_unknown_kernel_is_an_error_not_an_undercount():
    with pytest.raises(InputError, match="OwnCount.*kernel.*multiply_adds"):
        costs.multiply_adds(plain(OwnCount(), (5,)))
    with pytest.raises(InputError, match="TimeDistributed"):
        layer = layers.TimeDistributed(layers.Dense(2))
        costs.multiply_adds(plain(layer, (5, 3)))


def test_norms_embeddings_and_operations_cost_nothing():
    inputs = keras.Input((6, 4))
    x = layers.LayerNormalization(axis=(1, 2))(inputs)
    x = layers.Dropout(0.1)(layers.PReLU()(x)) + 2 * x
    tokens = keras.Input((3,))
    outputs = [x, layers.Embedding(10, 4)(tokens)]
    assert costs.multiply_adds(keras.Model([inputs, tokens], outputs)) == 0


def test_what_is_no_graph_or_has_no_size_is_an_error():
    class Subclass(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(InputError, match="network=Subclass"):
        costs.multiply_adds(Subclass())
    with pytest.raises(InputError, match="fixed image size"):
        costs.multiply_adds(plain(layers.Conv2D(2, 3), (None, None, 3)))


def test_frozen_parameters_are_not_trainable():
    network = plain(chain(layers.Dense(3), layers.BatchNormalization()), (4,))
    assert costs.trainable_parameters(network) == 4 * 3 + 3 + 3 + 3
    network.layers[1].trainable = False
    assert costs.trainable_parameters(network) == 6


def test_milliseconds_are_the_median_of_batches_after_the_first(monkeypatch):
    calls = []
    # Start and end of four batches: 90 s, 2 s, 10 s and 4 s.
    clock = iter([0.0, 90.0, 100.0, 102.0, 105.0, 115.0, 120.0, 124.0])
    monkeypatch.setattr(costs.time, "perf_counter", lambda: next(clock))
    result = costs.milliseconds_per_example(calls.append, np.zeros((8, 2)), 3)
    assert len(calls) == 4
    assert result == 1000 * 4.0 / 8


def test_a_stopwatch_changes_nothing_and_leaves_out_rests(monkeypatch):
    # 90 s, then 2 s, 1 s for a remainder of 3 rows, and 4 s.
    clock = iter([0.0, 90.0, 100.0, 102.0, 105.0, 106.0, 120.0, 124.0])
    monkeypatch.setattr(costs.time, "perf_counter", lambda: next(clock))
    watch = costs.Stopwatch(np.square)
    for rows in (8, 8, 3, 8):
        images = np.arange(2.0 * rows).reshape(rows, 2)
        np.testing.assert_array_equal(watch(images), images**2)
    assert watch.calls == [(8, 90.0), (8, 2.0), (3, 1.0), (8, 4.0)]
    assert watch.milliseconds_per_example() == 1000 * 3.0 / 8


def test_milliseconds_want_a_batch_and_a_repeat():
    for images, repeats in ((np.zeros((0, 2)), 3), (np.zeros((1, 2)), 0)):
        with pytest.raises(InputError, match="two batches of images or more"):
            costs.milliseconds_per_example(np.asarray, images, repeats)
