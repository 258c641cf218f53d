"""Files that would run their own code, if their readers let them."""

import contextlib
import io
import json
import pathlib
import zipfile

import h5py
import numpy as np

import mimo_keras

MODULE = "hostile_module"
MARK = "mark"
# Each definition leaves a mark when it is imported, created or called.
_CODE = """\
import pathlib
def leave(*args, **kwargs):
    pathlib.Path({mark!r}).touch()
leave()
class Hostile:
    __init__ = leave
    from_config = leave
"""
_FOREIGN = {"module": MODULE, "class_name": "Hostile"}
_FUNCTION = {"module": MODULE, "class_name": "function", "config": "leave"}
_BUILTIN = {"module": "builtins", "class_name": "function", "config": "eval"}
_LAMBDA = {
    "module": "keras.layers",
    "class_name": "Lambda",
    "config": {
        "name": "lambda",
        "function": {
            "class_name": "__lambda__",
            "config": {"code": "4wA=", "defaults": None, "closure": None},
        },
    },
}


def _dense(config):
    layers = config["config"]["network"]["config"]["layers"]
    return next(one for one in layers if one["class_name"] == "Dense")


ATTACKS = {
    "whole": lambda config: config.update(_FOREIGN, config={}),
    "layer": lambda config: _dense(config).update(_FOREIGN),
    "lambda": lambda config: _dense(config).update(_LAMBDA),
    "activation": lambda config: _dense(config)["config"].update(
        activation=_FUNCTION
    ),
    "builtin": lambda config: _dense(config)["config"].update(
        activation=_BUILTIN
    ),
    "loss": lambda config: config.update(
        compile_config={"optimizer": "sgd", "loss": _FUNCTION}
    ),
}


def module(folder):
    """Writes the module that attacks refer to; returns the mark it leaves."""
    mark = pathlib.Path(folder, MARK).absolute()
    code = _CODE.format(mark=str(mark))
    pathlib.Path(folder, f"{MODULE}.py").write_text(code)
    return mark


def keras_file(path, attack):
    """Writes a .keras file whose config holds an attack of `ATTACKS`."""
    model = mimo_keras.create_model(
        "deterministic", backbone="mlp_4", input_shape=(3,), num_classes=3
    )
    model.save(path)
    with parts_of(path) as parts:
        config = json.loads(parts["config.json"])
        ATTACKS[attack](config)
        parts["config.json"] = json.dumps(config).encode()


@contextlib.contextmanager
def parts_of(path):
    """Yields the parts of an archive, by name, and writes them back."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    yield parts
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def claim_weights(path, size):
    """Adds an array to a .keras file that claims `size` bytes and has none."""
    with parts_of(path) as parts:
        content = io.BytesIO(parts["model.weights.h5"])
        with h5py.File(content, "a") as file:
            file.create_dataset("claim", (size,), "uint8", chunks=True)
        parts["model.weights.h5"] = content.getvalue()


class _Pickled:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return pathlib.Path.touch, (self.mark,)


def npz_file(path, mark, **arrays):
    """Writes an .npz with arrays and a pickle that leaves a mark."""
    hostile = np.empty(1, object)
    hostile[0] = _Pickled(pathlib.Path(mark).absolute())
    np.savez(path, hostile=hostile, **arrays)
