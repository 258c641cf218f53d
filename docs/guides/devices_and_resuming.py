"""
Many devices and resuming
=========================

Train on whatever devices there are, stop at any moment, and go on as if nothing
had happened, bit for bit.
"""

# %%
# One device or several
# ---------------------
#
# :func:`mimo_keras.training.make_strategy` chooses the strategy of
# tf.distribute: all GPUs if there are any, else the CPU; a TPU by
# ``use_tpu=True``; several machines if TF_CONFIG names them. The model is made
# in its scope, and the same program runs on each of them. A loss is the mean
# over all devices, so a batch is the whole batch.

import pathlib
import subprocess
import sys
import tempfile

import keras
import numpy as np

import mimo_keras
from mimo_keras import analysis, data, evaluation
from mimo_keras.training import fit, make_strategy

train, test = data.load("digits", "train"), data.load("digits", "test")
folder = pathlib.Path(tempfile.mkdtemp())
strategy = make_strategy()
print(type(strategy).__name__, strategy.num_replicas_in_sync)


def new_model():
    """Returns a compiled model, always with the same weights."""
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = mimo_keras.create_model(
            "mimo",
            backbone="small_cnn_2",
            input_shape=(8, 8, 1),
            num_classes=10,
            ensemble_size=2,
            seed=0,
        )
        model.compile(keras.optimizers.Adam(3e-3))
    return model


# %%
# A CPU can be divided in two, to try a program for two GPUs. That must be said
# before TensorFlow starts, so here it is another process:

program = """
import mimo_keras
from mimo_keras import data
from mimo_keras.training import make_strategy

strategy = make_strategy(num_cores=2)
train = data.load("digits", "train")
with strategy.scope():
    model = mimo_keras.create_model(
        "mimo", backbone="small_cnn", input_shape=(8, 8, 1), num_classes=10,
        ensemble_size=2, sync_batch_norm=True, shuffle_group=8, seed=0)
    model.compile("adam")
batches = data.training_batches(train, 32, seed=0, epochs=1)
steps = len(train) // 32
history = model.fit(batches, steps_per_epoch=steps, verbose=0, shuffle=False)
print(type(strategy).__name__, strategy.num_replicas_in_sync)
print(round(history.history["nll"][0], 3))
"""
done = subprocess.run(
    [sys.executable, "-c", program], capture_output=True, text=True
)
print(done.stdout)
assert done.returncode == 0, done.stderr

# %%
# What depends on the number of devices, and how not to (``sync_batch_norm``,
# ``shuffle_group``), is in :doc:`/devices`.
#
# Checkpoints
# -----------
#
# :func:`mimo_keras.training.fit` is Keras's ``fit`` with checkpoints of all
# that a run needs: weights, optimizer, the state of every random draw, and the
# place in the data. Batches depend on the epoch and step alone, as those of
# :func:`mimo_keras.data.training_batches` do.

EPOCHS, BATCH = 12, 32


def run(name, stop=None):
    """Trains in the folder of this name, from its last checkpoint if any."""
    model = new_model()

    def batches(epoch, step=0):
        return data.training_batches(
            train,
            BATCH,
            seed=0,
            epochs=EPOCHS,
            initial_epoch=epoch,
            initial_step=step,
        )

    rows = fit(
        model,
        batches,
        epochs=EPOCHS,
        steps_per_epoch=len(train) // BATCH,
        output_dir=folder / name,
        verbose=0,
        stop=stop,
    )
    return model, rows


whole, rows = run("whole")
print(f"{len(rows)} epochs, the last one's NLL {rows[-1]['nll']:.3f}")

# %%
# Stop in the middle
# ------------------
#
# ``stop`` is asked after every step. Here it ends the run after 100 steps, in
# the middle of the third epoch, as a signal to a script would.

steps = []


def after_100_steps():
    """Whether 100 steps have been done."""
    steps.append(None)
    return len(steps) >= 100


try:
    run("stopped", stop=after_100_steps)
except mimo_keras.errors.Stopped as stopped:
    print(stopped)
print(sorted(x.name for x in (folder / "stopped/checkpoints").iterdir()))

# %%
# The same call goes on. Its weights at the end are those of the run that was
# never stopped, to the last bit:

resumed, rows = run("stopped")
pairs = zip(whole.get_weights(), resumed.get_weights(), strict=True)
print(f"{len(rows)} epochs; equal: {all(np.array_equal(*x) for x in pairs)}")

# %%
# Keras's own ``keras.callbacks.BackupAndRestore`` works with these models, too,
# and so does ``model.save``: they keep the state of random draws. The scripts
# do all of it by themselves: repeat a command, and it resumes.
#
# .. code-block:: sh
#
#     mimo cifar --dataset=cifar10 --output_dir=runs/a   # killed
#     mimo cifar --dataset=cifar10 --output_dir=runs/a   # goes on

metrics = evaluation.Classification(10, resumed.log_weights)
metrics.update(resumed.predict(test.images, verbose=0), test.labels)
analysis.reliability_diagram(*metrics.reliability(), title="After resuming")

# %%
# What was seen
# -------------
#
# One program made a strategy of what there was, and another of two replicas. A
# run that was stopped in the middle of an epoch ended with the weights of one
# that was not.
