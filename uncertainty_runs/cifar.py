"""Trains and evaluates an efficient ensemble on CIFAR-10, CIFAR-100 or digits.

    python uncertainty_runs/cifar.py --ensemble_size=3 --use_tpu
    python uncertainty_runs/cifar.py --dataset=digits --method=mimo
    python uncertainty_runs/cifar.py --method=mixmo --show_config

Repeating the command resumes from the last checkpoint.
"""

from uncertainty_runs.common import early

with early.importing(__name__):
    from mimo_keras import data
    from uncertainty_runs.common import flags, run, run_data, script
    from uncertainty_runs.common.show_config import resolve_or_show


def main():
    config = resolve_or_show()
    strategy = run.start(config)
    train, held_out = run_data.parted_train(config)
    test = None if config.tune else run_data.load(config, "test")
    steps = run.steps_of(config, strategy, train)
    model = run.create_model(config, strategy, train)
    run.compile_model(config, strategy, model, steps)

    augment = run_data.augmentation(config)

    def batches(initial_epoch, initial_step=0):
        return data.training_batches(
            train,
            steps.unique_images,
            seed=config.seed,
            epochs=config.train_epochs,
            initial_epoch=initial_epoch,
            initial_step=initial_step,
            augment=augment,
            copies=config.copies(),
        )

    with run.output(config, strategy) as output:
        suite = run.suite_of(config, strategy, test, output, held_out)
        trained = run.fit(config, model, batches, steps, suite, output)
        evaluated = run.evaluate(config, model, trained, suite, output)
        run.report(config, model, suite, evaluated, output)


if __name__ == "__main__":
    flags.define_flags(run_data.IN_MEMORY)
    script.run(main)
