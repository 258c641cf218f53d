"""A small run of the common fit, with every kind of random draw."""

import csv
import functools

import keras

from mimo_keras import data
from mimo_keras.training import WarmUpStepDecay
from mimo_keras.training.fit import fit
from tests.training import networks

EPOCHS, STEPS, BATCH = 4, 3, 4
EXAMPLES = networks.examples(STEPS * BATCH + 1)
TEST = networks.examples(7, seed=1)


def create(seed=11, rate=0.3, decay=0.1, boundary=2 * STEPS):
    """Draws rows and dropout from seeds, and follows a schedule."""
    model = networks.create(
        members=2, backbone=networks.noisy, batch_repetitions=2, seed=seed
    )
    schedule = WarmUpStepDecay(rate, [boundary], decay, warm_up_steps=2)
    model.compile(keras.optimizers.SGD(schedule, momentum=0.9), l2=1e-3)
    return model


def rewinder(model):
    """Returns a function that restores the model's current state.

    Its steps are then traced once for several runs. What Keras creates in the
    first of them, such as metrics, is kept.
    """
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    values = [keras.ops.convert_to_numpy(v.value) for v in variables]

    def rewind():
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return model

    return rewind


@functools.cache
def _kept(seed):
    return rewinder(create(seed))


def again(seed=11):
    """The model of `create(seed)`, rewound."""
    return _kept(seed)()


def batches(initial_epoch, initial_step=0, epochs=EPOCHS):
    """The batches from an epoch's step on; a function of these only."""
    return data.training_batches(
        EXAMPLES,
        BATCH,
        seed=2,
        epochs=epochs,
        initial_epoch=initial_epoch,
        initial_step=initial_step,
    )


def train(
    model, output_dir, *callbacks, epochs=EPOCHS, batches=batches, **options
):
    """Runs the common fit with validation and its options."""
    options = {
        "validation_data": data.weighted_batches(TEST, BATCH),
        **options,
    }
    return fit(
        model,
        functools.partial(batches, epochs=epochs),
        epochs=epochs,
        steps_per_epoch=STEPS,
        output_dir=output_dir,
        callbacks=callbacks,
        verbose=0,
        **options,
    )


def table(output_dir):
    """The rows of metrics.csv, as text."""
    with open(output_dir / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))
