"""Posteriors of factors in keras.ops; the layers' tests have the rest."""

import keras
import numpy as np
import pytest
import scipy.stats

from mimo_keras.layers import posteriors


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_draws_have_the_moments_of_the_posterior():
    posterior = posteriors.TrainableNormal(
        mean_initializer=keras.initializers.Constant(2.0),
        stddev_initializer=keras.initializers.Constant(-1.0),
    )
    posterior.build((2,))
    seed = keras.random.SeedGenerator(0)
    drawn = array(posterior.sample(4000, seed, "float32"))
    width = np.log1p(np.exp(-1.0))
    assert drawn.shape == (4000, 2)
    for own in drawn.T:
        assert scipy.stats.kstest(own, "norm", (2.0, width)).pvalue > 1e-3


def test_a_point_is_drawn_as_it_is():
    posterior = posteriors.TrainableDeterministic(loc_initializer="ones")
    posterior.build((2,))
    drawn = array(posterior.sample(3, None, "float16"))
    np.testing.assert_array_equal(drawn, np.ones((3, 2), "float16"))
    assert drawn.dtype == "float16"


@pytest.mark.parametrize("name", ["TrainableNormal", "TrainableDeterministic"])
def test_parts_come_from_names_dictionaries_and_objects(name):
    first = getattr(posteriors, name)()
    config = keras.saving.serialize_keras_object(first)
    assert config["registered_name"] == f"edward2>{name}"
    short = {"class_name": name}
    for described in (short, config, first, f"trainable_{name[9:].lower()}"):
        found = posteriors.part(described, keras.initializers)
        assert type(found) is type(first) and found is not first
        assert found.get_config() == first.get_config()
    # edward2's signs are ours; what Keras has is Keras's.
    signs = {"class_name": "RandomSign", "config": {"probs": 0.0}}
    drawn = posteriors.part(signs, keras.initializers)((3,))
    np.testing.assert_array_equal(array(drawn), -np.ones(3))
    found = posteriors.part("he_normal", keras.initializers)
    assert isinstance(found, keras.initializers.HeNormal)


def test_unknown_arguments_are_refused():
    with pytest.raises(TypeError, match="loc_initializer"):
        posteriors.TrainableNormal(loc_initializer="ones")
