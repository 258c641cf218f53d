"""One member of an ensemble, as a separate network."""

import keras
import pytest

import mimo_keras
from mimo_keras import keras_internals, methods
from mimo_keras.errors import InputError
from tests.methods import small


def create(**options):
    return small.create(
        "mixture_ensemble",
        "wide_resnet_10_1",
        members=3,
        shape=(8, 8, 3),
        **options,
    )


def test_the_member_is_the_deterministic_network():
    model = create(num_params=0.97)
    plain = small.create("deterministic", "wide_resnet_10_1", shape=(8, 8, 3))
    member = model.member(2)
    assert member.count_params() == plain.count_params()
    assert member.log_weights == plain.log_weights == (0.0,)
    names = [layer.name for layer in plain.network.layers if layer.weights]
    found = [layer.name for layer in member.network.layers if layer.weights]
    assert found == names
    x, y = small.examples(member, 8)
    member.compile(keras.optimizers.SGD(0.05))
    first, *_, last = member.fit(x, y, epochs=4, verbose=0).history["loss"]
    assert last < first


def test_one_member_of_other_methods_and_other_numbers():
    model = create()
    for index in (-1, 3):
        with pytest.raises(InputError, match=f"index={index}"):
            model.member(index)
    for method, backbone, reason in (
        ("mimo", "mlp", "share one pass"),
        ("early_exit", "small_cnn", "rows, branches or heads"),
    ):
        members = 1 if method == "early_exit" else 2
        with pytest.raises(InputError, match=reason):
            small.create(method, backbone, members=members).member(0)


@pytest.mark.tensorflow
def test_members_that_are_distributions_are_told_apart():
    network = small.create("rank1_bnn", "mlp", members=2).network
    with pytest.raises(InputError, match="distributions over networks"):
        methods.one_member(network, 0)


@pytest.mark.parametrize(
    ("method", "backbone"),
    [
        ("naive_multihead", "mlp"),
        ("treenet", "small_cnn"),
        ("batch_ensemble", "small_cnn"),
    ],
)
def test_members_are_plain_networks_that_predict_the_same(method, backbone):
    model = small.create(method, backbone, members=3)
    small.scatter(model.network)
    images, _ = small.examples(model, 4)
    member = model.member(1)
    small.assert_close(member(images), model(images)[:, 1:2], atol=1e-4)
    kinds = {
        type(layer).__name__
        for layer in keras_internals.layers_within(member.network)
    }
    assert not {kind for kind in kinds if kind.endswith("Ensemble")}


def converted():
    """A network with a layer of each kind that batch_ensemble converts."""
    images = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu")(images)
    x = keras.layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False)(x)
    x = keras.layers.Reshape((16, 8))(x)
    x = keras.layers.Conv1D(5, 2, padding="causal", activation="tanh")(x)
    x = keras.layers.Dense(6)(keras.layers.BatchNormalization()(x))
    x = keras.layers.GlobalAveragePooling1D()(x)
    return keras.Model(images, keras.layers.Dense(4)(x))


def test_each_kind_of_batch_ensembles_layers_gives_its_members_away():
    model = mimo_keras.from_network(
        converted(), "batch_ensemble", ensemble_size=2, num_classes=4, noise=0.5
    )
    images, _ = small.examples(model, 4)
    for index in (0, 1):
        found = model.member(index)(images)[:, 0]
        small.assert_close(found, model(images)[:, index], atol=1e-5)


def test_members_of_grouped_convolutions_and_whole_numbers():
    """Rounded inputs are whole numbers, which Keras's layers multiply too."""

    def backbone(x):
        x = keras.ops.cast(10 * x, "int32")
        x = keras.layers.Dense(6)(x)
        return keras.layers.Flatten()(keras.layers.Conv2D(4, 3, groups=2)(x))

    model = mimo_keras.create_model(
        "batch_ensemble",
        backbone=backbone,
        input_shape=(4, 4, 2),
        num_classes=3,
        ensemble_size=2,
    )
    small.scatter(model.network)
    images, _ = small.examples(model, 4)
    for index in (0, 1):
        found = model.member(index)(images)[:, 0]
        small.assert_close(found, model(images)[:, index], atol=1e-4)


class OfTwo(keras.layers.Layer):
    """A user's layer of members, of which none can be returned."""

    ensemble_size = 2

    def call(self, inputs):
        return inputs


def test_layers_that_keep_their_members_are_named():
    x = inputs = keras.Input((6,))
    for layer in (
        mimo_keras.layers.FoldMembers(2),
        OfTwo(name="own"),
        keras.layers.Dense(3),
        mimo_keras.layers.UnfoldMembers(2),
    ):
        x = layer(x)
    with pytest.raises(InputError, match="own of type OfTwo.*whole ensemble"):
        methods.one_member(keras.Model(inputs, x), 0)


def test_one_member_of_one_is_the_network():
    network = small.create(
        "mixture_ensemble", "wide_resnet_10_1", shape=(8, 8, 3)
    ).network
    small.scatter(network)
    images = keras.random.uniform((4, 8, 8, 3), seed=0)
    alone = methods.one_member(network, 0)
    small.assert_close(alone(images), network(images), atol=1e-5)


def test_predictors_of_fast_weights_have_members_apart_or_not():
    model = small.create("batch_ensemble", "small_cnn", members=3)
    small.scatter(model.network)
    images, _ = small.examples(model, 4)
    wanted = model(images)
    counts = []
    for apart in (None, True, False):
        predictor = model.predictor(apart=apart)
        small.assert_close(predictor.member_logits(images), wanted, atol=1e-4)
        counts.append(predictor.count_params())
    plain = small.create("deterministic", "small_cnn")
    assert counts[0] == counts[1] == 3 * plain.network.count_params()
    assert counts[2] == model.network.count_params()
    with pytest.raises(InputError, match="apart=True"):
        small.create("mimo", "mlp", members=2).predictor(apart=True)
