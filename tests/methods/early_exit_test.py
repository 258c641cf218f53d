"""Early exits: widths of their heads, and their independence."""

import numpy as np
import pytest

from mimo_keras.errors import InputError
from tests.methods import small


def create(backbone="wide_resnet_10_1", **options):
    return small.create("early_exit", backbone, **options)


@pytest.mark.parametrize("growth", [0.3, 0.0])
def test_hidden_layers_shrink_with_depth(growth):
    """WRN-10-1 ends in 64 features: √(1.3²) and √1.3 times as many."""
    model = create(exit_growth=growth)
    found = [model.network.get_layer(f"exit{i}_hidden").units for i in range(2)]
    assert found == ([83, 72] if growth else [64, 64])
    assert model.network.output_shape == (None, 3, 4)


def test_the_last_exit_is_the_deterministic_network():
    model = create()
    plain = small.create("deterministic", "wide_resnet_10_1")
    named = {w.path: w for w in model.network.weights}
    for weight in plain.network.weights:
        path = weight.path.replace("heads", "head")
        weight.assign(named[path])
    images, _ = small.examples(plain, 4)
    small.assert_close(model(images)[:, -1:], plain(images), atol=1e-5)


def test_exits_predict_with_equal_weights():
    model = create()
    np.testing.assert_allclose(np.exp(model.log_weights), [1 / 3] * 3)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"members": 2}, "ensemble_size=1"),
        ({"backbone": "mlp"}, "stages that return maps"),
    ],
)
def test_bad_input(options, match):
    with pytest.raises(InputError, match=match):
        create(**options)
