r"""Draws figures of a finished run that show why the ensemble works.

    python uncertainty_runs/analyze.py --run_dir=runs/demo --figure=all

Each figure is saved as a PNG in the folder `figures` of the run, together with
its arrays. Figures that do not apply to the run's method are skipped. The
figures, after Havasi et al., ICLR 2021:

    landscape          accuracy, and disagreement with each member, on the
                       plane through three members in weight space (figure 3)
    separation         how much each input moves each pre-activation
                       (figure 4, left)
    trajectories       the members' paths in function space, for a run with
                       --trajectory_interval (figure 4, middle right)

after Teterwak et al., 2021 (MixtureEnsembles):

    line               accuracy between two members (figure 4)

after Sun et al., CVPR Workshops 2022 (MixShare):

    feature_norms      how much each member uses each feature, by its weights
                       in the first layer and the heads (figures 3 and 5)
    feature_variance   how much each input moves the features after each
                       stage (figure 6)

after Ferianc and Rodrigues, CVPR Workshops 2023 (MIMMO):

    depth_posterior    at which depths each member predicts
    depth_course       the same after each epoch of training

and for any run that was evaluated:

    reliability        accuracy by confidence
    risk_coverage      the error of only the most confident predictions
    ood_scores         scores of test images and of out-of-distribution images

A table of several runs, averaged over the seeds of each method and M; runs
that are already in the record are kept:

    python uncertainty_runs/analyze.py --figure=diversity \
        --run_dirs='runs/study/*' --record=runs/diversity.json
"""

import dataclasses
import glob
import pathlib

from absl import flags

from uncertainty_runs.common import early

with early.importing(__name__):
    import numpy as np

    from mimo_keras import analysis
    from mimo_keras.analysis.lookup import number, ood_areas, ood_scores
    from mimo_keras.analysis.run_files import (
        read_drawn,
        read_json,
        read_metrics,
        read_results,
    )
    from mimo_keras.errors import InputError, expected
    from mimo_keras.files import write_arrays, write_json
    from mimo_keras.paths import as_path, is_remote
    from mimo_keras.training import EnsembleModel
    from uncertainty_runs.common import models, run_data, saved_values, script
    from uncertainty_runs.common.config import RunConfig
    from uncertainty_runs.common.flags import MOST, define_unfinished_flag
    from uncertainty_runs.common.script import with_flags
    from uncertainty_runs.evaluation import trajectory
    from uncertainty_runs.studies import engine, records

TABLE = "diversity"
IDENTITY = ("method", "ensemble_size", "backbone", "train_epochs", "seed")
"""The fields that identify a run in the record of that table."""


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished run, as the figures need it.

    Attributes:
        folder: Its folder.
        model: Its trained model.
        images: Test images.
        labels: Their labels.
        points: Grid points along each axis.
    """

    folder: pathlib.Path
    model: EnsembleModel
    images: np.ndarray
    labels: np.ndarray
    points: int

    @property
    def title(self):
        """The method's name in its paper."""
        return analysis.method_title(self.model.name)

    def arrays(self, figure, *names):
        """Returns the arrays that the run's evaluation saved.

        Raises:
            InputError: One is missing.
        """
        arrays = read_drawn(self.folder / "arrays.npz")
        if not arrays or any(name not in arrays for name in names):
            raise expected(
                f"an arrays.npz with the arrays for {figure} in {self.folder}",
                f"arrays={', '.join(arrays) or 'none'}",
                f"Evaluate the run: evaluate.py --runs={self.folder}.",
            )
        return arrays


def define_flags():
    flags.DEFINE_string("run_dir", None, "Folder of a finished run.")
    flags.DEFINE_list(
        "run_dirs", [], f"Several folders, for --figure={TABLE}; may contain *."
    )
    flags.DEFINE_string("record", None, f"JSON file of the numbers of {TABLE}.")
    known = ["all", TABLE, *FIGURES]
    flags.DEFINE_enum("figure", "all", known, "Figure to draw.")
    flags.DEFINE_string("data_dir", None, "Folder of the data sets.")
    define_unfinished_flag()
    flags.DEFINE_integer(
        "examples",
        1000,
        "Number of test images to use; 0: all.",
        lower_bound=0,
        upper_bound=10**6,
    )
    flags.DEFINE_integer(
        "points",
        21,
        "Grid points along each axis.",
        lower_bound=2,
        upper_bound=MOST,
    )


