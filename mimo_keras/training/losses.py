"""The loss of a training step: over members, over rows, over weights."""

import math

import keras
from keras import ops

from mimo_keras import keras_internals
from mimo_keras.errors import closest, expected
from mimo_keras.layers import DenseMultihead
from mimo_keras.layers.protocols import KeepsFromDecay
from mimo_keras.layers.registration import serializable

L2_SCOPES = ("all", "kernels")
MEMBER_REDUCTIONS = ("sum", "mean")


def cross_entropy(labels, logits):
    """Returns -log softmax(logits)[label] for each row and member.

    Args:
        labels: (N, E) integers; or (N, E, K) probabilities q of the classes,
            one-hot or soft, for Σ_k q_k (-log p_k).
        logits: (N, E, K), float32.

    Returns:
        (N, E), in nats.
    """
    if len(labels.shape) == len(logits.shape):
        return -ops.sum(labels * ops.log_softmax(logits), axis=-1)
    return keras.losses.sparse_categorical_crossentropy(
        labels, logits, from_logits=True
    )


@serializable
class SmoothedCrossEntropy(keras.losses.Loss):
    """Cross-entropy to smoothed labels, from logits.

    (1 - ε) (-log p_y) + ε mean_k (-log p_k): the target is the label with
    probability 1 - ε, otherwise any class.

    Args:
        smoothing: ε.

    Example:

    ```python
    loss = mimo_keras.training.SmoothedCrossEntropy(0.1)
    model.compile("sgd", loss=loss)
    ```

    Reference:
        Szegedy et al., Rethinking the Inception architecture for computer
        vision, CVPR 2016, section 7.
    """

    def __init__(self, smoothing, name="smoothed_cross_entropy", **kwargs):
        super().__init__(name=name, **kwargs)
        if not 0 <= smoothing < 1:
            raise expected(
                "label smoothing in [0, 1)",
                f"{smoothing}",
                "It is the probability of replacing the label by any class.",
            )
        self.smoothing = smoothing

    def call(self, labels, logits):
        uniform = -ops.mean(ops.log_softmax(logits), axis=-1)
        own = cross_entropy(labels, logits)
        return (1 - self.smoothing) * own + self.smoothing * uniform

    def get_config(self):
        return {**super().get_config(), "smoothing": self.smoothing}


def squared_error(targets, means):
    """Returns the mean over the d outputs of (mean - target)², (N, E)."""
    return keras.losses.mean_squared_error(targets, means)


def gaussian_nll(targets, means, stds):
    """Returns -log N(target; mean, std²), elementwise, in nats."""
    scaled = ops.square((ops.cast(targets, means.dtype) - means) / stds)
    return 0.5 * (scaled + math.log(2 * math.pi)) + ops.log(stds)


def bernoulli_nll(targets, logits):
    """Returns -y log p - (1 - y) log(1 - p) of p = sigmoid(logit).

    Args:
        targets: y in [0, 1], (…).
        logits: (…), float32.
    """
    # log(1 + e^z) - y z, which is exact for large logits, too.
    return ops.softplus(logits) - targets * logits


def bernoulli_mixture_nll(targets, logits, log_weights):
    """Returns the NLL of p = Σ_e w_e sigmoid(logits_e), for each label.

    Args:
        targets: y in [0, 1], (B, K).
        logits: (B, E, K), float32.
        log_weights: E log mixture weights.

    Returns:
        (B, K), in nats, not clipped.
    """
    weights = ops.convert_to_tensor(log_weights, "float32")[:, None]
    one, zero = (
        ops.logsumexp(weights - ops.softplus(sign * logits), axis=1)
        for sign in (-1.0, 1.0)
    )
    return -targets * one - (1.0 - targets) * zero


def pinball(targets, quantiles, levels):
    """Returns the pinball loss, averaged over Q levels and d numbers.

    Args:
        targets: y, (…, 1, d).
        quantiles: x, (…, Q, d).
        levels: q, Q numbers.

    Returns:
        The mean of max(q (y - x), (q - 1) (y - x)), (…).
    """
    levels = ops.convert_to_tensor(levels, "float32")[:, None]
    gaps = ops.cast(targets, "float32") - quantiles
    each = ops.maximum(levels * gaps, (levels - 1.0) * gaps)
    return ops.mean(each, axis=(-2, -1))


