r"""Trains and evaluates an efficient ensemble on ImageNet, as TFDS prepares it.

    python uncertainty_runs/imagenet.py --data_dir=DATA --use_tpu --use_bfloat16
    python uncertainty_runs/imagenet.py --data_dir=DATA \
        --method=mixture_ensemble

The same command again goes on from the last checkpoint. After training every
test set that lies in --data_dir is evaluated, set by set: docs/imagenet.md.
"""

from mimo_keras import data
from mimo_keras.data import photographs
from mimo_keras.errors import expected
from uncertainty_runs.common import config, recipes, run, sources


def main():
    s = config.resolve(recipes.recipe)
    if s.get("shifted"):
        raise expected(
            "no --shifted: that set is made of small images",
            f"shifted=True, recipe={s['recipe']}",
            "Add --noshifted.",
        )
    strategy = run.start(s)
    train, test = (sources.load(s, split) for split in ("train", "test"))

    def batches(unique, initial_epoch, initial_step=0):
        return photographs.training_crops(
            train,
            unique,
            seed=s["seed"],
            epochs=s["train_epochs"],
            initial_epoch=initial_epoch,
            initial_step=initial_step,
        )

    # A photograph that cannot be read is named, whichever of them has it.
    with data.named_damage(test), data.named_damage(train):
        run.run(s, strategy, train, test, batches)
    if len(train.skipped):
        print(f"Skipped:     {len(train.skipped)} training photographs")


if __name__ == "__main__":
    config.define_flags(sources.PHOTOGRAPHS)
    config.define_photograph_flags()
    config.run(main)
