"""The diabetes data of Efron et al. (2004), which scikit-learn brings along."""

from typing import NamedTuple

import numpy as np

from mimo_keras.data.examples import Examples
from mimo_keras.errors import expected

SHARE = 0.1
"""Share of the examples in a test set, and in a validation set."""


class Split(NamedTuple):
    """Disjoint parts of the data, and the scale of its targets.

    Attributes:
        train: `Examples`, standardized: by feature, and the targets.
        validation: Those held out for choices, scaled as `train`.
        test: The rest, scaled as `train`.
        mean: Mean of the training targets, in their own units.
        std: Their standard deviation.
    """

    train: Examples
    validation: Examples
    test: Examples
    mean: float
    std: float


def load():
    """Returns the 442 patients.

    Inputs (442, 10): age, sex, body mass index, blood pressure and six blood
    serum measurements. Targets (442, 1): the disease's progression one year
    later, from 25 to 346.

    Reference:
        Efron, Hastie, Johnstone and Tibshirani, Least angle regression, The
        Annals of Statistics 2004, section 1.
    """
    from sklearn.datasets import load_diabetes

    found = load_diabetes(scaled=False)
    images = found.data.astype(np.float32)
    labels = found.target.astype(np.float32)[:, np.newaxis]
    return Examples("diabetes", images, labels, None).checked()


def split(examples, index):
    """Returns one of many random splits of a regression's data.

    Args:
        examples: `Examples` of vectors.
        index: Number that determines the split.

    Returns:
        `Split`, with `SHARE` of the examples in its test set, and as many in
        its validation set.

    Raises:
        InputError: There are too few examples for three parts.
    """
    held_out = int(SHARE * len(examples))
    if not held_out:
        raise expected(
            "at least 10 examples to split",
            f"{len(examples)} examples",
            "Collect more.",
        )
    order = np.random.default_rng(index).permutation(len(examples))
    parts = np.split(order, [held_out, 2 * held_out])
    train = parts.pop()
    inputs, targets = (
        (a[train].mean(axis=0), a[train].std(axis=0))
        for a in (
            examples.images.astype(np.float64),
            examples.labels.astype(np.float64),
        )
    )
    test, validation, train = (
        Examples(
            examples.name,
            _scaled(examples.images[rows], *inputs),
            _scaled(examples.labels[rows], *targets),
            None,
        )
        for rows in (*parts, train)
    )
    [mean], [std] = targets
    return Split(train, validation, test, float(mean), float(std))


def _scaled(values, mean, std):
    return ((values - mean) / std).astype(np.float32)
