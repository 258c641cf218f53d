"""Out-of-distribution detection from member logits."""

import numpy as np

from mimo_keras.errors import expected
from mimo_keras.prediction import precise
from mimo_keras.prediction.prediction_checks import (
    checked_array,
    checked_average,
    checked_log_weights,
)

DEFAULT_SCORE = "max_probability"


def scores(logits, log_weights, average="probabilities"):
    """Returns scores of each example; higher is more out-of-distribution.

    Args:
        logits: The members' logits, (b, E, K).
        log_weights: The log mixture weights, (E,).
        average: "probabilities" or "logits": what the ensemble's prediction
            averages. Mutual information is always of averaged probabilities.

    Returns:
        A dictionary of arrays (b,) in float64: "max_probability", which is
        1 - max_k p_k of the ensemble (Hendrycks and Gimpel 2017);
        "entropy" of the ensemble's prediction in nats; and
        "mutual_information" in nats, all zero for one member.

    Raises:
        InputError: If shapes do not match or logits are not finite.

    Example:

    ```python
    logits = np.zeros((3, 2, 10))                            # B, E, K
    found = mimo_keras.evaluation.scores(logits, np.log([0.5, 0.5]))
    found["max_probability"].round(3).tolist()               # [0.9, 0.9, 0.9]
    ```

    Reference:
        Hendrycks and Gimpel, A baseline for detecting misclassified and
        out-of-distribution examples in neural networks, ICLR 2017, section 3:
        "max_probability".
    """
    log_weights = checked_log_weights(log_weights)
    shape = (None, len(log_weights), None)
    logits = checked_array("logits", logits, "(b, E, K)", shape)
    members = precise.log_softmax(logits)
    average = checked_average(average)
    mixture = precise.log_mixture(members, log_weights, average)
    # 1 - max p as the sum of the others: many maxima of confident networks
    # round to 1, which would tie examples that differ.
    others = np.sort(np.exp(mixture), axis=-1)[:, :-1]
    return {
        "max_probability": others.sum(axis=-1),
        "entropy": precise.entropy(mixture),
        "mutual_information": precise.mutual_information(members, log_weights),
    }


def detection(scores_in, scores_out):
    """Returns how well a score separates the two sets.

    Out-of-distribution examples are the positives. Ties count half in the AUROC
    and are never split, so a constant score gives AUROC 0.5, an AUPR equal to
    the fraction of positives, and a false positive rate of 1.

    Args:
        scores_in: Scores of in-distribution examples, (n,), higher for more
            out-of-distribution.
        scores_out: Scores of out-of-distribution examples, (m,).

    Returns:
        {"auroc": the area under the ROC curve, "aupr": the average precision,
        "fpr95": the smallest false positive rate among the thresholds with a
        true positive rate of at least 95%}.

    Raises:
        InputError: If a set is empty, or its scores are not finite vectors.

    Example:

    ```python
    mimo_keras.evaluation.detection([0.1, 0.2], [0.8, 0.9])["auroc"]  # 1.0
    ```

    Reference:
        Hendrycks and Gimpel, A baseline for detecting misclassified and
        out-of-distribution examples in neural networks, ICLR 2017, section 2:
        "auroc" and "aupr".
    """
    import sklearn.metrics

    parts = []
    for name, values in (("scores_in", scores_in), ("scores_out", scores_out)):
        values = checked_array(name, values, "(n,)", (None,))
        if not values.size:
            raise expected(
                f"at least one example in {name}",
                f"{name}.shape=(0,)",
                "Check the data set.",
            )
        parts.append(values)
    values = np.concatenate(parts)
    positive = np.repeat([0, 1], [len(part) for part in parts])
    false_rate, true_rate, _ = sklearn.metrics.roc_curve(
        positive, values, drop_intermediate=False
    )
    return {
        "auroc": float(sklearn.metrics.roc_auc_score(positive, values)),
        "aupr": float(
            sklearn.metrics.average_precision_score(positive, values)
        ),
        "fpr95": float(false_rate[np.argmax(true_rate >= 0.95)]),
    }
