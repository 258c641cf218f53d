"""Rank-1 Bayesian networks: BatchEnsemble with fast-weight posteriors."""

import keras

from mimo_keras.errors import expected
from mimo_keras.layers import arguments
from mimo_keras.layers.rank1_layers import normal_posterior
from mimo_keras.methods.batch_ensemble import folded_members, sign_initializer
from mimo_keras.methods.blueprint import Blueprint, KLTerm
from mimo_keras.methods.registry import register

# edward2 has no depthwise one.
_KINDS = {
    keras.layers.Conv1D: "Conv1DRank1",
    keras.layers.Conv2D: "Conv2DRank1",
    keras.layers.Dense: "DenseRank1",
}


@register("rank1_bnn")
def rank1_bnn(
    task,
    *,
    train_examples=None,
    kl_annealing_epochs=200.0,
    kl_weight=1.0,
    ensemble_batch_norm=False,
    random_sign_init=0.5,
    dropout_rate=1e-3,
    prior_mean=1.0,
    prior_stddev=0.1,
    samples=1,
    member_reduction="mean",
):
    """A mixture of M normal posteriors over the rank-1 factors.

    The loss is Σ_m CE_m / M + s · kl_weight · Σ_m KL_m / N_train, where s grows
    linearly from 0 to 1 over the first epochs, as in Uncertainty-Baselines. For
    M independent posteriors, member_reduction="sum" gives their bounds' sum.

    Args:
        task: The `Task`.
        train_examples: N_train, the number of training images; None for that
            which `fit` finds in its data.
        kl_annealing_epochs: Epochs over which the KL term grows.
        kl_weight: Factor of the KL term.
        ensemble_batch_norm: Whether each member has its own batch norms.
        random_sign_init: Initialization of the posteriors' means; see
            `batch_ensemble`.
        dropout_rate: p, which sets the posteriors' initial standard deviations,
            √(p / (1 - p)): the noise of Gaussian dropout.
        prior_mean: Mean of the normal prior.
        prior_stddev: Standard deviation of the normal prior.
        samples: S, the number of samples that a prediction averages over.
        member_reduction: "mean" of the members' losses, or "sum".

    Returns:
        The `Blueprint`; its network maps (N, …) to (N, M, K).

    Reference:
        Dusenberry et al., Efficient and scalable Bayesian neural nets with
        rank-1 factors, ICML 2020; the defaults are those of
        Uncertainty-Baselines on CIFAR.
    """
    _check(kl_annealing_epochs, kl_weight, dropout_rate, prior_stddev)
    kl_term = KLTerm.per_image(kl_weight, train_examples, kl_annealing_epochs)

    def options():
        return {
            "seed": task.seed_generator(),
            "add_kl_loss": False,
            "alpha_initializer": _posterior(random_sign_init, dropout_rate),
            "gamma_initializer": _posterior(random_sign_init, dropout_rate),
            "alpha_regularizer": _kl(prior_mean, prior_stddev),
            "gamma_regularizer": _kl(prior_mean, prior_stddev),
        }

    network = folded_members(task, _KINDS, options, ensemble_batch_norm, _fits)
    loss = {"kl_term": kl_term, "member_reduction": member_reduction}
    return Blueprint(network, samples=samples, **loss)


def _fits(layer):
    """Whether a layer reads one vector, or a map, of each example."""
    return type(layer) is not keras.layers.Dense or len(layer.input.shape) == 2


def _check(kl_annealing_epochs, kl_weight, dropout_rate, prior_stddev):
    arguments.number("kl_weight", kl_weight, 0)
    if not prior_stddev > 0:
        raise expected(
            "a prior_stddev above 0",
            f"prior_stddev={prior_stddev}",
            "The KL divergence from the prior would not be finite.",
        )
    if kl_annealing_epochs < 0:
        raise expected(
            "kl_annealing_epochs of at least 0",
            f"kl_annealing_epochs={kl_annealing_epochs}",
            "Use 0 for the full KL term from the start.",
        )
    if not 0 < dropout_rate < 1:
        raise expected(
            "a dropout rate in (0, 1)",
            f"dropout_rate={dropout_rate}",
            "It sets the posteriors' initial width.",
        )


def _posterior(random_sign_init, dropout_rate):
    return normal_posterior(sign_initializer(random_sign_init), dropout_rate)


# In the form that edward2's layers accept, to avoid importing it here.
def _kl(mean, stddev):
    config = {"mean": mean, "stddev": stddev}
    return {"class_name": "NormalKLDivergence", "config": config}