def mixture_nll(labels, logits, log_weights):
    """Returns -log Σ_e w_e softmax(logits_e)[label], from logits.

    Args:
        labels: (B,) integers; or (B, K) probabilities, as of `cross_entropy`.
        logits: (B, E, K), float32.
        log_weights: E log mixture weights.

    Returns:
        (B,), in nats, not clipped.

    Reference:
        Havasi et al., ICLR 2021, section 2: the members' probabilities are
        averaged.
    """
    log_weights = ops.convert_to_tensor(log_weights, "float32")
    if len(labels.shape) == 2:
        terms = ops.log_softmax(logits) + log_weights[:, None]
        return -ops.sum(labels * ops.logsumexp(terms, axis=1), axis=-1)
    components = logits.shape[1]
    repeated = ops.repeat(ops.expand_dims(labels, 1), components, axis=1)
    log_likelihoods = -cross_entropy(repeated, logits)
    return -ops.logsumexp(log_likelihoods + log_weights, axis=1)


def mean_over_rows(member_losses, parts=1):
    """Returns the sum over members, averaged over rows: a scalar.

    Args:
        member_losses: (N, S·E).
        parts: What the sum is also divided by: S for the mean over samples,
            S·E for the mean over samples and members.
    """
    # A replica may get no row of a last batch: its mean is then 0, not NaN.
    rows = ops.maximum(ops.shape(member_losses)[0], 1)
    loss = ops.sum(member_losses) / parts
    return loss / ops.cast(rows, member_losses.dtype)


def penalized(loss, variables, l1, l2):
    """Returns the loss plus the L1 and L2 terms with nonzero coefficients.

    Args:
        loss: Scalar.
        variables: As `decayed_variables` lists them.
        l1: Coefficient of Σ |w|.
        l2: Coefficient of Σ w², not halved.
    """
    if l1:
        loss = loss + l1_penalty(variables, l1)
    if l2:
        loss = loss + l2_penalty(variables, l2)
    return loss


def l2_penalty(variables, coefficient):
    """Returns coefficient · Σ w², not halved, in float32."""
    return coefficient * sum(
        ops.sum(ops.square(ops.cast(variable, "float32")))
        for variable in variables
    )


def l1_penalty(variables, coefficient):
    """Returns coefficient · Σ |w|, in float32."""
    return coefficient * sum(
        ops.sum(ops.abs(ops.cast(variable, "float32")))
        for variable in variables
    )


def checked_scope(scope):
    """Returns an l2_scope; raises InputError if there is none of this name."""
    if scope not in L2_SCOPES:
        raise expected(
            'l2_scope "all" or "kernels"',
            f"l2_scope={scope!r}",
            closest(scope, L2_SCOPES, "Choose one."),
        )
    return scope


def checked_reduction(reduction):
    """Returns a member_reduction; raises InputError if there is none such."""
    if reduction not in MEMBER_REDUCTIONS:
        raise expected(
            'member_reduction "sum" or "mean"',
            f"member_reduction={reduction!r}",
            closest(reduction, MEMBER_REDUCTIONS, "Choose one."),
        )
    return reduction


def decayed_variables(network, scope):
    """Returns the trainable weights that the L1 and L2 terms count.

    Weights are selected by layer, never by name: in Keras 3 a variable's name
    is just "gamma" in every layer.

    Args:
        network: keras.Model.
        scope: "all" for every trainable weight, batch norm and bias included
            (the CIFAR recipes); "kernels" for the kernels of convolutions
            and dense layers and the heads' bias (the ImageNet recipes).

    Returns:
        A list of variables. A layer excludes weights by listing them in an
        attribute `undecayed_weights`.
    """
    checked_scope(scope)
    decayed = {}
    for layer in keras_internals.layers_within(network):
        kept = set()
        if isinstance(layer, KeepsFromDecay):
            kept = {id(v) for v in layer.undecayed_weights}
        for variable in keras_internals.own_trainable_variables(layer):
            wanted = scope == "all" or _is_kernel(layer, variable)
            if wanted and variable.trainable and id(variable) not in kept:
                decayed[id(variable)] = variable
    return list(decayed.values())


def _is_kernel(layer, variable):
    return len(variable.shape) >= 2 or isinstance(layer, DenseMultihead)
