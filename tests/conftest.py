"""For every test: quiet TensorFlow, a seed, memory, two CPUs on request."""

import gc
import os
import pathlib
import random
import sys

import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# XLA spends nearly all of the tests' time compiling: turn optimization off, and
# take the older emitters, which compile small programs in half the time.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false "
    "--xla_cpu_parallel_codegen_split_count=1",
)

_CPUS = ("CPU:0", "CPU:1")
_SEED = 0
_STATUS = pathlib.Path("/proc/self/statm")
_PAGES = 50_000
"""Growth of a process, in pages (about 200 MB), that is worth a collection."""


def pytest_addoption(parser):
    parser.addoption(
        "--matrix",
        action="store_true",
        help="also run the cases of tables that are marked matrix",
    )


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "matrix: a case that crosses what others meet apart; needs --matrix",
    )


def pytest_collection_modifyitems(config, items):
    """Deselects cases of the matrix unless requested.

    With another backend also TensorFlow-only tests, which are marked
    `tensorflow` or use the fixture `two_cpus`.
    """
    left_out = [item for item in items if _is_left_out(config, item)]
    config.hook.pytest_deselected(items=left_out)
    gone = {*map(id, left_out)}
    items[:] = [item for item in items if id(item) not in gone]


def _is_left_out(config, item):
    def marked(name):
        return item.get_closest_marker(name) is not None

    if marked("matrix") and not config.getoption("matrix"):
        return True
    if os.environ["KERAS_BACKEND"] == "tensorflow":
        return False
    return marked("tensorflow") or "two_cpus" in item.fixturenames


def pytest_collection_finish(session):
    """Creates two CPUs before any test: TensorFlow cannot add them later."""
    if any("two_cpus" in item.fixturenames for item in session.items):
        import tensorflow as tf

        physical = tf.config.list_physical_devices("CPU")[0]
        logical = [tf.config.LogicalDeviceConfiguration() for _ in _CPUS]
        try:
            tf.config.set_logical_device_configuration(physical, logical)
        except RuntimeError as error:
            raise pytest.UsageError(
                "Expected no tensor before the first test. Received: one that "
                "a test file makes while it is imported. Make it in the test."
            ) from error


@pytest.fixture(scope="session", autouse=True)
def memory():
    """How many pages this process had after the last collection.

    Python's own collections are off: with all that a session keeps, they took
    a twentieth of its time. `collected` collects when memory grows.
    """
    gc.collect()
    gc.freeze()  # All that is imported stays: collections are faster without.
    gc.disable()
    return [_pages()]


def _pages():
    """Pages in memory; 0 where Linux does not tell."""
    return int(_STATUS.read_text().split()[1]) if _STATUS.exists() else 0


@pytest.fixture(autouse=True)
def collected(memory):
    """Removes large networks, of few objects, that wait to be collected."""
    yield
    if _pages() > memory[-1] + _PAGES:
        gc.collect()
        memory.append(_pages())


@pytest.fixture(scope="session")
def two_cpus():
    """Names of two logical CPUs to distribute over (TensorFlow only)."""
    return list(_CPUS)


@pytest.fixture(scope="session", autouse=True)
def untuned():
    """Lets no iterator of tf.data have the thread that tunes it.

    It can miss that the iterator was deleted, and then blocks the test for as
    long as the iterator lived. mimo_keras takes care of its own: see
    training/distribute/untuned.py; this is for what tests make themselves.
    """
    if "tensorflow" not in sys.modules:
        return
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    prepared = tf.data.Dataset._apply_debug_options
    tf.data.Dataset._apply_debug_options = lambda dataset: prepared(
        dataset.with_options(options)
    )


@pytest.fixture(autouse=True)
def independent():
    """Each test draws the same numbers, whichever tests ran before it."""
    random.seed(_SEED)
    keras = sys.modules.get("keras")
    if keras is None:
        yield
        return
    policy = keras.config.dtype_policy()
    keras.utils.set_random_seed(_SEED)
    yield
    keras.config.set_dtype_policy(policy)


@pytest.fixture
def ram(tmp_path):
    """A folder of this test's own on TensorFlow's file system in memory."""
    from mimo_keras.paths import as_path

    return as_path(f"ram://tests{tmp_path}")
