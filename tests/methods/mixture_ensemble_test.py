"""The network of a plan: its values and its special cases."""

import keras
import numpy as np
import pytest

from mimo_keras import backbones, keras_internals, layers, methods
from mimo_keras.errors import InputError
from mimo_keras.evaluation import costs
from mimo_keras.training import losses
from tests.methods import small

SHAPE = (8, 8, 3)


def create(backbone="wide_resnet_16_1", members=3, **options):
    return small.create(
        "mixture_ensemble", backbone, members=members, shape=SHAPE, **options
    )


def images(rows=5):
    return np.random.default_rng(0).random((rows, *SHAPE), "float32")


def template_layers(model):
    kinds = (layers.TemplateConv2D, layers.TemplateDense)
    return [x for x in model.network.layers if isinstance(x, kinds)]


def kernel_by_hand(model, layer, member):
    """θ = Σ α_l T_l with NumPy, from the weights and the plan's offsets."""
    options = {"num_params": 0.7}
    task = methods.Task(backbones.get("wide_resnet_16_1"), SHAPE, 4, 3)
    plan = methods.plan_templates(task, methods.BankOptions(**options))
    group, share = plan.of_layer(layer.name)
    numbers = model.network.get_layer(group.name).get_weights()[0].ravel()
    size = np.prod(group.layers[0].kernel_shape)
    kernel = 0.0
    for index in range(share.templates):
        place = share.offset + index * size
        template = np.take(numbers, range(place, place + size), mode="wrap")
        kernel += layer.get_weights()[0][member, index] * template
    return kernel.reshape(group.layers[0].kernel_shape)


def test_kernels_are_the_plans_mixtures():
    model = create(num_params=0.7)
    small.scatter(model.network)
    mixed = template_layers(model)
    assert len(mixed) == 10
    for layer in mixed:
        for member in range(3):
            (kernel,) = layer.member(member).weights
            wanted = kernel_by_hand(model, layer, member)
            np.testing.assert_allclose(kernel, wanted, rtol=1e-4, atol=1e-6)


def test_one_hot_coefficients_are_the_plain_network():
    plain = small.create("deterministic", "wide_resnet_16_1", shape=SHAPE)
    small.scatter(plain.network)
    model = create(members=2, num_params=1.0, templates_per_layer=1)
    for layer in model.network.layers:
        if isinstance(layer, (layers.TemplateConv2D, layers.TemplateDense)):
            layer.set_weights([np.ones((2, 1))])
        elif isinstance(layer, layers.MemberBatchNormalization):
            twin = plain.network.get_layer(layer.name)
            layer.set_weights([np.tile(w, 2) for w in twin.get_weights()])
        elif isinstance(layer, layers.TemplateBank):
            group = [
                plain.network.get_layer(name).get_weights()[0].ravel()
                for name in _layers_of(layer.name)
            ]
            layer.set_weights([np.concatenate(group)[None]])
        elif layer.get_weights():
            like = plain.network.get_layer(layer.name).get_weights()
            shapes = [w.shape for w in layer.get_weights()]
            layer.set_weights(
                [w.reshape(s) for w, s in zip(like, shapes, strict=True)]
            )
    found, wanted = small.numpy(model(images())), small.numpy(plain(images()))
    for member in range(2):
        small.assert_close(found[:, member], wanted[:, 0], atol=1e-4)
    small.assert_close(model.member(1)(images()), wanted, atol=1e-4)


def _layers_of(name):
    """Names of a bank's layers, in the order in which they get templates."""
    task = methods.Task(backbones.get("wide_resnet_16_1"), SHAPE, 4, 2)
    plan = methods.plan_templates(
        task, methods.BankOptions(1.0, templates_per_layer=1)
    )
    (group,) = [g for g in plan.groups if g.name == name]
    assert group.templates == len(group.layers)
    return [layer.name for layer in group.layers]


def test_equal_coefficients_and_norms_are_one_member():
    model = create()
    small.scatter(model.network)
    for layer in model.network.layers:
        if isinstance(layer, layers.MemberBatchNormalization):
            first = [w.reshape(3, -1)[0] for w in layer.get_weights()]
            layer.set_weights([np.tile(w, 3) for w in first])
    for layer in template_layers(model):
        (alpha,) = layer.get_weights()
        layer.set_weights([np.tile(alpha[:1], (3, 1))])
    found = small.numpy(model(images()))
    for member in (1, 2):
        small.assert_close(found[:, member], found[:, 0], atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {},
        # Plans are the same on every backend.
        *(
            pytest.param(options, marks=pytest.mark.tensorflow)
            for options in (
                {"num_params": 0.6},
                {"num_params": 1.5, "assign": "disjoint"},
                {"num_params": 0.4, "grouping": "single", "assign": "disjoint"},
                {"num_params": 2.0, "bank_single_layers": True},
            )
        ),
    ],
    ids=str,
)
def test_the_model_has_the_parameters_of_its_plan(options):
    task = methods.Task(backbones.get("wide_resnet_16_1"), SHAPE, 4, 3)
    plan = methods.plan_templates(task, methods.BankOptions(**options))
    model = create(**options)
    trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    assert trainable == plan.total
    coefficients = [
        w for layer in template_layers(model) for w in layer.undecayed_weights
    ]
    found = sum(int(np.prod(w.shape)) for w in coefficients)
    assert found == 3 * plan.coefficients > 0
    # One member at a time or all at once: the same numbers.
    small.scatter(model.network)
    whole = small.numpy(model(images()))
    for member in range(3):
        alone = small.numpy(model.member(member)(images()))
        small.assert_close(alone[:, 0], whole[:, member], atol=1e-4)


