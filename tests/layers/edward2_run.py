"""The same steps with edward2's own layers and with ours.

    TF_USE_LEGACY_KERAS=1 python tests/layers/edward2_run.py out.npz

writes the results of edward2 itself with Keras 2; the test calls `run_all` with
our classes.
"""

import sys
import types

import numpy as np

MEMBERS, ROWS, STEPS = 3, 2, 5
ONES = {"alpha_initializer": "ones", "gamma_initializer": "ones"}
FIXED = {**ONES, "alpha_regularizer": None, "gamma_regularizer": None}
CONV = {"kernel_size": 3, "padding": "same"}
IMAGE = (5, 6, 4)

# Class, keywords, shape of an input.
CASES = {
    "dense": ("DenseBatchEnsemble", {}, (4,)),
    "dense_rank2": ("DenseBatchEnsemble", {"rank": 2}, (4,)),
    "dense_relu": ("DenseBatchEnsemble", {"activation": "relu"}, (4,)),
    "dense_plain": ("DenseBatchEnsemble", {"use_bias": False}, (4,)),
    "conv": ("Conv2DBatchEnsemble", CONV, IMAGE),
    "conv_strided": ("Conv2DBatchEnsemble", {**CONV, "strides": 2}, IMAGE),
    "conv_rank2": (
        "Conv2DBatchEnsemble",
        {**CONV, "rank": 2, "use_bias": False},
        IMAGE,
    ),
    "conv1d": ("Conv1DBatchEnsemble", {"kernel_size": 3}, (6, 4)),
    # edward2 adds two biases, and activates twice: ours do so once.
    "depthwise": (
        "DepthwiseConv2DBatchEnsemble",
        {"strides": 2, "padding": "same", "use_bias": False},
        IMAGE,
    ),
    "conv1d_rank1": ("Conv1DRank1", {"kernel_size": 3, **FIXED}, (6, 4)),
    "dense_rank1": ("DenseRank1", FIXED, (4,)),
    "dense_rank1_additive": (
        "DenseRank1",
        {**FIXED, "use_additive_perturbation": True},
        (4,),
    ),
    "conv_rank1": ("Conv2DRank1", {**CONV, **FIXED, "strides": 2}, IMAGE),
    "conv_posterior": ("Conv2DRank1", CONV, IMAGE),
    "dense_posterior": ("DenseRank1", {}, (4,)),
}


def import_edward2():
    sys.modules.setdefault("edward2.numpy", types.ModuleType("edward2.numpy"))
    import edward2

    return edward2


def run_all(layers, optimizer_class):
    """Returns a dictionary "case/what" -> array of all cases.

    Args:
        layers: Module with the layers' classes.
        optimizer_class: SGD of the same Keras.
    """
    results = {}
    for name, (cls, options, shape) in CASES.items():
        layer = getattr(layers, cls)(5, ensemble_size=MEMBERS, **options)
        if "posterior" in name:
            found = _divergences(layer, shape)
        else:
            found = _train(layer, shape, optimizer_class)
        results |= {f"{name}/{what}": array for what, array in found.items()}
    return results


def _train(layer, shape, optimizer_class):
    """Returns output and gradients at the start, and weights after SGD."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    inputs, weights = _prepare(layer, shape, rng)
    targets = rng.normal(size=layer(inputs).shape).astype("float32")
    optimizer = optimizer_class(0.05, momentum=0.9, nesterov=True)
    found = {}
    for _ in range(STEPS):
        with tf.GradientTape() as tape:
            outputs = layer(inputs)
            loss = tf.reduce_mean((outputs - targets) ** 2)
        variables = list(weights.values())
        gradients = tape.gradient(loss, variables)
        if not found:
            found["outputs"] = np.array(outputs)
            for name, gradient in zip(weights, gradients, strict=True):
                found[f"gradient_of_{name}"] = np.array(gradient)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
    return found | {name: np.array(w) for name, w in weights.items()}


def _divergences(layer, shape):
    """Returns the layer's KL terms and their gradients."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    inputs, weights = _prepare(layer, shape, rng)
    with tf.GradientTape() as tape:
        layer(inputs)
        # edward2 adds one term per factor, our layers their sum.
        total = sum(layer.losses)
    found = {"losses": np.array(float(total))}
    # The kernel and the bias do not affect them.
    names = [name for name in weights if name.endswith(("mean", "stddev"))]
    gradients = tape.gradient(total, [weights[name] for name in names])
    for name, gradient in zip(names, gradients, strict=True):
        found[f"gradient_of_{name}"] = np.array(gradient)
    return found


def _prepare(layer, shape, rng):
    """Builds the layer and sets its weights from a seed."""
    inputs = rng.normal(size=(MEMBERS * ROWS, *shape)).astype("float32")
    layer(inputs)
    weights = {}
    for owner in (layer, layer.alpha_initializer, layer.gamma_initializer):
        # Keras 2 has another name for a depthwise kernel.
        _collect(weights, owner, "depthwise_kernel", as_name="kernel")
        for name in ("kernel", "alpha", "gamma", "ensemble_bias"):
            _collect(weights, owner, name)
        prefix = "alpha" if owner is layer.alpha_initializer else "gamma"
        for name in ("mean", "stddev"):
            _collect(weights, owner, name, f"{prefix}_")
    for variable in weights.values():
        variable.assign(rng.normal(1.0, 0.5, variable.shape))
    return inputs, weights


def _collect(weights, owner, name, prefix="", as_name=None):
    # A posterior's alpha is a random variable; its weights come later.
    value = getattr(owner, name, None)
    if hasattr(value, "assign"):
        weights[prefix + (as_name or name)] = value


if __name__ == "__main__":
    import tensorflow as tf

    np.savez(
        sys.argv[1],
        **run_all(import_edward2().layers, tf.keras.optimizers.SGD),
    )
