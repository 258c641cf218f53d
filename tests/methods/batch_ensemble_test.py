import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras.errors import InputError
from mimo_keras.evaluation.costs import multiply_adds, trainable_parameters
from mimo_keras.methods.batch_ensemble import sign_initializer
from mimo_keras.training import losses
from tests.training import twins

pytestmark = pytest.mark.tensorflow

RNG = np.random.default_rng(0)
SHAPE = (8, 8, 3)
IMAGES = RNG.random((6, *SHAPE), "float32")
LABELS = RNG.integers(0, 5, 6)
BACKBONES = ["wide_resnet_10_1", "small_cnn", "mlp_8_6"]


def create(method="batch_ensemble", backbone="small_cnn", members=3, **options):
    return mimo_keras.create_model(
        method,
        backbone=backbone,
        input_shape=SHAPE,
        num_classes=5,
        ensemble_size=members,
        **options,
    )


def copy_weights(plain, ensemble):
    """Puts the deterministic network's weights into all members."""
    theirs = {layer.name: layer for layer in plain.network.layers}
    for layer in ensemble.network.layers:
        if not layer.weights:
            continue
        for weight in layer.weights:
            if weight.name in ("alpha", "gamma") and hasattr(layer, "alpha"):
                continue
            name = weight.name.removeprefix("ensemble_")
            [source] = (w for w in theirs[layer.name].weights if w.name == name)
            weight.assign(_for_members(source, weight.shape))


