"""Every public name is described in full, with an example that runs."""

import inspect
import json
import pathlib

import keras
import pytest

import mimo_keras
from mimo_keras import data
from mimo_keras.methods import registry
from tests import documents, reference

PUBLIC = {
    min(names, key=len): thing for thing, names in reference.public().items()
}
# Tested with the shapes that they state by layers/examples_test.py.
OTHERS = [name for name in PUBLIC if ".layers." not in name]


def test_every_public_name_is_described_in_full():
    lacking = {name: reference.lacking(PUBLIC[name]) for name in PUBLIC}
    assert not {name: missing for name, missing in lacking.items() if missing}


def test_methods_of_public_classes_are_described():
    lacking = {
        f"{name}.{method}": reference.lacking_in_method(function)
        for name, thing in PUBLIC.items()
        if inspect.isclass(thing)
        for method, function in reference.methods(thing)
    }
    assert len(lacking) > 60
    assert not {name: missing for name, missing in lacking.items() if missing}


def test_what_follows_a_work_names_it():
    lacking = {
        name
        for thing, names in reference.public().items()
        for name in reference.unsourced(names)
        if "\nReference:\n" not in inspect.getdoc(thing)
    }
    assert not lacking, "cite it, or list the name in OF_NO_WORK"
    every = {name.rpartition(".")[2] for name in PUBLIC}
    assert not reference.OF_NO_WORK - every


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """What examples may use without making it."""
    train, test = data.load("digits", "train"), data.load("digits", "test")
    model = mimo_keras.create_model(
        "mimo",
        backbone="small_cnn_1",
        input_shape=(8, 8, 1),
        num_classes=10,
        ensemble_size=2,
        seed=0,
    )
    model.compile(keras.optimizers.Adam(0.02))
    model.fit(train.images, train.labels, epochs=3, verbose=0)
    image = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(4, 3, activation="relu")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    folder = tmp_path_factory.mktemp("run")
    results = {"test/accuracy": 0.9, "test/nll": 0.3}
    (folder / "results.json").write_text(json.dumps(results))
    return {
        "keras": keras,
        "mimo_keras": mimo_keras,
        "pathlib": pathlib,
        "images": train.images[:64],
        "labels": train.labels[:64],
        "test_images": test.images[:64],
        "test_labels": test.labels[:64],
        "held_out_images": test.images[-200:],
        "held_out_labels": test.labels[-200:],
        "model": model,
        "predictor": model.predictor(),
        "network": keras.Model(image, keras.layers.Dense(10, "softmax")(x)),
        "run_dir": folder,
    }


def test_what_a_docstring_lacks_is_found():
    def described(size):
        """Returns nothing.

        Args:
            size: Any.

        Returns:
            None.

        Raises:
            ValueError: Always.

        Example:

        ```python
        described(1)
        ```
        """
        raise ValueError

    def bare(size):
        """Returns nothing."""
        raise ValueError

    assert reference.lacking(described) == []
    assert reference.lacking(bare) == ["Args", "Returns", "Raises", "Example"]


def test_what_a_method_lacks_is_found():
    class Base:
        def known(self, size):
            """Returns nothing."""

    class Some(Base):
        def known(self, size):
            raise ValueError

        def new(self, size):
            """Returns nothing."""
            raise ValueError

        def later(self):
            """Returns nothing."""
            raise NotImplementedError

        def member(self, index):
            """Returns a hook's result."""

        def check(self):
            """Raises ValueError."""
            raise ValueError

        @classmethod
        def bare(cls):
            return cls

    found = {
        name: reference.lacking_in_method(function)
        for name, function in reference.methods(Some)
    }
    assert found == {
        "new": ["Args", "Raises"],
        "later": [],
        "check": [],
        "bare": ["a docstring"],
    }


def test_what_should_cite_a_work_is_found():
    assert reference.unsourced(["mimo_keras.layers.Twin"]) == {"Twin"}
    assert reference.unsourced(["mimo_keras.layers.SelectMember"]) == set()
    assert reference.unsourced(["mimo_keras.data.get"]) == set()


@pytest.mark.parametrize(
    ("code", "faults"),
    [
        ("a = 1\na + 1  # 2", 0),
        ("1 + 1  # 3", 1),
        ("np.zeros((2, 3))  # (B, 3)", 0),
        ("np.zeros((2, 3))  # (B, 4)", 1),
        ("np.zeros((2, 3))  # (B, 2, 3)", 1),
        ("np.arange(2)  # [0, 1]", 0),
        ("a = 1  # not a value", 0),
    ],
)
def test_a_comment_that_is_not_true_is_found(code, faults):
    assert len(list(reference.run(code, {}))) == faults


@pytest.mark.large
@pytest.mark.parametrize("name", OTHERS)
def test_the_example_runs_and_says_what_is_true(
    name, names, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_METHODS", {**registry._METHODS})
    text = inspect.getdoc(PUBLIC[name])
    for _, code in documents.fences(text, {"python"}):
        assert list(reference.run(code, names)) == []
