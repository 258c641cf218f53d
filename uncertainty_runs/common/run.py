"""The steps of a run that the training scripts share."""

import contextlib
import dataclasses
import pathlib
import sys

import keras

import mimo_keras
from mimo_keras import analysis
from mimo_keras.errors import Stopped, expected
from mimo_keras.evaluation import Results
from mimo_keras.training.distribute import make_strategy, workers
from mimo_keras.training.fit import fit as train_resumably
from mimo_keras.training.fit import restore
from uncertainty_runs.common import (
    models,
    progress,
    run_data,
    run_folder,
    signals,
    starting,
)
from uncertainty_runs.common.snapshots import SnapshotsCallback
from uncertainty_runs.evaluation.depth_course import DepthCallback
from uncertainty_runs.evaluation.suite import CorruptionsCallback, Suite, save
from uncertainty_runs.evaluation.trajectory import TrajectoryCallback


@dataclasses.dataclass(frozen=True)
class Output:
    """The output folder of a run in progress.

    Attributes:
        folder: Its path.
        writes: Whether this process writes there; only one worker does.
        stop: `signals.Request`: whether a signal asked the process to stop.
    """

    folder: pathlib.Path
    writes: bool
    stop: signals.Request


def start(config):
    """Returns the strategy, once all workers have joined.

    Args:
        config: `RunConfig`.
    """
    strategy = make_strategy(
        use_tpu=config.use_tpu,
        tpu=config.tpu,
        use_gpu=config.use_gpu,
        num_cores=config.num_cores,
    )
    workers.agree(
        strategy,
        run_folder.fingerprint(config.to_json()),
        "fingerprint of the flags",
        "Start all workers with the same command.",
    )
    return strategy


def load(config):
    """Returns the training and the test images."""
    return run_data.load(config, "train"), run_data.load(config, "test")


def steps_of(config, strategy, train):
    """Returns the `models.Steps` of an epoch over all devices."""
    replicas = strategy.num_replicas_in_sync
    unique = config.unique_images(replicas, len(train))
    passes = config.gradient_accumulation_steps
    updates = len(train) // (unique * passes)
    return models.Steps(unique, updates * passes)


def create_model(config, strategy, train):
    """Returns the model on the strategy's devices, initialized by the seed."""
    keras.utils.set_random_seed(config.seed)
    models.set_policy(config)
    with strategy.scope():
        return models.create_model(config, train)


def compile_model(config, strategy, model, steps):
    """Compiles the model with its optimizer, schedule, loss and penalties."""
    with strategy.scope():
        models.compile_model(config, model, steps)


@contextlib.contextmanager
def output(config, strategy):
    """Holds --output_dir for the run, inside the block.

    Enter it only once the model exists: invalid flags must not claim a folder.

    Args:
        config: `RunConfig`.
        strategy: The strategy from `start`.

    Yields:
        The `Output`.

    Raises:
        InputError: The folder belongs to another run, or is in use.
    """
    run_folder.check(config)
    writes = workers.is_chief(strategy)
    with (
        run_folder.alone(config.output_dir, writes),
        signals.on_request() as stop,
    ):
        yield Output(run_folder.claim(config, write=writes), writes, stop)


def suite_of(config, strategy, test, output, held_out=None):
    """Returns the `Suite` that saves each set's results in the folder.

    Args:
        config: `RunConfig`.
        strategy: The strategy from `start`.
        test: The test images; not used with --tune.
        output: `Output`.
        held_out: Training images that are held out; None for none.
    """
    kept = output.folder / "evaluated" if output.writes else None
    return Suite(test, strategy, config, kept, held_out)


def fit(config, model, batches, steps, suite, output):
    """Trains or resumes training; with --eval_only only loads the weights.

    Args:
        config: `RunConfig`.
        model: The compiled `EnsembleModel`.
        batches: Function from the first epoch and its first step to the
            training batches from there on.
        steps: `models.Steps`.
        suite: `Suite`, whose held-out images are the validation data, or if
            it has none, its clean test set.
        output: `Output`.

    Returns:
        For how long the model is trained: `Results.training`.

    Raises:
        InputError: With --eval_only, there is no checkpoint of the last epoch.
        Stopped: A signal asked the process to stop.
    """
    if config.eval_only:
        return _restore(config, model, output.folder)
    if output.writes:
        starting.keep(config, model, output.folder)
    validation = suite.test if suite.held_out is None else suite.held_out
    bar = sys.stdout.isatty()
    with progress.told(output.writes and not bar) as telling:
        train_resumably(
            model,
            batches,
            epochs=config.train_epochs,
            steps_per_epoch=steps.per_epoch,
            output_dir=output.folder,
            # Not positive: as in Uncertainty-Baselines, none before the last.
            checkpoint_interval=max(0, config.checkpoint_interval)
            or config.train_epochs,
            validation_data=validation.weighted_batches(suite.batch_size),
            callbacks=[
                CorruptionsCallback(suite, config.corruptions_interval),
                DepthCallback(),
                TrajectoryCallback(
                    suite,
                    output.folder,
                    config.trajectory_interval,
                    output.writes,
                    config.trajectory_images,
                ),
                SnapshotsCallback(config, output.folder, output.writes),
                *telling,
            ],
            verbose=1 if bar else 2,
            stop=output.stop,
            run=config.identity(),
        )
    epochs = config.train_epochs
    return models.trained(output.folder, config, epochs, False)


def _restore(config, model, folder):
    epoch, _ = restore(model, folder, config.identity())
    if not epoch:
        raise expected(
            f"a checkpoint in {folder}",
            "none",
            "Leave out --eval_only to train.",
        )
    return models.trained(folder, config, epoch, config.allow_unfinished)


def evaluate(config, model, trained, suite, output):
    """Returns `Suite.full`, or None if this process does not write."""
    if not output.writes:
        return None
    corrupted = config.corruptions_interval >= 0
    with _others_wait(model.distribute_strategy):
        results, arrays = suite.full(model, corrupted, stop=output.stop)
    return results | Results(training=trained), arrays


def report(config, model, suite, evaluated, output):
    """Writes the results, the report and, with --export, the SavedModel.

    Args:
        config: `RunConfig`.
        model: The trained `EnsembleModel`.
        suite: `Suite`.
        evaluated: The result of `evaluate`.
        output: `Output`.

    Raises:
        Stopped: A signal asked the process to stop.
    """
    strategy = model.distribute_strategy
    if output.writes:
        with _others_wait(strategy):
            _write(config, model, suite, evaluated, output)
    workers.leave(strategy)


def _write(config, model, suite, evaluated, output):
    results, arrays = evaluated
    save(output.folder, results, arrays)
    suite.forget()
    print(analysis.results_table(results))
    print("Report:     ", analysis.write_report(output.folder))
    if config.export:
        path = output.folder / "saved_model"
        print("SavedModel: ", mimo_keras.export_saved_model(model, path))
    output.stop.check("at the end, with nothing left to do")


@contextlib.contextmanager
def _others_wait(strategy):
    """Releases the workers that wait for the chief if it stops inside."""
    try:
        yield
    except Stopped:
        workers.leave(strategy)
        raise
