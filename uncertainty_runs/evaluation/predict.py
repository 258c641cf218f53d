"""Runs trained models as one function of images, on all devices."""

import dataclasses
import hashlib
import math
from collections.abc import Callable

import numpy as np

from mimo_keras import analysis, evaluation
from mimo_keras.training.distribute import seeds


@dataclasses.dataclass(frozen=True)
class PreparedNetwork:
    """The network to evaluate: one model, or several as one ensemble.

    Attributes:
        logits: Function from images (b, …) to member logits (b, E, K), NumPy
            to NumPy.
        log_weights: E log mixture weights.
        num_classes: K.
        costs: Name of a cost -> value.
        kept: Share of the weights that are not nearly zero.
        sharing: How far members share features; see `sharing`.
        fingerprint: Text that identifies the weights.
        begin: Function from a set's name, to be called before its first batch:
            what a network draws depends on its seed, the set and the batch.
    """

    logits: Callable
    log_weights: tuple[float, ...]
    num_classes: int
    costs: dict
    kept: float
    sharing: dict
    fingerprint: str
    begin: Callable = lambda name: None


def prepared(strategy, models, batch_size, moves=False):
    """Builds the predictors of models and a function that runs them.

    Args:
        strategy: The tf.distribute strategy that evaluates.
        models: `EnsembleModel`, or a list of them, whose predictions are
            averaged: their members form one ensemble.
        batch_size: As in `logits_function`.
        moves: Whether the models were created under another strategy.

    Returns:
        The `PreparedNetwork`.
    """
    models = models if isinstance(models, list) else [models]
    networks = [_one(strategy, model, batch_size, moves) for model in models]
    if len(networks) == 1:
        return networks[0]

    def logits(images):
        return np.concatenate([n.logits(images) for n in networks], axis=1)

    share = math.log(len(networks))
    return PreparedNetwork(
        logits,
        tuple(w - share for n in networks for w in n.log_weights),
        networks[0].num_classes,
        {k: sum(n.costs[k] for n in networks) for k in networks[0].costs},
        float(np.mean([n.kept for n in networks])),
        {},
        fingerprint(models),
        lambda name: [n.begin(name) for n in networks],
    )


def _one(strategy, model, batch_size, moves):
    if moves:
        predictor = _moved(model.predictor(), strategy)
    else:
        with strategy.scope():
            predictor = model.predictor()
    return PreparedNetwork(
        logits_function(strategy, predictor, batch_size),
        tuple(predictor.log_weights),
        predictor.network.output_shape[-1],
        # Parameters as trained: the predictor's are sums or mixtures of them.
        {
            "params": evaluation.trainable_parameters(model),
            "multiply_adds": evaluation.multiply_adds(predictor.network),
            "flops": evaluation.flops(predictor.network),
        },
        analysis.kept_weights(model.network),
        sharing(model.network),
        fingerprint(model),
        seeds.beginning(predictor),
    )


def as_number(text):
    """Returns a fingerprint as a number, which results.json is full of."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)


def fingerprint(models):
    """Returns a text that identifies the weights of models, as trained.

    Args:
        models: `EnsembleModel`, or a list of them.
    """
    digest = hashlib.sha256()
    for model in models if isinstance(models, list) else [models]:
        for weight in model.network.get_weights():
            if weight.dtype.kind not in "iu":  # Seeds and counts of steps.
                digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def sharing(network):
    """Returns MixShare's sharing rates and MIMMO's feature overlaps."""
    overlaps = analysis.feature_overlaps(network)
    return analysis.sharing_rates(network) | {
        f"{part}_overlap": value for part, value in overlaps.items()
    }


def _moved(predictor, strategy):
    """Copies a predictor to a strategy that cannot read its variables."""
    weights = predictor.get_weights()
    with strategy.scope():
        copy = type(predictor).from_config(predictor.get_config())
        copy.set_weights(weights)
    return copy


def logits_function(strategy, predictor, batch_size):
    """Returns images (b, …) -> member logits (b, E, K), NumPy to NumPy.

    Each device gets an equal share of every batch. Batches are padded to one
    size, so that the function is traced once.

    Args:
        strategy: The tf.distribute strategy in whose scope the predictor was
            created.
        predictor: `mimo_keras.Predictor`.
        batch_size: Rows per call; a multiple of the number of devices.

    Returns:
        The function.
    """
    import tensorflow as tf

    replicas = strategy.num_replicas_in_sync

    @tf.function(autograph=False)
    def step(images):
        return strategy.run(predictor.member_logits, args=(images,))

    def whole(images):
        shares = np.split(images, replicas)
        if replicas == 1:
            return step(tf.constant(images)).numpy()
        values = strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(
                shares[context.replica_id_in_sync_group]
            )
        )
        parts = strategy.experimental_local_results(step(values))
        return np.concatenate([part.numpy() for part in parts])

    return evaluation.padded(whole, batch_size)
