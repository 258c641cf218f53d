"""Creates and restores the models of runs."""

import dataclasses

import keras

import mimo_keras
from mimo_keras import data
from mimo_keras.analysis.run_files import read_json
from mimo_keras.errors import expected
from mimo_keras.paths import as_path
from mimo_keras.training import SmoothedCrossEntropy, WarmUpStepDecay
from mimo_keras.training.fit import restore
from mimo_keras.training.schedules import ScheduleOfUpdates, cyclic_cosine
from uncertainty_runs.common import starting
from uncertainty_runs.common.config import RunConfig


@dataclasses.dataclass(frozen=True)
class Steps:
    """The steps of an epoch.

    Attributes:
        unique_images: Unique images per pass, over all devices.
        per_epoch: Passes per epoch. A pass is a step, unless gradients of
            several are accumulated for one.
    """

    unique_images: int
    per_epoch: int


def set_policy(config):
    """Sets the precision of a run's computations."""
    policy = "mixed_bfloat16" if config.use_bfloat16 else "float32"
    keras.mixed_precision.set_global_policy(policy)


def create_model(config, train):
    """Creates the model of a run.

    Args:
        config: `RunConfig`.
        train: Its training images: `data.Examples` or `data.Photographs`.

    Returns:
        The `EnsembleModel`.
    """
    if config.init_from:
        model = starting.create_model(config, train, _finished)
        set_policy(config)  # Loading a run sets its own.
        return model
    mean, std = data.standardization(config.dataset)
    return mimo_keras.create_model(
        config.method,
        backbone=config.backbone,
        input_shape=train.image_shape,
        num_classes=train.num_classes,
        ensemble_size=config.ensemble_size,
        mean=mean,
        std=std,
        seed=config.seed,
        sync_batch_norm=bool(config.sync_batch_norm),
        norm_group=config.norm_group or 0,
        **config.method_options(train_examples=len(train)),
    )


def compile_model(config, model, steps):
    """Compiles the model of a run.

    Args:
        config: `RunConfig`.
        model: The model from `create_model`.
        steps: `Steps`.
    """
    model.compile(
        build_optimizer(config, steps),
        loss=smoothed_loss(config.label_smoothing),
        l1=config.l1 or 0.0,
        l2=config.l2,
        l2_scope=config.l2_scope,
        norm_l2=config.norm_l2,
        ends_factor=config.ensemble_size if config.scale_ends else 1,
        steps_per_execution=config.steps_per_execution,
    )


def build_model(config, train, unique, steps):
    """Creates and compiles a model for `steps` of `unique` images per epoch."""
    model = create_model(config, train)
    compile_model(config, model, Steps(unique, steps))
    return model


def smoothed_loss(label_smoothing):
    """Returns the loss of a run; None for plain cross-entropy."""
    return SmoothedCrossEntropy(label_smoothing) if label_smoothing else None


def build_optimizer(config, steps):
    """Returns the optimizer of a run, with its schedule."""
    passes = config.gradient_accumulation_steps
    unique, steps = steps.unique_images * passes, steps.per_epoch // passes
    rate = config.base_learning_rate * unique / config.images_per_rate
    schedule = WarmUpStepDecay(
        rate,
        [
            steps * epoch * config.train_epochs // config.lr_decay_of
            for epoch in config.lr_decay_epochs
        ],
        config.lr_decay_ratio,
        steps * config.lr_warmup_epochs,
    )
    # A model that is only evaluated has no steps.
    updates = max(steps, 1) * config.train_epochs
    if config.snapshots:
        schedule = cyclic_cosine(rate, updates, config.snapshots)
    elif config.schedule == "cosine":
        schedules = keras.optimizers.schedules
        schedule = schedules.CosineDecay(rate, updates)
    accumulated = {}
    if passes > 1:
        schedule = ScheduleOfUpdates(schedule, passes)
        accumulated = {"gradient_accumulation_steps": passes}
    if config.optimizer == "adam":
        return keras.optimizers.Adam(schedule, **accumulated)
    return keras.optimizers.SGD(
        schedule,
        **accumulated,
        momentum=1.0 - config.one_minus_momentum,
        nesterov=config.nesterov,
    )


def recorded(run):
    """Returns the `RunConfig` of a training run.

    Args:
        run: Its folder.

    Raises:
        InputError: Its flags.json is missing, damaged, or not of a run.
    """
    path = as_path(run) / "flags.json"
    return RunConfig.from_json(read_json(path), path)


def load_run(run, config, source, allow_unfinished=False):
    """Rebuilds the model of a run from its flags and its last checkpoint.

    Args:
        run: Its folder.
        config: Its `RunConfig`.
        source: Images of its data set, for shape and classes.
        allow_unfinished: Whether it may be trained for fewer epochs than its
            flags say.

    Returns:
        The `EnsembleModel`, and for how long it is trained: the field
        `training` of `evaluation.Results`.
    """
    set_policy(config)
    # Steps and batch size only affect the learning rate, unused here.
    here = dataclasses.replace(config, output_dir=str(run))
    model = build_model(here, source, unique=1, steps=1)
    epoch, _ = restore(model, run, config.identity())
    if not epoch:
        raise expected(f"a checkpoint in {run}", "none", "Train it first.")
    return model, trained(run, config, epoch, allow_unfinished)


def _finished(run, source):
    """Returns the model of a finished run to start others from."""
    return load_run(run, recorded(run), source)[0]


def trained(run, config, epoch, allow_unfinished):
    """Returns for how long a run is trained: `Results.training`.

    Args:
        run: Its folder.
        config: Its `RunConfig`.
        epoch: The finished epochs of its checkpoint.
        allow_unfinished: Whether more may be missing.

    Raises:
        InputError: More are missing.
    """
    if epoch < config.train_epochs and not allow_unfinished:
        raise unfinished(run, epoch, config.train_epochs)
    return {"epoch": epoch, "epochs": config.train_epochs}


def unfinished(run, epoch, epochs):
    """Returns the error about a run whose training has not ended."""
    return expected(
        f"a finished run in {run}",
        f"epoch {epoch} of {epochs}",
        "Run its training command again to finish it, or add "
        "--allow_unfinished.",
    )
