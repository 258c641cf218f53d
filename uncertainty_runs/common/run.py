"""What the training scripts have in common: one run, from flags to report."""

import functools
import sys

import keras

import mimo_keras
from mimo_keras import analysis
from mimo_keras.errors import Stopped, expected
from mimo_keras.training.distribute import make_strategy, workers
from mimo_keras.training.fit import fit, restore
from uncertainty_runs.common import config, models, run_folder, signals
from uncertainty_runs.evaluation.suite import CorruptionsCallback, Suite, save
from uncertainty_runs.evaluation.trajectory import TrajectoryCallback


def start(s):
    """Returns the strategy; with several workers, all of them are there.

    Args:
        s: The value of every flag.
    """
    strategy = make_strategy(
        use_tpu=s["use_tpu"],
        tpu=s["tpu"],
        use_gpu=s["use_gpu"],
        num_cores=s["num_cores"],
    )
    workers.agree(
        strategy,
        run_folder.fingerprint(s),
        "fingerprint of the flags",
        "Start all workers by the same command.",
    )
    return strategy


def run(s, strategy, train, test, batches):
    """Trains, or goes on training, and evaluates.

    Args:
        s: The value of every flag.
        strategy: What `start` returned.
        train: Images to train on: `data.Examples` or `data.Photographs`.
        test: Images to evaluate on, likewise.
        batches: Function from the unique images of a step, the first epoch
            and its first step to the batches of training from there on.

    Raises:
        Stopped: The process got SIGTERM.
    """
    unique = config.unique_images(s, strategy.num_replicas_in_sync, len(train))
    steps = len(train) // unique
    keras.utils.set_random_seed(s["seed"])
    policy = "mixed_bfloat16" if s["use_bfloat16"] else "float32"
    keras.mixed_precision.set_global_policy(policy)
    with strategy.scope():
        model = models.build_model(s, train, unique, steps)
    # Only now: flags that cannot run must not take a folder for themselves.
    run_folder.check(s)
    chief = workers.is_chief(strategy)
    with run_folder.alone(s["output_dir"], chief), signals.on_sigterm() as stop:
        output_dir = run_folder.claim(s, write=chief)
        kept = output_dir / "evaluated" if chief else None
        suite = Suite(test, strategy, s, kept)
        if s["eval_only"]:
            _restore(model, output_dir)
        else:
            fit(
                model,
                functools.partial(batches, unique),
                epochs=s["train_epochs"],
                steps_per_epoch=steps,
                output_dir=output_dir,
                checkpoint_interval=s["checkpoint_interval"],
                validation_data=test.weighted_batches(suite.batch_size),
                callbacks=_callbacks(s, suite, output_dir, chief),
                verbose=1 if sys.stdout.isatty() else 2,
                stop=stop,
            )
        _conclude_together(model, suite, output_dir, s, stop)


def _restore(model, output_dir):
    if not restore(model, output_dir)[0]:
        raise expected(
            f"a checkpoint in {output_dir}",
            "none",
            "Leave out --eval_only to train.",
        )


def _callbacks(s, suite, output_dir, chief):
    interval = s["trajectory_interval"]
    return [
        CorruptionsCallback(suite, s["corruptions_interval"]),
        TrajectoryCallback(suite, output_dir, interval, chief),
    ]


def _conclude_together(model, suite, output_dir, s, stop):
    """Lets the chief conclude, and the other workers wait for it."""
    strategy = model.distribute_strategy
    try:
        if workers.is_chief(strategy):
            conclude(model, suite, output_dir, s, stop)
    except Stopped:
        workers.meet(strategy)
        raise
    workers.meet(strategy)  # A process that ends would end the others, too.


def conclude(model, suite, output_dir, s, stop):
    """Evaluates a trained model and writes what the folder shall hold."""
    corrupted = s["corruptions_interval"] >= 0
    results, arrays = suite.full(model, corrupted, stop=stop)
    save(output_dir, results, arrays)
    suite.forget()
    print(analysis.results_table(results))
    print("Report:     ", analysis.write_report(output_dir))
    if s["export"]:
        path = output_dir / "saved_model"
        print("SavedModel: ", mimo_keras.export_saved_model(model, path))
    stop.check("at the end, with nothing left to do")
