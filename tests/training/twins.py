"""NumPy twins of the loss, and of MIMO on a linear network, in float64."""

import numpy as np


def log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def softmax(logits):
    return np.exp(log_softmax(logits))


def cross_entropy(labels, logits):
    """-log softmax(logits)[label], of labels (…,) and logits (…, K)."""
    picked = np.take_along_axis(
        log_softmax(np.asarray(logits, np.float64)),
        np.asarray(labels)[..., None],
        axis=-1,
    )
    return -picked[..., 0]


def tiled_cross_entropy(labels, logits):
    """As in Uncertainty-Baselines, whose batch is M times the B images.

    The mean over these M·B rows, of labels (B,) and logits (B, M, K).
    """
    members = logits.shape[1]
    rows = np.moveaxis(logits, 1, 0).reshape(-1, logits.shape[-1])
    return cross_entropy(np.tile(labels, members), rows).mean()


def mixture_nll(labels, logits, weights):
    """-log Σ_e w_e softmax(logits_e)[label], relative to the largest term."""
    members = np.repeat(np.asarray(labels)[:, None], logits.shape[1], axis=1)
    terms = np.log(weights) - cross_entropy(members, logits)
    largest = terms.max(axis=1)
    return -largest - np.log(np.exp(terms - largest[:, None]).sum(axis=1))


def member_inputs(images, rows):
    """The inputs of a linear MIMO network: (N, H·W·M·C) from rows (N, M)."""
    seen = np.moveaxis(np.asarray(images, np.float64)[rows], 1, -2)
    return seen.reshape(len(rows), -1)


def linear_logits(inputs, kernel, bias, members):
    """The heads' outputs (N, M, K)."""
    outputs = inputs @ np.asarray(kernel, np.float64) + bias
    return outputs.reshape(len(inputs), members, -1)


def linear_gradients(inputs, logits, targets, weights):
    """Gradients of mean_n Σ_m w_nm · CE_nm w.r.t. kernel and bias."""
    one_hot = np.eye(logits.shape[-1])[targets]
    errors = (softmax(logits) - one_hot) * weights[..., None] / len(inputs)
    errors = errors.reshape(len(inputs), -1)
    return inputs.T @ errors, errors.sum(axis=0)
