"""How layers learn the epoch, and when they keep it."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import Stopped
from mimo_keras.training.epoch_clock import EpochClock, with_clock
from mimo_keras.training.fit import fit
from tests.methods import small


def create():
    model = small.create(
        "mixshare", "small_cnn", 2, fadeout_epochs=4, cutmix_decay=0.5
    )
    model.compile(keras.optimizers.SGD(0.01), **small.step_by_step())
    return model


def states(model):
    """(epoch, epochs) of each layer that counts."""
    return [
        (float(small.numpy(x.epoch)), float(small.numpy(x.epochs)))
        for x in scheduled(model)
    ]


def scheduled(model):
    names = ("mix_members", "unmix_members")
    return [model.network.get_layer(name) for name in names]


class Spy(keras.callbacks.Callback):
    """Records the layers' states in the middle and at the end of epochs."""

    def __init__(self):
        super().__init__()
        self.inside, self.after = [], []

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0:
            self.inside.append(states(self.model)[0])

    def on_epoch_end(self, epoch, logs=None):
        self.after.append(states(self.model)[0])


def train(model, **options):
    spy = Spy()
    images, labels = small.examples(model, 8)
    model.fit(
        images, labels, batch_size=4, callbacks=[spy], verbose=0, **options
    )
    return spy


def test_fit_tells_every_epoch_and_how_many_there_are():
    model = create()
    assert states(model) == [(0, 0)] * 2
    spy = train(model, epochs=3)
    assert spy.inside == [(0, 3), (1, 3), (2, 3)]
    # A checkpoint at the end of an epoch counts it as finished.
    assert spy.after == [(1, 3), (2, 3), (3, 3)]
    assert states(model) == [(3, 3)] * 2
    mix, unmix = scheduled(model)
    assert float(small.numpy(mix.probability())) == 0
    assert float(small.numpy(unmix.faded())) == 0.75


def test_several_fits_are_one_training():
    model = create()
    for done in range(3):
        spy = train(model, epochs=1)
        assert spy.inside == [(done, done + 1)]


def test_a_first_epoch_counts_from_where_it_says():
    model = create()
    assert train(model, epochs=5, initial_epoch=3).inside == [(3, 5), (4, 5)]
    # Finished epochs are not repeated.
    assert train(model, epochs=6, initial_epoch=5).inside == [(5, 6)]


def test_a_loaded_model_goes_on(tmp_path):
    model = create()
    train(model, epochs=2)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    loaded.run_eagerly = model.run_eagerly
    assert train(loaded, epochs=1).inside == [(2, 3)]


def test_methods_without_schedules_get_no_clock():
    model = small.create("mimo", "small_cnn", 2)
    given = [keras.callbacks.History()]
    assert with_clock(given, model, 1) is given


@pytest.mark.parametrize("kind", ["none", "one", "list", "container"])
def test_callbacks_come_in_every_form(kind):
    model, one = create(), keras.callbacks.History()
    given = {
        "none": None,
        "one": one,
        "list": [one],
        "container": keras.callbacks.CallbackList([one], model=model),
    }[kind]
    found = with_clock(given, model, 1)
    found = getattr(found, "callbacks", found)
    assert sum(isinstance(x, EpochClock) for x in found) == 1
    assert (one in found) == (kind != "none")
    assert isinstance(found[0], EpochClock)
    images, labels = small.examples(model, 4)
    model.fit(images, labels, epochs=2, callbacks=given, verbose=0)
    assert states(model) == [(2, 2)] * 2


class _Stop(Exception):
    pass


class StopAt(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if (self.now, batch) == (2, 0):
            raise _Stop

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch


@pytest.mark.tensorflow
def test_a_stopped_run_ends_bit_for_bit_as_an_uninterrupted_one(tmp_path):
    """Draws of the mix, CutMix's fall and the fade-out are all resumed."""

    def run(folder, *callbacks, stop=None):
        import tensorflow as tf

        model = create()
        images, labels = small.examples(model, 8)

        def batches(start, step=0):
            whole = tf.data.Dataset.from_tensor_slices((images, labels))
            return whole.batch(4).repeat(5 - start).skip(step)

        fit(
            model,
            batches,
            epochs=5,
            steps_per_epoch=2,
            output_dir=folder,
            callbacks=callbacks,
            verbose=0,
            stop=stop,
        )
        return model

    whole = run(tmp_path / "whole")
    with pytest.raises(_Stop):
        run(tmp_path / "stopped", StopAt())
    asked = iter([False] * 4 + [True])  # In the middle of epoch 3.
    with pytest.raises(Stopped, match="in epoch 3 after step 1 of 2"):
        run(tmp_path / "asked", stop=lambda: next(asked))
    for name in ("stopped", "asked"):
        resumed = run(tmp_path / name)
        assert states(resumed) == states(whole) == [(5, 5)] * 2
        for one, other in zip(resumed.variables, whole.variables, strict=True):
            np.testing.assert_array_equal(
                small.numpy(one), small.numpy(other), err_msg=one.path
            )


def test_two_replicas_know_the_epoch(two_cpus):
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(
        two_cpus, tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        model = small.create("mixshare", "small_cnn", 2, fadeout_epochs=4)
    (clock,) = with_clock(None, model, 2)
    clock.on_train_begin()
    for epoch in range(2):
        for tell, known in ((clock.on_epoch_begin, 0), (clock.on_epoch_end, 1)):
            tell(epoch)
            for layer in scheduled(model):
                values = [float(v) for v in layer.epoch.value.values]
                assert values == [epoch + known] * 2
