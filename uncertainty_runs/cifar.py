"""Trains and evaluates an efficient ensemble on CIFAR-10, CIFAR-100 or digits.

    python uncertainty_runs/cifar.py --ensemble_size=3 --use_tpu
    python uncertainty_runs/cifar.py --dataset=digits --method=mimo

The same command again goes on from the last checkpoint.
"""

import sys

import keras

import mimo_keras
from mimo_keras import analysis, data
from mimo_keras.errors import expected
from mimo_keras.training import WarmUpStepDecay, workers
from mimo_keras.training.distribution import make_strategy
from mimo_keras.training.fit import fit, restore
from uncertainty_runs import folder, recipes, settings
from uncertainty_runs.suite import CorruptionsCallback, Suite, save

# Digits are not augmented: shifted at 8x8 they lose their edges, flipped
# they are other signs.
AUGMENT = {
    "cifar10": data.augmentation.crop_and_flip(padding=4),
    "cifar100": data.augmentation.crop_and_flip(padding=4),
    "digits": None,
}


def main():
    s = settings.resolve(recipes.recipe)
    strategy = start(s)
    train, test = (load(s, split) for split in ("train", "test"))
    unique = settings.unique_images(
        s, strategy.num_replicas_in_sync, len(train)
    )
    steps = len(train) // unique
    keras.utils.set_random_seed(s["seed"])
    policy = "mixed_bfloat16" if s["use_bfloat16"] else "float32"
    keras.mixed_precision.set_global_policy(policy)
    with strategy.scope():
        model = build_model(s, train, unique, steps)
    # Only now: flags that cannot run must not take a folder for themselves.
    output_dir = folder.claim(s, write=workers.is_chief(strategy))
    suite = Suite(test, strategy, s)

    def batches(initial_epoch):
        return data.training_batches(
            train,
            unique,
            seed=s["seed"],
            epochs=s["train_epochs"],
            initial_epoch=initial_epoch,
            augment=AUGMENT[s["dataset"]] if s["augment"] else None,
        )

    if s["eval_only"]:
        if not restore(model, output_dir)[0]:
            raise expected(
                f"a checkpoint in {output_dir}",
                "none",
                "Leave out --eval_only to train.",
            )
    else:
        fit(
            model,
            batches,
            epochs=s["train_epochs"],
            steps_per_epoch=steps,
            output_dir=output_dir,
            checkpoint_interval=s["checkpoint_interval"],
            validation_data=data.weighted_batches(test, suite.batch_size),
            callbacks=[CorruptionsCallback(suite, s["corruptions_interval"])],
            verbose=1 if sys.stdout.isatty() else 2,
        )

    if workers.is_chief(strategy):
        conclude(model, suite, output_dir, s)
    workers.meet(strategy)  # A process that ends would end the others, too.


def start(s):
    """Returns the strategy; with several workers, all of them are there."""
    strategy = make_strategy(
        use_tpu=s["use_tpu"],
        tpu=s["tpu"],
        use_gpu=s["use_gpu"],
        num_cores=s["num_cores"],
    )
    workers.agree(
        strategy,
        folder.fingerprint(s),
        "fingerprint of the flags",
        "Start all workers by the same command.",
    )
    return strategy


def conclude(model, suite, output_dir, s):
    """Evaluates a trained model and writes what the folder shall hold."""
    results, arrays = suite.full(model, s["corruptions_interval"] >= 0)
    save(output_dir, results, arrays)
    print(analysis.results_table(results))
    print("Report:     ", analysis.write_report(output_dir))
    if s["export"]:
        path = output_dir / "saved_model"
        print("SavedModel: ", mimo_keras.export_saved_model(model, path))


def load(s, split):
    return data.load(
        s["dataset"],
        split,
        data_dir=s["data_dir"],
        download=s["download_data"],
    )


def build_model(s, train, unique, steps):
    mean, std = data.standardization(s["dataset"])
    model = mimo_keras.create_model(
        s["method"],
        backbone=s["backbone"],
        input_shape=train.images.shape[1:],
        num_classes=train.num_classes,
        ensemble_size=s["ensemble_size"],
        mean=mean,
        std=std,
        seed=s["seed"],
        sync_batch_norm=bool(s.get("sync_batch_norm")),
        **settings.method_options(s, train_examples=len(train)),
    )
    optimizer = build_optimizer(s, unique, steps)
    model.compile(optimizer, l2=s["l2"], l2_scope=s["l2_scope"])
    return model


def build_optimizer(s, unique, steps):
    rate = s["base_learning_rate"] * unique / s["images_per_rate"]
    schedule = WarmUpStepDecay(
        rate,
        [
            steps * epoch * s["train_epochs"] // s["lr_decay_of"]
            for epoch in s["lr_decay_epochs"]
        ],
        s["lr_decay_ratio"],
        steps * s["lr_warmup_epochs"],
    )
    if s["schedule"] == "cosine":
        schedules = keras.optimizers.schedules
        schedule = schedules.CosineDecay(rate, steps * s["train_epochs"])
    if s["optimizer"] == "adam":
        return keras.optimizers.Adam(schedule)
    return keras.optimizers.SGD(schedule, momentum=0.9, nesterov=s["nesterov"])


if __name__ == "__main__":
    settings.define_flags(data.DATASETS)
    settings.run(main)
