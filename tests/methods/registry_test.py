"""Methods by name, and errors for unknown names and options."""

import keras
import numpy as np
import pytest

from mimo_keras import backbones, methods
from mimo_keras.errors import InputError
from mimo_keras.methods import registry
from tests.methods import small


@pytest.fixture
def two_options(monkeypatch):
    """Registers a method `two_options`, for one test."""
    monkeypatch.setattr(registry, "_METHODS", dict(registry._METHODS))

    @methods.register("two_options")
    def two_options(task, *, first=1, second=2):
        return task, first, second

    return two_options


def task(members=2):
    return methods.Task(backbones.get("mlp"), (3,), 4, members)


def test_list_methods_is_sorted_and_has_those_of_the_papers_first_table():
    names = methods.list_methods()
    assert names == sorted(names)
    assert {"deterministic", "mimo", "naive_multihead"} <= set(names)


def test_options_are_the_keyword_arguments_in_order():
    assert methods.options("deterministic") == []
    assert methods.options("naive_multihead") == []
    assert methods.options("mimo") == [
        "batch_repetitions",
        "input_repetition_probability",
        "shuffle_group",
    ]


def test_a_registered_method_is_listed_and_built(two_options):
    assert "two_options" in methods.list_methods()
    assert methods.options("two_options") == ["first", "second"]
    assert registry.get("two_options") is two_options
    built = methods.build("two_options", task(), {"second": 5})
    assert built[1:] == (1, 5)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("mimmmo", "Did you mean 'mimmo'?"),
        ("", "Choose one of these."),
        ("MIMO", "Did you mean 'mimo'?"),
    ],
)
@pytest.mark.parametrize(
    "ask", [registry.get, methods.options, lambda n: small.create(n, "mlp")]
)
def test_an_unknown_method_lists_what_there_is(name, remedy, ask):
    with pytest.raises(InputError) as caught:
        ask(name)
    assert str(caught.value) == (
        f"Expected a method among {', '.join(methods.list_methods())}. "
        f"Received: method={name!r}. {remedy}"
    )


@pytest.mark.parametrize(
    ("method", "known", "remedy"),
    [
        (
            "mimo",
            "batch_repetitions, input_repetition_probability, shuffle_group",
            "Did you mean 'batch_repetitions'?",
        ),
        (
            "deterministic",
            "(it has none)",
            "Leave it out or choose another method.",
        ),
    ],
)
def test_an_unknown_option_lists_what_there_is(method, known, remedy):
    with pytest.raises(InputError) as caught:
        small.create(method, "mlp", batch_repetition=4)
    assert str(caught.value) == (
        f"Expected for method {method} only the options {known}. Received: "
        f"batch_repetition=4. {remedy}"
    )


@pytest.mark.parametrize("method", methods.list_methods())
@pytest.mark.parametrize("members", [0, -3])
def test_no_member_is_an_error(method, members):
    with pytest.raises(InputError) as caught:
        methods.build(method, task(members), {})
    assert str(caught.value) == (
        "Expected ensemble_size of at least 1. Received: "
        f"ensemble_size={members}. Use 1 for a single network."
    )


@pytest.mark.parametrize("method", ["naive_multihead", "mimo"])
def test_a_backbone_with_a_name_of_the_methods_own_is_refused(method):
    backbone = keras.layers.Dense(3, name="heads")
    own = methods.Task(backbones.get(backbone), (3,), 4, 2)
    with pytest.raises(InputError, match="two layers named heads. Rename"):
        registry.build(method, own, {})


@pytest.mark.parametrize("number", [np.int64(3), np.uint8(3)])
def test_numbers_may_be_numpys(two_options, number):
    _, first, second = registry.build(
        "two_options", task(), {"first": number, "second": 1}
    )
    assert type(first) is int and first == 3 and second == 1


@pytest.mark.parametrize(
    ("method", "option", "value"),
    [
        ("batch_ensemble", "random_sign_init", np.nan),
        ("batch_ensemble", "fast_weight_lr_multiplier", -1.0),
        ("early_exit", "exit_growth", np.inf),
        ("early_exit", "exit_growth", -1.5),
        ("mixmo", "concentration", np.inf),
        ("mixmo", "cutmix_probability", "0.5"),
        ("datamux", "keys", np.array([0.5, 0.5])),
        ("datamux", "demultiplexer", np.array([0.5, 0.5])),
        ("treenet", "split", np.array([0.5, 0.5])),
    ],
)
def test_wrong_options_are_refused_in_one_line(method, option, value):
    members = 1 if method == "early_exit" else 2
    with pytest.raises(InputError, match=option):
        registry.build(method, task(members), {option: value})


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory\nallocating 9 bytes"),
        ValueError("{{function_node x}} It has more than 2**63 elements"),
    ],
    ids=["numpy", "jax", "tensorflow"],
)
def test_a_full_memory_is_reported_in_one_line(monkeypatch, error):
    def large(task):
        raise error

    monkeypatch.setattr(registry, "_METHODS", {"large": large})
    with pytest.raises(InputError) as caught:
        registry.build("large", task(), {})
    message = str(caught.value)
    assert message.startswith("Expected a network that fits into memory. Rece")
    assert "ensemble_size=2: " in message
    assert "\n" not in message and "{" not in message


@pytest.mark.parametrize(("shape", "outputs"), [((10**20,), 3), ((4,), 10**18)])
def test_sizes_that_no_backend_has(shape, outputs):
    large = methods.Task(backbones.get("mlp"), shape, outputs, 1)
    with pytest.raises(InputError, match="fits into memory.*a size of 100000"):
        registry.build("deterministic", large, {})


@pytest.mark.parametrize("method", methods.list_methods())
def test_every_method_checks_shapes_and_members_first(method):
    square = methods.Task(backbones.get("small_cnn"), (8, 8), 3, 2)
    with pytest.raises(InputError, match=r"input_shape=\(H, W, C\) for this"):
        registry.build(method, square, {})
    with pytest.raises(InputError, match="ensemble_size of at most 1000"):
        registry.build(method, task(10**9), {})


@pytest.mark.parametrize(
    ("method", "option"),
    [
        ("mimo", "batch_repetitions"),
        ("mc_dropout", "samples"),
        ("rank1_bnn", "samples"),
        ("mixture_ensemble", "templates_per_layer"),
    ],
)
def test_absurd_options_are_refused(method, option):
    members = 1 if method == "mc_dropout" else 2
    with pytest.raises(InputError, match=f"{option}.* 1000"):
        registry.build(method, task(members), {option: 10**9})