def main():
    f = flags.FLAGS
    if f.figure == TABLE:
        print(diversity(f.run_dirs, f.record, f.allow_unfinished))
    else:
        draw(f)


def draw(f):
    """Draws the requested figures."""
    folder = as_path(f.run_dir or "")
    config = models.recorded(folder)
    config = dataclasses.replace(config, data_dir=f.data_dir)
    test = run_data.load(config, "test")
    model, _ = models.load_run(folder, config, test, f.allow_unfinished)
    images, labels = some_of(test, f.examples)
    run = Run(folder, model, images, labels, f.points)
    names = FIGURES if f.figure == "all" else [f.figure]
    paths = {name: folder / "figures" / f"{name}.png" for name in names}
    for path in paths.values():
        records.check_figure(path)
    for name, path in paths.items():
        try:
            arrays, figure = FIGURES[name](run)
        except InputError as error:
            if f.figure != "all":
                raise
            print(f"{name}: skipped. {with_flags(error)}")
            continue
        write_arrays(path.with_suffix(".npz"), arrays)
        analysis.save_png(figure, path)
        print("Figure:", path)


def some_of(test, count):
    """Returns the first images of a test set and their labels; 0: all."""
    if count == 1:
        raise expected(
            "at least 2 test images, or 0 for all",
            "examples=1",
            "Raise it.",
        )
    return next(iter(test.evaluation_batches(count or len(test))))


def landscape(run):
    arrays = analysis.plane_landscape(
        run.model, run.images, run.labels, run.points
    )
    return arrays, analysis.plane_maps(arrays, run.title)


def separation(run):
    arrays = analysis.conditional_variances(run.model, run.images)
    for name, variances in arrays.items():
        most = analysis.variance_shares({name: variances}).max(axis=0)
        print(f"{name}: largest input's mean share {most.mean():.3f}")
    return arrays, analysis.separation_plot(arrays, run.title)


def trajectories(run):
    kept = trajectory.read(run.folder / trajectory.NAME)
    if not kept:
        raise expected(
            f"a {trajectory.NAME} in {run.folder}",
            "no file",
            "Train a run in another --output_dir with --trajectory_interval=1.",
        )
    places = analysis.function_space(kept["probabilities"])
    arrays = {"places": places, "epochs": kept["epochs"]}
    return arrays, analysis.trajectory_plot(places, kept["epochs"], run.title)


def line(run):
    arrays = analysis.member_lines(
        run.model, run.images, run.labels, run.points
    )
    return arrays, analysis.line_plot(arrays, run.title)


def feature_norms(run):
    arrays = analysis.feature_norms(run.model.network)
    if not arrays:
        raise expected(
            "a run whose members have their own weights, for feature_norms",
            f"method={run.model.name}",
            "Choose a run of mimo, mixmo, mixshare or naive_multihead.",
        )
    titles = {"encoders": "Encoder kernels", "heads": "Classifier columns"}
    panels = {titles[name]: norms for name, norms in arrays.items()}
    print_rates(arrays)
    return arrays, analysis.feature_use(panels, "L1 norm of weights")


def feature_variance(run):
    arrays = analysis.feature_variances(run.model, run.images)
    print_rates(arrays)
    return arrays, analysis.feature_use(arrays, "Variance over inputs")


def print_rates(arrays):
    for part, norms in arrays.items():
        rate = analysis.sharing_rate(norms)
        overlap = analysis.feature_overlap(norms)
        print(f"{part}: sharing rate {rate:.3f}, feature overlap {overlap:.3f}")


def depth_posterior(run):
    theta = analysis.depth_posterior(run.model)
    return {"theta": theta}, analysis.depth_bars(theta)


