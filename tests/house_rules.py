"""The house rules that architecture_test.py checks in every file.

A rule is a generator: it takes a file and yields (line, what is wrong and
how to fix it).
"""

import ast
import dataclasses
import functools
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[1]
CODE = ("mimo_keras", "uncertainty_runs", "benchmarks")
FOLDERS = (*CODE, "docs/extensions", "docs/guides", "tests")

# Parts of mimo_keras that every part may import, and that import no other.
LEAVES = {"errors", "extras", "files", "folders", "keras_internals"}
LEAVES |= {"paths", "untrusted", "version"}
# What each other part may import besides itself and the leaves. Evaluation
# sees logits, weights and labels, so no method; data stands alone.
BELOW = {
    "layers": set(),
    "backbones": {"layers"},
    "methods": {"layers", "backbones"},
    "metrics": {"layers"},
    "prediction": {"layers"},
    "training": {"layers", "backbones", "methods", "prediction"},
    "evaluation": {"layers", "backbones", "prediction", "training"},
    "analysis": {
        *("layers", "backbones", "methods"),
        *("prediction", "training", "evaluation"),
    },
    "data": set(),
    "export_check": {"layers", "training"},
}
TOP = {"__init__", "export"}

BACKENDS = {"jax", "tensorflow", "tf_keras", "torch"}
BACKEND_FREE = BELOW.keys() - {"data", "export_check", "training"}
# edward2's layers need TensorFlow; their Keras 3 subclasses are only here.
BACKEND_ALLOWED = {
    "mimo_keras/layers/batch_ensemble.py",
    "mimo_keras/methods/batch_ensemble.py",
}

# Each would cost every `import mimo_keras` time and memory.
COSTLY = {
    "edward2",
    "matplotlib",
    "sklearn",
    "tensorflow_datasets",
    "tensorflow_probability",
}
HEAVY = BACKENDS | COSTLY | {"PIL", "onnx", "scipy", "tensorboard"}

# The only folder that uses private names of Keras.
KERAS_DOOR = "mimo_keras/keras_internals/"
# What is predicted is the likelihood's to know. Files of older versions,
# which a mixture reads, name the task; data sets say whether they have classes.
KINDS_OF_TASK = {"classification", "regression"}
KNOW_THE_TASK = (
    "mimo_keras/layers/mixtures.py",
    "mimo_keras/training/likelihoods/",
)
# Variables in its style sheet look like flags.
STYLED = {"mimo_keras/analysis/page.py"}

# Where JSON and arrays are read and written, and by which functions.
FILES = "mimo_keras/files.py"
FILE_CALLS = {
    "json.dump",
    "json.load",
    *(
        f"{numpy}.{name}"
        for numpy in ("np", "numpy")
        for name in ("load", "save", "savez", "savez_compressed")
    ),
}

FUNCTION_LINES = 60
FILE_LINES = 400

# Sources without a test file of their own, and why.
UNMIRRORED = {
    "mimo_keras/layers/registration.py": "one decorator: whatever is saved "
    "and loaded in layers/conformance_test.py goes through it",
    "mimo_keras/version.py": "one constant, which house_test.py compares",
}
# Basenames that several sources may have: BatchEnsemble is layers and a method.
SHARED_BASENAMES = {"__init__.py", "batch_ensemble.py"}
# Packages of the extras: tests may be skipped unless they are installed.
OPTIONAL = {"jax", "onnx", "onnxruntime", "tf2onnx", "torch"}
SKIPS = {"skip", "skipif", "skipIf", "skipUnless", "xfail"}


@dataclasses.dataclass(frozen=True)
class Source:
    """A Python file: its path under the root, with slashes, and its text."""

    path: str
    text: str

    @functools.cached_property
    def tree(self):
        return ast.parse(self.text, self.path)

    @functools.cached_property
    def nodes(self):
        return [*ast.walk(self.tree)]

    @property
    def part(self):
        """The part of mimo_keras that the file belongs to; None if outside."""
        parts = self.path.removesuffix(".py").split("/")
        return parts[1] if parts[0] == "mimo_keras" else None

    def imports(self):
        """Yields (line, dotted name) of every import, anywhere in the file."""
        yield from _imports(self.path, self.nodes)

    def eager_imports(self):
        """Yields the imports that run when the file itself is imported."""
        yield from _imports(self.path, _eager(self.tree))


