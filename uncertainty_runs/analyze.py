"""Draws why an efficient ensemble works, from a finished run.

    python uncertainty_runs/analyze.py --run_dir=runs/demo --figure=all

Each figure goes to the run's folder `figures` as a PNG, with the arrays
behind it beside it. The figures, after papers/mixshare.txt:

    feature_norms      how much each member uses each feature, by its weights
                       in the first layer and the heads (figures 3 and 5)
    feature_variance   how much each input moves the features behind each
                       stage (figure 6)

and after papers/mimmo_supplement.txt:

    depth_posterior    at which depth each member answers
"""

import pathlib

import numpy as np
from absl import flags

from mimo_keras import analysis
from mimo_keras.analysis.run_files import read_json
from mimo_keras.errors import InputError, expected
from mimo_keras.files import replacing
from uncertainty_runs import models, settings, sources


def define_flags():
    flags.DEFINE_string("run_dir", None, "Folder of a finished run.")
    flags.DEFINE_enum("figure", "all", ["all", *FIGURES], "Which to draw.")
    flags.DEFINE_string("data_dir", None, "Folder of the data sets.")
    flags.DEFINE_integer(
        "examples", 1000, "Test images that are looked at.", lower_bound=2
    )


def main():
    draw(flags.FLAGS)


def draw(f):
    """Draws what the flags ask for."""
    run = pathlib.Path(f.run_dir or "")
    values = read_json(run / "flags.json") | {"data_dir": f.data_dir}
    test = sources.load(values, "test")
    model = models.load_run(run, values, test)
    images, _ = next(iter(test.evaluation_batches(f.examples)))
    for name in FIGURES if f.figure == "all" else [f.figure]:
        try:
            arrays, figure = FIGURES[name](model, images)
        except InputError as error:
            if f.figure != "all":
                raise
            print(f"{name}: left out. {error}")
            continue
        path = run / "figures" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        with replacing(path.with_suffix(".npz"), "wb") as file:
            np.savez(file, **arrays)
        analysis.save_png(figure, path)
        print("Figure:", path)


def feature_norms(model, images):
    arrays = analysis.feature_norms(model.network)
    if not arrays:
        raise expected(
            "a run whose members have weights of their own, for feature_norms",
            f"method={model.name}",
            "Choose a run of mimo, mixmo, mixshare or naive_multihead.",
        )
    titles = {"encoders": "Encoder kernels", "heads": "Classifier columns"}
    panels = {titles[name]: norms for name, norms in arrays.items()}
    print_rates(arrays)
    return arrays, analysis.feature_use(panels, "L1 norm of weights")


def feature_variance(model, images):
    arrays = analysis.feature_variances(model, images)
    print_rates(arrays)
    return arrays, analysis.feature_use(arrays, "Variance over inputs")


def print_rates(arrays):
    for part, norms in arrays.items():
        print(f"{part}: sharing rate {analysis.sharing_rate(norms):.3f}")


def depth_posterior(model, images):
    theta = analysis.depth_posterior(model)
    return {"theta": theta}, analysis.depth_bars(theta)


FIGURES = {
    "feature_norms": feature_norms,
    "feature_variance": feature_variance,
    "depth_posterior": depth_posterior,
}


if __name__ == "__main__":
    define_flags()
    settings.run(main)
