"""TF_CONFIG: its workers, and errors where it is invalid."""

import json

import pytest
import tensorflow as tf

from mimo_keras.errors import InputError
from mimo_keras.training.distribute import distribution, workers

TWO = ["127.0.0.1:9", "127.0.0.1:10"]
FIRST = {"type": "worker", "index": 0}


@pytest.fixture
def tf_config(monkeypatch):
    """A function that sets TF_CONFIG to text, or to a value as JSON."""

    def set_to(value):
        text = value if isinstance(value, str) else json.dumps(value)
        monkeypatch.setenv("TF_CONFIG", text)

    return set_to


def test_without_tf_config_there_is_one(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert workers.worker_count() == 1


@pytest.mark.parametrize(
    ("config", "count"),
    [
        ("", 1),
        ("{}", 1),
        ({"task": FIRST, "environment": "cloud"}, 1),
        ({"cluster": {"worker": TWO[:1]}, "task": FIRST}, 1),
        ({"cluster": {"worker": TWO}, "task": FIRST}, 2),
        ({"cluster": {"chief": TWO[:1], "worker": TWO}, "task": FIRST}, 3),
        (
            {
                "cluster": {"chief": TWO[:1], "worker": TWO[1:]},
                "task": {"type": "chief", "index": "0"},
            },
            2,
        ),
    ],
)
def test_workers_are_counted(tf_config, config, count):
    tf_config(config)
    assert workers.worker_count() == count


@pytest.mark.parametrize(
    "config",
    [
        "worker0:2222",
        "[]",
        {"cluster": TWO, "task": FIRST},
        {"cluster": {"worker": ",".join(TWO)}, "task": FIRST},
        {"cluster": {"worker": TWO}},
        {"cluster": {"worker": TWO}, "task": {"type": "worker"}},
        {"cluster": {"worker": TWO}, "task": {"type": "chief", "index": 0}},
        {"cluster": {"worker": TWO}, "task": {"type": "worker", "index": 2}},
        {"cluster": {"worker": TWO}, "task": {"type": "worker", "index": -1}},
        {"cluster": {"worker": TWO}, "task": {"type": "worker", "index": "a"}},
    ],
)
def test_a_malformed_description_is_reported_with_a_good_one(tf_config, config):
    tf_config(config)
    with pytest.raises(InputError) as caught:
        distribution.make_strategy()
    text = config if isinstance(config, str) else json.dumps(config)
    assert str(caught.value) == (
        "Expected TF_CONFIG to name all workers and which of them this is. "
        f"Received: TF_CONFIG={text}. Unset it, or set it to, for example, "
        '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": '
        '{"type": "worker", "index": 0}}.'
    )


def test_parameter_servers_are_reported(tf_config):
    tf_config({"cluster": {"ps": TWO[:1], "worker": TWO}, "task": FIRST})
    with pytest.raises(InputError) as caught:
        workers.worker_count()
    assert str(caught.value) == (
        "Expected only a chief and workers in TF_CONFIG. Received: tasks=ps. "
        "Parameter servers and evaluators are not used: remove them."
    )


@pytest.mark.parametrize(
    ("options", "received"),
    [
        ({"use_tpu": True}, "use_tpu=True, num_cores=0"),
        ({"num_cores": 2}, "use_tpu=False, num_cores=2"),
    ],
)
def test_flags_that_workers_cannot_follow(tf_config, options, received):
    tf_config({"cluster": {"worker": TWO}, "task": FIRST})
    with pytest.raises(InputError) as caught:
        distribution.make_strategy(**options)
    assert str(caught.value) == (
        "Expected neither use_tpu nor num_cores with workers in "
        f"TF_CONFIG. Received: {received}. Unset TF_CONFIG, or leave them "
        "out: a worker uses all GPUs that CUDA_VISIBLE_DEVICES lists, or "
        "its CPU."
    )


def test_workers_without_a_gpu_are_reported(tf_config, monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    tf_config({"cluster": {"worker": TWO}, "task": FIRST})
    with pytest.raises(InputError, match="GPUs found=0"):
        distribution.make_strategy(use_gpu=True)


def test_it_is_too_late_when_tensorflow_has_run(tf_config):
    tf.constant(1.0) + 1.0
    tf_config({"cluster": {"worker": TWO}, "task": FIRST})
    with pytest.raises(InputError, match="a fresh process and a free port"):
        distribution.make_strategy()


def test_one_process_can_be_asked_for(tf_config):
    tf_config({"cluster": {"worker": TWO}, "task": FIRST})
    assert distribution.make_strategy(alone=True).num_replicas_in_sync == 1


def test_nobody_waits_without_others(two_cpus):
    for strategy in (
        None,
        tf.distribute.get_strategy(),
        distribution.make_strategy(),
        distribution.make_strategy(num_cores=2),
    ):
        assert not workers.several(strategy)
        assert workers.is_chief(strategy)
        assert workers.meet(strategy, 7) == [7]
        workers.agree(strategy, 7, "number", "Never said.")
        assert distribution.local_strategy(strategy) is strategy


@pytest.mark.parametrize("lost", [False, True], ids=["all there", "one lost"])
def test_who_disagrees_lets_the_others_finish_before_it_ends(monkeypatch, lost):
    calls = []

    def meet(strategy, number=0):
        calls.append(number)
        if len(calls) == 2 and lost:
            raise tf.errors.UnavailableError(None, None, "Socket closed")
        return [7, number]

    monkeypatch.setattr(workers, "meet", meet)
    monkeypatch.setattr(workers, "several", lambda strategy: True)
    with pytest.raises(InputError, match="same age in all workers. .*=5, 7"):
        workers.agree(None, 5, "age", "Wait.")
    assert calls == [5, 0]
    assert workers.leave(None) is None
    assert calls == [5, 0, 0, 0]


def test_a_worker_that_ends_too_early_is_an_error(monkeypatch):
    def meet(strategy, number=0):
        raise tf.errors.UnavailableError(None, None, "Socket closed")

    monkeypatch.setattr(workers, "meet", meet)
    for end in (workers.leave, lambda none: workers.agree(none, 5, "age", "")):
        with pytest.raises(tf.errors.UnavailableError):
            end(None)
