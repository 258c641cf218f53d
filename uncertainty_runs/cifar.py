"""Trains and evaluates an efficient ensemble on CIFAR-10, CIFAR-100 or digits.

    python uncertainty_runs/cifar.py --ensemble_size=3 --use_tpu
    python uncertainty_runs/cifar.py --dataset=digits --method=mimo

The same command again goes on from the last checkpoint.
"""

from mimo_keras import data
from uncertainty_runs.common import config, recipes, run, sources


def main():
    s = config.resolve(recipes.recipe)
    strategy = run.start(s)
    train, test = (sources.load(s, split) for split in ("train", "test"))

    def batches(unique, initial_epoch, initial_step=0):
        return data.training_batches(
            train,
            unique,
            seed=s["seed"],
            epochs=s["train_epochs"],
            initial_epoch=initial_epoch,
            initial_step=initial_step,
            augment=data.get(s["dataset"]).augment if s["augment"] else None,
        )

    run.run(s, strategy, train, test, batches)


if __name__ == "__main__":
    config.define_flags(sources.IN_MEMORY)
    config.run(main)
