"""Plans: budgets held, layers counted, templates dealt."""

import hypothesis
import hypothesis.strategies as st
import pytest

from mimo_keras import backbones, methods
from mimo_keras.errors import InputError
from mimo_keras.methods.plain_layers import plain_layers
from mimo_keras.methods.template_plan import (
    BankOptions,
    PlainLayer,
    make_plan,
)
from uncertainty_runs.common.recipes import recipe

PLAIN_WRN = 36_479_194


def task(backbone="wide_resnet_28_10", members=4, size=32, classes=10):
    return methods.Task(
        backbones.get(backbone), (size, size, 3), classes, members
    )


def plan(backbone="wide_resnet_28_10", members=4, size=32, classes=10, **given):
    return methods.plan_templates(
        task(backbone, members, size, classes), BankOptions(**given)
    )


def test_wide_resnet_28_10_as_in_the_paper():
    found = plan()
    assert found.budget == found.plain_parameters == PLAIN_WRN
    mixed = {
        g.layers[0].kernel_shape: g for g in found.groups if not g.is_plain
    }
    assert {shape: len(g.layers) for shape, g in mixed.items()} == {
        (3, 3, 160, 160): 7,
        (3, 3, 320, 320): 7,
        (3, 3, 640, 640): 7,
    }
    # As many parameters as the plain network: one template per layer.
    assert [group.templates for group in mixed.values()] == [7, 7, 7]
    assert found.coefficients == 105
    plain = [g.name for g in found.groups if g.is_plain]
    assert len(plain) == 1 + 3 + 3 + 1  # Stem, widening, shortcuts, heads.
    assert found.total == found.shared + 4 * 105 + found.norm_parameters
    assert found.norm_parameters == 4 * (PLAIN_WRN - found.shared)


# The appendix's CIFAR settings, and the thin and the ImageNet ones.
RECIPES = {
    "36.5M": ({"num_params": 1.0}, {}),
    "120M": ({"num_params": 120e6}, {}),
    "15M": ({"num_params": 15_000_000}, {}),
    "7M": ({"num_params": 7e6, "grouping": "single"}, {}),
    "thin": (
        {"num_params": PLAIN_WRN, "bank_single_layers": True},
        {"backbone": "wide_resnet_28_5", "classes": 100},
    ),
    "25.6M": (
        {"num_params": 25.6e6, "assign": "disjoint"},
        {"backbone": "resnet50", "size": 224, "classes": 1000},
    ),
    "51.2M": (
        {"num_params": 51.2e6, "assign": "disjoint"},
        {"backbone": "resnet50", "size": 224, "classes": 1000},
    ),
}


@pytest.mark.parametrize("name", RECIPES)
def test_the_recipes_hold_their_budgets_and_use_them(name):
    options, network = RECIPES[name]
    found = plan(**network, **options)
    assert found.shared <= found.budget
    assert found.budget - found.shared < 0.02 * found.budget


def test_a_budget_too_small_names_the_smallest():
    with pytest.raises(InputError) as caught:
        plan(num_params=7_000_000)
    least = int(str(caught.value).split("at least ")[1].split()[0])
    found = plan(num_params=least)
    assert found.shared == found.budget == least
    assert {group.templates for group in found.groups} == {1}
    with pytest.raises(InputError, match=f"num_params of at least {least}"):
        plan(num_params=least - 1)
    with pytest.raises(InputError, match="at least 3[0-9]{6} for this"):
        plan(num_params=3_000_000, grouping="single")


def layers(*kinds):
    return [
        PlainLayer(f"layer{index}", "dense", shape, bias)
        for index, (shape, bias) in enumerate(kinds)
    ]


def by_hand(num_params, members=2, **options):
    """Three layers of 6 numbers and one of 4 with a bias of 2; norms of 8."""
    three = [((2, 3), 0)] * 3
    return make_plan(
        layers(*three, ((2, 2), 2)),
        8,
        members,
        BankOptions(num_params=num_params, **options),
    )


def test_by_hand():
    # 18 + 4 + 2 + 8 norms. Of 24, 6 stay plain: 3 templates of 6.
    found = by_hand(24, templates_per_layer=2)
    assert found.plain_parameters == 32
    group, share = found.of_layer("layer0")
    assert (group.templates, group.num_params, group.stddev) == (3, 18, 1.0)
    offsets = [found.of_layer(f"layer{n}")[1].offset for n in range(3)]
    assert offsets == [0, 12, 6]  # Templates 01, 20, 12.
    assert share.templates == 2
    assert found.of_layer("layer3")[1] is None
    with pytest.raises(KeyError, match="layer4"):
        found.of_layer("layer4")
    assert found.biases == 2 and found.shared == 24
    assert (found.coefficients, found.total) == (6, 24 + 2 * 6 + 2 * 8)


def test_disjoint_templates_by_hand():
    # 4 templates, 1 for each of 2 members in 3 layers: 01, 23, 01 again.
    found = by_hand(30, templates_per_layer=1, assign="disjoint")
    offsets = [found.of_layer(f"layer{n}")[1].offset for n in range(3)]
    assert offsets == [(0, 6), (12, 18), (0, 6)]
    # 2 for each, out of 12: none is used twice.
    found = by_hand(78, templates_per_layer=2, assign="disjoint")
    offsets = [found.of_layer(f"layer{n}")[1].offset for n in range(3)]
    assert offsets == [(0, 12), (24, 36), (48, 60)]
    # No more than can be used.
    found = by_hand(10_000, templates_per_layer=2, assign="disjoint")
    assert found.shared == 12 * 6 + 6


