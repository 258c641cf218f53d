"""MIMMO: multi-input networks whose members predict at every depth."""

import keras

from mimo_keras.backbones import Kit
from mimo_keras.errors import expected
from mimo_keras.layers import arguments
from mimo_keras.layers.depth_posterior import checked_prior
from mimo_keras.methods import exits
from mimo_keras.methods.blueprint import Blueprint, KLTerm, Sampling
from mimo_keras.methods.member_inputs import concatenated_features
from mimo_keras.methods.naive_multihead import heads
from mimo_keras.methods.registry import register


@register("mimmo")
def mimmo(
    task,
    *,
    train_examples=None,
    batch_repetitions=1,
    input_repetition_probability=0.0,
    shuffle_group=0,
    learn_depth=True,
    depth_warmup_epochs=5,
    alpha=1.0,
    depth_prior=None,
    depth_divergence="reverse",
):
    """MIMO with an exit after each stage and a posterior over depths.

    Args:
        task: The `Task`.
        train_examples: N in the KL term's factor, alpha / N, the number of
            training images; None for that which `fit` finds in its data.
        batch_repetitions: R, as for `mimo`, like the next two.
        input_repetition_probability: ρ.
        shuffle_group: g.
        learn_depth: Whether θ is learned; if not, it is the prior ("MIMMO γ").
        depth_warmup_epochs: Epochs in which θ is held at the prior.
        alpha: Weight of the KL term.
        depth_prior: D probabilities; None for a uniform prior.
        depth_divergence: "reverse" for KL(θ ‖ γ), "forward" for KL(γ ‖ θ).

    Returns:
        The `Blueprint`; its network maps (N, M, …, C) to (N, D · M, K).

    Reference:
        Ferianc and Rodrigues, MIMMO, CVPR Workshops 2023, supplement.
    """
    alpha = arguments.number("alpha", alpha, 0)
    warmup = arguments.whole("depth_warmup_epochs", depth_warmup_epochs, 0)
    directions = ("reverse", "forward")
    arguments.choice("depth_divergence", depth_divergence, directions)
    # Where θ is the prior, there is no divergence to wait for N with.
    kl_term = KLTerm.per_image(alpha if learn_depth else 0.0, train_examples)
    sampling = batch_repetitions, input_repetition_probability, shuffle_group
    members = task.ensemble_size
    inputs = keras.Input((members, *task.input_shape), name="member_images")
    features = concatenated_features(
        task.backbone, inputs, lambda x: exits.exit_features(task, x, Kit())
    )
    outputs = exits.shared_heads(features, heads(task))
    weights = exits.posterior(
        task,
        len(features),
        features[-1],
        learn=learn_depth,
        warmup_epochs=warmup,
        prior=checked_prior("depth_prior", depth_prior, len(features)),
        divergence=depth_divergence,
    )
    return Blueprint(
        keras.Model(inputs, [outputs, weights]),
        Sampling(members, *sampling),
        kl_term=kl_term,
    )


@register("dun")
def dun(
    task,
    *,
    train_examples=None,
    learn_depth=True,
    depth_warmup_epochs=5,
    alpha=1.0,
    depth_prior=None,
    depth_divergence="reverse",
):
    """One network with a posterior over depths: MIMMO with one member.

    Args:
        task: The `Task`, of one member.
        train_examples: N in the KL term's factor; None for that which `fit`
            finds in its data.
        learn_depth: Whether the posterior over depths is learned.
        depth_warmup_epochs: Epochs in which it is held at the prior.
        alpha: Weight of the KL term.
        depth_prior: Prior over the depths; None for the uniform one.
        depth_divergence: "reverse" or "forward", as for `mimmo`.

    Returns:
        The `Blueprint`; its network maps (N, …, C) to (N, D, K).

    Reference:
        Antorán et al., Depth uncertainty in neural networks, NeurIPS 2020;
        Ferianc and Rodrigues, MIMMO, CVPR Workshops 2023, supplement.
    """
    if task.ensemble_size != 1:
        raise expected(
            "ensemble_size=1 for method dun",
            f"ensemble_size={task.ensemble_size}",
            "Use mimmo for several members.",
        )
    return mimmo(
        task,
        train_examples=train_examples,
        learn_depth=learn_depth,
        depth_warmup_epochs=depth_warmup_epochs,
        alpha=alpha,
        depth_prior=depth_prior,
        depth_divergence=depth_divergence,
    )
