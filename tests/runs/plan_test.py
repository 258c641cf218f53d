"""The plan as printed."""

import pytest

from mimo_keras import backbones, methods
from tests.runs import processes
from uncertainty_runs import plan


def planned(num_params, **options):
    task = methods.Task(backbones.get("wide_resnet_16_1"), (8, 8, 3), 10, 4)
    options = methods.BankOptions(num_params, **options)
    return methods.plan_templates(task, options)


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_layer_has_a_row():
    made = planned(1.0, templates_per_layer=3)
    header, _, *lines = plan.layers_table(made).splitlines()
    assert cells(header)[0] == "Layer"
    rows = {row[0]: row[1:] for row in map(cells, lines)}
    assert len(rows) == sum(len(group.layers) for group in made.groups)
    # Each layer of a bank takes the next 3 templates.
    group = next(g for g in made.groups if g.shares)
    names = [layer.name for layer in group.layers[:3]]
    count = group.templates
    assert [rows[name][-1] for name in names] == [
        str(3 * index % count) for index in range(3)
    ]
    assert rows["stem_conv"][-2:] == ["as it is", "-"]


def test_totals_are_the_plans():
    made = planned(0.7)
    table = plan.totals_table(made)
    counts = {row[0]: row[1] for row in map(cells, table.splitlines()[2:])}
    numbers = {
        name: int(text.replace(",", "")) for name, text in counts.items()
    }
    assert numbers["Total"] == made.total
    assert numbers["Budget"] == made.budget
    assert (
        numbers["Banks"] + numbers["Plain layers and biases"]
        == numbers["Banks and plain layers"]
        <= numbers["Budget"]
    )
    coefficients = f"Coefficients, {made.coefficients} a member"
    assert numbers[coefficients] == 4 * made.coefficients


def test_a_warning_names_the_layers_whose_members_coincide():
    made = planned(1.0, templates_per_layer=9, assign="disjoint")
    names = made.coinciding
    assert names and "stem_conv" not in names
    told = plan.warning(made)
    assert told.startswith(f"Warning: in {len(names)} of {len(names)} mixed")
    assert told.endswith(
        f"{', '.join(names)}. Raise --num_params, or lower "
        "--templates_per_layer."
    )


@pytest.mark.parametrize(
    ("flags", "status", "said"),
    [
        (("--num_params=7e6", "--grouping=single"), 0, "Coefficients, 115"),
        (("--num_params=7e6",), 2, "num_params of at least 7"),
        (("--method=mimo",), 2, "method=mimo"),
        (("--assign=random",), 2, "shared, disjoint, distinct"),
    ],
)
def test_the_command(tmp_path, flags, status, said):
    script = processes.CIFAR.with_name("plan.py")
    done = processes.run(flags, tmp_path, script=script)
    assert done.status == status, done.stderr
    assert said in (done.stderr if status else done.stdout)
