"""What a method hands over: a network, and how its training rows form."""

import dataclasses
import math
import numbers
from collections.abc import Callable

import keras

from mimo_keras.backbones import Backbone
from mimo_keras.errors import expected


@dataclasses.dataclass(frozen=True)
class Task:
    """What a method is asked to build a network for.

    Attributes:
        backbone: The network up to its features.
        input_shape: Shape of one example, such as (32, 32, 3).
        outputs: Numbers that each member's head gives, such as K logits;
            what they mean is not the method's to know.
        ensemble_size: M, the number of members.
        seed_generator: Makes a new seed generator for a layer that draws.
            `create_model` gives one whose draws differ between replicas.
    """

    backbone: Backbone
    input_shape: tuple[int, ...]
    outputs: int
    ensemble_size: int
    seed_generator: Callable = keras.random.SeedGenerator


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How the rows of a training step are formed from a batch of B images.

    Attributes:
        members: M when each member sees an image of its own, so that the
            network takes (N, M, …); 0 when all share one input (N, …).
        batch_repetitions: R; a step has N = B·R rows.
        input_repetition_probability: ρ, the share of rows that hold one
            image in all members.
        shuffle_group: g, the number of images among which rows form: those
            of a row are of one group; 0 if all of a replica's images are
            one.
    """

    members: int = 0
    batch_repetitions: int = 1
    input_repetition_probability: float = 0.0
    shuffle_group: int = 0

    def __post_init__(self):
        if self.batch_repetitions < 1:
            raise expected(
                "batch_repetitions of at least 1",
                f"batch_repetitions={self.batch_repetitions}",
                "Use 1 to see every image once in a step.",
            )
        if not 0.0 <= self.input_repetition_probability <= 1.0:
            raise expected(
                "input_repetition_probability in [0, 1]",
                "input_repetition_probability="
                f"{self.input_repetition_probability}",
                "It is the share of rows with one image in all members.",
            )
        whole = isinstance(self.shuffle_group, numbers.Integral)
        if not whole or self.shuffle_group < 0:
            raise expected(
                "shuffle_group to be a whole number of at least 0",
                f"shuffle_group={self.shuffle_group!r}",
                "Use 0 to form rows among all images of a device.",
            )


@dataclasses.dataclass(frozen=True)
class KLTerm:
    """How the KL divergences of layers to their priors count in the loss.

    Attributes:
        weight: Factor on their sum, such as 1 / N of N training images.
        annealing_examples: Training images over which the factor grows
            linearly from 0; 0 if it is the same throughout.
    """

    weight: float = 1.0
    annealing_examples: int = 0


@dataclasses.dataclass(frozen=True)
class Blueprint:
    """A method's network and the facts that training and prediction need.

    Attributes:
        network: Functional keras.Model from what the members see to their
            outputs (N, E, K), or to these and the weights (N, E) of their
            losses, which only training reads.
        sampling: How training rows form.
        log_weights: E log mixture weights; None for the uniform -log E.
        samples: S, how often a stochastic network sees each image in
            prediction; its E members make S·E components then.
        kl_term: How the layers' KL divergences count.
    """

    network: keras.Model
    sampling: Sampling = Sampling()
    log_weights: tuple[float, ...] | None = None
    samples: int = 1
    kl_term: KLTerm = KLTerm()

    def __post_init__(self):
        if self.samples < 1:
            raise expected(
                "samples of at least 1",
                f"samples={self.samples}",
                "Use 1 for a single pass over each image.",
            )
        if self.log_weights is None:
            components = self.samples * self.network.outputs[0].shape[1]
            uniform = (-math.log(components),) * components
            object.__setattr__(self, "log_weights", uniform)
