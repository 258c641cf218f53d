import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras.errors import InputError
from mimo_keras.methods import KLTerm, Sampling
from mimo_keras.training import EnsembleModel
from mimo_keras.training.annealing import LinearAnnealing
from mimo_keras.training.likelihoods import Categorical


def test_factor_grows_with_the_images_and_stays_at_its_weight():
    annealing = LinearAnnealing(0.5, 40)
    factors = []
    for _ in range(6):
        factors.append(float(annealing.factor()))
        annealing.count(10)
    assert factors == pytest.approx([0, 0.125, 0.25, 0.375, 0.5, 0.5])


def test_nothing_is_counted_without_annealing():
    annealing = LinearAnnealing(0.5, 0)
    annealing.count(10)
    assert annealing.factor() == 0.5
    assert annealing.variables == []


def test_more_images_than_float32_can_count():
    annealing = LinearAnnealing(1.0, 2**27)
    annealing.seen.assign(2**26)
    for _ in range(64):
        annealing.count(1)
    assert int(annealing.seen) == 2**26 + 64


def test_epochs_are_of_the_number_of_images_that_was_found():
    annealing = LinearAnnealing(6.0, epochs=2)
    assert annealing.is_waiting() and annealing.factor() == 0
    annealing.found(12)
    assert not annealing.is_waiting()
    factors = []
    for _ in range(4):
        annealing.count(9)
        factors.append(float(annealing.factor()))
    assert factors == pytest.approx([0.1875, 0.375, 0.5, 0.5])
    annealing.found(24)  # As far as before, of twice as many.
    assert float(annealing.factor()) == pytest.approx(0.25)
    annealing = LinearAnnealing(6.0, epochs=0)
    annealing.found(12)
    assert float(annealing.factor()) == 0.5


@keras.saving.register_keras_serializable("annealing_test")
class Loss(keras.layers.Layer):
    """Has a divergence of 3, and adds another loss."""

    def __init__(self, added=0.0, **kwargs):
        super().__init__(**kwargs)
        self.added = added

    def kl_divergence(self):
        return keras.ops.convert_to_tensor(3.0)

    def call(self, inputs):
        if self.added:
            self.add_loss(keras.ops.sum(inputs * 0) + self.added)
        return inputs


def model(kl_term, added=0.0):
    inputs = keras.Input((2,))
    x = keras.layers.Dense(3, kernel_initializer="zeros")(Loss(added)(inputs))
    network = keras.Model(inputs, keras.layers.Reshape((1, 3))(x))
    made = EnsembleModel(
        network, Sampling(), (0.0,), Categorical(3), kl_term=kl_term
    )
    made.compile(keras.optimizers.SGD(0.0))
    return made


IMAGES, LABELS = np.ones((12, 2), "float32"), np.zeros(12, "int32")
# The network gives equal logits for any input.
CROSS_ENTROPY = np.log(3)


def test_divergences_count_fully_without_a_kl_term():
    loss = model(KLTerm()).train_on_batch(IMAGES, LABELS)[0]
    assert float(loss) == pytest.approx(CROSS_ENTROPY + 3)


def test_other_losses_of_layers_count_fully_at_all_times():
    made = model(KLTerm(weight=0.5, annealing_examples=24), added=2.0)
    loss = made.train_on_batch(IMAGES, LABELS)[0]
    assert float(loss) == pytest.approx(CROSS_ENTROPY + 0.5 * 0.5 * 3 + 2)


def test_divergences_come_in_with_the_images_seen():
    made = model(KLTerm(weight=0.5, annealing_examples=24))
    history = made.fit(IMAGES, LABELS, batch_size=6, epochs=2, verbose=0)
    shares = np.array([[6, 12], [18, 24]]) / 24
    assert history.history["loss"] == pytest.approx(
        CROSS_ENTROPY + 0.5 * 3 * shares.mean(axis=1)
    )


def test_evaluation_counts_nothing():
    made = model(KLTerm(weight=0.5, annealing_examples=24))
    made.train_on_batch(IMAGES, LABELS)
    for _ in range(2):
        logs = made.evaluate(IMAGES, LABELS, verbose=0, return_dict=True)
        assert logs["loss"] == pytest.approx(CROSS_ENTROPY + 0.5 * 3 / 2)