def test_composed_kernels_start_with_he_normals_variance():
    for options in ({}, {"grouping": "single", "num_params": 0.8}):
        model = create("wide_resnet_16_2", **options)
        for layer in template_layers(model):
            kernel, *_ = layer.member(1).weights
            if kernel.size > 4000:
                fan_in = np.prod(kernel.shape[:-1])
                ratio = np.std(kernel) / np.sqrt(2 / fan_in)
                assert ratio == pytest.approx(1, abs=0.06), layer.name


@pytest.mark.parametrize("scope", ["all", "kernels"])
def test_weight_decay_reaches_templates_and_never_coefficients(scope):
    model = create()
    decayed = {id(w) for w in losses.decayed_variables(model.network, scope)}
    kinds = {"templates": 0, "coefficients": 0}
    for weight in model.trainable_weights:
        name = weight.name
        if name in kinds:
            kinds[name] += 1
            assert (id(weight) in decayed) == (name == "templates")
    assert kinds == {"templates": 3, "coefficients": 10}


def test_members_differ_and_stay_one_model_of_one_bank():
    model = create(num_params=0.5)
    found = small.numpy(model(images()))
    assert np.abs(found[:, 0] - found[:, 1]).max() > 0.01
    model.compile(keras.optimizers.SGD(0.01), **small.step_by_step())
    before = [w.copy() for w in model.get_weights()]
    x, y = small.examples(model, 8)
    model.fit(x, y, batch_size=8, verbose=0)
    changed = [
        np.abs(a - b).max() > 0
        for a, b in zip(before, model.get_weights(), strict=True)
    ]
    assert all(changed[: len(model.trainable_weights)])


def test_the_predictor_is_plain_networks_side_by_side():
    model = create(num_params=0.7)
    small.scatter(model.network)
    network = model.predictor().network
    members = [x for x in network.layers if isinstance(x, keras.Model)]
    plain = small.create("deterministic", "wide_resnet_16_1", shape=SHAPE)
    once = costs.multiply_adds(plain.network)
    assert len(members) == 3
    for index, member in enumerate(members):
        kinds = {type(layer) for layer in keras_internals.layers_within(member)}
        assert not {k.__name__ for k in kinds if "mimo" in k.__module__} - {
            "UnfoldMembers"
        }
        alone = small.numpy(model.member(index)(images()))
        x = model.standardize(images())
        small.assert_close(small.numpy(member(x)), alone, atol=1e-6)
    for counted in (model.network, network):
        assert costs.multiply_adds(counted) == 3 * once
    whole = small.numpy(model(images()))
    found = small.numpy(model.predictor().member_logits(images()))
    small.assert_close(found, whole, atol=1e-4)


class Scale(keras.layers.Layer):
    """A user's layer with members, which offers no hooks."""

    ensemble_size = 2

    def call(self, x):
        by_member = np.array([1.0, 3.0], "float32").reshape(2, 1, 1)
        rows = keras.ops.reshape(x, (2, -1, x.shape[-1]))
        return keras.ops.reshape(rows * by_member, (-1, x.shape[-1]))

    def compute_output_shape(self, input_shape):
        return input_shape


@pytest.mark.parametrize("ending", ["own layer", "mixed outputs"])
def test_members_that_cannot_be_told_apart_keep_their_bank(ending):
    inputs = keras.Input((5,), name="features")
    bank = layers.TemplateBank(3 * 5 * 4)(inputs)
    x = layers.FoldMembers(2)(inputs)
    x = layers.TemplateDense(4, ensemble_size=2, templates=3, use_bias=False)(
        x, bank
    )
    x = Scale()(x) if ending == "own layer" else x
    x = layers.UnfoldMembers(2)(x)
    if ending == "mixed outputs":
        x = keras.layers.Softmax(axis=1)(x)
    network = keras.Model(inputs, x)
    copy, folded = methods.single_image(network, multi_input=False)
    x = np.random.default_rng(0).random((6, 5), "float32")
    assert not folded
    small.assert_close(small.numpy(copy(x)), small.numpy(network(x)), atol=1e-6)
    kinds = {type(layer).__name__ for layer in copy.layers}
    assert {"TemplateBank", "TemplateDense"} <= kinds


def test_a_network_with_nothing_to_mix_is_refused():
    with pytest.raises(InputError, match="bank_single_layers=True"):
        create("small_cnn")
    with pytest.raises(InputError, match="callable"):
        create(lambda x: keras.layers.Flatten()(x))
