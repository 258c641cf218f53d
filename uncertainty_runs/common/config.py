"""The configuration of a run: one frozen record, from flags and recipe."""

import dataclasses
import os

from absl import flags as absl_flags

from mimo_keras import data, methods
from mimo_keras.errors import expected
from uncertainty_runs.common import (
    batch_sizes,
    flags,
    recipes,
    saved_values,
    snapshots,
    starting,
)
from uncertainty_runs.common.naming import folder_name

# Flags that may change when a run is resumed: locations, and what is done after
# training, but nothing that the weights depend on.
FREE = (
    "data_dir",
    "output_dir",
    "download_data",
    "eval_only",
    "allow_unfinished",
    "export",
    "shifted",
    "require",
    "skip_bad_records",
    "trajectory_interval",
    "trajectory_images",
    "num_bins",
    "average",
    "tune",
    "corrupted_examples",
)
# Options of methods that are found in the data; their flag is for all methods.
_OF_DATA = ("train_examples",)
# Methods that average the members' losses, where older runs added them up.
_ONCE_SUMMED = ("batch_ensemble", "rank1_bnn")
# Flags of networks of all methods, besides M.
_OF_NETWORKS = ("recipe", "backbone", "width_multiplier", "batch_repetitions")
_OF_NETWORKS += ("input_repetition_probability", *starting.FLAGS)
# Fields whose flags only scripts for photographs have.
_OF_PHOTOGRAPHS = ("image_size", "skip_bad_records", "require")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataConfig:
    """The data that a run or an evaluation reads; see the flags."""

    dataset: str
    data_dir: str | None = None
    download_data: bool = False
    image_size: int | None = None
    skip_bad_records: bool = False
    shifted: bool = False
    require: bool = False
    num_bins: int = 15
    average: str = "probabilities"
    tune: bool = False
    corrupted_examples: int = 0

    def __post_init__(self):
        """Raises InputError if photographs on disk are to be left out."""
        if self.corrupted_examples and not data.get(self.dataset).in_memory:
            raise expected(
                "no --corrupted_examples for photographs on disk",
                f"corrupted_examples={self.corrupted_examples}, "
                f"dataset={self.dataset}",
                "Leave it out.",
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunConfig(DataConfig):
    """The value of every flag, and of settings that only a recipe has.

    Defaults are the behaviour of runs from before the field existed, whose
    flags.json lacks it. An option that is None is left to the method.

    Attributes:
        batch_size: The recipe's rows per step, over all devices;
            `per_core_batch_size` overrides it.
        images_per_rate: Unique images per step that `base_learning_rate` is
            for.
        lr_decay_of: Total epochs that `lr_decay_epochs` refer to.
        optimizer: "sgd" or "adam".
        schedule: "steps" or "cosine".
        nesterov: Whether SGD uses Nesterov momentum.
        l2_scope: The weights that `l2` applies to; see `EnsembleModel.compile`.
        augment: Whether training images are augmented.
    """

    method: str
    recipe: str | None = None
    train_proportion: float = 1.0
    validation_share: float = 0.0
    train_examples: int | None = None
    output_dir: str
    seed: int

    backbone: str
    init_from: str | None = None
    noise: float | None = None
    freeze: str | None = None
    input_scale: str | None = None
    width_multiplier: int
    ensemble_size: int
    batch_repetitions: int
    input_repetition_probability: float
    shuffle_group: int | None = None
    augment_repetitions: bool = False

    dropout_rate: float | None = None
    samples: int | None = None
    split: str | None = None
    ensemble_batch_norm: bool | None = None
    random_sign_init: float | None = None
    fast_weight_lr_multiplier: float | None = None
    member_reduction: str | None = None
    kl_annealing_epochs: float | None = None
    kl_weight: float | None = None
    prior_mean: float | None = None
    prior_stddev: float | None = None
    num_params: float | None = None
    templates_per_layer: int | None = None
    assign: str | None = None
    grouping: str | None = None
    bank_single_layers: bool | None = None
    concentration: float | None = None
    cutmix_probability: float | None = None
    cutmix_decay: float | None = None
    loss_root: float | None = None
    unmix: str | None = None
    unmix_fraction: float | None = None
    fadeout_epochs: float | None = None
    alignment: str | None = None
    keys: str | None = None
    reduce: str | None = None
    demultiplexer: str | None = None
    learn_depth: bool | None = None
    depth_warmup_epochs: int | None = None
    depth_prior: tuple[str, ...] | None = None
    alpha: float | None = None
    depth_divergence: str | None = None
    exit_growth: float | None = None
    everywhere: bool | None = None

    batch_size: int
    per_core_batch_size: int | None = None
    images_per_step: int | None = None
    gradient_accumulation_steps: int = 1
    train_epochs: int
    base_learning_rate: float
    images_per_rate: int = 128
    lr_decay_epochs: tuple[int, ...]
    lr_decay_of: int = 200
    lr_decay_ratio: float
    lr_warmup_epochs: int
    optimizer: str = "sgd"
    schedule: str = "steps"
    snapshots: int = 0
    nesterov: bool = True
    one_minus_momentum: float = 0.1
    augment: bool = True
    augment_padding: int | None = None
    l1: float | None = None
    l2: float
    l2_scope: str
    norm_l2: float | None = None
    scale_ends: bool = False
    label_smoothing: float = 0.0
    sync_batch_norm: bool | None = None
    norm_group: int | None = None
    steps_per_execution: int = 1
    use_bfloat16: bool

    use_tpu: bool = False
    tpu: str = ""
    use_gpu: bool = False
    num_cores: int = 0

    corruptions_interval: int = 0
    checkpoint_interval: int = 1
    trajectory_interval: int = 0
    trajectory_images: int = 512
    eval_only: bool = False
    allow_unfinished: bool = False
    export: bool = False

    def method_options(self, **facts):
        """Returns the method's own options, by name.

        Args:
            **facts: Options that depend on the data and have no flag.
        """
        known = vars(self) | facts
        names = methods.options(self.method)
        return {n: known[n] for n in names if known.get(n) is not None}

    def unique_images(self, replicas, examples):
        """Returns `batch_sizes.unique_images` of this run."""
        return batch_sizes.unique_images(self, replicas, examples)

    def copies(self):
        """Returns how many copies of an image a batch needs; 0 for none.

        One for each time that a step sees it, if each is augmented by itself.
        """
        if not self.augment or not self.augment_repetitions:
            return 0
        return self.ensemble_size * self.batch_repetitions

    def to_json(self):
        """Returns the contents of flags.json."""
        values = {name: _as_json(value) for name, value in vars(self).items()}
        if self.image_size is None:
            for name in _OF_PHOTOGRAPHS:
                del values[name]
        return values

    def identity(self):
        """Returns the flags that a run's weights depend on, as JSON values."""
        return {k: v for k, v in self.to_json().items() if k not in FREE}

    @classmethod
    def from_json(cls, values, path):
        """Returns the config saved by `to_json`, also by older versions.

        Args:
            values: The dictionary.
            path: Its file, for the error message.

        Raises:
            InputError: It does not describe a training run, has unknown flags,
                or values that these cannot have.
        """
        values = with_defaults(values)
        fields = {field.name for field in dataclasses.fields(cls)}
        missing = sorted(fields - {*values})
        unknown = sorted(n for n in {*values} - fields if values[n] is not None)
        if missing or unknown:
            names = [f"no {name}" for name in missing[:1]] + unknown[:1]
            raise expected(
                "the folder of a training run",
                f"path={path} with other contents ({', '.join(names)})",
                "Name a folder written by cifar.py or imagenet.py.",
            )
        saved_values.check(cls, values, path)
        return cls(**{name: _of_json(values[name]) for name in fields})


def with_defaults(values):
    """Adds the defaults of fields that an older flags.json lacks."""
    defaults = {
        field.name: _as_json(field.default)
        for field in dataclasses.fields(RunConfig)
        if field.default is not dataclasses.MISSING
    }
    if values.get("method") in _ONCE_SUMMED:
        defaults["member_reduction"] = "sum"
    return defaults | values


def _as_json(value):
    return list(value) if isinstance(value, tuple) else value


def _of_json(value):
    return tuple(value) if isinstance(value, list) else value


def resolve():
    """Returns the `RunConfig` of the flags, with the recipe's defaults.

    Raises:
        InputError: There is no such recipe, a flag does not apply to the
            method, or --lr_decay_epochs are not whole numbers.
    """
    values = flags.values()
    row = _recipe(values)
    _check_options(values)
    _check_common(values, row)
    parted = values["train_proportion"] < 1
    if parted or not data.get(values["dataset"]).in_memory:
        # In place of the share that the recipe holds out.
        values["validation_share"] = values["validation_share"] or 0.0
    differing = _differing(values, row)
    starting.settle(values)
    for name, value in row.values().items():
        if values.get(name) is None:
            values[name] = value
    width = str(values["width_multiplier"])
    values["backbone"] = values["backbone"].replace("{width}", width)
    _check_tuning(values)
    snapshots.check(values)
    values["lr_decay_epochs"] = _epochs(values["lr_decay_epochs"])
    if values["output_dir"] is None:
        words = [values[n] for n in ("dataset", "method", "ensemble_size")]
        name = folder_name(map(str, [*words, *differing, values["seed"]]))
        values["output_dir"] = os.path.join("runs", name)
    return RunConfig(**{name: _of_json(v) for name, v in values.items()})


def _differing(values, row):
    """Returns "flag=value" where the network is not that of the recipe."""
    of_recipe = row.values() | {"recipe": None}
    own = methods.options(values["method"])
    names = [*_OF_NETWORKS, *(name for name in own if name not in _OF_DATA)]
    texts = []
    for name in names:
        value = values.get(name)
        if value is not None and value != of_recipe.get(name):
            several = isinstance(value, list | tuple)
            text = ",".join(map(str, value)) if several else value
            texts.append(f"{name}={text}")
    return texts


def _recipe(values):
    names = ("dataset", "method", "recipe")
    return recipes.recipe(*(values[name] for name in names))


def _check_options(values):
    """Raises InputError if a flag does not apply to the method."""
    method = values["method"]
    own = methods.options(method)
    if values["augment_repetitions"] and "batch_repetitions" not in own:
        raise expected(
            "a method with batch repetitions for --augment_repetitions",
            f"method={method}",
            "Leave it out: all members of this one see the same image.",
        )
    for other in methods.list_methods():
        for name in methods.options(other):
            if name in own or name in _OF_DATA:
                continue
            if values.get(name) is not None:
                raise expected(
                    f"no --{name} for method {method}",
                    f"{name}={values[name]}",
                    "Leave it out, or choose another method.",
                )


def _check_common(values, row):
    """Raises InputError if a flag of Uncertainty-Baselines does not apply."""
    if absl_flags.FLAGS[flags.DROP].value:
        raise expected(
            "every image to be evaluated, also those of a partial last batch",
            f"{flags.DROP}=True",
            f"Leave out --{flags.DROP}.",
        )
    if not values["train_proportion"]:
        raise expected(
            "a part of the training images",
            "train_proportion=0",
            "Give --train_proportion a value up to 1, such as 0.9.",
        )
    parts = ("train_proportion", "validation_share")
    if values[parts[0]] < 1 and values[parts[1]]:
        raise expected(
            "one of --train_proportion and --validation_share",
            ", ".join(f"{name}={values[name]}" for name in parts),
            "Leave out one of them.",
        )
    if values["one_minus_momentum"] != 0.1 and row.optimizer == "adam":
        raise expected(
            "no --one_minus_momentum for a recipe with Adam",
            f"one_minus_momentum={values['one_minus_momentum']}",
            "Leave it out.",
        )


def _check_tuning(values):
    """Raises InputError if --tune has no images to evaluate on."""
    held_out = values["validation_share"] or values["train_proportion"] < 1
    if values["tune"] and not held_out:
        raise expected(
            "--tune with --validation_share or --train_proportion, which hold "
            "out images to tune on",
            "none",
            "Add --validation_share=0.1, for example.",
        )


def _epochs(texts):
    try:
        return [int(text) for text in texts]
    except ValueError:
        raise expected(
            "whole numbers of epochs",
            f"lr_decay_epochs={','.join(map(str, texts))}",
            "For example: --lr_decay_epochs=80,160,180.",
        ) from None
