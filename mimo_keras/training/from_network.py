"""An ensemble that starts where a trained network stands."""

from mimo_keras import methods
from mimo_keras.errors import argument, closest, expected, warn
from mimo_keras.layers.arguments import is_number
from mimo_keras.training.create import create_model
from mimo_keras.training.model import EnsembleModel
from mimo_keras.training.saved_state import freeze_parts

# How each method's network is built around the trained trunk.
_METHODS = {
    "batch_ensemble",
    "deep_ensemble",
    "deterministic",
    "dun",
    "early_exit",
    "mc_dropout",
    "mimmo",
    "mimo",
    "mixmo",
    "mixshare",
    "mixture_ensemble",
    "naive_multihead",
    "rank1_bnn",
    "treenet",
}

# Those with exits, whose new layers read maps.
_EXITS = {"dun", "early_exit", "mimmo"}
# Those that replace layers of the trunk, or read maps of it.
_CONVERTING = {"batch_ensemble", "mimo", "mixmo", "mixshare", "rank1_bnn"}
_CONVERTING |= {"mixture_ensemble", *_EXITS}
# Rounding of what is composed in float32, and more.
_EXACT = 1e-5


def from_network(
    network,
    method,
    *,
    ensemble_size=1,
    num_classes=None,
    output_dim=None,
    noise=0.0,
    seed=None,
    freeze=None,
    **options,
):
    """Creates an ensemble that starts where a trained network stands.

    Without noise every member, and the folded predictor, predict what the
    network does; some, such as 0.1, lets members part that are trained alike.
    The network is not changed. docs/fine_tuning.md says what each method does.

    Args:
        network: Built functional keras.Model or Sequential, with its head (the
            last Dense, with softmax, sigmoid or neither) or only up to its
            features; or an `EnsembleModel` of one member. Heads are copies of
            its head if that has as many outputs as they need, else new.
        method: Its name: any but datamux.
        ensemble_size: M, the number of members.
        num_classes: K; None for regression, or for that of its softmax.
        output_dim: d, the number of outputs of a regression.
        noise: See `methods.warm_start`.
        seed: Integer seed of the noise, the training rows and dropout.
        freeze: "trunk" to train only what is the members' own, as
            `methods.freeze_trunk` says; None for all that the network trains.
        **options: Those of the method and of `create_model`, of which
            input_scale is None unless given: images as the network takes them;
            treenet's split and exits (early_exit, dun, mimmo) name layers.

    Returns:
        `EnsembleModel`, not compiled.

    Raises:
        InputError: The network, or one of its layers, cannot be converted, or
            what it predicts is not what the likelihood does.

    Example:

    ```python
    model = mimo_keras.from_network(
        network, "batch_ensemble", ensemble_size=4, num_classes=10, noise=0.1)
    ```
    """
    _check(method, noise, freeze)
    network, facts = _plain(network)
    trained = methods.trained.read(network)
    facts |= {"num_classes": num_classes, "output_dim": output_dim}
    facts |= {"ensemble_size": ensemble_size, "seed": seed}
    model = _created(trained, method, noise, facts, options)
    _report(
        methods.warm_start(model.network, trained, ensemble_size, noise, seed)
    )
    if freeze:
        methods.freeze_trunk(model.network, trained)
    return model


def _report(missing):
    """Warns if a budget is too small to start where the network stands."""
    if missing > _EXACT:
        error = expected(
            "num_params with which all kernels can be composed exactly",
            f"kernels that are off by {missing:.1%} of their norm",
            f"Raise {argument('num_params')}, or train until they fit again.",
        )
        warn(str(error))


def _created(trained, method, noise, facts, options):
    """Returns the method's model, with some weights still new."""
    _check_axes(trained, method)
    if not facts["output_dim"]:
        named = "likelihood" in options
        facts["num_classes"] = _classes(facts["num_classes"], trained, named)
    backbone, chosen = _backbone(trained, method, options, noise)
    shape, facts = trained.input_shape, facts | chosen
    model = create_model(method, backbone=backbone, input_shape=shape, **facts)
    _check_head(trained, model.likelihood)
    freeze_parts(model.network)
    return model


