"""A row of the table of recipes."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """The value of each flag that the user leaves out.

    Attributes:
        datasets: The data sets that the recipe is for.
        method: The method that the recipe is for.
        source: The source of its numbers.
        reported: The paper's result on each data set, for comparison.
        batch_size: Rows per step over all devices: unique images times batch
            repetitions.
        images_per_rate: Unique images per step that `base_learning_rate` is
            for; the rate is scaled to those of the run.
        lr_decay_of: Total epochs that `lr_decay_epochs` refer to; these scale
            with `train_epochs`.
        options: The method's own options.
        validation_share: Share of the training images to hold out.
        augment_repetitions: Whether an image is augmented anew for each member
            and repetition of a step, instead of once.
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
    validation_share: float = 0.0
    augment_repetitions: bool = False

    def values(self):
        """Returns the values of flags, including the method's options."""
        values = dict(vars(self))
        for name in ("datasets", "method", "source", "reported"):
            del values[name]
        return values.pop("options") | values
