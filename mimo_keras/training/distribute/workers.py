"""Workers: several processes, on one machine or many, that train one model.

TF_CONFIG tells each process the addresses of all workers and which one it is.
Code that reads a variable's sum over replicas, or waits, must run in all
workers; only one, the chief, writes files.
"""

import contextlib
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
        InputError: TF_CONFIG does not describe a cluster, names tasks other
            than workers, or lacks this process's own.
    """
    text = os.environ.get("TF_CONFIG", "").strip() or "{}"
    try:
        config = json.loads(text)
        # For a single process, some platforms set it without a cluster.
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
            "only a chief and workers in TF_CONFIG",
            f"tasks={', '.join(others)}",
            "Parameter servers and evaluators are not used: remove them.",
        )
    return sum(jobs.values()) or 1


def workers_strategy():
    """Returns the strategy of all workers that TF_CONFIG names.

    It waits until all of them have started.

    Raises:
        InputError: TensorFlow has already run, or this process's port cannot
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
            "Create the strategy before TensorFlow runs anything; give every "
            "worker its own port.",
        ) from error


def several(strategy):
    """Whether a strategy, if any, has replicas in other processes."""
    if strategy is None or strategy.num_replicas_in_sync == 1:
        return False
    here = len(strategy.extended.worker_devices)
    return strategy.num_replicas_in_sync > here


def is_chief(strategy):
    """Whether this process is the one that writes files."""
    return not several(strategy) or strategy.extended.should_checkpoint


def meet(strategy, number=0):
    """Waits until all workers have called it.

    Args:
        strategy: Their strategy; with a single worker there is no wait.
        number: Integer that this worker contributes.

    Returns:
        The numbers of all workers, one per replica.
    """
    if not several(strategy):
        return [number]
    import tensorflow as tf

    values = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant([number], tf.int64)
    )
    return strategy.gather(values, axis=0).numpy().tolist()


def leave(strategy):
    """Waits until all workers have called it, after which each may end."""
    meet(strategy)
    _let_the_others_finish(strategy)


def _let_the_others_finish(strategy):
    """Waits until no other worker still reads from this one in `meet`.

    A process that ends while others read from it stops them. Once one has ended
    all have met, so its absence here means nothing.
    """
    if several(strategy):
        import tensorflow as tf

        with contextlib.suppress(tf.errors.OpError):
            meet(strategy)


def agree(strategy, number, what, remedy):
    """Checks that all workers have the same number; raises in all of them.

    Args:
        strategy: As in `meet`.
        number: Integer.
        what: What it is, in words.
        remedy: What the user can do if they differ, as a sentence.

    Raises:
        InputError: The numbers differ.
    """
    numbers = sorted(set(meet(strategy, number)))
    if len(numbers) > 1:
        _let_the_others_finish(strategy)
        raise expected(
            f"the same {what} in all workers",
            f"{what}={', '.join(map(str, numbers))}",
            remedy,
        )


def _malformed(text):
    return expected(
        "TF_CONFIG to name all workers and which of them this is",
        f"TF_CONFIG={text}",
        f"Unset it, or set it to, for example, {_EXAMPLE}.",
    )
