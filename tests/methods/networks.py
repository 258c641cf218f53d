"""Small networks of the kinds that users train, for the tests of warm starts.

Each returns 4 logits or probabilities for `small.IMAGES`. Weights are scattered
so that batch norms are no identities.
"""

import keras
import numpy as np

from tests.methods import small

CLASSES = 4
IMAGES = np.random.default_rng(0).random((3, *small.IMAGES), "float32")


def small_cnn(x):
    layers = keras.layers
    x = layers.Conv2D(6, 3, padding="same", activation="relu", name="a")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(6, 3, padding="same", name="b")(x)
    x = layers.Conv2D(6, 3, padding="same", name="c")(layers.ReLU()(x))
    x = layers.Dropout(0.3, name="drop")(layers.Flatten()(x))
    return layers.Dense(CLASSES, activation="softmax", name="top")(x)


def resnet(x):
    layers = keras.layers
    x = layers.Rescaling(2.0, offset=-1.0)(x)
    x = layers.Conv2D(6, 3, padding="same", use_bias=False, name="first")(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for strides in (1, 2):
        y = layers.Conv2D(
            6,
            3,
            strides=strides,
            padding="same",
            use_bias=False,
            kernel_regularizer="l2",
        )(x)
        y = layers.BatchNormalization()(y)
        if strides > 1:
            x = layers.Conv2D(6, 1, strides=2, use_bias=False)(x)
            x = layers.BatchNormalization(scale=False)(x)
        x = layers.Add(name=f"add{strides}")([x, y])
        x = layers.Activation("relu", name=f"block{strides}")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return layers.Dense(CLASSES, name="top")(x)


def mobilenet(x):
    layers = keras.layers
    x = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
    x = layers.Conv2D(8, 3, strides=2, use_bias=False, name="first")(x)
    x = layers.Activation("swish", name="low")(layers.BatchNormalization()(x))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    y = layers.Activation("swish")(layers.BatchNormalization()(y))
    s = layers.Reshape((1, 1, 8))(layers.GlobalAveragePooling2D()(y))
    s = layers.Conv2D(2, 1, activation="swish")(s)
    s = layers.Conv2D(8, 1, activation="sigmoid")(s)
    y = layers.Conv2D(8, 1, use_bias=False)(layers.Multiply()([y, s]))
    x = layers.Add(name="sum")([x, layers.BatchNormalization()(y)])
    x = layers.Dense(CLASSES, name="top")(layers.GlobalAveragePooling2D()(x))
    return layers.Activation("softmax")(x)


def vit(x):
    layers = keras.layers
    x = layers.Conv2D(8, 4, strides=4, name="patches")(x)
    x = layers.Reshape((4, 8), name="tokens")(x)
    for index in range(2):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(2, 4, name=f"attend{index}")(y, y)
        y = layers.LayerNormalization()(x)
        y = layers.Dense(16, activation="gelu", name=f"hidden{index}")(y)
        y = layers.Dense(8, name=f"output{index}")(y)
        x = layers.Add(name=f"block{index}")([x, y])
    x = layers.LayerNormalization()(x)
    x = layers.GlobalAveragePooling1D()(x)
    return layers.Dense(CLASSES, activation="softmax", name="top")(x)


NETWORKS = {
    function.__name__: function
    for function in (small_cnn, resnet, mobilenet, vit)
}


def create(name):
    """A network with the same scattered weights each time."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input(small.IMAGES)
    network = keras.Model(inputs, NETWORKS[name](inputs), name=name)
    small.scatter(network)
    return network


def members(network, model, images=IMAGES):
    """The members' predictions in the form of the network's."""
    logits = model(images) if isinstance(model, keras.Model) else model
    if "softmax" in str(network.layers[-1].get_config()):
        return keras.ops.softmax(logits)
    return logits