def test_shares_are_of_the_whole_budget():
    # 22 numbers of kernels, 2 of a bias, 8 of norms. Of 3 times 30, 18/30 are
    # 54, 9 templates; the plain layer's share is 12, of which it needs 4.
    found = by_hand(92, templates_per_layer=9)
    assert found.of_layer("layer0")[0].templates == 9 + (92 - 60) // 6
    # Without norms and biases, twice the budget is twice the templates.
    kinds = [((2, 3), 0)] * 3 + [((5, 2), 0)] * 2 + [((2, 2), 0)]
    # 18 + 20 + 4: at twice that, 6 and 4 templates, and 4 numbers are left.
    found = make_plan(layers(*kinds), 0, 2, BankOptions(84, 9))
    counts = [found.of_layer(f"layer{n}")[0].templates for n in (0, 3)]
    assert counts == [6, 4]


def test_members_templates_coincide_only_where_the_budget_is_too_small():
    """ResNet-50 at 25.6M, as its recipe has it: 16 of 45 layers, not 33."""
    network = {"backbone": "resnet50", "size": 224, "classes": 1000}
    options = recipe("imagenet2012", "mixture_ensemble").options
    found = plan(**network, **options)
    assert found.budget == 25.6e6
    few = {
        layer.name
        for group in found.groups
        if not group.is_plain and group.templates < 4
        for layer in group.layers
    }
    assert {*found.coinciding} == few and len(few) == 16
    rows = {"num_params": 25.6e6, "assign": "disjoint"}
    assert len(plan(**network, **rows, templates_per_layer=5).coinciding) == 33
    double = options | {"num_params": 51.2e6}
    assert plan(**network, **double).coinciding == ()
    assert plan(**network, num_params=25.6e6).coinciding == ()


def test_coinciding_blobs_by_hand():
    # Two members of one layer, from 0 and 6: of 12, that is all of it.
    for numbers, names in ((12, ("layer0",)), (14, ())):
        found = make_plan(
            layers(((2, 3), 0)),
            0,
            2,
            BankOptions(numbers, 2, "disjoint", "single"),
        )
        assert found.coinciding == names


def test_single_blob_by_hand():
    # 26 minus the bias of 2: a blob of 24 for kernels of 6, 6, 6, 4.
    found = by_hand(26, grouping="single", templates_per_layer=3)
    shares = [found.of_layer(f"layer{n}")[1] for n in range(4)]
    assert [share.templates for share in shares] == [3, 3, 3, 3]
    assert [share.offset for share in shares] == [0, 18, 12, 6]
    assert found.shared == 26 and len(found.groups) == 1


def test_a_group_too_small_shares_one_template_unmixed():
    # Groups of 3 · 6 and 2 · 20 numbers. Of 28 the second would get 19.3.
    kinds = [((2, 3), 0)] * 3 + [((4, 5), 0)] * 2
    found = make_plan(layers(*kinds), 0, 2, BankOptions(num_params=28))
    group, share = found.of_layer("layer4")
    assert (share.mixed, share.templates, share.offset) == (False, 1, 0)
    assert group.is_plain and group.num_params == 20
    group, share = found.of_layer("layer2")
    assert (share.mixed, group.num_params) == (True, 6)
    assert (found.coefficients, found.shared) == (3, 26)
    with pytest.raises(InputError, match="at least 26"):
        make_plan(layers(*kinds), 0, 2, BankOptions(num_params=25))


@pytest.mark.parametrize(
    ("num_params", "budget"),
    [(1.0, 1000), (0.5, 500), (2.5, 2500), (7e6, 7_000_000), (500, 500)],
)
def test_floats_are_multiples_and_large_ones_numbers(num_params, budget):
    assert BankOptions(num_params=num_params).budget(1000) == budget


@pytest.mark.parametrize(
    "wrong",
    [
        {"assign": "random"},
        {"grouping": "by_size"},
        {"templates_per_layer": 0},
        {"num_params": 0},
    ],
)
def test_wrong_options_are_named(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(InputError, match=f"{name}={value!r}"):
        BankOptions(**wrong)


@hypothesis.given(
    num_params=st.integers(310_000, 2_000_000),
    templates=st.integers(1, 9),
    members=st.integers(1, 5),
    assign=st.sampled_from(["shared", "disjoint", "distinct"]),
    grouping=st.sampled_from(["by_shape", "single"]),
    bank_single_layers=st.booleans(),
)
@hypothesis.settings(deadline=None, max_examples=200)
def test_every_budget_is_held(num_params, templates, members, **options):
    found = make_plan(
        WRN_16_2,
        NORMS,
        members,
        BankOptions(num_params, templates, **options),
    )
    assert found.shared <= num_params
    names = [layer.name for group in found.groups for layer in group.layers]
    assert sorted(names) == sorted(layer.name for layer in WRN_16_2)
    for group in found.groups:
        for layer, share in zip(group.layers, group.shares or (), strict=False):
            many = isinstance(share.offset, tuple)
            assert len(share.offset) == members if many else True
            assert 1 <= share.templates <= templates
            assert share.templates * layer.size <= group.num_params


WRN_16_2, NORMS = plain_layers(task("wide_resnet_16_2"))


def test_a_blobs_kernels_keep_he_normals_variance_each():
    """Fan-ins of 2 and 8: deviations of 1 and 1/2; the blob's is the second."""
    found = make_plan(
        layers(((2, 3), 0), ((8, 3), 0)),
        0,
        2,
        BankOptions(num_params=48, grouping="single"),
    )
    [group] = found.groups
    assert group.stddev == pytest.approx(0.5)
    assert [share.norm for share in group.shares] == pytest.approx([2, 1])
