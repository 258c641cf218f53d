"""Every method against its equations in NumPy, with two and three members.

The outputs of all members, the mixture that the predictor returns, and the loss
of a training step with weighted images and an L2 term. Each member sees the
rows that were drawn; mixing ratios are equal, and nothing else is random.
"""

import numpy as np
import pytest

from mimo_keras import methods
from tests.methods import small
from tests.methods.tables import EVEN
from tests.training import twins

# JAX computes the same layers; it would compile each operation anew.
pytestmark = pytest.mark.tensorflow

CLASSES, ROWS, L2, EXAMPLES = 4, 5, 0.01, 20
IMAGES = (8, 8, 1)
OPTIONS = {
    "batch_ensemble": {"random_sign_init": 0.5},
    "mc_dropout": {"dropout_rate": 0.0},
    "mixmo": EVEN,
    "mixshare": {**EVEN, "unmix": "none"},
    "mixture_ensemble": {"bank_single_layers": True, "num_params": 2.0},
    "mimmo": {"depth_warmup_epochs": 0, "train_examples": EXAMPLES},
    "dun": {"depth_warmup_epochs": 0, "train_examples": EXAMPLES},
    # Posteriors of no width: their KL term is in rank1_bnn_test.py.
    "rank1_bnn": {"kl_weight": 0.0, "train_examples": EXAMPLES},
}
# Methods of one network: what they average over is its passes or exits.
ONE = {"deterministic", "mc_dropout", "early_exit", "dun"}


def create(method, members):
    on_maps = method in ("early_exit", "mimmo", "dun")
    options = {**OPTIONS.get(method, {})}
    if method == "mc_dropout":
        options["samples"] = members
    model = small.create(
        method,
        "small_cnn" if on_maps else "mlp_4_5",
        1 if method in ONE else members,
        shape=IMAGES if on_maps else (3,),
        **options,
    )
    small.scatter_trainable(model.training_network)
    if method == "rank1_bnn":
        for weight in model.network.weights:
            if weight.path.endswith("stddev"):
                weight.assign(weight * 0 - 50.0)
    return model


class Weights:
    """A network's weights by layer, in float64."""

    def __init__(self, network):
        self._network = network

    def __call__(self, layer):
        values = self._network.get_layer(layer).get_weights()
        return [np.asarray(value, np.float64) for value in values]


def relu(x):
    return np.maximum(x, 0)


def affine(x, kernel, bias):
    return x @ kernel + bias


def perceptron(x, dense0, dense1, head):
    return affine(relu(affine(relu(affine(x, *dense0)), *dense1)), *head)


def trunk(x, w):
    """The second layer's features, of what the first one computes."""
    return relu(affine(relu(x), *w("dense1")))


def headed(features, w):
    outputs = affine(features, *w("heads"))
    return outputs.reshape(len(features), -1, CLASSES)


def stacked(members):
    return np.stack([*members], axis=1)


# Each takes what the M members see, (N, M, …), and the weights by layer.
def plain(seen, w):
    return headed(trunk(affine(seen[:, 0], *w("dense0")), w), w)


def mimo(seen, w):
    joint = np.concatenate([*np.moveaxis(seen, 1, 0)], axis=-1)
    return headed(trunk(affine(joint, *w("dense0")), w), w)


def mixmo(seen, w):
    encoded = np.einsum("nmf,mfu->nmu", seen, w("dense0")[0])
    return headed(trunk((encoded + w("dense0")[1]).sum(axis=1), w), w)


def datamux(seen, w):
    [key], [first, a, second, b] = w("multiplex"), w("demultiplex")
    x = trunk(affine((key * seen).mean(axis=1), *w("dense0")), w)
    own = relu(np.einsum("nf,mfh->nmh", x, first) + a)
    own = np.einsum("nmh,mhu->nmu", own, second) + b
    return affine(own, *w("head"))


def deep_ensemble(seen, w):
    return stacked(
        perceptron(seen[:, m], (k0, b0), (k1, b1), (k2, b2))
        for m in range(seen.shape[1])
        for k0, b0, k1, b1, k2, b2 in [w(f"member{m}")]
    )


def treenet(seen, w):
    x = relu(affine(seen[:, 0], *w("dense0")))
    return stacked(
        affine(relu(affine(x, k1, b1)), k2, b2)
        for m in range(seen.shape[1])
        for k1, b1, k2, b2 in [w(f"member{m}")]
    )


def rank_one(seen, w, parts):
    def layer(x, name, m):
        kernel, alpha, gamma, bias = parts(w(name))
        return (x * alpha[m]) @ kernel * gamma[m] + bias[m]

    def member(x, m):
        for name in ("dense0", "dense1"):
            x = relu(layer(x, name, m))
        return layer(x, "heads", m)

    return stacked(member(seen[:, m], m) for m in range(seen.shape[1]))


def batch_ensemble(seen, w):
    return rank_one(seen, w, lambda v: v)


def rank1_bnn(seen, w):
    # Kernel, bias, then mean and deviation of each factor.
    return rank_one(seen, w, lambda v: (v[0], v[2], v[4], v[1]))


def mixture_ensemble(seen, w):
    def layer(x, name, m, shape):
        coefficients, bias = w(name)
        templates = w("bank_dense_" + "x".join(map(str, shape)))[0]
        templates = templates.reshape(-1)[
            : coefficients.shape[1] * shape[0] * shape[1]
        ]
        templates = templates.reshape(-1, shape[0] * shape[1])
        return affine(x, (coefficients[m] @ templates).reshape(shape), bias)

    def member(x, m):
        x = relu(layer(x, "dense0", m, (3, 4)))
        x = relu(layer(x, "dense1", m, (4, 5)))
        return layer(x, "heads", m, (5, CLASSES))

    return stacked(member(seen[:, m], m) for m in range(seen.shape[1]))


