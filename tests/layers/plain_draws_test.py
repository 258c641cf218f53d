import keras
import numpy as np
import pytest
from keras import ops

from mimo_keras.layers import MonteCarloDropout, plain_draws


def key(seed=0):
    return np.random.SeedSequence(seed)


def uniform(rows=4096, shape=(16, 4), seed=0):
    rows = ops.arange(rows, dtype="int32")
    return ops.convert_to_numpy(plain_draws.uniform(rows, shape, key(seed)))


def by_hand(count, seed):
    """The same Feistel network in Python's unbounded integers."""
    numbers = []
    for counter in range(count):
        left, right = divmod(counter, 65536)
        for part in key(seed).generate_state(8):
            mixed = (right + int(part)) % 65536
            mixed = ((mixed - 32768) ** 2 + mixed * 16381) >> 8
            left, right = right, (left + mixed) % 65536
        numbers.append(((left << 16) + right >> 8) / 2**24)
    return np.array(numbers, "float32")


def test_the_numbers_are_those_of_a_feistel_network():
    found = uniform(5, (3, 2))
    assert found.shape == (5, 3, 2)
    np.testing.assert_array_equal(found.reshape(-1), by_hand(30, 0))


def test_they_are_uniform_and_independent():
    values = uniform().reshape(-1)
    count = len(values)
    assert values.min() >= 0 and values.max() < 1
    hits = np.bincount((values * 256).astype(int), minlength=256)
    chi_square = ((hits - count / 256) ** 2 / (count / 256)).sum()
    assert abs(chi_square - 255) < 4 * np.sqrt(2 * 255)
    deviation = (values - 0.5) * np.sqrt(12)
    others = uniform(seed=1).reshape(-1)
    for other in (
        *(np.roll(deviation, lag) for lag in (1, 2, 4, 16, 64, 256, 4096)),
        (others - 0.5) * np.sqrt(12),
    ):
        assert abs(np.mean(deviation * other)) < 4 / np.sqrt(count)


def test_normal_numbers_have_the_moments_of_the_normal():
    rows = ops.arange(4096, dtype="int32")
    found = plain_draws.normal(rows, (16,), key())
    values = ops.convert_to_numpy(found).reshape(-1)
    for power, moment in ((1, 0), (2, 1), (3, 0), (4, 3), (6, 15)):
        powers = values.astype("float64") ** power
        error = 4 * powers.std() / np.sqrt(len(values))
        assert abs(powers.mean() - moment) < error


def test_rows_are_counted():
    found = plain_draws.rows_of(ops.zeros((4, 3, 2)))
    np.testing.assert_array_equal(found, [0, 1, 2, 3])
    assert keras.backend.standardize_dtype(found.dtype) == "int32"


@pytest.fixture
def dropout():
    inputs = keras.Input((50, 4))
    drop = MonteCarloDropout(0.2, keras.random.SeedGenerator(3))
    return keras.Model(inputs, drop(inputs))


def test_dropout_zeroes_and_scales(dropout):
    inputs = np.full((40, 50, 4), 2.0, "float32")
    with plain_draws.plain_draws(dropout):
        found = ops.convert_to_numpy(dropout(inputs))
    assert {*np.unique(found)} == {0.0, 2.5}
    share = (found == 0).mean()
    assert abs(share - 0.2) < 4 * np.sqrt(0.2 * 0.8 / found.size)
    assert (found[0] != found[1]).any()


def test_draws_follow_from_the_seed_generators_state(dropout):
    inputs = np.ones((8, 50, 4), "float32")
    [generator] = [layer.seed_generator for layer in dropout.layers[1:]]
    state = ops.convert_to_numpy(generator.state).tolist()

    def draws(times):
        with plain_draws.plain_draws(dropout):
            found = [dropout(inputs) for _ in range(times)]
        return [ops.convert_to_numpy(value) for value in found]

    one, other = draws(2)
    assert (one != other).any()
    np.testing.assert_array_equal(draws(1)[0], one)
    assert ops.convert_to_numpy(generator.state).tolist() == state
    generator.next()
    assert (draws(1)[0] != one).any()


def test_outside_the_generator_draws(dropout):
    [generator] = [layer.seed_generator for layer in dropout.layers[1:]]
    assert plain_draws.next_key(generator) is None
    with plain_draws.plain_draws(dropout):
        assert plain_draws.next_key(generator) is not None
        assert plain_draws.next_key(keras.random.SeedGenerator(3)) is None
    assert plain_draws.next_key(generator) is None


@pytest.mark.tensorflow
def test_rank_1_factors_are_normal():
    import tensorflow as tf

    from mimo_keras.layers import DenseRank1

    layer = DenseRank1(
        3,
        ensemble_size=2,
        seed=1,
        add_kl_loss=False,
        use_bias=False,
        kernel_initializer="ones",
        alpha_initializer={
            "class_name": "TrainableNormal",
            "config": {
                "mean_initializer": keras.initializers.Constant(2.0),
                "stddev_initializer": keras.initializers.Constant(0.0),
            },
        },
        gamma_initializer="ones",
    )
    inputs = keras.Input((1,))
    model = keras.Model(inputs, layer(inputs))
    with plain_draws.plain_draws(model):
        found = ops.convert_to_numpy(model(tf.ones((4000, 1))))
    # Softplus is what keeps a standard deviation positive.
    deviation = np.log(2.0)
    assert abs(found.mean() - 2) < 4 * deviation / np.sqrt(4000)
    np.testing.assert_allclose(found.std(), deviation, rtol=0.05)
