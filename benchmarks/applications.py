r"""Builds every network of keras.applications as an ensemble.

Each becomes MIMO of two members on small images from 0 to 255 (as
`input_scale=None` passes them on), trains one step, predicts and is exported;
and `batch_ensemble` converts its layers. Predictor and model may differ by as
much as the model's own logits do when its images are rounded differently.
Where that is too much to tell anything, all is repeated in float64 with smaller
scales in the batch norms; `--norm_scale` has them from the start. The record
grows network by network; those that it has are not built again.

python benchmarks/applications.py --record=out/applications.json
python benchmarks/applications.py --networks=ResNet50,MobileNetV3Small
python benchmarks/applications.py --networks=EfficientNetV2L --norm_scale=0.6
"""

import contextlib
import functools
import inspect
import os
import tempfile

from absl import flags

from uncertainty_runs.common import early

with early.importing(__name__):
    import keras
    import numpy as np

    import mimo_keras
    from mimo_keras import analysis, files, keras_internals
    from mimo_keras.errors import InputError
    from uncertainty_runs.common import script

# The smallest sides that these take. All others get 64 pixels: after a step on
# 32, the batch norms of EfficientNetV2 give NaN, in plain Keras too.
SIDE = 64
SIDES = {"InceptionResNetV2": 75, "InceptionV3": 75, "Xception": 71}
MEMBERS, ROWS, CLASSES = 2, 4, 5
COLUMNS = (
    "Network",
    "Side",
    "mimo",
    "Precision",
    "Norms",
    "Folded",
    "Exported",
    "batch_ensemble",
)
# Differences between predictor and model, relative to the largest logit, that
# rounding may cause. Logits are float32 whatever they are computed in.
CLOSE = {"float32": 1e-3, "float64": 1e-6}
# They may differ by this many times what one rounding of the images changes, if
# that is no more than the second number.
ROUNDINGS, TELLING = 10, 1e-3
# Untrained, the deepest networks amplify rounding to the size of their logits;
# with the scales of their batch norms times this they do not.
CALM = 0.6


def define_flags():
    flags.DEFINE_list("networks", list_networks(), "Networks to build.")
    flags.DEFINE_string("record", "", "JSON file to which results are added.")
    flags.DEFINE_float(
        "norm_scale", 1.0, "Factor on the scales of the batch norms.", 0.0
    )


def list_networks():
    """Returns the names of all networks of keras.applications, sorted."""
    found = inspect.getmembers(keras.applications, inspect.isfunction)
    return [name for name, _ in found if name[0].isupper()]


def backbone(name, x):
    """Returns the features of a network, built on a KerasTensor."""
    make = getattr(keras.applications, name)
    network = make(
        include_top=False, weights=None, input_tensor=x, pooling="avg"
    )
    return network.output


def create(name, method):
    keras.utils.set_random_seed(0)
    side = SIDES.get(name, SIDE)
    return mimo_keras.create_model(
        method,
        backbone=functools.partial(backbone, name),
        input_shape=(side, side, 3),
        num_classes=CLASSES,
        ensemble_size=MEMBERS,
        input_scale=None,
        seed=0,
    )


def tried(name, norm_scale=1.0):
    """Returns what became of a network, a row of the record.

    Args:
        name: That of the network.
        norm_scale: Factor on the scales of its batch norms.
    """
    side = SIDES.get(name, SIDE)
    row = {"name": name, "side": side, "folded": None, "exported": False}
    row["mimo"] = _outcome(functools.partial(_mimo, name, row, norm_scale))
    keras.backend.clear_session()
    convert = functools.partial(create, name, "batch_ensemble")
    row["batch_ensemble"] = _outcome(convert)
    keras.backend.clear_session()
    return row


def _mimo(name, row, norm_scale=1.0):
    """Trains a step, predicts and exports; what came out is put in the row."""
    row |= {"precision": "float32", "norm_scale": norm_scale}
    try:
        _mimo_once(name, row)
    except InputError:
        # Rounding may be all that differs, in the predictor or its export.
        keras.backend.clear_session()
        row |= {"precision": "float64", "norm_scale": min(norm_scale, CALM)}
        with _precision("float64"):
            _mimo_once(name, row)


