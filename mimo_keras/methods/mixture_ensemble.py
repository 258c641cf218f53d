"""MixtureEnsembles: members whose kernels are mixtures of shared templates."""

import dataclasses

import keras

from mimo_keras import layers
from mimo_keras.backbones import Kit
from mimo_keras.errors import expected
from mimo_keras.methods.blueprint import Blueprint
from mimo_keras.methods.member_layers import MemberLayers
from mimo_keras.methods.plain_layers import composes, layers_of, plain_layers
from mimo_keras.methods.registry import register
from mimo_keras.methods.template_plan import BankOptions, make_plan


@register("mixture_ensemble")
def mixture_ensemble(
    task,
    *,
    num_params=1.0,
    templates_per_layer=5,
    assign="shared",
    grouping="by_shape",
    bank_single_layers=False,
):
    """M members that compose their kernels from one bank of parameters.

    Args:
        task: The `Task`.
        num_params: The budget of banks and plain layers: an integer, or a float
            as a multiple of the plain network's parameters. Batch norms and
            coefficients, which each member owns, are not included.
        templates_per_layer: t, the number of templates that a layer mixes.
        assign: "shared" if all members mix the same templates in a layer,
            "disjoint" if each has its own templates while they last, "distinct"
            if moreover those that follow differ from the earlier ones.
        grouping: "by_shape" for one bank per kernel shape, "single" for one
            bank for all shapes.
        bank_single_layers: Whether a kernel of unique shape is also composed of
            templates instead of being shared by all members.

    Returns:
        The `Blueprint`; its network maps (N, …) to (N, M, K).

    Reference:
        Teterwak et al., MixtureEnsembles, 2021, section 3.1.
    """
    options = BankOptions(
        num_params, templates_per_layer, assign, grouping, bank_single_layers
    )
    backbone, members = task.backbone, task.ensemble_size
    plan = (_plan_of if backbone.shares else plan_templates)(task, options)
    inputs = keras.Input(task.input_shape, name="images")
    kit = _kit(plan, inputs)
    x = layers.FoldMembers(members, name="fold_members")(inputs)
    if backbone.shares:
        features = _converted(plan, kit, members).features(backbone, x)
    else:
        features, _ = backbone.features(x, kit)
    outputs = kit.dense(task.outputs, name="heads")(features)
    unfold = layers.UnfoldMembers(members, name="unfold_members")
    return Blueprint(keras.Model(inputs, unfold(outputs)))


def _plan_of(task, options):
    """Plans the conversion of a trained network.

    If no two of its kernels have the same shape, each has a bank of its own.
    """
    image = keras.Input(task.input_shape)
    network = keras.Model(image, task.backbone.features(image, Kit())[0])
    found, norms = layers_of(network, task)
    plan = make_plan(found, norms, task.ensemble_size, options)
    if all(group.shares is None for group in plan.groups):
        options = dataclasses.replace(options, bank_single_layers=True)
        plan = make_plan(found, norms, task.ensemble_size, options)
    return plan


def _converted(plan, kit, members):
    """Returns the `MemberLayers` that compose kernels by the plan."""

    def make(constructor):
        def part(*, activation, **arguments):
            name = arguments.pop("name")
            layer = constructor(name=name, **arguments)
            activate = keras.layers.Activation(activation)
            return lambda x: activate(layer(x))

        return part

    def fits(layer):
        return composes(layer) and plan.of_layer(layer.name)[1] is not None

    makers = {keras.layers.Conv2D: make(kit.conv)}
    makers[keras.layers.Dense] = make(kit.dense)
    return MemberLayers(makers, members, True, shares=True, fits=fits)


def plan_templates(task, options):
    """Plans a mixture ensemble without building it.

    Args:
        task: The `Task`.
        options: `BankOptions`.

    Returns:
        `TemplatePlan`.

    Raises:
        InputError: The budget is too small, or no kernels can be composed.

    Example:

    ```python
    task = mimo_keras.methods.Task(
        mimo_keras.backbones.get("small_cnn_1"), input_shape=(8, 8, 1),
        outputs=10, ensemble_size=2)
    plan = mimo_keras.methods.plan_templates(
        task, mimo_keras.methods.BankOptions(grouping="single"))
    plan.ensemble_size                                       # 2
    ```
    """
    if not task.backbone.uses_kit:
        raise expected(
            "a backbone by name, whose kernels can be composed",
            "a callable that builds layers of its own",
            "Use one of list_backbones().",
        )
    plain, norms = plain_layers(task)
    plan = make_plan(plain, norms, task.ensemble_size, options)
    if all(group.shares is None for group in plan.groups):
        raise expected(
            "layers whose kernels have the same shape",
            f"{len(plain)} layers of different shapes",
            "Use bank_single_layers=True or grouping='single'.",
        )
    return plan


def _kit(plan, inputs):
    """Returns the network's kit: layers composed of templates, by the plan."""
    plain, members, banks = Kit(), plan.ensemble_size, {}

    def bank(group):
        if group.name not in banks:
            make = layers.TemplateBank(
                group.num_params, group.stddev, name=group.name
            )
            banks[group.name] = make(inputs)
        return banks[group.name]

    def part(kind, constructor):
        def make(*args, name, **options):
            group, share = plan.of_layer(name)
            if share is None:
                return constructor(*args, name=name, **options)
            layer = kind(constructor(*args, name=name, **options), share)
            return lambda x: layer(x, bank(group))

        return make

    def conv(like, share):
        return layers.TemplateConv2D(
            like.filters,
            like.kernel_size,
            ensemble_size=members,
            strides=like.strides,
            padding=like.padding,
            **_shared_options(like, share),
        )

    def dense(like, share):
        return layers.TemplateDense(
            like.units, ensemble_size=members, **_shared_options(like, share)
        )

    def norm(name):
        return layers.MemberBatchNormalization(
            members, **plain.norm.keywords, name=name
        )

    return Kit(
        conv=part(conv, plain.conv), dense=part(dense, plain.dense), norm=norm
    )


def _shared_options(like, share):
    return {
        "use_bias": like.use_bias,
        "templates": share.templates,
        "offset": share.offset,
        "coefficient_norm": share.norm,
        "train_coefficients": share.mixed,
        "kernel_regularizer": like.kernel_regularizer,
        "name": like.name,
    }
