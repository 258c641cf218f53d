"""Prints the cost of each method, and compares it with the papers' figures.

    python uncertainty_runs/cost.py --backbone=wide_resnet_28_10

Costs are counted from the networks; nothing is trained. In the first table a
multiply-add counts as two FLOPs, and only convolutions and dense layers count.
The papers' tables use the counting rules that reproduce their figures:
`evaluation.mimo_flops` and `evaluation.mimmo_flops`; --paper=mimo prints only
that paper's table.
"""

from absl import flags

from uncertainty_runs.common import early

with early.importing(__name__):
    import mimo_keras
    from mimo_keras import evaluation
    from mimo_keras.analysis import markdown_table
    from uncertainty_runs.common import script
    from uncertainty_runs.common.flags import SIDE, whole
    from uncertainty_runs.reported import TABLES, paper_table
    from uncertainty_runs.studies import engine

ENTRIES = (
    "deterministic:1,mc_dropout:1,naive_multihead:3,mimo:2,mimo:3,mimo:4,"
    "mixmo:2,mixshare:2,datamux:2,treenet:3,batch_ensemble:4,rank1_bnn:4,"
    "mixture_ensemble:4,deep_ensemble:4,early_exit:1,dun:1,mimmo:2"
)


def _figures(*names):
    """Returns (method, M) -> (millions of parameters, FLOPs) of tables.

    Args:
        names: Tables of `reported.TABLES`; rows with further flags are left
            out.
    """
    columns = paper_table.parameters(), paper_table.flops()
    return {
        (row.method, row.members): tuple(
            TABLES[name].figure(row, column.title) for column in columns
        )
        for name in names
        for row in TABLES[name].rows
        if not row.flags and not row.own
    }


# Paper -> its network, its rule and unit of FLOPs, and its `_figures`.
PAPERS = {
    "mimo": {
        "source": "Havasi et al., ICLR 2021, section 4 (10 classes)",
        "backbone": "wide_resnet_28_10",
        "num_classes": 10,
        "flops": evaluation.mimo_flops,
        "unit": "G",
        "figures": {
            ("deterministic", 1): (36.479, 10.559),
            ("mimo", 3): (36.492, 10.561),
        },
    },
    "mixture_ensembles": {
        "source": "Teterwak et al., MixtureEnsembles, 2021, tables 1 and 2 "
        "(100 classes)",
        "backbone": "wide_resnet_28_10",
        "num_classes": 100,
        "flops": evaluation.flops,
        "unit": "x",
        "figures": _figures("mixture2"),
    },
    "mimmo": {
        "source": "Ferianc and Rodrigues, MIMMO, CVPR Workshops 2023, "
        "supplement, tables 1 to 3 (100 classes)",
        "backbone": "bottleneck_resnet",
        "num_classes": 100,
        "flops": evaluation.mimmo_flops,
        "unit": "M",
        # Of table 3, with M = 8, this is all that our copy of the text gives.
        "figures": _figures("mimmo1", "mimmo2")
        | {("datamux", 8): (None, 114.05)},
    },
}
# Unit -> FLOPs per unit ("x": those of the table's first network), digits.
_UNITS = {"G": (1e9, 4), "M": (1e6, 2), "x": (None, 3)}
# Options in which the papers' runs differ from a method's defaults.
_OPTIONS = {
    "datamux": {"keys": "conv", "reduce": "concatenate"},
    "mc_dropout": {"samples": 10, "everywhere": True},
}


def define_flags():
    flags.DEFINE_multi_enum(
        "paper", list(PAPERS), list(PAPERS), "Papers to compare with."
    )
    flags.DEFINE_string("backbone", "wide_resnet_28_10", "Backbone.")
    flags.DEFINE_list("methods", ENTRIES.split(","), "Methods, as method:M.")
    whole("num_classes", 10, "K, the number of classes.", lower_bound=2)
    whole("image_size", 32, "Height and width of images.", 8, SIDE)


def main():
    f = flags.FLAGS
    print(table(f.backbone, f.methods, f.num_classes, f.image_size))
    for name in f.paper:
        print(f"\n{PAPERS[name]['source']}:\n\n{paper_table(name)}")


def table(backbone, entries, num_classes, size):
    """Returns the costs as a Markdown table.

    Args:
        backbone: Name of the backbone.
        entries: Strings "method:M"; FLOPs are relative to the first.
        num_classes: K.
        size: Height and width of the images, which have 3 channels.
    """
    rows, base = [], None
    for entry in entries:
        point = engine.parse(entry)
        method, members = point.method, point.members
        model = build(method, members, backbone, num_classes, size)
        flops = evaluation.flops(model.predictor().network)
        base = base or flops
        parameters = evaluation.trainable_parameters(model)
        rows.append(
            [
                f"`{method}`",
                members,
                f"{parameters:,}",
                f"{evaluation.flops(model.network):,}",
                f"{flops:,}",
                f"{flops / base:.6f}",
            ]
        )
    columns = ["Method", "M", "Parameters", "FLOPs in training"]
    return markdown_table(rows, [*columns, "FLOPs of a prediction", "Ratio"])


def build(method, members, backbone, num_classes, size=32, **options):
    """Returns the model of a method for images of 3 channels."""
    return mimo_keras.create_model(
        method,
        backbone=backbone,
        input_shape=(size, size, 3),
        num_classes=num_classes,
        ensemble_size=members,
        **options,
    )


def _beside(counted, reported):
    """Returns two cells: millions as reported, and by how much ours differ."""
    if reported is None:
        return "-", "-"
    return f"{reported} M", f"{counted - reported:+.3f} M"


def paper_table(name):
    """Returns a Markdown table of a paper's parameters and FLOPs, and ours.

    Args:
        name: One of `PAPERS`.
    """
    paper, rows = PAPERS[name], []
    unit, digits = _UNITS[paper["unit"]]
    for (method, members), (params, flops) in paper["figures"].items():
        options = _OPTIONS.get(method, {})
        model = build(
            method, members, paper["backbone"], paper["num_classes"], **options
        )
        counted = evaluation.trainable_parameters(model)
        # The papers count every pass, and multi-input networks unfolded.
        spent = model.samples * paper["flops"](model.network)
        unit = unit or spent
        spent /= unit
        rows.append(
            [
                f"`{method}`",
                members,
                f"{counted:,}",
                *_beside(counted / 1e6, params),
                f"{spent:.{digits}f}",
                f"{flops}",
                f"{100 * (spent / flops - 1):+.2f}%",
            ]
        )
    columns = ["Method", "M", "Parameters", "paper", "difference"]
    spent = f"FLOPs [{paper['unit']}]"
    return markdown_table(rows, [*columns, spent, "paper", "difference"])


if __name__ == "__main__":
    define_flags()
    script.run(main)
