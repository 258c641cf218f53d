r"""Trains and evaluates an efficient ensemble on ImageNet, as prepared by TFDS.

    python uncertainty_runs/imagenet.py --data_dir=DATA --use_tpu --use_bfloat16
    python uncertainty_runs/imagenet.py --data_dir=DATA \
        --method=mixture_ensemble

Repeating the command resumes from the last checkpoint. After training, every
test set in --data_dir is evaluated, set by set: docs/imagenet.md.
"""

from uncertainty_runs.common import early

with early.importing(__name__):
    from mimo_keras import data
    from mimo_keras.data import photographs
    from mimo_keras.errors import expected
    from uncertainty_runs.common import flags, run, run_data, script
    from uncertainty_runs.common.config import RunConfig
    from uncertainty_runs.common.show_config import resolve_or_show


def main():
    config = resolve_or_show()
    check(config)
    strategy = run.start(config)
    train, test = run.load(config)
    # Name the photograph that cannot be read, whichever split has it.
    with data.named_damage(test), data.named_damage(train):
        train_and_evaluate(config, strategy, train, test)
    if len(train.skipped):
        print(f"Skipped:     {len(train.skipped)} training photographs")


def train_and_evaluate(config, strategy, train, test):
    steps = run.steps_of(config, strategy, train)
    model = run.create_model(config, strategy, train)
    run.compile_model(config, strategy, model, steps)

    def batches(initial_epoch, initial_step=0):
        return photographs.training_crops(
            train,
            steps.unique_images,
            seed=config.seed,
            epochs=config.train_epochs,
            initial_epoch=initial_epoch,
            initial_step=initial_step,
        )

    with run.output(config, strategy) as output:
        suite = run.suite_of(config, strategy, test, output)
        trained = run.fit(config, model, batches, steps, suite, output)
        evaluated = run.evaluate(config, model, trained, suite, output)
        run.report(config, model, suite, evaluated, output)


def check(config):
    """Raises InputError for flags that do not apply to photographs."""
    run_data.augmentation(config)
    if config.shifted:
        raise expected(
            "no --shifted: it is for data sets of small images",
            f"shifted=True, recipe={config.recipe}",
            "Add --noshifted.",
        )
    for name in (*run_data.PARTING, "augment", "augment_repetitions"):
        if (value := getattr(config, name)) != getattr(RunConfig, name):
            raise expected(
                f"no --{'no' * (value is False)}{name}: it is for data sets in "
                "memory",
                f"{name}={value}",
                "Leave it out.",
            )


if __name__ == "__main__":
    flags.define_flags(run_data.PHOTOGRAPHS)
    flags.define_photograph_flags()
    script.run(main)