def _imports(path, nodes):
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            package = path.split("/")[: -node.level] if node.level else []
            base = [*package, *([node.module] if node.module else [])]
            for alias in node.names:
                yield node.lineno, ".".join([*base, alias.name])


def _eager(node):
    yield node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        for child in ast.iter_child_nodes(node):
            yield from _eager(child)


def imports_point_one_way(source):
    folder = source.path.split("/")[0]
    above = {
        "mimo_keras": {"uncertainty_runs", "benchmarks", "tests"},
        "uncertainty_runs": {"benchmarks", "tests"},
        "benchmarks": {"tests"},
    }.get(folder, set())
    for line, name in source.imports():
        root, other, *_ = [*name.split("."), "__init__"]
        if root in above:
            yield line, f"{folder} imports {root}: move what it needs below."
        elif root == folder == "mimo_keras" and not _below(source.part, other):
            yield (
                line,
                f"{source.part} imports {other}: imports point layers <- "
                "backbones <- methods <- training <- evaluation <- analysis, "
                "and data stands alone. Move the code to the lower part.",
            )


def _below(part, other):
    if other in LEAVES or part == other:
        return True
    if part in TOP:
        return other in BELOW or part == "__init__"
    return other in BELOW.get(part, ())


def parts_are_known(source):
    known = LEAVES | TOP | set(BELOW)
    if source.part is not None and source.part not in known:
        yield 1, f"{source.part} is a new part: give it a place in BELOW."


def no_backend_is_named(source):
    if source.part in BACKEND_FREE and source.path not in BACKEND_ALLOWED:
        for line, name in source.imports():
            if name.split(".")[0] in BACKENDS:
                yield line, f"{name} ties this to a backend: use keras.ops."


def heavy_imports_wait(source):
    if source.part is not None:
        for line, name in source.eager_imports():
            if name.split(".")[0] in HEAVY:
                yield line, f"{name} is heavy: import it where it is used."


def keras_is_met_at_its_door(source):
    if source.path.startswith(KERAS_DOOR):
        return
    remedy = f"Keras may change it: give it a function in {KERAS_DOOR}."
    modules = set()
    for line, name in source.imports():
        modules.add(name.split(".")[-1])
        if name.startswith("keras.src"):
            yield line, f"{name} is private. {remedy}"
    defined = [pair for node in source.nodes for pair in _names_defined(node)]
    read = [p for node in source.nodes for p in _names_read(node, modules)]
    inherited, private = _keras_names()
    own = {name for name, _ in defined} - inherited
    for name, line in defined + read:
        if name in private - own:
            yield line, f"{name} is private to Keras. {remedy}"


