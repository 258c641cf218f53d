"""Optional hooks that a layer may offer, and who calls them.

None is required. A user's layer that offers a hook is treated like this
package's own layers and needs no base class: `isinstance` checks for the
attribute. Hooks are called on the layers of a network, and for hooks about
weights also on the layers nested within them.
"""

import typing


class Twin(typing.NamedTuple):
    """A layer's replacement in a copy of its network.

    Attributes:
        layer: Unbuilt keras.layers.Layer.
        weights: Its weights as NumPy arrays, in the order of `get_weights`, or
            by their names.
        reads_first_only: Whether it is called with the first argument alone,
            where the layer that it replaces reads more.
        outputs: How many outputs of that layer its single output replaces.
    """

    layer: typing.Any
    weights: typing.Sequence | typing.Mapping = ()
    reads_first_only: bool = False
    outputs: int = 1


@typing.runtime_checkable
class SeesOneImage(typing.Protocol):
    """A layer that has a replacement where all members see one image.

    Called by `methods.folding` when it makes a predictor, on the layers of a
    network that takes one image per member.
    """

    def for_one_image(self):
        """Returns the `Twin` that takes (B, …) in place of (B, M, …)."""


@typing.runtime_checkable
class GivesMembersAway(typing.Protocol):
    """A layer of M members, each equivalent to a plain layer.

    Called by `methods.one_member`, for `EnsembleModel.member` and for
    predictors that run members side by side.
    """

    def member(self, index):
        """Returns the `Twin` of one member, with its weights.

        Args:
            index: The member, counted from 0.
        """


@typing.runtime_checkable
class HasMixtureWeights(typing.Protocol):
    """A layer that learns the weight of each component in the mixture.

    Called by `EnsembleModel`, on the first layer that offers it, in each
    training step and when log weights are read.
    """

    def log_mixture_weights(self):
        """Returns log weights (E,), whose exponentials sum to 1."""


@typing.runtime_checkable
class HasDepthPosterior(typing.Protocol):
    """A layer that learns at which depth each member predicts.

    Called by `analysis.depth_posterior`.
    """

    def log_posterior(self):
        """Returns the members' log probabilities of depths, (M, D)."""


@typing.runtime_checkable
class HasDivergence(typing.Protocol):
    """A layer that learns a distribution, over its weights or otherwise.

    Called by `EnsembleModel.compute_loss`, which adds the sum over layers as
    specified by its `methods.KLTerm`.
    """

    def kl_divergence(self):
        """Returns KL(posterior, prior), a scalar."""


@typing.runtime_checkable
class KeepsFromDecay(typing.Protocol):
    """A layer with weights that are excluded from the L1 and L2 terms.

    Called by `training.losses.decayed_variables`.
    """

    @property
    def undecayed_weights(self):
        """These weights, a list of keras.Variable."""


@typing.runtime_checkable
class HasLearningRates(typing.Protocol):
    """A layer whose weights have their own learning rates.

    Called by `training.learning_rates` when a model is compiled.
    """

    @property
    def learning_rate_multipliers(self):
        """Pairs (keras.Variable, factor on the learning rate)."""


@typing.runtime_checkable
class CountsMultiplyAdds(typing.Protocol):
    """A layer that reports the cost of a call.

    Called by `evaluation.costs`, which knows Keras's own layers.
    """

    def multiply_adds(self, input_shape, output_shape):
        """Returns the multiply-adds of one call.

        Args:
            input_shape: Shape of its first argument, with a batch of 1.
            output_shape: Shape of its output, likewise.
        """
