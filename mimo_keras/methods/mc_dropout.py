"""Monte Carlo dropout: one network, another sample of it at each call."""

import keras

from mimo_keras.backbones import Kit
from mimo_keras.errors import expected
from mimo_keras.layers import MonteCarloDropout
from mimo_keras.methods.blueprint import Blueprint
from mimo_keras.methods.naive_multihead import heads
from mimo_keras.methods.registry import register


@register("mc_dropout")
def mc_dropout(task, *, dropout_rate=0.1, samples=1):
    """A network with dropout that stays active in prediction.

    Training runs one sample of it on each row, prediction averages over S.

    Args:
        task: The `Task`; its ensemble_size must be 1.
        dropout_rate: Probability of zeroing a value. At 0 this is the
            deterministic network, exactly.
        samples: S, the samples that a prediction averages over.

    Returns:
        The `Blueprint`; its network maps (N, …) to (N, 1, K).

    Reference:
        Gal and Ghahramani, ICML 2016; Havasi et al., ICLR 2021, appendix B
        (rate 0.1, S = 1).
    """
    if task.ensemble_size != 1:
        raise expected(
            "ensemble_size=1 for method mc_dropout",
            f"ensemble_size={task.ensemble_size}",
            "Its members are samples of one network: set samples instead.",
        )

    def drop(name):
        return MonteCarloDropout(dropout_rate, task.seed_generator(), name=name)

    inputs = keras.Input(task.input_shape, name="images")
    features, _ = task.backbone.features(inputs, Kit(drop=drop))
    network = keras.Model(inputs, heads(task)(features))
    layers = network._flatten_layers(include_self=False)
    if not any(isinstance(layer, MonteCarloDropout) for layer in layers):
        raise expected(
            "a backbone with dropout for method mc_dropout",
            "a callable that builds none",
            "Put mimo_keras.layers.MonteCarloDropout into it.",
        )
    return Blueprint(network, samples=samples)