def _names_defined(node):
    """Yields (name, line) of all names that a file defines or assigns."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name, node.lineno
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id, node.lineno
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        yield node.attr, node.lineno


def _names_read(node, modules):
    """Yields (name, line) of all attributes read, including by `getattr`."""
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        if _name(node.value) not in modules:
            yield node.attr, node.lineno
    elif isinstance(node, ast.Call) and _name(node.func).endswith("attr"):
        for argument in node.args[1:2]:
            if isinstance(argument, ast.Constant):
                yield argument.value, node.lineno


@functools.cache
def _keras_names():
    """Returns two sets of Keras's private names, found in its own sources.

    The first has those that a class of ours could override by accident, the
    second all that a Keras object may have.
    """
    import keras

    bases = (keras.Model, keras.Loss, keras.Metric, keras.Optimizer)
    bases += (keras.KerasTensor, keras.callbacks.Callback)
    inherited = {name for base in bases for name in dir(base)}
    found = set(inherited)
    for path in pathlib.Path(keras.__file__).parent.rglob("*.py"):
        found.update(re.findall(r"(?:\.|\bdef )(_\w+)", path.read_text()))
    private = {name for name in found if re.match("_[^_]", name)}
    # Attributes of every named tuple.
    private -= {"_asdict", "_fields", "_make", "_replace"}
    return inherited & private, private


def nothing_asks_for_the_task(source):
    free = source.part == "data" or source.path.startswith(KNOW_THE_TASK)
    if source.path.startswith("tests/") or free:
        return
    for node in source.nodes:
        named = isinstance(node, ast.Constant) and node.value in KINDS_OF_TASK
        if named or (isinstance(node, ast.Compare) and _compares_count(node)):
            yield (
                node.lineno,
                f"{ast.unparse(node)} asks for the task: let the model's "
                "likelihood answer (mimo_keras/training/likelihoods).",
            )


def _compares_count(comparison):
    """Whether a number of outputs is compared with None."""
    sides = [comparison.left, *comparison.comparators]
    names = {ast.unparse(side).split(".")[-1] for side in sides}
    return "None" in names and not names.isdisjoint(
        {"num_classes", "output_dim"}
    )


# A folder that readers do not have; links through it are fine.
ABSENT_PAPER = re.compile(r"(?<![\w/.])papers" + "/")


def works_are_cited_by_name(source):
    for number, line in enumerate(source.text.splitlines(), 1):
        if ABSENT_PAPER.search(line):
            yield (
                number,
                "No such folder: cite authors, venue, year and section, and "
                "list the work in docs/references.md.",
            )


def nothing_prints(source):
    if source.part is not None:
        for node in source.nodes:
            if isinstance(node, ast.Call) and _name(node.func) == "print":
                yield node.lineno, "print: return the value, or log by absl."


def _name(node):
    return node.id if isinstance(node, ast.Name) else ""


def the_library_names_no_flags(source):
    if source.part is None or source.path in STYLED:
        return
    for node in source.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            flag = re.search(r"(?<![\w-])--[a-z]\w*", node.value)
            if flag:
                yield (
                    node.lineno,
                    f"{flag[0]} is a script's: write errors.argument(…), "
                    "which the scripts turn into their flags.",
                )


def files_have_one_door(source):
    if source.path.startswith("tests/") or source.path == FILES:
        return
    for node in source.nodes:
        if isinstance(node, ast.Call) and _touches_a_file(node):
            yield (
                node.lineno,
                f"{ast.unparse(node.func)} of a file: use mimo_keras.files.",
            )


def _touches_a_file(call):
    called, given = ast.unparse(call.func), ast.unparse(call)
    if called == "json.loads":
        return ".read_text(" in given or ".read_bytes(" in given
    written = called.endswith((".write_text", ".write_bytes"))
    return called in FILE_CALLS or (written and "json.dumps(" in given)


def public_names_are_described(source):
    if source.part is None:
        return
    for node in source.tree.body:
        named = isinstance(node, ast.ClassDef | ast.FunctionDef)
        public = named and not node.name.startswith("_")
        if public and not ast.get_docstring(node):
            yield node.lineno, f"{node.name} is public: give it a docstring."


def functions_are_short(source):
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1 - _described(node)
            if lines > FUNCTION_LINES:
                yield node.lineno, f"{node.name} has {lines} lines: split it."


def _described(node):
    """Returns the lines of a docstring, which belong to the reference."""
    named = isinstance(node, ast.ClassDef | ast.FunctionDef)
    text = ast.get_docstring(node, False) if named else None
    return text.count("\n") if text else 0


def files_are_short(source):
    lines = source.text.count("\n") - sum(map(_described, source.nodes))
    if lines > FILE_LINES:
        yield 1, f"{lines} lines, more than {FILE_LINES}: split the file."


def every_source_is_tested(source):
    hidden = source.path.endswith("__init__.py") or source.path in UNMIRRORED
    if source.part is None or hidden:
        return
    inside = source.path.removeprefix("mimo_keras/").removesuffix(".py")
    mirror = f"tests/{inside}_test.py"
    if not (ROOT / mirror).exists():
        yield 1, f"write {mirror}, or give a reason in UNMIRRORED."


def basenames_are_unique(source):
    basename = source.path.split("/")[-1]
    if source.path.startswith("tests/") or basename in SHARED_BASENAMES:
        return
    same = {path for path in _sources() if path.endswith(f"/{basename}")}
    for other in sorted(same - {source.path}):
        yield 1, f"{other} has the same basename: rename one of the two."


@functools.cache
def _sources():
    """Returns the paths of the sources; the last folder has tests."""
    found = [p for name in FOLDERS[:-1] for p in (ROOT / name).rglob("*.py")]
    return {path.relative_to(ROOT).as_posix() for path in found}


def no_test_is_skipped(source):
    if not source.path.startswith("tests/"):
        return
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and node.attr in SKIPS:
            if ast.unparse(node).split(".")[0] in {"pytest", "unittest"}:
                yield node.lineno, f"{node.attr}: fix the code, or drop it."
        elif isinstance(node, ast.Call) and (
            ast.unparse(node.func) == "pytest.importorskip"
        ):
            wanted = ast.literal_eval(node.args[0]).split(".")[0]
            if wanted not in OPTIONAL:
                yield node.lineno, f"{wanted} is required: just import it."