def conv(x, kernel, bias):
    """A convolution of odd size with zero padding, (N, h, w, C)."""
    edge = kernel.shape[0] // 2
    padded = np.pad(x, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(
        padded, kernel.shape[:2], axis=(1, 2)
    )
    return np.einsum("nhwcij,ijcf->nhwf", windows, kernel) + bias


def pooled(x):
    n, h, w, channels = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2, channels).max(axis=(2, 4))


def stages(x, w):
    """The map after the stages but the last, and the features."""
    for index in range(2):
        x = pooled(relu(conv(x, *w(f"conv{index}"))))
    return x, pooled(relu(conv(x, *w("conv2")))).reshape(len(x), -1)


def early_exit(seen, w):
    early, features = stages(seen[:, 0], w)
    hidden = relu(affine(early.mean(axis=(1, 2)), *w("exit0_hidden")))
    return stacked(
        [affine(hidden, *w("exit0_head")), affine(features, *w("head"))]
    )


def mimmo(seen, w, training):
    joint = np.concatenate([*np.moveaxis(seen, 1, 0)], axis=-1)
    early, features = stages(joint, w)
    x = conv(early, *w("exit0_conv"))
    gamma, beta, mean, variance = w("exit0_norm")
    if training:
        mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    x = relu((x - mean) / np.sqrt(variance + 1e-5) * gamma + beta)
    outputs = [headed(y, w) for y in (x.mean(axis=(1, 2)), features)]
    return np.concatenate(outputs, axis=1)


FORWARD = {
    "deterministic": plain,
    "mc_dropout": plain,
    "naive_multihead": plain,
    "mimo": mimo,
    "mixmo": mixmo,
    "mixshare": mixmo,
    "datamux": datamux,
    "deep_ensemble": deep_ensemble,
    "treenet": treenet,
    "batch_ensemble": batch_ensemble,
    "rank1_bnn": rank1_bnn,
    "mixture_ensemble": mixture_ensemble,
    "early_exit": early_exit,
}


def outputs_of(method, seen, w, training=False):
    if method in ("mimmo", "dun"):
        return mimmo(seen, w, training)
    return FORWARD[method](seen, w)


def theta(method, w):
    """MIMMO's posterior over depths, (M, D); None of other methods."""
    if method not in ("mimmo", "dun"):
        return None
    return twins.softmax(w("depth_posterior")[0])


def wanted_loss(model, method, rows, logits, targets, weights, w):
    losses = twins.cross_entropy(targets[rows], logits) * weights[rows]
    posterior, rest = theta(method, w), 0.0
    if posterior is not None:
        losses = losses * posterior.T.reshape(-1)
        depths = posterior.shape[1]
        # KL(θ ‖ uniform) / N.
        rest = np.sum(posterior * np.log(posterior * depths)) / EXAMPLES
    each = losses.sum(axis=1)
    if method in ("batch_ensemble", "rank1_bnn"):
        each = each / losses.shape[1]
    return each.mean() + rest + L2 * sum_of_squares(model)


def sum_of_squares(model):
    """Of all weights but posteriors, which have KL terms instead."""
    left_out = {
        id(weight)
        for layer in model.training_network.layers
        for weight in getattr(layer, "undecayed_weights", ())
    }
    return sum(
        np.sum(np.square(small.numpy(weight).astype("float64")))
        for weight in model.trainable_weights
        if id(weight) not in left_out
        and not weight.path.endswith(("/mean", "/stddev"))
    )


CASES = [
    (method, members)
    for method in methods.list_methods()
    for members in (2, 3)
    # Its exits do not depend on the number of members.
    if members == 2 or method not in ONE or method == "mc_dropout"
]


@pytest.mark.parametrize(("method", "members"), CASES)
def test_a_method_is_its_equations(method, members):
    model = create(method, members)
    w = Weights(model.training_network)
    rng = np.random.default_rng(members)
    images = rng.random((ROWS, *model.image_shape), "float32")
    targets = rng.integers(0, CLASSES, ROWS)
    weights = rng.random(ROWS).astype("float32") + 0.5
    inputs = 1 if method in ONE else members

    same = np.repeat(images[:, np.newaxis].astype("float64"), inputs, axis=1)
    logits = outputs_of(method, same, w)
    if method == "mc_dropout":
        logits = np.repeat(logits, members, axis=1)
    np.testing.assert_allclose(model(images), logits, atol=1e-5)
    share = np.full(logits.shape[1], 1 / logits.shape[1])
    if (posterior := theta(method, w)) is not None:
        share = posterior.T.reshape(-1) / inputs
    mixture = np.einsum("e,bek->bk", share, twins.softmax(logits))
    found = model.predictor()(images)["probabilities"]
    np.testing.assert_allclose(found, mixture, atol=1e-5)

    model.compile("sgd", l2=L2)
    outputs = model(images, training=True)
    loss = model.compute_loss(images, targets, outputs, weights)
    rows = small.numpy(outputs["rows"])
    if inputs > 1 and model.sampling.members:
        assert (rows[:, 0] != rows[:, 1]).any()
    seen = images.astype("float64")[rows[:, :inputs]]
    logits = outputs_of(method, seen, w, training=True)
    np.testing.assert_allclose(outputs["logits"], logits, atol=1e-5)
    given = (rows, logits, targets, weights, w)
    wanted = wanted_loss(model, method, *given)
    np.testing.assert_allclose(loss, wanted, rtol=1e-5)
