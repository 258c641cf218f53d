"""TreeNet: its two limits are other methods; splits in between."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.evaluation import costs
from tests.methods import baselines

CLOSE = {"rtol": 1e-3, "atol": 1e-5}
both_backbones = pytest.mark.parametrize("backbone", baselines.BACKBONES)


def trunk_and_branches(tree, members):
    """The weights in order: shared ones, and those of each member."""
    branches = [tree.network.get_layer(f"member{m}") for m in range(members)]
    own = {id(w) for branch in branches for w in branch.weights}
    trunk = [w for w in tree.network.weights if id(w) not in own]
    return trunk, [branch.weights for branch in branches]


def fill(variables, arrays):
    for variable, value in zip(variables, arrays, strict=True):
        variable.assign(value)


@both_backbones
def test_split_at_the_head_is_naive_multihead(backbone):
    tree = baselines.create(
        "treenet", backbone, ensemble_size=3, split="head", seed=1
    )
    naive = baselines.create("naive_multihead", backbone, ensemble_size=3)
    *shared, kernel, bias = naive.get_weights()
    trunk, heads = trunk_and_branches(tree, 3)
    fill(trunk, shared)
    for member, head in enumerate(heads):
        columns = slice(4 * member, 4 * member + 4)
        fill(head, [kernel[:, columns], bias[columns]])
    images, _ = baselines.examples(5, seed=1)
    for _ in range(2):  # Before and after training.
        np.testing.assert_allclose(
            baselines.logits(tree, images),
            baselines.logits(naive, images),
            **CLOSE,
        )
        baselines.trained(tree, steps=1)
        baselines.trained(naive, steps=1)


@both_backbones
def test_split_at_the_input_is_a_deep_ensemble(backbone):
    """On the same rows: in full batches their order does not matter."""
    tree = baselines.create(
        "treenet", backbone, ensemble_size=2, split="input", seed=1
    )
    ensemble = baselines.create("deep_ensemble", backbone, ensemble_size=2)
    for member in range(2):
        name = f"member{member}"
        ensemble.network.get_layer(name).set_weights(
            tree.network.get_layer(name).get_weights()
        )
    images, _ = baselines.examples(5, seed=1)
    for _ in range(2):
        np.testing.assert_allclose(
            baselines.logits(tree, images),
            baselines.logits(ensemble, images),
            **CLOSE,
        )
        baselines.trained(tree, steps=1)
        baselines.trained(ensemble, steps=1)


@pytest.mark.parametrize("split", ["input", 0, "1", 2, "head", None])
def test_with_one_member_it_is_deterministic(split):
    tree = baselines.create("treenet", split=split)
    single = baselines.create("deterministic")
    trunk, (branch,) = trunk_and_branches(tree, 1)
    fill([*trunk, *branch], single.network.get_weights())
    images, _ = baselines.examples(5)
    np.testing.assert_allclose(
        baselines.logits(tree, images),
        baselines.logits(single, images),
        rtol=1e-6,
        atol=1e-6,
    )


def test_what_is_shared_is_the_same_and_the_rest_is_not():
    tree = baselines.create("treenet", "small_cnn", ensemble_size=2, split=1)
    trunk, (first, second) = trunk_and_branches(tree, 2)
    # conv0 and conv1 are shared; conv2 and the heads are not.
    assert [tuple(w.shape)[-1] for w in trunk] == [16, 16, 32, 32]
    assert [tuple(w.shape)[-1] for w in first] == [32, 32, 4, 4]
    assert np.any(baselines.array(first[0]) != baselines.array(second[0]))


@pytest.mark.parametrize("split", [0, 1, 2, 3])
def test_cost_is_the_trunk_once_and_the_rest_for_each_member(split):
    tree = baselines.create(
        "treenet", "wide_resnet_10_1", ensemble_size=3, split=split
    )
    plain = baselines.create("deterministic", "wide_resnet_10_1")
    parts = {}
    for name, adds in costs.multiply_adds_by_call(plain.network):
        part = name.split("_")[0]
        parts[part] = parts.get(part, 0) + adds
    shared = {"stem", *(f"group{g}" for g in range(split))}
    wanted = sum(n if p in shared else 3 * n for p, n in parts.items())
    assert costs.multiply_adds(tree.network) == wanted


@pytest.mark.parametrize(
    ("backbone", "split"),
    [("wide_resnet_10_1", 2), ("small_cnn", 1), ("mlp_5_6", 0)],
)
def test_by_default_two_stages_are_shared_but_never_all(backbone, split):
    shapes = [
        [w.shape for w in tree.weights]
        for tree in (
            baselines.create("treenet", backbone, ensemble_size=2),
            baselines.create("treenet", backbone, ensemble_size=2, split=split),
        )
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("split", [-1, 3, "stem", 1.5, ""])
def test_the_split_must_exist(split):
    with pytest.raises(InputError) as caught:
        baselines.create("treenet", "small_cnn", ensemble_size=2, split=split)
    assert str(caught.value) == (
        'Expected split among 0, 1, 2, "input", "head". Received: '
        f"split={split!r} and a backbone of 2 stages. Choose one of these."
    )


def test_without_stages_it_says_that_no_split_was_given():
    with pytest.raises(InputError, match="Received: no split and a backbone o"):
        baselines.create("treenet", flat, ensemble_size=2)


def flat(x):
    return keras.layers.Dense(3)(keras.layers.Flatten()(x))


@pytest.mark.parametrize("split", [None, 0, 2])
def test_ones_own_backbone_has_no_stages(split):
    with pytest.raises(InputError) as caught:
        baselines.create("treenet", flat, ensemble_size=2, split=split)
    assert str(caught.value).startswith(
        'Expected split among "input", "head". Received: '
        f"{'no split' if split is None else f'split={split}'} and a backbone "
    )


@pytest.mark.parametrize(("split", "trunks"), [("input", 2), ("head", 1)])
def test_ones_own_backbone_splits_at_the_ends(split, trunks):
    tree = baselines.create("treenet", flat, ensemble_size=2, split=split)
    count = costs.trainable_parameters(tree)
    assert count == trunks * (64 * 3 + 3) + 2 * (3 * 4 + 4)
