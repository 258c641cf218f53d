"""Splits MIMO's error on a toy regression into bias and variance.

    python uncertainty_runs/studies/toy_regression.py

After Havasi et al., ICLR 2021, section 2.1 and figure 2: the noisy regression
of Blundell et al. (data/toy.py), 64 training and 3000 test examples, an MLP of
32 and 128 units, M = 1 … 5. Each (method, M) is trained on the same training
sets, all side by side in one model, and all numbers come with intervals over
training sets. The paper does not specify inputs, noise or optimizer; the
defaults are those of a public copy of its authors' notebook: x in [-1, 1),
noise 0.08, Adam at 0.01, 2000 epochs of batches of 32. The record also has the
parts after each tenth of training. The predictions of each (method, M) are
saved under --output_dir, so a stopped study resumes with the next one. With
--likelihood=gaussian the heads also predict standard deviations, and the record
has the scores of the predicted distributions. --table_only only prints the
tables and draws the figure, from the record and the arrays saved with the
figure.
"""

import itertools
import logging

from absl import flags

from uncertainty_runs.common import early

with early.importing(__name__):
    import keras
    import numpy as np

    import mimo_keras
    from mimo_keras import analysis
    from mimo_keras.analysis import run_files
    from mimo_keras.data import toy
    from mimo_keras.errors import expected
    from mimo_keras.files import (
        ReadError,
        read_arrays,
        write_arrays,
        write_json,
    )
    from mimo_keras.paths import as_path
    from mimo_keras.training.side_by_side import SideBySide
    from uncertainty_runs.common import run_folder, script
    from uncertainty_runs.common.flags import MOST, whole
    from uncertainty_runs.studies import engine, records, toy_scores

BACKBONE = "mlp_32_128"
PARTS = ("bias2", "variance", "error", "member_error")
COLUMNS = (
    "Bias² [10⁻³]",
    "Variance [10⁻³]",
    "Expected squared error [10⁻³]",
    "One member's [10⁻³]",
)
# Settings that predictions depend on, besides method and M.
SETTINGS = (
    "training_sets",
    "train_examples",
    "test_examples",
    "low",
    "high",
    "noise",
    "train_epochs",
    "batch_size",
    "learning_rate",
    "seed",
    "likelihood",
)
STAGES = 10
RUN = ("method", "ensemble_size")
ARRAYS = ("x", "mean", "members", "train_x", "train_y")
SHOWN = 3  # Members of the ensemble whose curves the figure shows.


def define_flags():
    number = flags.DEFINE_float
    flags.DEFINE_list("methods", ["mimo"], "Methods, as mimo,naive_multihead.")
    flags.DEFINE_list("sizes", ["1", "2", "3", "4", "5"], "Values of M.")
    sets = {"lower_bound": 3, "upper_bound": MOST}
    whole("training_sets", 50, "S, the number of training sets.", **sets)
    some = {"lower_bound": 1, "upper_bound": 10**7}
    whole("train_examples", 64, "Examples per training set.", **some)
    whole("test_examples", 3000, "Test inputs.", **some)
    number("low", -1.0, "Lower bound of inputs.")
    number("high", 1.0, "Upper bound of inputs.")
    number("noise", 0.08, "Standard deviation of ε.", lower_bound=0)
    whole("train_epochs", 2000, "Training epochs.", lower_bound=STAGES)
    whole("batch_size", 32, "Examples per step.", lower_bound=1)
    number("learning_rate", 0.01, "Learning rate of Adam.", lower_bound=0)
    kinds = ["mean", "gaussian"]
    flags.DEFINE_enum("likelihood", "mean", kinds, "What a head predicts.")
    whole("seed", 0, "Random seed.", lower_bound=0, upper_bound=2**31)
    flags.DEFINE_string(
        "output_dir", "runs/toy_regression", "Folder of the predictions."
    )
    flags.DEFINE_string(
        "record", "runs/toy_regression.json", "JSON file of the numbers."
    )
    flags.DEFINE_string(
        "figure",
        "runs/bias_variance.png",
        "File of the plot; arrays go to .npz.",
    )
    flags.DEFINE_bool("table_only", False, "Only make tables and plot.")


def main():
    f = flags.FLAGS
    # TensorFlow warns that random numbers are drawn for one model at a time.
    logging.getLogger("tensorflow").setLevel("ERROR")
    path = as_path(f.figure)
    records.check_figure(path, f.record)
    numbers = records.beside(path, ".npz", f.record)
    check_arrays(numbers)
    if not f.table_only:
        arrays = run(f)
        write_arrays(numbers, arrays, compressed=True)
    record = records.read(f.record)
    with records.checked(f.record):
        print(table(record))
    arrays = run_files.read_arrays(numbers)
    if not arrays:
        raise expected(
            f"the figure's arrays in {numbers}",
            "no file",
            "Leave out --table_only to make them.",
        )
    with records.checked(f.record):
        figure = analysis.bias_variance_curves(series(record), arrays)
    analysis.save_png(figure, path)
    print("\nFigure:", path)