def depth_course(run):
    arrays = analysis.depth_course(read_metrics(run.folder / "metrics.csv"))
    return arrays, analysis.depth_course_plot(**arrays)


def reliability(run):
    parts = ("count", "confidence", "accuracy")
    names = [f"reliability_{part}" for part in parts]
    arrays = run.arrays("reliability", *names)
    bins = {part: arrays[name] for part, name in zip(parts, names, strict=True)}
    return bins, analysis.reliability_diagram(**bins, title=run.title)


def risk_coverage(run):
    kept = run.arrays("risk_coverage", "risk_coverage", "risk")
    results = read_results(run.folder / "results.json")
    area = number(results.test, "aurc")
    arrays = {"coverage": kept["risk_coverage"], "risk": kept["risk"]}
    return arrays, analysis.risk_coverage_plot(
        **arrays, area=area, title=run.title
    )


def ood_figure(run):
    arrays = run.arrays("ood_scores")
    results = read_results(run.folder / "results.json")
    scores = ood_scores(results, arrays)
    if not scores:
        raise expected(
            f"out-of-distribution sets in {run.folder}",
            "none",
            "Choose a run of a data set that has them.",
        )
    areas = ood_areas(results, scores)
    kept = {k: v for k, v in arrays.items() if k.startswith("ood_")}
    return kept, analysis.ood_histograms(scores, areas)


def diversity(patterns, record=None, allow_unfinished=False):
    """Returns the Markdown table of the diversity of several runs.

    Args:
        patterns: Names of folders, which may contain *.
        record: JSON file to write the runs' numbers to. Other runs that are
            already in it are kept, and appear in the table.
        allow_unfinished: Whether runs may be in it that were evaluated before
            the end of their training.
    """
    folders = [folder for p in patterns for folder in _matching(p)]
    if not folders:
        raise expected(
            f"--run_dirs with --figure={TABLE}",
            "none",
            "Name the folders of finished runs.",
        )
    runs = []
    for folder in folders:
        identity = _identity(folder)
        results = read_results(folder / "results.json")
        epoch, epochs = (results.training.get(n) for n in ("epoch", "epochs"))
        if epoch != epochs and not allow_unfinished:
            raise models.unfinished(folder, epoch, epochs)
        arrays = read_drawn(folder / "arrays.npz")
        runs.append(identity | analysis.run_diversity(results, arrays))
    if record:
        whole = records.opened(record, TABLE)
        with records.checked(record):
            for run in runs:
                records.add(whole, run, IDENTITY)
            runs = whole["runs"]
            runs.sort(key=lambda run: [str(run[name]) for name in IDENTITY])
            table = analysis.diversity_table(runs)
        write_json(record, whole | {"command": engine.command()})
        return table
    return analysis.diversity_table(runs)


def _matching(pattern):
    """Returns the folders that match a pattern; the pattern if none does."""
    path = as_path(pattern)
    if is_remote(path):
        return sorted(path.parent.glob(path.name)) or [path]
    found = sorted(glob.glob(str(path)))
    return [pathlib.Path(name) for name in found or [path]]


def _identity(folder):
    """Returns the fields that identify a run or an ensemble of runs."""
    path = folder / "flags.json"
    values = read_json(path)
    if "method" not in values:
        raise expected(
            "the folder of a run",
            f"path={path} without a method",
            "Leave it out.",
        )
    known = {name: values[name] for name in IDENTITY if name in values}
    saved_values.check(RunConfig, known, path)
    return {name: values.get(name) for name in IDENTITY}


FIGURES = {
    "landscape": landscape,
    "separation": separation,
    "trajectories": trajectories,
    "line": line,
    "feature_norms": feature_norms,
    "feature_variance": feature_variance,
    "depth_posterior": depth_posterior,
    "depth_course": depth_course,
    "reliability": reliability,
    "risk_coverage": risk_coverage,
    "ood_scores": ood_figure,
}


if __name__ == "__main__":
    define_flags()
    script.run(main)