def _check_head(trained, likelihood):
    """Answers a network whose predictions the model's are not."""
    outputs = likelihood.outputs
    if trained.head is None and trained.trunk.output.shape[-1] == outputs:
        error = expected(
            "a network that ends with a Dense layer, the head, or before it",
            f"one that ends with {trained.trunk.layers[-1].name}, whose "
            f"{outputs} outputs are taken for features of new heads",
            "If they are its predictions, end it with a Dense layer.",
        )
        warn(str(error))
    kept = trained.kept_activation(outputs)
    if kept not in (None, *likelihood.activations):
        raise expected(
            f"a head with {' or '.join(likelihood.activations)} outputs for "
            f"likelihood={likelihood}",
            f"one with {kept}",
            'Pass its likelihood, such as "multilabel", or the network up to '
            "its features, for new heads.",
        )


def _check(method, noise, freeze):
    if method not in _METHODS:
        raise expected(
            "a method among " + ", ".join(sorted(_METHODS)),
            f"method={method!r}",
            "The keys of datamux change the images that a network was trained "
            "on: use create_model."
            if method == "datamux"
            else closest(method, sorted(_METHODS)),
        )
    if not is_number(noise) or not 0 <= noise < float("inf"):
        raise expected(
            "noise of at least 0",
            f"noise={noise!r}",
            "Use 0.1 to let members differ by about a tenth.",
        )
    if freeze not in (None, "trunk"):
        raise expected(
            'freeze="trunk" or None',
            f"freeze={freeze!r}",
            "For other parts, set layer.trainable of model.network's layers.",
        )


def _check_axes(trained, method):
    """Raises InputError if a layer to convert has its channels first."""
    for layer in trained.trunk.layers if method in _CONVERTING else ():
        if getattr(layer, "data_format", None) == "channels_first":
            raise expected(
                f"channels_last layers for method {method}",
                f"layer {layer.name} with data_format='channels_first'",
                "Rebuild the network with channels_last and copy its weights, "
                "or use a method that copies layers, such as deep_ensemble.",
            )


def _plain(network):
    """Returns the functional network, and how it wants its images."""
    if not isinstance(network, EnsembleModel):
        return network, {"input_scale": None}
    single = not network.sampling.members and len(network.log_weights) == 1
    if not single:
        raise expected(
            "a model of one member, as method deterministic makes them",
            f"network={network.name}, of {len(network.log_weights)}",
            "Pass one of its members: model.member(0).",
        )
    standardize = network.standardize
    return network.network, {
        "mean": standardize.mean,
        "std": standardize.std,
        "input_scale": standardize.input_scale,
    }


def _classes(num_classes, trained, named):
    """Returns the number of classes; by default that of a softmax.

    None if the likelihood is named, which knows what it needs.
    """
    if not num_classes and trained.activation == "softmax":
        return trained.head.get_weights()[0].shape[-1]
    if not num_classes and not named:
        raise expected(
            "num_classes, or output_dim for a regression",
            "neither, and a network without softmax",
            "Pass one of them.",
        )
    return num_classes


def _backbone(trained, method, options, noise):
    """Returns the trunk as the method takes it, and the method's options."""
    options = dict(options)
    if options.get("grouping") == "single" and method == "mixture_ensemble":
        raise expected(
            "grouping='by_shape' for the kernels of a trained network",
            "grouping='single'",
            "Lower num_params instead.",
        )
    if method in ("mixmo", "mixshare"):
        return trained.encoded(), options
    if method in _EXITS:
        exits = options.pop("exits", None) or _middle(trained)
        exits = [exits] if isinstance(exits, str) else [*exits]
        return trained.backbone(exits), options
    if method == "treenet":
        split = options.get("split")
        if split in ("input", "head"):
            return trained.backbone(), options
        if split is None or str(split).isdecimal():
            return trained.backbone(_middle(trained)), options
        return trained.backbone([split]), options | {"split": 1}
    if "ensemble_batch_norm" in methods.options(method):
        options.setdefault("ensemble_batch_norm", True)
    if method == "rank1_bnn":
        # p of posteriors as wide as the noise, or next to nothing.
        variance = max(noise**2, 1e-14)
        options.setdefault("dropout_rate", variance / (1 + variance))
    return trained.backbone(), options


def _middle(trained):
    """Returns the layers that end a resolution, or else the middle one."""
    places = [*trained.cuts()]
    if not places:
        raise expected(
            "a network with a layer through which all of it passes",
            "one without, between its input and its features",
            "Use treenet with split='input' or 'head', or another method.",
        )
    return trained.resolutions() or [places[len(places) // 2]]
