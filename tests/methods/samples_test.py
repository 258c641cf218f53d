"""Several passes over the same images: the order of components."""

import keras
import numpy as np

from mimo_keras.layers import DenseMultihead, MonteCarloDropout
from mimo_keras.methods import sampled


def network(rate):
    """Two heads on six features with dropout."""
    inputs = keras.Input((6,))
    x = MonteCarloDropout(rate, seed=1)(inputs)
    return keras.Model(inputs, DenseMultihead(3, heads=2)(x))


def images(rows=4):
    return np.random.default_rng(0).normal(size=(rows, 6)).astype("float32")


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_members_of_a_sample_stay_together():
    exact = network(rate=0.0)
    once = array(exact(images()))
    found = array(sampled(exact, images(), samples=3))
    assert found.shape == (4, 6, 3)
    for sample in range(3):
        part = found[:, 2 * sample : 2 * sample + 2]
        np.testing.assert_allclose(part, once, rtol=1e-6)


def test_one_sample_is_one_call():
    noisy = network(rate=0.5)
    twin = keras.models.clone_model(noisy)
    twin.set_weights(noisy.get_weights())
    np.testing.assert_array_equal(
        array(sampled(noisy, images(), samples=1)), array(twin(images()))
    )


def test_each_image_and_each_sample_has_a_draw_of_its_own():
    noisy = network(rate=0.5)
    same = np.repeat(images(1), 8, axis=0)
    found = array(sampled(noisy, same, samples=5))[:, ::2].reshape(40, 3)
    # 2 ** 6 masks: among 40 draws many differ, and more than in one batch.
    assert len(np.unique(found.round(5), axis=0)) > 15


def test_it_is_a_part_of_functional_models():
    exact = network(rate=0.0)
    inputs = keras.Input((6,))
    model = keras.Model(inputs, sampled(exact, inputs, samples=3))
    assert model.output_shape == (None, 6, 3)
    for rows in (1, 4):
        np.testing.assert_allclose(
            array(model(images(rows))),
            array(sampled(exact, images(rows), samples=3)),
            rtol=1e-6,
        )
