"""Workers: several processes, on one machine or many, that train one model.

TF_CONFIG tells each process the addresses of all and which of them it is.
Whatever reads a variable's sum over replicas, or waits, must be done by all
workers alike; files are written by one, the chief.
"""

import json
import os

from mimo_keras.errors import expected

_EXAMPLE = (
    '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


def worker_count():
    """Returns how many workers TF_CONFIG names; 1 if it names none.

    Raises:
        InputError: TF_CONFIG is no description of a cluster, names tasks that
            are no workers, or not this process's own.
    """
    text = os.environ.get("TF_CONFIG", "").strip() or "{}"
    try:
        config = json.loads(text)
        # Some platforms set it without a cluster for a single process.
        cluster = config.get("cluster", {})
        jobs = {job: len(addresses) for job, addresses in cluster.items()}
        known = all(isinstance(each, list) for each in cluster.values())
        if sum(jobs.values()) > 1:
            task = config["task"]
            known &= 0 <= int(task["index"]) < jobs.get(task["type"], 0)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _malformed(text) from error
    if not known:
        raise _malformed(text)
    others = sorted(set(jobs) - {"chief", "worker"})
    if others:
        raise expected(
            "a chief and workers only in TF_CONFIG",
            f"tasks={', '.join(others)}",
            "Parameter servers and evaluators are not used: leave them out.",
        )
    return sum(jobs.values()) or 1


def workers_strategy():
    """Returns the strategy of all workers that TF_CONFIG names.

    It waits until all of them are there.

    Raises:
        InputError: TensorFlow has run already, or this process's port cannot
            be opened.
    """
    import tensorflow as tf

    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (RuntimeError, tf.errors.OpError) as error:
        raise expected(
            "a fresh process and a free port of this machine in TF_CONFIG",
            f"TF_CONFIG={os.environ['TF_CONFIG']} "
            f"({str(error).splitlines()[0]})",
            "Make the strategy before TensorFlow runs anything; give every "
            "worker a port of its own.",
        ) from error


def several(strategy):
    """Whether some replicas of a strategy, if it is one, are elsewhere."""
    if strategy is None or strategy.num_replicas_in_sync == 1:
        return False
    here = len(strategy.extended.worker_devices)
    return strategy.num_replicas_in_sync > here


def is_chief(strategy):
    """Whether this process is the one that writes files."""
    return not several(strategy) or strategy.extended.should_checkpoint


def meet(strategy, number=0):
    """Waits until all workers are here.

    Args:
        strategy: Their strategy; with any other nobody waits.
        number: Integer that this worker brings.

    Returns:
        The numbers that all brought, one for each replica.
    """
    if not several(strategy):
        return [number]
    import tensorflow as tf

    values = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant([number], tf.int64)
    )
    return strategy.gather(values, axis=0).numpy().tolist()


def agree(strategy, number, what, remedy):
    """Checks, in all workers alike, that they bring the same number.

    Args:
        strategy: As of `meet`.
        number: Integer.
        what: What it is, in words.
        remedy: What the user can do if they differ, as a sentence.

    Raises:
        InputError: They do not.
    """
    found = sorted(set(meet(strategy, number)))
    if len(found) > 1:
        raise expected(
            f"the same {what} in all workers",
            f"{what}={', '.join(map(str, found))}",
            remedy,
        )


def _malformed(text):
    return expected(
        "TF_CONFIG to name all workers and which of them this is",
        f"TF_CONFIG={text}",
        f"Unset it, or write for example {_EXAMPLE}.",
    )