def check_arrays(path):
    """Raises InputError if a file is there that is no figure's arrays."""
    try:
        found = {*read_arrays(path)}
    except FileNotFoundError:
        return
    except ReadError:
        found = {"none"}
    if not found.issuperset(ARRAYS):
        raise expected(
            "a --figure next to which its arrays may be written",
            f"{path}, another file",
            "Choose another name, or delete the file.",
        )


def run(f):
    """Runs the study, adding to its record; returns one ensemble's arrays."""
    if f.train_epochs % STAGES or f.train_examples % f.batch_size:
        raise expected(
            f"epochs divisible by {STAGES}, examples by the batch size",
            f"train_epochs={f.train_epochs}, "
            f"train_examples={f.train_examples}, batch_size={f.batch_size}",
            "Change one of them.",
        )
    sizes = [engine.parse_whole(text, "sizes", MOST) for text in f.sizes]
    if not sizes or not f.methods:
        raise expected("a method and a size", "none", "Name one of each.")
    record = opened(f, f.methods[0], sizes[0])
    data = draw_data(f)
    means, noise = toy.moments(data["test_x"], f.noise)
    record["noise_error"] = float(noise.mean())
    example, first = None, None
    for method, members in itertools.product(f.methods, sizes):
        print(f"{method}, M = {members} ...", flush=True)
        stages = kept_predictions(f, method, members, data)
        errors = [parts(stage[..., 0], means, noise) for stage in stages]
        if f.likelihood == "gaussian":
            errors[-1] |= toy_scores.scores(stages[-1], data["test_y"])
        first = first or errors[-1]
        one = {"method": method, "ensemble_size": members}
        one |= entry(errors[-1], first)
        one |= {"stages": [entry(stage, stage) for stage in errors]}
        records.add(record, one, RUN)
        # After every run, so that an interruption loses nothing.
        write_json(f.record, record)
        shown = method == "mimo" and members <= SHOWN
        if example is None or shown:
            example = stages[-1][0, ..., 0]
    return example_arrays(data, means, example)


def opened(f, *first):
    """Returns the record to add to, with the settings and the command."""
    settings = {name: f[name].value for name in SETTINGS}
    record = records.opened(f.record, "toy_regression", settings)
    for one in record["runs"][:1]:
        before = tuple(one.get(name) for name in RUN)
        if before != first:
            raise expected(
                f"a --record whose changes are from {first[0]}, M = {first[1]}",
                f"record={f.record} ({before[0]}, M = {before[1]})",
                "Choose another name, or delete the file.",
            )
    return record | {"command": engine.command()} | engine.versions()


def facts(f):
    """Returns the settings and versions that predictions depend on."""
    found = {name: f[name].value for name in SETTINGS} | engine.versions()
    if f.likelihood == "mean":
        del found["likelihood"]  # As in files of older versions.
    return found


def kept_predictions(f, method, members, data):
    """Returns the predictions of `trained`, saved in a file."""
    name = f"{method}-{members}-{run_folder.fingerprint(facts(f)):08x}.npz"
    path = as_path(f.output_dir) / name
    shape = (STAGES, f.training_sets, f.test_examples, members)
    # Older files have means without a last axis.
    shapes = [shape, (*shape, 1)] if f.likelihood == "mean" else [(*shape, 2)]
    try:
        stages = read_arrays(path).get("stages", np.array(None))
        if stages.shape in shapes and stages.dtype.kind == "f":
            return stages.reshape(shapes[-1])
        logging.warning("Trained again: %s (no predictions %s)", path, shape)
    except FileNotFoundError:
        pass
    except ReadError as error:
        logging.warning("Trained again: %s (%s)", path, error)
    stages = np.stack(trained(f, method, members, data))
    write_arrays(path, {"stages": stages})
    return stages


def draw_data(f):
    """Returns inputs and targets (64, S, 1) and test inputs (3000,)."""
    options = {"low": f.low, "high": f.high, "noise": f.noise}
    seeds = np.random.SeedSequence(f.seed).generate_state(f.training_sets + 1)
    *sets, test = (
        toy.regression(n, int(seed), **options)
        for n, seed in zip(
            [f.train_examples] * f.training_sets + [f.test_examples],
            seeds,
            strict=True,
        )
    )
    return {
        "x": np.stack([one.images for one in sets], axis=1),
        "y": np.stack([one.labels for one in sets], axis=1),
        "test_x": test.images[:, 0],
        "test_y": test.labels[:, 0],
    }


