import keras
import numpy as np
import pytest

from mimo_keras.training.learning_rates import multiply_learning_rates


class Scale(keras.layers.Layer):
    """y = a x b, with half the learning rate for b."""

    def build(self, input_shape):
        self.a = self.add_weight(shape=(), initializer="ones", name="a")
        self.b = self.add_weight(shape=(), initializer="ones", name="b")

    @property
    def learning_rate_multipliers(self):
        return [(self.b, 0.5)]

    def call(self, inputs):
        return self.a * inputs * self.b


def network(multiplied=True, optimizer=None, traced=False):
    inputs = keras.Input((1,))
    model = keras.Model(inputs, Scale()(inputs))
    optimizer = optimizer or keras.optimizers.SGD(0.1)
    model.compile(optimizer, "mse", run_eagerly=not traced)
    model.optimizer.build(model.trainable_variables)
    if multiplied:
        multiply_learning_rates(model.optimizer, model)
    return model


def weights(model, steps=1):
    data = np.ones((4, 1), "float32"), np.full((4, 1), 3.0, "float32")
    model.fit(*data, batch_size=4, epochs=steps, verbose=0)
    return [float(w) for w in model.get_weights()]


def test_a_step_of_sgd_by_hand():
    # d/da (a b - 3)² = 2 (1 - 3) = -4, and the same for b.
    assert weights(network()) == pytest.approx([1 + 0.1 * 4, 1 + 0.05 * 4])


def test_momentum_by_hand():
    rates, w, m = np.array([0.1, 0.05]), np.ones(2), np.zeros(2)
    for _ in range(4):
        gradient = 2 * (w[0] * w[1] - 3) * w[::-1]
        m = 0.9 * m - rates * gradient
        w = w + 0.9 * m - rates * gradient
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True)
    model = network(optimizer=optimizer, traced=True)
    assert weights(model, 4) == pytest.approx(w)


def test_adam_by_hand():
    # Scaled gradients would not change Adam's first step.
    optimizer = keras.optimizers.Adam(0.1)
    assert weights(network(optimizer=optimizer)) == pytest.approx(
        [1.1, 1.05], abs=1e-5
    )


@pytest.mark.parametrize(
    "optimizer",
    ["Adagrad", "AdamW", "Adamax", "Lion", "Nadam", "RMSprop"],
)
def test_a_factor_of_one_half_is_half_the_rate(optimizer):
    optimizer = getattr(keras.optimizers, optimizer)

    def trained(rate, multiplied):
        made = optimizer(rate, weight_decay=0.0)
        return weights(network(multiplied, made))

    found, plain = trained(0.1, True), trained(0.1, False)
    assert found[0] == pytest.approx(plain[0])
    assert found[1] == pytest.approx(trained(0.05, False)[1])
    assert found[1] != pytest.approx(plain[1])


def test_schedules_are_multiplied_too():
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
        [0], [0.1, 9.0]
    )
    model = network(optimizer=keras.optimizers.SGD(schedule), traced=True)
    assert weights(model) == pytest.approx([1.4, 1.2])


def test_a_second_call_does_not_multiply_twice():
    model = network()
    multiply_learning_rates(model.optimizer, model)
    assert weights(model) == pytest.approx([1.4, 1.2])


def test_a_loss_scale_is_seen_through():
    optimizer = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.1), initial_scale=8.0
    )
    model = network(optimizer=optimizer, traced=True)
    assert weights(model) == pytest.approx([1.4, 1.2])


def test_the_optimizer_is_described_as_before():
    plain, multiplied = (
        network(factors, keras.optimizers.SGD(0.1, name="sgd")).optimizer
        for factors in (False, True)
    )
    assert multiplied.get_config() == plain.get_config()
    assert len(multiplied.variables) == len(plain.variables)


def test_an_optimizer_without_factors_is_left_alone():
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.compile("sgd", "mse")
    model.optimizer.build(model.trainable_variables)
    multiply_learning_rates(model.optimizer, model)
    assert "update_step" not in vars(model.optimizer)


def test_replicas_take_the_same_step(two_cpus):
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(
        two_cpus, tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        model = network(optimizer=keras.optimizers.Adam(0.1), traced=True)
    one = network(optimizer=keras.optimizers.Adam(0.1))
    assert weights(model, 3) == pytest.approx(weights(one, 3), abs=1e-5)


def test_a_frozen_weight_has_no_learning_rate():
    model = network(multiplied=False)
    model.layers[1].b.trainable = False
    model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
    model.optimizer.build(model.trainable_variables)
    multiply_learning_rates(model.optimizer, model)
    assert weights(model) == pytest.approx([1 + 0.1 * 4, 1])
