"""How many images a step sees."""

from mimo_keras.errors import expected


def unique_images(config, replicas, examples):
    """Returns the number of unique images per pass, over all devices.

    A step, which updates the weights once, is one pass over a batch, or
    `gradient_accumulation_steps` of them.

    Args:
        config: `RunConfig`.
        replicas: Number of devices that share a step.
        examples: Number of training examples.

    Raises:
        InputError: The rows of a step cannot be divided evenly, or there are
            fewer examples than a step takes.
    """
    passes = config.gradient_accumulation_steps
    repetitions = config.batch_repetitions
    rows = _rows(config, replicas)
    if rows % (repetitions * replicas):
        raise expected(
            "rows per step divisible by batch_repetitions times devices",
            f"rows={rows}, batch_repetitions={repetitions}, devices={replicas}",
            "Change --per_core_batch_size, the rows on each device.",
        )
    unique = rows // repetitions
    if unique * passes > examples:
        raise expected(
            f"at most {examples} unique images per step, the size of the "
            "training set",
            f"{unique * passes}",
            "Lower --per_core_batch_size.",
        )
    return unique


def _rows(config, replicas):
    """Returns the rows of a pass, over all devices."""
    passes = config.gradient_accumulation_steps
    per_core = config.per_core_batch_size
    if per_core is not None and config.images_per_step is not None:
        raise expected(
            "--per_core_batch_size or --images_per_step, not both",
            f"per_core_batch_size={per_core}, "
            f"images_per_step={config.images_per_step}",
            "Leave one of them out.",
        )
    if per_core is not None:
        return per_core * replicas
    rows = config.batch_size
    if config.images_per_step is not None:
        rows = config.images_per_step * config.batch_repetitions
    if rows % passes:
        raise expected(
            "rows per step divisible by gradient_accumulation_steps",
            f"rows={rows}, gradient_accumulation_steps={passes}",
            "Change it, or give --per_core_batch_size, the rows of a pass.",
        )
    return rows // passes
