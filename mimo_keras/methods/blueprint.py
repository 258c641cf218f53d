"""What a method returns: a network, and how to form its training rows."""

import dataclasses
import math
from collections.abc import Callable

import keras

from mimo_keras.backbones import Backbone
from mimo_keras.errors import expected
from mimo_keras.layers.arguments import is_whole, whole
from mimo_keras.layers.members import MOST


@dataclasses.dataclass(frozen=True)
class Task:
    """The task that a method builds a network for.

    Attributes:
        backbone: The network up to its features.
        input_shape: Shape of one example, such as (32, 32, 3).
        outputs: Outputs of each member's head, such as K logits; their meaning
            is not the method's concern.
        ensemble_size: M, the number of members.
        seed_generator: Returns a new seed generator for a layer that draws.
            Those of `create_model` draw different numbers on each replica.

    Example:

    ```python
    task = mimo_keras.methods.Task(
        mimo_keras.backbones.get("small_cnn_1"), input_shape=(8, 8, 1),
        outputs=10, ensemble_size=2)
    found = mimo_keras.methods.build("mimo", task, {}).network.output_shape
    found  # (None, 2, 10)
    ```
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
        members: M if each member sees its own image, so that the network takes
            (N, M, …); 0 if all share one input (N, …).
        batch_repetitions: R, at most 1000; a step has N = B·R rows.
        input_repetition_probability: ρ, the fraction of rows in which all
            members see the same image.
        shuffle_group: g, the number of images among which rows are formed: the
            images of a row come from one group; 0 if all images of a replica
            form one group.

    Example:

    ```python
    sampling = mimo_keras.methods.Sampling(members=3, batch_repetitions=4)
    ```
    """

    members: int = 0
    batch_repetitions: int = 1
    input_repetition_probability: float = 0.0
    shuffle_group: int = 0

    def __post_init__(self):
        whole(
            "batch_repetitions",
            self.batch_repetitions,
            remedy="Use 1 to see every image once in a step.",
            most=MOST,
        )
        if not 0.0 <= self.input_repetition_probability <= 1.0:
            raise expected(
                "input_repetition_probability in [0, 1]",
                "input_repetition_probability="
                f"{self.input_repetition_probability}",
                "It is the share of rows with one image in all members.",
            )
        if not is_whole(self.shuffle_group) or self.shuffle_group < 0:
            raise expected(
                "shuffle_group to be a whole number of at least 0",
                f"shuffle_group={self.shuffle_group!r}",
                "Use 0 to form rows among all images of a device.",
            )


@dataclasses.dataclass(frozen=True)
class KLTerm:
    """Weight of the layers' KL divergences to their priors in the loss.

    Attributes:
        weight: Factor on their sum.
        annealing_examples: Training images over which the factor grows linearly
            from 0; 0 for a constant factor.
        annealing_epochs: None for the factor above. Otherwise the factor is
            weight / N, and grows over this many epochs of N images, where N is
            the number of training images, which `fit` finds.

    Example:

    ```python
    term = mimo_keras.methods.KLTerm.per_image(1.0, train_examples=50_000)
    term.weight                                              # 2e-05
    ```
    """

    weight: float = 1.0
    annealing_examples: int = 0
    annealing_epochs: float | None = None

    @classmethod
    def per_image(cls, weight, train_examples, annealing_epochs=0):
        """Returns the term of weight / N that grows over these epochs.

        Args:
            weight: As above.
            train_examples: N; None for that which `fit` finds.
            annealing_epochs: As above.

        Raises:
            InputError: N is no whole number, or below 1.
        """
        if train_examples is None:
            return cls(weight, annealing_epochs=annealing_epochs)
        if not is_whole(train_examples) or train_examples < 1:
            raise expected(
                "a whole number of train_examples, at least 1",
                f"train_examples={train_examples!r}",
                "Pass the number of training images, or leave it out: fit "
                "finds it.",
            )
        images = int(annealing_epochs * train_examples)
        return cls(weight / train_examples, images)


@dataclasses.dataclass(frozen=True)
class Blueprint:
    """A method's network, and what training and prediction need to know.

    Attributes:
        network: Functional keras.Model from what the members see to their
            outputs (N, E, K), or to these and the weights (N, E) of their
            losses, which are only used in training.
        sampling: How training rows are formed.
        log_weights: E log mixture weights; None for the uniform -log E.
        samples: S, at most 1000: the passes of a stochastic network over each
            image in prediction; its E members then make S·E components.
        kl_term: Weight of the layers' KL divergences.
        member_reduction: "sum" or "mean": how the losses of a row's E
            components become one.

    Example:

    ```python
    inputs = keras.Input((4,))
    outputs = keras.layers.Reshape((2, 3))(keras.layers.Dense(6)(inputs))
    blueprint = mimo_keras.methods.Blueprint(keras.Model(inputs, outputs))
    blueprint.sampling.members                               # 0
    ```
    """

    network: keras.Model
    sampling: Sampling = Sampling()
    log_weights: tuple[float, ...] | None = None
    samples: int = 1
    kl_term: KLTerm = KLTerm()
    member_reduction: str = "sum"

    def __post_init__(self):
        whole(
            "samples",
            self.samples,
            remedy="Use 1 for a single pass over each image.",
            most=MOST,
        )
        if self.log_weights is None:
            components = self.samples * self.network.outputs[0].shape[1]
            uniform = (-math.log(components),) * components
            object.__setattr__(self, "log_weights", uniform)
