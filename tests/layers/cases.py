"""The layers of the conformance tests, and their inputs."""

import dataclasses
import math

import keras
import numpy as np

from mimo_keras import layers

BATCH = 4
TENSORFLOW = keras.backend.backend() == "tensorflow"
TWO_LOGS = (math.log(0.25), math.log(0.75))


@dataclasses.dataclass(frozen=True)
class Case:
    """A layer, and its inputs.

    Attributes:
        name: Its name in `mimo_keras.layers`.
        shape: Shape of one example.
        arguments: Arguments of the constructor. Over all cases of a layer,
            each is given at least once with a value that is not its default.
        dtype: Dtype of the input.
        low: Dtype of the output under the policy mixed_bfloat16; a tuple for
            several outputs.
        members: M, if members are rows of the layer's inputs or outputs.
        bank: Size of the bank that it takes, if any.
        twice: Whether it is called on its input twice, as features and masks.
        positive: Whether its inputs must not be negative.
        stacked: Whether the first axis of an example is members.
    """

    name: str
    shape: tuple
    arguments: dict = dataclasses.field(default_factory=dict)
    dtype: str = "float32"
    low: str | tuple = "bfloat16"
    members: int = 0
    bank: int = 0
    twice: bool = False
    positive: bool = False
    stacked: bool = False

    def __str__(self):
        return "-".join([self.name, *map(str, self.arguments), self.dtype])

    def sized(self, members, side):
        """Returns the case for this many members, and images of this size."""
        arguments, shape = dict(self.arguments), list(self.shape)
        for name in {"ensemble_size", "heads"} & {*arguments}:
            arguments[name] = members
        if "log_weights" in arguments:
            arguments["log_weights"] = (-math.log(members),) * members
        if isinstance(arguments.get("offset"), tuple):
            arguments["offset"] = tuple(range(5, 5 + members))
        if self.stacked:
            shape[0] = members
        if len(shape) - self.stacked == 3:
            shape[-3:-1] = side, side
        return dataclasses.replace(
            self,
            arguments=arguments,
            shape=tuple(shape),
            members=members if self.members else 0,
        )

    def layer(self):
        return getattr(layers, self.name)(**self.arguments)

    def inputs(self, rows=BATCH):
        rng = np.random.default_rng(0)
        if self.dtype == "uint8":
            return rng.integers(0, 256, (rows, *self.shape), self.dtype)
        numbers = rng.normal(size=(rows, *self.shape)).astype(self.dtype)
        return np.abs(numbers) if self.positive else numbers

    def call(self, layer, x, bank=None):
        """Calls the layer, with a bank or masks if it takes them."""
        if self.twice:
            return layer(x, x)
        if not self.bank:
            return layer(x)
        if bank is None:
            bank = np.linspace(-1, 1, self.bank, dtype="float32")
        return layer(x, bank)

    def network(self):
        """The layer as a functional model of unknown batch size."""
        inputs = x = keras.Input(self.shape, dtype=self.dtype)
        if self.members and self.name != "FoldMembers":
            x = layers.FoldMembers(self.members)(x)
        bank = layers.TemplateBank(self.bank)(inputs) if self.bank else None
        x = self.call(self.layer(), x, bank)
        if self.members and self.name != "UnfoldMembers":
            x = layers.UnfoldMembers(self.members)(x)
        network = keras.Model(inputs, x)
        rng = np.random.default_rng(1)
        network.set_weights(
            [rng.uniform(0.5, 1.5, w.shape) for w in network.get_weights()]
        )
        return network


