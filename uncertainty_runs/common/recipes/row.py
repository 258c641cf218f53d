"""A row of the table of recipes."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a run uses for each flag that the user leaves out.

    Attributes:
        datasets: The data sets that it is for.
        method: The method that it is for.
        source: Where its numbers stand.
        reported: The paper's result on a data set, for comparison.
        batch_size: Rows of a step over all devices, that is unique images
            times batch repetitions.
        images_per_rate: Unique images a step at `base_learning_rate`, which
            is scaled by those of a step.
        lr_decay_of: Epochs of the run that `lr_decay_epochs` are of; they
            scale with `train_epochs`.
        options: The method's own options.
    """

    datasets: tuple[str, ...]
    method: str
    source: str
    reported: dict[str, str]
    backbone: str
    width_multiplier: int
    ensemble_size: int
    batch_repetitions: int
    input_repetition_probability: float
    batch_size: int
    train_epochs: int
    base_learning_rate: float
    images_per_rate: int
    lr_decay_epochs: tuple[int, ...]
    lr_decay_of: int
    lr_decay_ratio: float
    lr_warmup_epochs: int
    optimizer: str
    schedule: str
    augment: bool
    shifted: bool
    nesterov: bool
    l2: float
    l2_scope: str
    label_smoothing: float
    options: dict

    def values(self):
        """Returns what it says for flags, the method's options among them."""
        values = dict(vars(self))
        for name in ("datasets", "method", "source", "reported"):
            del values[name]
        return values.pop("options") | values