def trained(f, method, members, data):
    """Trains one model per training set; returns their predictions.

    Returns:
        A list of arrays (S, n, M, outputs), one for each tenth of training.
    """
    keras.utils.set_random_seed(f.seed)
    models = []
    for index in range(f.training_sets):
        model = mimo_keras.create_model(
            method,
            backbone=BACKBONE,
            input_shape=(1,),
            num_classes=None,
            output_dim=1,
            likelihood=f.likelihood,
            ensemble_size=members,
            seed=f.seed + index,
        )
        model.compile()
        models.append(model)
    stack = SideBySide(models)
    stack.compile(keras.optimizers.Adam(f.learning_rate))
    shape = (len(data["test_x"]), f.training_sets, 1)
    test = np.broadcast_to(data["test_x"][:, None, None], shape)
    predictions = []

    def predict(epoch, logs):
        outputs = [stack.predict_on_batch(x) for x in chunks(test)]
        predictions.append(np.swapaxes(np.concatenate(outputs), 0, 1))

    stack.fit(
        batches(f, data),
        epochs=STAGES,
        steps_per_epoch=steps(f) // STAGES,
        shuffle=False,  # Batches are already in random order.
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=predict)],
        verbose=0,
    )
    return predictions


def steps(f):
    return f.train_epochs * (f.train_examples // f.batch_size)


def chunks(test):
    """Returns test inputs in parts that fit into memory."""
    return np.array_split(test, -(-len(test) // 500))


def batches(f, data):
    """Yields endless batches, with each training set in its own order."""
    draw = np.random.default_rng(f.seed)
    shape = (f.train_examples, f.training_sets, 1)
    while True:  # fit stops after its steps.
        order = np.argsort(draw.random(shape), axis=0)
        x, y = (np.take_along_axis(data[k], order, axis=0) for k in "xy")
        for start in range(0, f.train_examples, f.batch_size):
            part = slice(start, start + f.batch_size)
            yield x[part], y[part]


def parts(predictions, means, noise):
    """Returns bias, variance and errors for each training set.

    Args:
        predictions: (S, n, M).
        means: (n,), E[y|x].
        noise: (n,), Var(y|x).
    """
    numbers = analysis.bias_variance(predictions.mean(axis=2), means, noise)
    errors = np.square(predictions - means[:, None]) + noise[:, None]
    return numbers | {"member_error": errors.mean(axis=(1, 2))}


def entry(values, first):
    """Returns (estimate, half-width) pairs, also of changes to `first`."""
    intervals = {}
    for name in values:
        intervals[name] = analysis.normal_interval(values[name])
        if values is not first:
            # Per training set: both saw the same ones.
            change = values[name] - first[name]
            intervals[f"{name}_change"] = analysis.normal_interval(change)
    return intervals


def example_arrays(data, means, members):
    """Returns the arrays of the figure's first panel."""
    order = np.argsort(data["test_x"])[::10]
    return {
        "x": data["test_x"][order],
        "mean": means[order],
        "members": members[order].T,
        "train_x": data["x"][:, 0, 0],
        "train_y": data["y"][:, 0, 0],
    }


def table(record):
    """Returns Markdown tables: the parts and changes, then any scores'."""
    first = record["runs"][0]
    label = f"{first['method']}, M = {first['ensemble_size']}"
    main = _table(record["runs"], "{}", "Method")
    changes = [one for one in record["runs"] if "error_change" in one]
    title = f"Change from {label}"
    changed = _table(changes, "{}_change", title, sign="+")
    return "\n\n".join([main, changed, *toy_scores.tables(record)])


def _table(runs, key, title, sign=""):
    rows = []
    for one in runs:
        pairs = [one[key.format(name)] for name in PARTS]
        cells = [f"{1e3 * a:{sign}.2f} ± {1e3 * b:.2f}" for a, b in pairs]
        rows.append([one["method"], one["ensemble_size"], *cells])
    return analysis.markdown_table(rows, [title, "M", *COLUMNS])


def series(record):
    """Returns the points of the figure for each method."""
    curves = {}
    for one in record["runs"]:
        point = {name: one[name] for name in PARTS}
        point["members"] = one["ensemble_size"]
        if "stages" in one:
            point["course"] = course(one["stages"], record["train_epochs"])
        curves.setdefault(analysis.method_title(one["method"]), []).append(
            point
        )
    return curves


def course(stages, train_epochs):
    """Returns the parts over training, after each of equal stages."""
    each = train_epochs // len(stages)
    epochs = [each * (index + 1) for index in range(len(stages))]
    parts = {name: [stage[name] for stage in stages] for name in PARTS}
    return {"epochs": epochs} | parts


if __name__ == "__main__":
    define_flags()
    script.run(main)
