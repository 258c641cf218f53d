"""MemberEmbedding sums the members' embeddings."""

import keras
import numpy as np
import pytest

from mimo_keras.layers import MemberEmbedding

IDS = np.random.default_rng(0).integers(0, 300, (4, 3, 5))


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("dtype", ["int32", "int64", "int16", "float32"])
def test_it_is_the_sum_of_look_ups(dtype):
    layer = MemberEmbedding(3, 300, 2)
    found = array(layer(IDS.astype(dtype)))
    tables = layer.get_weights()
    wanted = sum(tables[m][IDS[:, m]] for m in range(3))
    np.testing.assert_allclose(found, wanted, atol=1e-7)
    assert np.abs(tables[0] - tables[1]).max() > 0


def test_a_seeded_initializer_draws_other_tables_for_each_member():
    drawn = keras.initializers.RandomNormal(seed=4)
    layer, twin = (
        MemberEmbedding(2, 9, 2, embeddings_initializer=drawn) for _ in range(2)
    )
    layer.build((None, 2, 5)), twin.build((None, 2, 5))
    first, second = layer.get_weights()
    assert np.abs(first - second).min() > 0
    np.testing.assert_array_equal(first, twin.get_weights()[0])


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_one_table_answers_where_all_members_see_the_same(dtype):
    """Exactly, to the rounding of a sum of three numbers."""
    layer = MemberEmbedding(3, 300, 2, dtype=dtype)
    same = np.repeat(IDS[:, :1], 3, axis=1)
    wanted = np.asarray(layer(same), "float32")
    twin = layer.for_one_image()
    twin.layer.build((None, 5))
    twin.layer.set_weights(twin.weights)
    # Whole floats above 256 are ids, too, under any policy.
    found = np.asarray(twin.layer(IDS[:, 0].astype("float32")), "float32")
    scale = np.abs(wanted).max()
    limit = 1e-6 if dtype == "float32" else 1e-2
    np.testing.assert_allclose(found, wanted, atol=limit * scale)
