"""Unmixing with aligned encoders makes members share; MIMO's do not."""

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras import analysis, data


def sharing_rates(method, seed, **options):
    """Trains two members on 400 digits, enlarged twice."""
    digits = data.load("digits", "train").take(400)
    images = np.kron(digits.images, np.ones((1, 2, 2, 1), "uint8"))
    keras.utils.set_random_seed(seed)
    model = mimo_keras.create_model(
        method,
        backbone="small_cnn",  # Then its last map has 2x2 positions.
        input_shape=(16, 16, 1),
        num_classes=10,
        ensemble_size=2,
        seed=seed,
        **options,
    )
    # Unused weights fade by weight decay alone, so it is strong.
    optimizer = keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True)
    model.compile(optimizer, l2=0.01)
    history = model.fit(
        images, digits.labels, batch_size=64, epochs=60, verbose=0
    ).history
    # 0.11 to 0.64 over 17 seeds.
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    return analysis.sharing_rates(model.network)


@pytest.mark.large
@pytest.mark.tensorflow
def test_unmixed_members_share_features_and_mimos_do_not():
    apart = sharing_rates("mimo", seed=0)
    shared = sharing_rates("mixshare", seed=0, unmix="full")
    gaps = [shared[part] - apart[part] for part in ("heads", "encoders")]
    # Over 17 seeds 0.07 to 0.36, 0.24 on average.
    assert np.mean(gaps) > 0.05, (apart, shared)
