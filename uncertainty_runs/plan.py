r"""Prints how a mixture ensemble allocates its parameters; builds nothing.

python uncertainty_runs/plan.py --num_params=7e6 --grouping=single
python uncertainty_runs/plan.py --backbone=resnet50 --image_size=224 \
        --num_classes=1000 --num_params=51.2e6 --assign=disjoint
"""

from absl import flags

from uncertainty_runs.common import early

with early.importing(__name__):
    from mimo_keras import analysis, backbones, methods
    from mimo_keras.errors import expected
    from uncertainty_runs.common import script
    from uncertainty_runs.common.flags import (
        MOST,
        SIDE,
        whole,
    )
    from uncertainty_runs.common.method_flags import define_bank_flags


def define_flags():
    flags.DEFINE_string("method", "mixture_ensemble", "Method.")
    flags.DEFINE_string("backbone", "wide_resnet_28_10", "Backbone.")
    whole("ensemble_size", 4, "M, the number of members.", 1, MOST)
    whole("num_classes", 10, "K, the number of classes.", lower_bound=2)
    whole("image_size", 32, "Height and width of images.", 8, SIDE)
    whole("channels", 3, "Channels of images.", 1, MOST)
    define_bank_flags()


def main():
    f = flags.FLAGS
    if f.method != "mixture_ensemble":
        raise expected(
            "method mixture_ensemble, the only one with banks",
            f"method={f.method}",
            "Leave out --method.",
        )
    size = f.image_size
    task = methods.Task(
        backbones.get(f.backbone),
        (size, size, f.channels),
        f.num_classes,
        f.ensemble_size,
    )
    names = methods.options("mixture_ensemble")
    options = {n: f[n].value for n in names if f[n].value is not None}
    plan = methods.plan_templates(task, methods.BankOptions(**options))
    print(layers_table(plan))
    print()
    print(totals_table(plan))
    if plan.coinciding:
        print()
        print(warning(plan))


def layers_table(plan):
    """Returns a Markdown table of all layers with their banks and templates."""
    rows = [
        [layer.name, _shape(layer), group.name, *_share(group, index)]
        for group in plan.groups
        for index, layer in enumerate(group.layers)
    ]
    columns = ["Layer", "Kernel", "From", "Of its size", "Mixes", "First"]
    return analysis.markdown_table(rows, columns)


def _share(group, index):
    """Returns the templates in the bank, those mixed, and their offsets."""
    if group.shares is None:
        return ["-", "as it is", "-"]
    share, size = group.shares[index], group.layers[index].size
    offsets = (
        share.offset if isinstance(share.offset, tuple) else [share.offset]
    )
    places = [f"{offset / size:g}" for offset in offsets]
    mixes = str(share.templates) if share.mixed else "as it is"
    return [f"{group.num_params / size:g}", mixes, " ".join(places)]


def _shape(layer):
    return "x".join(map(str, layer.kernel_shape))


def warning(plan):
    """Returns what to know of a plan whose members' templates coincide."""
    names = ", ".join(plan.coinciding)
    mixed = sum(len(g.layers) for g in plan.groups if not g.is_plain)
    return (
        f"Warning: in {len(plan.coinciding)} of {mixed} mixed layers, two "
        f"members or more have the same templates: {names}. Raise "
        "--num_params, or lower --templates_per_layer."
    )


def totals_table(plan):
    """Returns a Markdown table of the ensemble's parameters by use."""
    members = plan.ensemble_size
    plain = sum(group.num_params for group in plan.groups if not group.shares)
    rows = [
        ["Plain network", plan.plain_parameters],
        ["Budget", plan.budget],
        ["Banks", plan.shared - plain - plan.biases],
        ["Plain layers and biases", plain + plan.biases],
        ["Banks and plain layers", plan.shared],
        [
            f"Coefficients, {plan.coefficients} a member",
            members * plan.coefficients,
        ],
        ["Batch norms of all members", plan.norm_parameters],
        ["Total", plan.total],
    ]
    cells = [[name, f"{count:,}"] for name, count in rows]
    return analysis.markdown_table(cells, ["What", "Parameters"])


if __name__ == "__main__":
    define_flags()
    script.run(main)
