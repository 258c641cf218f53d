"""One member of an ensemble, as a separate network."""

import keras
import pytest

from mimo_keras import methods
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
    heads = small.create("naive_multihead", "mlp", members=2)
    with pytest.raises(InputError, match="members are rows"):
        heads.member(0)


@pytest.mark.tensorflow
def test_layers_that_cannot_give_one_member_away_are_named():
    network = small.create("batch_ensemble", "mlp", members=2).network
    with pytest.raises(InputError, match="dense0 of type DenseBatchEnsemble"):
        methods.one_member(network, 0)


def test_one_member_of_one_is_the_network():
    network = small.create(
        "mixture_ensemble", "wide_resnet_10_1", shape=(8, 8, 3)
    ).network
    small.scatter(network)
    images = keras.random.uniform((4, 8, 8, 3), seed=0)
    alone = methods.one_member(network, 0)
    small.assert_close(alone(images), network(images), atol=1e-5)
