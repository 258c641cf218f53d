"""What a layer may offer beyond Keras's own methods, and who asks for it.

None of it is required. A layer of a user's own that offers a hook is treated
as this package's layers are; it needs no base class: `isinstance` looks for
the attribute. What all this is asked of are the layers of a network, also
those within other layers where the hook is about weights.
"""

import typing


class Twin(typing.NamedTuple):
    """What stands for a layer in a copy of its network.

    Attributes:
        layer: Unbuilt keras.layers.Layer.
        weights: Its weights, NumPy arrays in the order of `get_weights`.
        reads_first_only: Whether it is called with the first argument alone,
            where the layer that it stands for reads more.
        outputs: How many outputs of that layer its one output stands for.
    """

    layer: typing.Any
    weights: typing.Sequence = ()
    reads_first_only: bool = False
    outputs: int = 1


@typing.runtime_checkable
class SeesOneImage(typing.Protocol):
    """A layer that knows what it does where all members see one image.

    Asked by `methods.folding` when a predictor is made, of the layers of a
    network that takes an image for each member.
    """

    def for_one_image(self):
        """Returns the `Twin` that takes (B, …) in place of (B, M, …)."""


@typing.runtime_checkable
class GivesMembersAway(typing.Protocol):
    """A layer of M members, each of which is a plain layer.

    Asked by `methods.one_member`, for `EnsembleModel.member` and for
    predictors of members side by side.
    """

    def member(self, index):
        """Returns the `Twin` of one member, from 0, with its weights."""


@typing.runtime_checkable
class HasMixtureWeights(typing.Protocol):
    """A layer that learns how much each component counts in the mixture.

    Asked by `EnsembleModel`, of the first layer that offers it, in each
    training step and when log weights are read.
    """

    def log_mixture_weights(self):
        """Returns log weights (E,), whose exponentials sum to 1."""


@typing.runtime_checkable
class HasDepthPosterior(typing.Protocol):
    """A layer that learns at which depth each member answers.

    Asked by `analysis.depth_posterior`.
    """

    def log_posterior(self):
        """Returns the members' log probabilities of depths, (M, D)."""


@typing.runtime_checkable
class HasDivergence(typing.Protocol):
    """A layer whose weights, or what it learns, have a distribution.

    Asked by `EnsembleModel.compute_loss`, which adds the sum over layers as
    its `methods.KLTerm` says.
    """

    def kl_divergence(self):
        """Returns KL(posterior, prior), a scalar."""


@typing.runtime_checkable
class KeepsFromDecay(typing.Protocol):
    """A layer with weights that the L1 and L2 terms do not count.

    Asked by `training.losses.decayed_variables`.
    """

    @property
    def undecayed_weights(self):
        """Those of its weights, a list of keras.Variable."""


@typing.runtime_checkable
class HasLearningRates(typing.Protocol):
    """A layer whose weights learn at rates of their own.

    Asked by `training.learning_rates`, when a model is compiled.
    """

    @property
    def learning_rate_multipliers(self):
        """Pairs (keras.Variable, factor on the learning rate)."""


@typing.runtime_checkable
class CountsMultiplyAdds(typing.Protocol):
    """A layer that says what a call of it costs.

    Asked by `evaluation.cost`, which knows Keras's own layers.
    """

    def multiply_adds(self, input_shape, output_shape):
        """Returns the multiply-adds of one call.

        Args:
            input_shape: Of its first argument, with a batch of 1.
            output_shape: Of what it returns, likewise.
        """
