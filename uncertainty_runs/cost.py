"""Prints what each method costs: parameters, and FLOPs of a prediction.

    python uncertainty_runs/cost.py --backbone=wide_resnet_28_10

Everything is counted from the networks as they are built; nothing is trained.
A multiply-add counts as two FLOPs; only convolutions and dense layers count.
"""

from absl import flags

import mimo_keras
from mimo_keras import evaluation, methods
from mimo_keras.analysis import markdown_table
from uncertainty_runs import settings

ENTRIES = (
    "deterministic:1,mc_dropout:1,naive_multihead:3,mimo:2,mimo:3,mimo:4,"
    "mixmo:2,mixshare:2,datamux:2,treenet:3,batch_ensemble:4,rank1_bnn:4,"
    "mixture_ensemble:4,deep_ensemble:4"
)


def define_flags():
    flags.DEFINE_string("backbone", "wide_resnet_28_10", "Backbone.")
    flags.DEFINE_list("methods", ENTRIES.split(","), "Each as method:M.")
    flags.DEFINE_integer("num_classes", 10, "K.", lower_bound=2)
    flags.DEFINE_integer("image_size", 32, "Height and width.", lower_bound=8)


def main():
    f = flags.FLAGS
    print(table(f.backbone, f.methods, f.num_classes, f.image_size))


def table(backbone, entries, num_classes, size):
    """Returns the costs as a Markdown table.

    Args:
        backbone: Name of the backbone.
        entries: Strings method:M; FLOPs are relative to the first.
        num_classes: K.
        size: Height and width of the images, which have 3 channels.
    """
    rows, base = [], None
    for entry in entries:
        method, _, members = entry.partition(":")
        # What a method has to know of the data changes nothing here.
        needs = {"train_examples"} & {*methods.options(method)}
        model = mimo_keras.create_model(
            method,
            backbone=backbone,
            input_shape=(size, size, 3),
            num_classes=num_classes,
            ensemble_size=int(members),
            **dict.fromkeys(needs, 1),
        )
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


if __name__ == "__main__":
    define_flags()
    settings.run(main)
