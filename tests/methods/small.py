"""Small data and small models of every method, for the tests of methods."""

import keras
import numpy as np

import mimo_keras

IMAGES, VECTORS = (8, 8, 3), (6,)
# The smallest input for each named backbone.
SHAPES = {"small_cnn": IMAGES, "mlp": VECTORS, "wide_resnet_10_1": IMAGES}
OUTPUTS = {"classification": 4, "regression": 2}


def create(
    method, backbone, members=1, task="classification", shape=None, **options
):
    """A model with the same weights each time."""
    keras.utils.set_random_seed(0)
    outputs = OUTPUTS[task]
    known = task == "classification"
    return mimo_keras.create_model(
        method,
        backbone=backbone,
        input_shape=shape or SHAPES[backbone],
        num_classes=outputs if known else None,
        output_dim=None if known else outputs,
        ensemble_size=members,
        seed=0,
        **options,
    )


def examples(model, rows):
    """Images of one pattern per class with noise, and their targets.

    Targets of a regression are a fixed vector for each class.
    """
    rng = np.random.default_rng(0)
    classes = np.arange(rows) % 4
    patterns = rng.random((4, *model.image_shape))
    noise = rng.normal(scale=0.1, size=(rows, *model.image_shape))
    images = (patterns[classes] + noise).astype("float32")
    if model.task == "classification":
        return images, classes
    targets = rng.normal(size=(4, model.network.output_shape[-1]))
    return images, targets[classes].astype("float32")


def scatter(network):
    """Moves all weights away from their initial values; variances stay > 0.

    It replaces training, which would take long. Each weight moves by up to
    30% of its variable's standard deviation, or 0.3 if that is 0.
    """
    rng = np.random.default_rng(1)
    network.set_weights(
        [
            w + rng.uniform(-0.3, 0.3, w.shape) * (np.std(w) or 1)
            for w in network.get_weights()
        ]
    )


def scatter_trainable(network):
    """As `scatter`, but counters, keys and moving averages stay."""
    rng = np.random.default_rng(1)
    for weight in network.trainable_weights:
        value = np.array(keras.ops.convert_to_numpy(weight))
        step = rng.uniform(-0.3, 0.3, value.shape) * (np.std(value) or 1)
        weight.assign(value + step)


def step_by_step():
    """The arguments of compile that make a few steps fast.

    TensorFlow takes longer to trace a step than to run it eagerly; JAX takes
    longer to run it eagerly than to compile it. The conformance test traces.
    """
    return {"run_eagerly": keras.backend.backend() == "tensorflow"}


def train(model, rows=8, batch_size=4, epochs=2):
    """Fits a model to `examples`, in order.

    Returns:
        The loss of each epoch.
    """
    if not model.compiled:
        optimizer = keras.optimizers.SGD(0.05, momentum=0.9)
        model.compile(optimizer, **step_by_step())
    images, targets = examples(model, rows)
    history = model.fit(
        images,
        targets,
        batch_size=batch_size,
        epochs=epochs,
        shuffle=False,
        verbose=0,
    )
    return history.history["loss"]


def numpy(outputs):
    """Tensors, in any structure, as NumPy arrays."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)


def assert_same_weights(one, other, atol=1e-5):
    """Compares all weights of two networks."""
    for a, b in zip(one.weights, other.weights, strict=True):
        np.testing.assert_allclose(
            numpy(a), numpy(b), rtol=1e-4, atol=atol, err_msg=a.path
        )


def assert_close(one, other, atol=1e-5, rtol=0):
    """Compares tensors in any structure."""
    keras.tree.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, atol=atol, rtol=rtol),
        numpy(one),
        numpy(other),
    )
