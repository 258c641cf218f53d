"""A run's predictor, fitted to the images that the run held out."""

import dataclasses

from absl import flags

from mimo_keras.errors import expected
from mimo_keras.prediction import detecting
from uncertainty_runs.common import run_data

_ARRAYS = ("fitted_", "set_sizes")


def define_flags():
    """Defines the flags that `wanted` reads."""
    flags.DEFINE_enum(
        "calibrate",
        None,
        ["val"],
        "Calibrate the temperature on the run's held-out images.",
    )
    flags.DEFINE_float(
        "prediction_sets",
        None,
        "Coverage of sets that are fitted to the run's held-out images.",
    )
    flags.DEFINE_enum(
        "detector",
        None,
        [*detecting.SCORES, *detecting.OF_FEATURES],
        "Score of foreign images, fitted to the run's held-out images.",
    )


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a predictor is to be fitted to do, and on which images."""

    calibrate: bool
    coverage: float | None
    detector: str | None
    held_out: object

    def fit(self, model, batch_size):
        """Returns the fitted predictor of an `EnsembleModel`."""

        def batches():
            return self.held_out.evaluation_batches(batch_size)

        predictor = model.predictor()
        if self.calibrate:
            predictor = predictor.calibrate(batches())
        if self.coverage is not None:
            predictor = predictor.prediction_sets(
                batches(), coverage=self.coverage
            )
        if self.detector:
            predictor = predictor.detector(batches(), score=self.detector)
        return predictor


def wanted(f, config):
    """Returns what the flags ask for; None for nothing.

    Args:
        f: The flags.
        config: `RunConfig` of the run, or `DataConfig` of saved models.

    Raises:
        InputError: There are no held-out images, or not those of one run.
    """
    asked = [
        f"--{name}"
        for name in ("calibrate", "prediction_sets", "detector")
        if getattr(f, name) is not None
    ]
    if not asked:
        return None
    if len(f.runs) != 1:
        given = f"{len(f.runs)} runs" if f.runs else "--models"
        raise expected(
            f"one run for {asked[0]}, whose held-out images it was not "
            "trained on",
            given,
            "Name one folder in --runs.",
        )
    if config.average == "logits":
        raise expected(
            f"averaged probabilities with {asked[0]}",
            "average=logits",
            "Leave out --average.",
        )
    _, held_out = run_data.parted_train(config)
    if held_out is None:
        raise expected(
            f"a run with held-out images for {asked[0]}",
            f"{f.runs[0]} without any",
            "Train it with --validation_share=0.1, for example.",
        )
    return Wanted(
        f.calibrate is not None, f.prediction_sets, f.detector, held_out
    )


def without(results, arrays):
    """Returns `Results` and arrays without those of an earlier fit."""
    arrays = {k: v for k, v in arrays.items() if not k.startswith(_ARRAYS)}
    return dataclasses.replace(results, fitted={}), arrays