def _for_members(source, shape):
    """Repeats weights that each member has: (M, C) or (M·C,) from (C,)."""
    value = np.asarray(source)
    if value.shape == shape:
        return value
    if len(shape) == 1:
        return np.tile(value, shape[0] // len(value))
    return np.broadcast_to(value, shape)


@pytest.mark.parametrize("ensemble_batch_norm", [False, True])
@pytest.mark.parametrize("backbone", BACKBONES)
def test_fast_weights_of_one_are_the_deterministic_network(
    backbone, ensemble_batch_norm
):
    plain = create("deterministic", backbone, members=1)
    weights = [
        np.abs(RNG.normal(1, 0.3, w.shape)) * np.sign(w)
        if "kernel" in w.name
        else RNG.uniform(0.5, 1.5, w.shape)
        for w in plain.network.weights
    ]
    plain.network.set_weights([w * 0.3 for w in weights])
    ensemble = create(
        backbone=backbone,
        random_sign_init=0,
        ensemble_batch_norm=ensemble_batch_norm,
    )
    copy_weights(plain, ensemble)
    for training in (False, True):
        expected = np.asarray(plain.network(IMAGES, training=training))
        np.testing.assert_allclose(
            ensemble.network(IMAGES, training=training),
            np.repeat(expected, 3, axis=1),
            rtol=1e-3,
            atol=1e-4 * np.abs(expected).max(),
        )


@pytest.mark.parametrize("backbone", BACKBONES)
def test_members_differ_and_each_has_fast_weights_of_its_own(backbone):
    model = create(backbone=backbone)
    logits = np.asarray(model(IMAGES))
    assert logits.shape == (6, 3, 5)
    head = model.network.layers[-2]
    alpha = np.array(head.alpha)
    alpha[1] *= 2
    head.alpha.assign(alpha)
    changed = np.abs(np.asarray(model(IMAGES)) - logits).max(axis=(0, 2))
    assert changed[1] > 1e-3
    assert changed[[0, 2]].max() == 0
    assert np.abs(logits[:, 0] - logits[:, 1]).max() > 1e-3


def test_fast_weights_start_by_their_sign_option():
    def alphas(value):
        network = create(random_sign_init=value).network
        return [
            np.asarray(layer.alpha)
            for layer in network.layers
            if hasattr(layer, "alpha")
        ]

    normal = np.concatenate([a.ravel() for a in alphas(-0.5)])
    assert np.mean(normal) == pytest.approx(1.0, abs=0.1)
    assert np.std(normal) == pytest.approx(0.5, abs=0.1)
    signs = np.concatenate([a.ravel() for a in alphas(0.7)])
    assert set(np.unique(signs)) == {-1.0, 1.0}
    assert np.mean(signs == 1) == pytest.approx(0.7, abs=0.1)
    assert all(np.all(a == 1) for a in alphas(0))


def test_no_two_layers_start_alike():
    network = create(backbone="mlp_12_12_12").network
    first, second = (
        np.asarray(network.get_layer(name).alpha)
        for name in ("dense1", "dense2")
    )
    assert first.shape == second.shape
    assert np.abs(first - second).max() > 0.1


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_warning_says_that_members_start_equal(value):
    with pytest.warns(UserWarning, match="start, and stay, equal"):
        network = create(random_sign_init=value).network
    alpha = np.asarray(network.get_layer("heads").alpha)
    np.testing.assert_array_equal(alpha, np.ones_like(alpha))


def test_a_probability_above_one_is_refused():
    with pytest.raises(InputError, match="random_sign_init=1.5"):
        sign_initializer(1.5)


def test_the_loss_is_that_of_uncertainty_baselines():
    """The mean over M·B rows, and l2 · Σ w² of all but the fast weights."""
    model = create(ensemble_batch_norm=True)
    model.compile(keras.optimizers.SGD(0.0), l2=0.01)
    logits = np.asarray(model.network(IMAGES, training=True))
    slow = [
        np.sum(np.square(weight, dtype="float64"))
        for weight in model.trainable_weights
        if weight.name not in ("alpha", "gamma")
    ]
    data = twins.tiled_cross_entropy(LABELS, logits)
    found = float(model.train_on_batch(IMAGES, LABELS)[0])
    assert found == pytest.approx(data + 0.01 * sum(slow), rel=1e-4)
    assert 0.1 < 0.01 * sum(slow) < 10 * data


@pytest.mark.parametrize("member_reduction", ["mean", "sum"])
def test_a_regression_loss_is_reduced_over_members_likewise(member_reduction):
    model = mimo_keras.create_model(
        "batch_ensemble",
        backbone="mlp_4",
        input_shape=(5,),
        num_classes=None,
        output_dim=2,
        ensemble_size=3,
        member_reduction=member_reduction,
    )
    model.compile(keras.optimizers.SGD(0.0))
    x, y = RNG.random((6, 5), "float32"), RNG.random((6, 2), "float32")
    errors = np.mean((np.asarray(model(x)) - y[:, None]) ** 2, axis=(0, 2))
    wanted = getattr(np, member_reduction)(errors)
    for loss in (model.train_on_batch(x, y)[0], model.test_on_batch(x, y)[0]):
        assert float(loss) == pytest.approx(wanted, rel=1e-4)


def test_a_model_from_before_the_mean_still_takes_the_sum():
    config = create(backbone="mlp_4").get_config()
    assert config.pop("member_reduction") == "mean"
    model = mimo_keras.training.EnsembleModel.from_config(config)
    model.compile(keras.optimizers.SGD(0.0))
    wanted = 3 * twins.tiled_cross_entropy(LABELS, np.asarray(model(IMAGES)))
    found = float(model.train_on_batch(IMAGES, LABELS)[0])
    assert found == pytest.approx(wanted, rel=1e-4)


def test_an_unknown_reduction_is_an_error():
    with pytest.raises(InputError) as caught:
        create(backbone="mlp_4", member_reduction="max")
    assert str(caught.value) == (
        'Expected member_reduction "sum" or "mean". Received: '
        "member_reduction='max'. Choose one."
    )


def test_fast_weights_learn_at_their_own_rate_and_are_not_decayed():
    model = create(fast_weight_lr_multiplier=0.5)
    fast = [
        weight
        for layer in model.network.layers
        for weight in getattr(layer, "undecayed_weights", ())
    ]
    assert len(fast) == 2 * 4
    decayed = losses.decayed_variables(model.network, "all")
    assert len(decayed) == len(model.trainable_weights) - len(fast)
    assert not {id(w) for w in decayed} & {id(w) for w in fast}

    model.compile(keras.optimizers.SGD(0.1))
    twin = create(fast_weight_lr_multiplier=1.0)
    twin.compile(keras.optimizers.SGD(0.1))
    twin.set_weights(model.get_weights())
    before = [np.array(w) for w in model.trainable_weights]
    for each in (model, twin):
        each.train_on_batch(IMAGES, LABELS)
    for old, ours, theirs in zip(
        before, model.trainable_weights, twin.trainable_weights, strict=True
    ):
        factor = 0.5 if any(ours is weight for weight in fast) else 1.0
        np.testing.assert_allclose(
            ours - old, factor * (theirs - old), rtol=1e-3, atol=1e-6
        )


def test_predictor_and_saved_copy_give_the_same(tmp_path):
    model = create(ensemble_batch_norm=True)
    model.compile(keras.optimizers.SGD(0.05), l2=1e-4)
    model.fit(IMAGES, LABELS, batch_size=3, epochs=2, verbose=0)
    logits = model(IMAGES)
    predictor = model.predictor()
    np.testing.assert_allclose(
        predictor.member_logits(IMAGES), logits, rtol=1e-5, atol=1e-5
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(IMAGES), logits, rtol=1e-6, atol=1e-6)
    # The copy is compiled, with the fast weights' own learning rate.
    for each in (model, loaded):
        each.train_on_batch(IMAGES, LABELS)
    np.testing.assert_allclose(
        loaded(IMAGES), model(IMAGES), rtol=1e-4, atol=1e-5
    )


def test_batch_ensemble_of_one_member_costs_as_much_as_deterministic():
    plain = create("deterministic", members=1).network
    assert multiply_adds(create(members=1).network) == multiply_adds(plain)
    assert multiply_adds(create(members=3).network) == 3 * multiply_adds(plain)


def test_fast_weights_of_wide_resnet_28_10_are_few():
    # Each convolution has C_in + C_out of them per member, the head K + F
    # and a bias; "about 36.6M" with M = 4.
    model = mimo_keras.create_model(
        "batch_ensemble",
        backbone="wide_resnet_28_10",
        input_shape=(32, 32, 3),
        num_classes=10,
        ensemble_size=4,
    )
    convolutions = [(3, 16), (16, 160), (160, 320), (320, 640)]
    for inputs, outputs in [(16, 160), (160, 320), (320, 640)]:
        convolutions += [(inputs, outputs)] + 7 * [(outputs, outputs)]
    fast = 4 * (sum(map(sum, convolutions)) + 640 + 10) + 3 * 10
    assert trainable_parameters(model.network) == 36_479_194 + fast
