"""The hooks of each layer, and hooks of user-defined layers."""

import keras
import numpy as np
import pytest

from mimo_keras import layers, methods
from mimo_keras.evaluation import costs
from mimo_keras.layers import protocols
from mimo_keras.layers.registration import serializable
from mimo_keras.methods import folding
from mimo_keras.training.likelihoods import Categorical
from mimo_keras.training.losses import decayed_variables
from mimo_keras.training.model import EnsembleModel

OFFERED = {
    "for_one_image": {
        "ConcatenateMembers",
        "FoldMembers",
        "MemberConv2D",
        "MemberDense",
        "MemberEmbedding",
        "MixMembers",
        "MultiplexConvolutions",
        "MultiplexMembers",
        "SelectMember",
        "SplitInputs",
        "UnfoldMembers",
        "UnmixMembers",
    },
    "kl_divergence": {"DepthPosterior"},
    "learning_rate_multipliers": set(),
    "log_mixture_weights": {"DepthPosterior"},
    "log_posterior": {"DepthPosterior"},
    "member": {
        "DenseMultihead",
        "MemberBatchNormalization",
        "MemberConv2D",
        "MemberDense",
        "TemplateConv2D",
        "TemplateDense",
    },
    "multiply_adds": {
        "DemultiplexMembers",
        "DenseMultihead",
        "MemberConv2D",
        "MemberDense",
        "MemberEmbedding",
        "MultiplexConvolutions",
        "MultiplexMembers",
        "TemplateBank",
        "TemplateConv2D",
        "TemplateDense",
    },
    "undecayed_weights": {
        "DepthPosterior",
        "TemplateConv2D",
        "TemplateDense",
    },
}
# edward2's are created on demand: see their own tests.
NATIVE = [n for n in layers.__all__ if not n.endswith(("Ensemble", "Rank1"))]


def hooks(protocol):
    """The names that a protocol requires."""
    return {name for name in vars(protocol) if name in OFFERED}


def test_each_hook_has_one_protocol():
    found = [
        name
        for protocol in vars(protocols).values()
        if getattr(protocol, "_is_protocol", False)
        for name in hooks(protocol)
    ]
    assert sorted(found) == sorted(OFFERED)


@pytest.mark.parametrize("hook", OFFERED)
def test_layers_offer_what_is_said(hook):
    found = {n for n in NATIVE if hasattr(getattr(layers, n), hook)}
    assert found == OFFERED[hook]


@serializable
class Own(keras.layers.Layer):
    """A user-defined layer: adds scaled images of members; has all hooks."""

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(), initializer="ones")

    def call(self, inputs):
        return self.scale * keras.ops.sum(inputs, axis=1)

    def for_one_image(self):
        twin = keras.layers.Rescaling(2 * float(self.scale), name=self.name)
        return protocols.Twin(twin)

    def multiply_adds(self, input_shape, output_shape):
        return 1000

    @property
    def undecayed_weights(self):
        return [self.scale]

    @property
    def learning_rate_multipliers(self):
        return [(self.scale, 0.5)]

    def kl_divergence(self):
        return 3.0 * self.scale


@pytest.fixture
def network():
    """Two members' inputs (N, 2, 4) to (N, 2, 3), with a user's layer."""
    inputs = keras.Input((2, 4), name="member_images")
    heads = layers.DenseMultihead(3, 2, name="heads")
    return keras.Model(inputs, heads(Own(name="own")(inputs)))


def test_a_layer_of_one_s_own_is_counted(network):
    assert costs.multiply_adds(network) == 1000 + 4 * 2 * 3


def test_a_layer_of_one_s_own_is_folded(network):
    image = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    copy, folded = folding.single_image(network, True)
    assert folded
    found = keras.ops.convert_to_numpy(copy(image))
    both = np.stack([image, image], axis=1)
    wanted = keras.ops.convert_to_numpy(network(both))
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_a_layer_of_one_s_own_is_trained_as_it_says(network):
    own = network.get_layer("own")
    assert not any(v is own.scale for v in decayed_variables(network, "all"))
    sampling = methods.Sampling(2)
    likelihood = Categorical(3)
    model = EnsembleModel(network, sampling, np.log([0.5, 0.5]), likelihood)
    model.compile(keras.optimizers.SGD(0.1))
    step = model.optimizer.update_step
    step(keras.ops.ones(()), own.scale, 0.1)
    np.testing.assert_allclose(float(own.scale), 1 - 0.5 * 0.1, rtol=1e-6)
    images, labels = np.zeros((4, 4), "float32"), np.zeros(4, "int32")
    outputs = model(images, training=True)
    loss = model.compute_loss(images, labels, outputs)
    own.scale.assign(0.0)
    without = model.compute_loss(images, labels, outputs)
    np.testing.assert_allclose(float(loss - without), 3 * 0.95, rtol=1e-5)