def test_count_is_part_of_the_saved_model(tmp_path):
    made = model(KLTerm(weight=0.5, annealing_examples=24))
    made.train_on_batch(IMAGES, LABELS)
    made.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert float(loaded.annealing.factor()) == pytest.approx(0.25)
    assert loaded.kl_term == made.kl_term
    assert any(v is made.annealing.seen for v in made.variables)


def test_models_without_such_losses_have_no_count():
    plain = mimo_keras.create_model(
        "deterministic", backbone="mlp_4", input_shape=(2,), num_classes=3
    )
    assert plain.annealing.variables == []


def test_replicas_count_all_images(two_cpus):
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(
        two_cpus, tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        made = model(KLTerm(weight=0.5, annealing_examples=24))
    history = made.fit(IMAGES, LABELS, batch_size=6, epochs=1, verbose=0)
    assert int(made.annealing.seen.numpy()) == 12
    assert history.history["loss"][0] == pytest.approx(
        CROSS_ENTROPY + 0.5 * 3 * np.mean([6, 12]) / 24
    )


# The number of images, and how data of that many come.
DATA = {
    "array": lambda n: {"x": IMAGES[:n], "y": LABELS[:n], "batch_size": 4},
    "dataset": lambda n: {"x": dataset(n)},
    "endless": lambda n: {"x": dataset(n).repeat(), "steps_per_epoch": n // 4},
    "PyDataset": lambda n: {"x": Batches(n // 4)},
}


class Batches(keras.utils.PyDataset):
    """Batches of four; without __len__, which Keras does not require."""

    def __init__(self, count):
        super().__init__()
        self.count = count

    @property
    def num_batches(self):
        return self.count

    def __getitem__(self, index):
        return IMAGES[:4], LABELS[:4]


def dataset(count):
    import tensorflow as tf

    pair = IMAGES[:count], LABELS[:count]
    return tf.data.Dataset.from_tensor_slices(pair).batch(4)


def losses(made, data, epochs=2, **options):
    options = {**data, "epochs": epochs, "verbose": 0, **options}
    return made.fit(**options).history["loss"]


@pytest.mark.parametrize("kind", DATA)
def test_the_number_of_images_is_found_in_fit(kind):
    """As if it was given; with other data it is another, without a retrace."""
    found = model(KLTerm.per_image(6.0, None, 3))
    for count, epoch in ((12, 0), (8, 1)):
        given = model(KLTerm.per_image(6.0, count, 3))
        given.run_eagerly = True
        given.annealing.seen.assign(epoch * count)
        data = DATA[kind](count)
        wanted = losses(given, data, epochs=1)
        assert losses(found, data, epochs=1) == pytest.approx(wanted)
        assert int(found.annealing.train_examples) == count


def test_images_for_validation_do_not_count():
    found = model(KLTerm.per_image(6.0, None))
    losses(found, DATA["array"](12), validation_split=0.25)
    assert int(found.annealing.train_examples) == 9


def test_the_number_that_was_found_is_saved(tmp_path):
    found = model(KLTerm.per_image(6.0, None, 3))
    losses(found, DATA["array"](12), epochs=1)
    found.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.kl_term == found.kl_term
    assert not loaded.annealing.is_waiting()
    wanted = found.train_on_batch(IMAGES, LABELS)
    assert loaded.train_on_batch(IMAGES, LABELS) == pytest.approx(wanted)


def test_without_fit_it_must_be_given():
    found = model(KLTerm.per_image(6.0, None))
    assert np.isfinite(found.evaluate(IMAGES, LABELS, verbose=0)).all()
    for train in (
        lambda: found.train_on_batch(IMAGES, LABELS),
        lambda: found.compute_loss(IMAGES, LABELS, found(IMAGES)),
        lambda: found.fit(iter([(IMAGES, LABELS)])),
    ):
        with pytest.raises(InputError, match="Pass train_examples to create"):
            train()


def test_a_weight_of_0_needs_no_number():
    made = model(KLTerm.per_image(0.0, None, 3))
    data = iter([(IMAGES, LABELS)])
    for loss in (
        made.train_on_batch(IMAGES, LABELS)[0],
        made.fit(data, verbose=0).history["loss"][0],
    ):
        assert float(loss) == pytest.approx(CROSS_ENTROPY)


def test_replicas_divide_by_all_images(two_cpus):
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(
        two_cpus, tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        both = model(KLTerm.per_image(6.0, None, 3))
    alone = model(KLTerm.per_image(6.0, 12, 3))
    data = DATA["dataset"](12)
    assert losses(both, data) == pytest.approx(losses(alone, data))
