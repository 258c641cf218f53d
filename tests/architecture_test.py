"""Every file follows the house rules; every rule detects violations."""

import functools
import subprocess
import sys

import pytest

from tests import house_rules as rules

# For each rule: a file that breaks it, and the same file fixed.
EXAMPLES = {
    rules.imports_point_one_way: [
        (
            "mimo_keras/layers/a.py",
            "import mimo_keras.methods.b",
            "import mimo_keras.layers.b",
        ),
        (
            "mimo_keras/backbones/a.py",
            "def f():\n    from ..training import b",
            "def f():\n    from ..layers import b",
        ),
        (
            "mimo_keras/data/a.py",
            "from mimo_keras import layers",
            "from mimo_keras import errors",
        ),
        (
            "mimo_keras/training/a.py",
            "from mimo_keras import create_model",
            "from mimo_keras.training import create_model",
        ),
        (
            "mimo_keras/files.py",
            "from mimo_keras.data import examples",
            "from mimo_keras.errors import expected",
        ),
        (
            "mimo_keras/evaluation/a.py",
            "from mimo_keras.methods import mimo",
            "from . import mimo",
        ),
        (
            "mimo_keras/export.py",
            "import mimo_keras",
            "import mimo_keras.training",
        ),
        ("mimo_keras/__init__.py", "import uncertainty_runs", "import keras"),
        ("uncertainty_runs/a.py", "import benchmarks", "import mimo_keras"),
    ],
    rules.parts_are_known: [
        ("mimo_keras/utils/a.py", "", None),
    ],
    rules.no_backend_is_named: [
        (
            "mimo_keras/layers/a.py",
            "def f():\n    from tensorflow import nn",
            "def f():\n    from keras import ops",
        ),
    ],
    rules.heavy_imports_wait: [
        (
            "mimo_keras/data/a.py",
            "try:\n    import scipy.special\nfinally:\n    pass",
            "def f():\n    import scipy.special",
        ),
        (
            "mimo_keras/a.py",
            "class A:\n    import tensorflow as tf",
            "class A:\n    def f():\n        import tensorflow as tf",
        ),
    ],
    rules.keras_is_met_at_its_door: [
        (
            "mimo_keras/layers/a.py",
            "from keras.src.layers import layer",
            "from keras.layers import Layer",
        ),
        (
            "uncertainty_runs/a.py",
            "network._flatten_layers()",
            "keras_internals.layers_within(network)",
        ),
        (
            "tests/a_test.py",
            "def f(x):\n    getattr(x, '_keras_history')",
            "def f(x):\n    getattr(x, 'shape')",
        ),
        (
            "mimo_keras/training/a.py",
            "class A:\n    def _symbolic_build(self):\n        self.a()",
            "class A:\n    def _our_build(self):\n        self._our_build()",
        ),
        # A name that Keras also has, but not in a class that we derive from.
        (
            "mimo_keras/data/a.py",
            "x._shape",
            "class A:\n    def _shape(self):\n        self._shape()",
        ),
    ],
    rules.nothing_asks_for_the_task: [
        (
            "mimo_keras/training/a.py",
            'loss = b if model.task == "regression" else c',
            "loss = model.likelihood.member_loss",
        ),
        (
            "uncertainty_runs/a.py",
            "if self.model.num_classes is None:\n    pass",
            "print(self.model.num_classes)",
        ),
        (
            "mimo_keras/layers/a.py",
            "a = {'classification': 1}",
            "a = 'Of classification.'",
        ),
    ],
    rules.works_are_cited_by_name: [
        (
            "mimo_keras/layers/a.py",
            "# See paper" + "s/mimo.txt, section 2.",
            "# See Havasi et al., section 2; https://a.org/papers/b.pdf",
        ),
    ],
    rules.nothing_prints: [
        ("mimo_keras/a.py", "def f():\n    print(1)", "fingerprint(1)"),
    ],
    rules.the_library_names_no_flags: [
        (
            "mimo_keras/a.py",
            "def f(b):\n    return f'Pass {b} or --data_dir=FOLDER.'",
            "def f(b):\n    return f'Pass {b} -- a-b--c --- data_dir.'",
        ),
    ],
    rules.files_have_one_door: [
        (
            "uncertainty_runs/a.py",
            "def f():\n    return json.loads(path.read_text('utf-8'))",
            "def f():\n    return json.loads(os.environ['TF_CONFIG'])",
        ),
        (
            "mimo_keras/data/a.py",
            "np.load(path, mmap_mode='r')",
            "read_array(path)",
        ),
        (
            "benchmarks/a.py",
            "path.write_text(json.dumps(a))",
            "pipe.write(json.dumps(a))",
        ),
    ],
    rules.public_names_are_described: [
        (
            "mimo_keras/a.py",
            "def f():\n    return 1",
            "def _f():\n    return 1",
        ),
        (
            "mimo_keras/a.py",
            "class A:\n    pass",
            'class A:\n    """An A."""',
        ),
    ],
    rules.functions_are_short: [
        (
            "benchmarks/a.py",
            "class A:\n  def f():\n" + "    a()\n" * rules.FUNCTION_LINES,
            "class A:\n  def f():\n" + "    a()\n" * (rules.FUNCTION_LINES - 1),
        ),
    ],
    rules.files_are_short: [
        (
            "tests/a_test.py",
            "a = 1\n" * (rules.FILE_LINES + 1),
            "a = 1\n" * rules.FILE_LINES,
        ),
    ],
    rules.every_source_is_tested: [
        ("mimo_keras/layers/no_such_layer.py", "", None),
    ],
    rules.basenames_are_unique: [
        ("uncertainty_runs/common/digits.py", "", None),
        ("benchmarks/cifar.py", "", None),
    ],
    rules.no_test_is_skipped: [
        (
            "tests/a_test.py",
            "@pytest.mark.skipif(True)\ndef a(): dataset.skip(1)",
            "def a(): dataset.skip(1)",
        ),
        (
            "tests/a_test.py",
            "pytest.importorskip('tensorflow')",
            "pytest.importorskip('jax.numpy')",
        ),
    ],
}