CASES = [
    Case("ConcatenateMembers", (3, 4, 4, 2), stacked=True),
    Case("ConcatenateMembers", (2, 5), stacked=True),
    Case(
        "DenseMultihead",
        (6,),
        {
            "units": 5,
            "heads": 3,
            "use_bias": False,
            "kernel_initializer": "glorot_uniform",
            "kernel_regularizer": "l2",
        },
    ),
    Case(
        "DenseMultihead",
        (6,),
        {"units": 1, "heads": 2, "bias_initializer": "ones"},
    ),
    Case(
        "DenseMultihead",
        (3, 6),
        {"units": 5, "heads": 3},
        stacked=True,
    ),
    Case(
        "DemultiplexMembers",
        (6,),
        {"ensemble_size": 3, "units": 5, "hidden_units": 4},
    ),
    Case(
        "DepthPosterior",
        (6,),
        {
            "ensemble_size": 2,
            "depths": 3,
            "warmup_epochs": 2,
            "prior": (0.5, 0.25, 0.25),
            "divergence": "forward",
        },
        low="float32",
    ),
    Case(
        "DepthPosterior",
        (6,),
        {"ensemble_size": 2, "depths": 3, "learn": False},
        low="float32",
    ),
    Case("FoldMembers", (4, 4, 2), {"ensemble_size": 2}, members=2),
    Case(
        "FoldMembers",
        (2, 4, 2),
        {"ensemble_size": 2, "by_member": True},
        members=2,
        stacked=True,
    ),
    Case(
        "FusedBatchNormalization",
        (4, 4, 2),
        {
            "momentum": 0.9,
            "epsilon": 0.1,
            "group_size": 2,
            "ensemble_size": 2,
        },
    ),
    Case(
        "MemberBatchNormalization",
        (4, 4, 2),
        {"ensemble_size": 2, "momentum": 0.9, "epsilon": 0.1}
        # Rejected by other backends.
        | ({"synchronized": True} if TENSORFLOW else {}),
        members=2,
    ),
    Case(
        "MemberBatchNormalization",
        (4, 4, 2),
        {"ensemble_size": 2, "group_size": 2},
        members=2,
    ),
    Case(
        "MemberConv2D",
        (4, 4, 2),
        {
            "filters": 3,
            "kernel_size": (3, 3),
            "ensemble_size": 2,
            "strides": 2,
            "padding": "valid",
            "use_bias": False,
            "kernel_initializer": "ones",
            "kernel_regularizer": "l2",
        },
        members=2,
    ),
    Case(
        "MemberDense",
        (6,),
        {
            "units": 3,
            "ensemble_size": 2,
            "use_bias": False,
            "kernel_initializer": "ones",
            "kernel_regularizer": "l2",
        },
        members=2,
    ),
    Case("MemberDense", (6,), {"units": 3, "ensemble_size": 2}, members=2),
    Case(
        "MemberEmbedding",
        (3, 5),
        {
            "ensemble_size": 3,
            "input_dim": 256,
            "output_dim": 2,
            "embeddings_initializer": "zeros",
            "embeddings_regularizer": "l2",
            "embeddings_constraint": "non_neg",
        },
        dtype="uint8",
        stacked=True,
    ),
    Case(
        "MixMembers",
        (3, 4, 4, 2),
        {
            "concentration": 1.0,
            "cutmix_probability": 0.25,
            "cutmix_decay": 0.5,
            "seed": 1,
        },
        low=("bfloat16", "float32", "float32"),
        stacked=True,
    ),
    Case(
        "MixMembers",
        (3, 5),
        {"cutmix_probability": 0.0},
        low=("bfloat16", "float32", "float32"),
        stacked=True,
    ),
    Case(
        "MixingLossWeights",
        (3,),
        {"root": 2.0},
        low="float32",
        positive=True,
        stacked=True,
    ),
    Case(
        "MultiplexConvolutions",
        (3, 4, 4, 2),
        {"ensemble_size": 3, "reduce": "concatenate"},
        stacked=True,
    ),
    Case(
        "MultiplexConvolutions",
        (4, 4, 2),
        {"ensemble_size": 3, "one_image": True},
    ),
    Case(
        "MultiplexMembers",
        (3, 4, 4, 2),
        {"ensemble_size": 3, "reduce": "concatenate"},
        stacked=True,
    ),
    Case("MultiplexMembers", (3, 4, 4, 2), {"ensemble_size": 3}, stacked=True),
    Case(
        "MultiplexMembers",
        (5,),
        {"ensemble_size": 3, "keys": "orthogonal", "one_image": True},
    ),
    Case(
        "MixturePrediction",
        (2, 5),
        {"log_weights": TWO_LOGS},
        low="float32",
        stacked=True,
    ),
    Case(
        "MixturePrediction",
        (2, 1),
        {"log_weights": TWO_LOGS, "mixture": layers.MeanMixture()},
        low="float32",
        stacked=True,
    ),
    Case("MonteCarloDropout", (6,), {"rate": 0.0, "seed": 1}),
    Case("RepeatMembers", (4, 4, 2), {"ensemble_size": 3}),
    Case("SeriesAsMap", (5, 2)),
    Case("SelectMember", (3, 4, 4, 2), {"member": 1}, stacked=True),
    Case(
        "SplitInputs",
        (11,),
        {
            "shapes": {"age": (3,), "image": (2, 2, 2)},
            "dtypes": {"age": "int8"},
        },
        low=("int8", "float32"),
    ),
    Case("StandardizeImages", (4, 4, 2), {"mean": 0.5, "std": [0.2, 0.3]}),
    Case(
        "StandardizeImages",
        (4, 4, 2),
        {"mean": [0.5, 0.1], "std": 0.2},
        dtype="uint8",
    ),
    Case(
        "StandardizeImages",
        (4, 4, 2),
        {"mean": 0.5, "std": 0.2, "input_scale": "0..255"},
    ),
    Case(
        "TemplateConv2D",
        (4, 4, 2),
        {
            "filters": 3,
            "kernel_size": (3, 1),
            "ensemble_size": 2,
            "strides": 2,
            "padding": "valid",
            "use_bias": False,
            "templates": 2,
            "offset": (5, 30),
            "coefficient_norm": 0.5,
            "kernel_regularizer": "l2",
        },
        members=2,
        bank=40,
    ),
    Case(
        "TemplateConv2D",
        (4, 4, 2),
        {
            "filters": 3,
            "kernel_size": (1, 1),
            "ensemble_size": 2,
            "train_coefficients": False,
        },
        members=2,
        bank=10,
    ),
    Case(
        "TemplateDense",
        (6,),
        {
            "units": 3,
            "ensemble_size": 2,
            "use_bias": False,
            "templates": 2,
            "offset": 50,
            "coefficient_norm": 0.5,
            "kernel_regularizer": "l2",
        },
        members=2,
        bank=60,
    ),
    Case(
        "TemplateDense",
        (6,),
        {"units": 3, "ensemble_size": 2, "train_coefficients": False},
        members=2,
        bank=60,
    ),
    Case("UnfoldMembers", (4, 2), {"ensemble_size": 2}, members=2),
    Case(
        "UnmixMembers",
        (4, 4, 2),
        {"fraction": 0.5, "fadeout_epochs": 3, "interpolation": "bilinear"},
        twice=True,
    ),
]
