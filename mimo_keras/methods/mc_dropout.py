"""Monte Carlo dropout: one network, sampled anew at each call."""

import keras

from mimo_keras import keras_internals
from mimo_keras.backbones import Kit
from mimo_keras.errors import expected
from mimo_keras.layers import MonteCarloDropout
from mimo_keras.methods.blueprint import Blueprint
from mimo_keras.methods.naive_multihead import heads
from mimo_keras.methods.registry import register


@register("mc_dropout")
def mc_dropout(task, *, dropout_rate=0.1, samples=10, everywhere=False):
    """A network with dropout that stays active in prediction.

    Training runs one sample on each row; prediction averages over S.

    Args:
        task: The `Task`; its ensemble_size must be 1.
        dropout_rate: Probability of zeroing a value. At 0 this is exactly the
            deterministic network.
        samples: S, the number of samples that a prediction averages over, at S
            times the cost of one. With a single one there is no disagreement
            to measure: the mutual information is 0.
        everywhere: Whether to apply dropout before every convolution and dense
            layer instead of where the backbone has it.

    Returns:
        The `Blueprint`; its network maps (N, …) to (N, 1, K).

    Reference:
        Gal and Ghahramani, ICML 2016; Havasi et al., ICLR 2021, appendix B
        (rate 0.1, S = 1); everywhere: Ferianc and Rodrigues, MIMMO, CVPR
        Workshops 2023, appendix B (rate 0.15, S = 10).
    """
    if task.ensemble_size != 1:
        raise expected(
            "ensemble_size=1 for method mc_dropout",
            f"ensemble_size={task.ensemble_size}",
            "Its members are samples of one network: set samples instead.",
        )

    backbone = task.backbone
    if everywhere and not (backbone.uses_kit or backbone.shares):
        raise expected(
            "a backbone by name for dropout everywhere",
            "everywhere=True and a callable that builds layers of its own",
            "Add mimo_keras.layers.MonteCarloDropout to it instead.",
        )

    def drop(name):
        return MonteCarloDropout(dropout_rate, task.seed_generator(), name=name)

    inputs = keras.Input(task.input_shape, name="images")
    kit = _everywhere(drop) if everywhere else Kit(drop=drop)
    features, _ = backbone.features(inputs, kit)
    drops = _drops(keras.Model(inputs, features))
    if everywhere or backbone.shares and not drops:
        features = drop(name="heads_drop")(features)
    elif not drops:
        raise expected(
            "a backbone with MonteCarloDropout for method mc_dropout",
            "a callable that builds none",
            "Use mimo_keras.layers.MonteCarloDropout in it, also in place of "
            "keras.layers.Dropout, which prediction turns off.",
        )
    network = keras.Model(inputs, heads(task)(features))
    return Blueprint(network, samples=samples)


def _drops(network):
    layers = keras_internals.layers_within(network)
    return any(isinstance(layer, MonteCarloDropout) for layer in layers)


def _everywhere(drop):
    """Returns a kit with dropout before each convolution and dense layer."""

    def dropping(constructor):
        def make(*args, name, **options):
            layer = constructor(*args, name=name, **options)
            return lambda x: layer(drop(name=f"{name}_drop")(x))

        return make

    plain = Kit()
    return Kit(
        conv=dropping(plain.conv), dense=dropping(plain.dense), before=drop
    )
