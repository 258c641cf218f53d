"""The table of MixShare (Sun et al., CVPR Workshops 2022).

On digits the networks are wide_resnet_10_1 and _2, with more weight decay: a
run there has 1,480 steps, the paper's have 234,000, and features that a member
does not use fade by weight decay alone.
"""

import statistics

from uncertainty_runs.reported.paper_table import (
    OF_CIFAR100,
    Column,
    Row,
    Table,
    percent,
    quality,
)

# MixMo's settings, in a row of mixshare.
_PLAIN = {"input_repetition_probability": 0.0, "loss_root": 3.0}
# What MixShare trains MixMo with.
_SETTING = {"batch_repetitions": 2, "lr_decay_epochs": "75,150,225"}
# Its code's predictions.
_AVERAGE = {"average": "logits"}
# Label -> (method, flags, flags on the paper's data set only).
RUNS = {
    "MixMo": ("mixmo", {}, _SETTING),
    "MixMo + unmix": (
        "mixshare",
        {"unmix": "full", "alignment": "none", **_PLAIN},
        {},
    ),
    "MixMo + unmix + kernel init.": (
        "mixshare",
        {"unmix": "full", "alignment": "equal", **_PLAIN},
        {},
    ),
    "MixShare (partial)": ("mixshare", {"unmix": "partial"}, {}),
    "MixShare (fadeout)": ("mixshare", {"unmix": "fadeout"}, {}),
}
# Width -> numbers of each row.
_REPORTED = {
    2: (
        ((74.8, 0.2), (71.6, 0.2), (4.9, 0.4)),
        ((69.7, 15.4), (69.7, 15.4), (99.1, 0.4)),
        ((79.0, 0.1), (79.0, 0.1), (99.4, 0.1)),
        ((73.3, 0.5), (71.5, 1.0), (60.6, 6.5)),
        ((79.0, 0.1), (76.7, 1.3), (64.4, 6.0)),
    ),
    5: (
        ((81.9, 0.1), (79.4, 0.2), (8.2, 0.1)),
        ((79.4, 2.7), (79.4, 2.7), (98.8, 0.7)),
        ((82.1, 0.2), (82.1, 0.2), (99.3, 0.1)),
        ((79.9, 0.3), (78.8, 0.4), (60.0, 2.3)),
        ((82.4, 0.3), (81.6, 0.5), (62.7, 8.3)),
    ),
}
_ON_DIGITS = {2: "wide_resnet_10_1", 5: "wide_resnet_10_2"}
_WEIGHT_DECAY = {"l2": 0.01}


def _mean_percent(*shares):
    return percent(statistics.fmean(shares))


def _rows(width):
    return [
        Row(
            f"28-{width}: {label}",
            method,
            2,
            reported,
            flags,
            own={"width_multiplier": width, **own, **_AVERAGE},
            digits={"backbone": _ON_DIGITS[width], **_WEIGHT_DECAY},
        )
        for (label, (method, flags, own)), reported in zip(
            RUNS.items(), _REPORTED[width], strict=True
        )
    ]


TABLES = (
    Table(
        "mixshare1",
        "Sun et al., MixShare, CVPR Workshops 2022, table 1",
        "cifar100",
        (
            quality("test")[0],
            Column(
                "Acc. ind.",
                ("test/accuracy_member_mean",),
                *(1, _mean_percent),
                instead=("test/accuracy_member_0", "test/accuracy_member_1"),
            ),
            Column("Classifier share rate", ("sharing/heads",), 1, percent),
        ),
        tuple(row for width in _REPORTED for row in _rows(width)),
        notes=(
            "The paper's are means over three runs: --seeds=0,1,2.",
            "Its code averages the members' logits, and so do these runs "
            "(--average=logits), but not those on digits.",
            OF_CIFAR100,
        ),
    ),
)
