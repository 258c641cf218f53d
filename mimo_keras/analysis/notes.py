"""The notes above a report's tables: what the names in them mean."""

_ANY = ""
"""Begins every name: a sentence for all tables of a section."""

_MEASURES = (
    ("NLL", "NLL: negative log-likelihood, in nats."),
    (
        "ECE",
        "ECE: expected calibration error, over equal bins of confidence (15 "
        "by default).",
    ),
    ("Brier", "Brier: squared error, summed over the classes."),
    ("Brier by class", "Brier by class: the same, divided by their number."),
    ("AURC", "AURC: area under the curve of risk against coverage."),
)
_NOTES = {
    "Quality": (
        *_MEASURES,
        (
            "mCE",
            "mCE: errors under corruption relative to AlexNet's; relative mCE: "
            "the same of what they exceed the error on clean images by.",
        ),
        ("Accuracy", "Higher is better for accuracy, lower for the others."),
        (
            "Corrupted",
            "Corrupted: the mean of the results on each corrupted set, of "
            "every type and severity (cNLL, cA and cECE in papers).",
        ),
        ("17 types", "17 types: the mean over Uncertainty-Baselines' types."),
        (
            "19 types",
            "19 types: the mean over all published types, of which Corrupted "
            "has the usual 15.",
        ),
        (
            "Shifted",
            "Shifted: the mean over MIMMO's transformations and levels.",
        ),
    ),
    "Diversity": (
        (
            "Disagreement",
            "Disagreement: the fraction of examples on which two members "
            "predict different classes, averaged over the pairs of members.",
        ),
        (
            "KL divergence",
            "KL divergence: between two members' predictions, in nats, "
            "averaged over the pairs.",
        ),
        (
            "Sharing rate",
            "Sharing rate: how far the members use the same features, by their "
            "weights; 1 if they use all of them equally, 0 if they share none.",
        ),
        (
            "Feature overlap",
            "Feature overlap: the same, each member's weights divided by that "
            "member's largest first.",
        ),
    ),
    "Members": (
        (
            _ANY,
            "Each member alone, on the test set, against the ensemble, which "
            "averages the members' {averaged}.",
        ),
    ),
    "Natural test sets": (
        (
            "own classes",
            "Own classes: the prediction is the most probable of the set's "
            "classes.",
        ),
        (
            "all classes",
            "All classes: it is the most probable of all classes of the "
            "training set.",
        ),
        (
            "pm-",
            "pm-k: the fraction of video frames for which all frames up to k "
            "away are also predicted correctly.",
        ),
    ),
    "Unreadable images": (
        (
            _ANY,
            "These images of a test set could not be read, and were left out "
            "of its results.",
        ),
    ),
    "Out of distribution": (
        (
            _ANY,
            "Detecting images from other data sets by the highest probability, "
            "by the entropy (ent.), and by the mutual information of "
            "prediction and member (MI).",
        ),
        (
            "FPR95",
            "FPR95: the false-positive rate where the true-positive rate is "
            "95%; lower is better. Higher is better for the others.",
        ),
        (
            "AUROC det.",
            "Det.: by the score of the detector that was fitted to held-out "
            "images.",
        ),
    ),
    "Cost": (
        (
            "Parameters",
            "Parameters are as trained; everything else is for one prediction "
            "by the whole ensemble.",
        ),
        ("Multiply-adds", "A multiply-add counts as two FLOPs."),
    ),
    "Calibration": (
        (
            _ANY,
            "The ensemble on the test set as it was trained, and with "
            "probabilities that were calibrated on held-out images.",
        ),
    ),
    "Prediction sets": (
        (
            _ANY,
            "Coverage: the fraction of examples whose set has the true class; "
            "mean size: the number of classes in a set.",
        ),
    ),
    "Corruptions": ((_ANY, "Accuracy by corruption type and severity."),),
}


def note(title, table, averaged="probabilities"):
    """Returns what the names in a section's table mean.

    Args:
        title: The section's title.
        table: `summary.Table`, with rows.
        averaged: What the ensemble averages of its members.
    """
    names = [*table.columns, *(row[0] for row in table.rows)]
    return said(_NOTES[title], names).format(averaged=averaged)


def said(sentences, names):
    """Returns the sentences about names that there are, as one text.

    Args:
        sentences: Pairs of how a name begins, or ends after a comma, and a
            sentence about it.
        names: Those of a table's columns and rows.
    """
    return " ".join(
        sentence
        for word, sentence in sentences
        if any(_is_about(word, name) for name in names)
    )


def _is_about(word, name):
    return name.startswith(word) or name.endswith(f", {word}")