@functools.cache
def _sources():
    paths = [
        path
        for folder in rules.FOLDERS
        for path in (rules.ROOT / folder).rglob("*.py")
    ]
    return [
        rules.Source(
            path.relative_to(rules.ROOT).as_posix(), path.read_text("utf-8")
        )
        for path in sorted(paths)
    ]


@pytest.mark.parametrize("rule", EXAMPLES, ids=lambda rule: rule.__name__)
def test_every_file_keeps(rule):
    broken = [
        f"{source.path}:{line}: {remedy}"
        for source in _sources()
        for line, remedy in rule(source)
    ]
    assert not broken, "\n".join(["", *broken])


@pytest.mark.parametrize("rule", EXAMPLES, ids=lambda rule: rule.__name__)
def test_bad_example_breaks_and_fixed_one_passes(rule):
    for path, bad, fixed in EXAMPLES[rule]:
        assert list(rule(rules.Source(path, bad))), bad
        if fixed is not None:
            assert not list(rule(rules.Source(path, fixed))), fixed


def test_exceptions_name_files_that_exist():
    for path in {*rules.UNMIRRORED, *rules.STYLED}:
        assert (rules.ROOT / path).exists(), f"take {path} out"


LAZY = ("analysis", "data", "evaluation")


def _loaded_by(*statements):
    """Returns the modules that each statement loads in addition to Keras.

    Of those that are costly, and of the parts that not everyone needs. All run
    in one new process. Keras itself loads matplotlib and scikit-learn where
    they are installed.
    """
    names = {*rules.COSTLY, *(f"mimo_keras.{part}" for part in LAZY)}
    costly = f"*sorted({names} & ({{*sys.modules}} - before))"
    code = ["import keras, sys; before = {*sys.modules}"]
    for statement in statements:
        code += [statement, f"print({costly}); before = {{*sys.modules}}"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(code)],
        cwd=rules.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.split() for line in done.stdout.splitlines()]


def test_importing_mimo_keras_loads_nothing_costly():
    """Parts are loaded when asked for; the last import shows what is costly."""
    found = _loaded_by(
        "import mimo_keras",
        "assert mimo_keras.data.load and mimo_keras.evaluation.flops",
        "assert mimo_keras.analysis.write_report",
        "import tensorflow_datasets",
    )
    assert found == [
        [],
        ["mimo_keras.data", "mimo_keras.evaluation"],
        ["mimo_keras.analysis"],
        ["tensorflow_datasets"],
    ]