@contextlib.contextmanager
def _precision(name):
    before = keras.config.floatx()
    keras.config.set_floatx(name)
    try:
        yield
    finally:
        keras.config.set_floatx(before)


def _mimo_once(name, row):
    model = create(name, "mimo")
    for layer in keras_internals.layers_within(model):
        if isinstance(layer, keras.layers.BatchNormalization) and layer.scale:
            layer.gamma.assign(row["norm_scale"] * layer.gamma)
    shape = (ROWS, *model.image_shape)
    images = np.random.default_rng(0).integers(0, 256, shape).astype("uint8")
    model.compile(keras.optimizers.SGD(1e-3), run_eagerly=True)
    logs = model.train_on_batch(images, np.arange(ROWS), return_dict=True)
    predictor = model.predictor()
    found = np.asarray(predictor.member_logits(images))
    wanted = np.asarray(model(images))
    scale = np.abs(wanted).max()
    if not np.isfinite(logs["loss"] + scale):
        raise InputError("it returns NaN or infinity after a step")
    difference = np.abs(found - wanted).max() / scale
    if not difference <= CLOSE[row["precision"]]:
        rounding = np.abs(np.asarray(model(rounded(images))) - wanted)
        _compare(difference, rounding.max() / scale)
    row["folded"] = bool(predictor.folded)
    with tempfile.TemporaryDirectory() as folder:
        mimo_keras.export_saved_model(predictor, f"{folder}/saved_model")
    row["exported"] = True


def rounded(images):
    """Returns bytes as floats, each off by one rounding up or down."""
    dtype = np.dtype(keras.config.floatx())
    signs = np.random.default_rng(1).choice([-1, 1], images.shape)
    return (images * (1 + signs * np.finfo(dtype).eps)).astype(dtype)


def _compare(difference, rounding):
    """Raises InputError if rounding does not explain a difference."""
    if not rounding <= TELLING:
        raise InputError(f"one rounding changes its logits by {rounding:.1g}")
    if not difference <= ROUNDINGS * rounding:
        raise InputError(
            f"its predictor differs from the model by {difference:.1g}, while "
            f"one rounding changes its logits by {rounding:.1g}"
        )


def _outcome(function):
    """Returns "yes", or why not in one line."""
    try:
        function()
    except Exception as error:  # It is the result.
        return " ".join(str(error).split()) or type(error).__name__
    return "yes"


def table(rows):
    """Returns the record as a Markdown table."""
    answers = {True: "yes", False: "no", None: "-"}
    cells = [
        [
            f"`{row['name']}`",
            str(row["side"]),
            row["mimo"],
            # Records of earlier versions do not have these.
            row.get("precision", "float32"),
            f"{row.get('norm_scale', 1.0):g}",
            answers[row["folded"]],
            answers[row["exported"]],
            _short(row["batch_ensemble"]),
        ]
        for row in sorted(rows, key=lambda row: row["name"])
    ]
    return analysis.markdown_table(cells, list(COLUMNS))


def _short(outcome):
    """Returns the type of layer that an outcome names, or the outcome."""
    _, found, kind = outcome.partition(" of type ")
    return f"no: `{kind.split('.')[0]}`" if found else outcome


def main():
    record, rows = flags.FLAGS.record, []
    if record and os.path.exists(record):
        rows = files.read_json(record)["networks"]
    known = {row["name"] for row in rows}
    for name in flags.FLAGS.networks:
        if name in known:
            continue
        rows.append(tried(name, flags.FLAGS.norm_scale))
        if record:
            files.write_json(record, {"networks": rows})
        print(table(rows[-1:]).splitlines()[-1], flush=True)
    print()
    print(table(rows))


if __name__ == "__main__":
    define_flags()
    script.run(main)
