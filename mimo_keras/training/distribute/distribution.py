"""Where a step runs: CPU, GPUs, TPU or many machines, and how many replicas."""

import contextlib
import socket

import keras

from mimo_keras.errors import argument, expected
from mimo_keras.training.distribute import untuned, workers

_SECONDS_TO_REACH_TPU = 10.0


def replica_count():
    """Returns the number of replicas that share the current step."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def replica_index():
    """Returns the index of this replica, 0 outside a replica."""
    if keras.backend.backend() != "tensorflow":
        return 0
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return 0
    return context.replica_id_in_sync_group


def make_strategy(
    *, use_tpu=False, tpu="", use_gpu=False, num_cores=0, alone=False
):
    """Returns the tf.distribute strategy for this machine.

    Without `use_tpu` or `use_gpu`: all GPUs if there are any, otherwise the
    CPU. If TF_CONFIG names several workers, they share every step, each with
    all its GPUs or its CPU; then this must be called before TensorFlow runs
    anything, and waits for the others.

    Args:
        use_tpu: Require a TPU.
        tpu: Its name, its grpc:// address, or "" or "local" for the one in
            this machine.
        use_gpu: Require GPUs.
        num_cores: How many devices to use; 0 for all. On a CPU, how many
            logical CPUs (replicas) to divide it into; 0 for one.
        alone: Ignore TF_CONFIG.

    Returns:
        tf.distribute.Strategy.

    Raises:
        InputError: The required device is missing, or TF_CONFIG is invalid.

    Example:

    ```python
    strategy = mimo_keras.training.make_strategy()
    with strategy.scope():
        model = mimo_keras.create_model(
            "mimo", backbone="mlp_4", input_shape=(8,), num_classes=3)
    ```
    """
    if use_tpu and use_gpu:
        raise expected(
            f"{argument('use_tpu')} or {argument('use_gpu')}, not both",
            "use_tpu=True, use_gpu=True",
            "Choose one.",
        )
    if use_tpu and num_cores:
        raise expected(
            f"no {argument('num_cores')} with {argument('use_tpu')}",
            f"num_cores={num_cores}, use_tpu=True",
            "Leave it out: a step runs on all cores of the TPU.",
        )
    if not alone and workers.worker_count() > 1:
        return _of_workers(use_tpu, use_gpu, num_cores)
    if use_tpu:
        return _tpu_strategy(tpu)
    gpus = _gpus()
    if use_gpu and not gpus:
        raise _no_gpu()
    devices = gpus or _cpus(num_cores)
    if not 0 <= num_cores <= len(devices):
        raise expected(
            f"num_cores in 0 … {len(devices)}",
            f"num_cores={num_cores}",
            "Only that many devices are available.",
        )
    devices = [device.name for device in devices[: num_cores or None]]
    if not gpus and num_cores < 2:
        devices = devices[:1]
    return _on(devices, gpus)


def local_strategy(strategy):
    """Returns a strategy over the devices of this process alone.

    It is the given one, unless that has several workers: what one worker does
    under its local strategy, the others need not do.
    """
    if not workers.several(strategy):
        return strategy
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    return _on(list(strategy.extended.worker_devices), gpus)


def _on(devices, gpus):
    """Returns the strategy for devices; `gpus` says whether they are GPUs."""
    import tensorflow as tf

    untuned.untune_devices()
    if len(devices) == 1:
        return tf.distribute.OneDeviceStrategy(devices[0])
    # The default reduction breaks a second strategy on logical CPUs.
    reduction = None if gpus else tf.distribute.ReductionToOneDevice()
    return tf.distribute.MirroredStrategy(devices, reduction)


def _of_workers(use_tpu, use_gpu, num_cores):
    """Returns the strategy of all workers, if the arguments allow it."""
    import tensorflow as tf

    if use_tpu or num_cores:
        raise expected(
            f"neither {argument('use_tpu')} nor {argument('num_cores')} with "
            "workers in TF_CONFIG",
            f"use_tpu={use_tpu}, num_cores={num_cores}",
            "Unset TF_CONFIG, or leave them out: a worker uses all GPUs that "
            "CUDA_VISIBLE_DEVICES lists, or its CPU.",
        )
    if use_gpu and not tf.config.list_physical_devices("GPU"):
        raise _no_gpu()
    return workers.workers_strategy()


def _no_gpu():
    return expected(
        "a GPU that TensorFlow can see",
        "use_gpu=True, GPUs found=0",
        f"Install tensorflow[and-cuda], or leave out {argument('use_gpu')}.",
    )


def _gpus():
    """Returns the GPUs; if there are none, does not initialize TensorFlow."""
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        return []
    return tf.config.list_logical_devices("GPU")


def _cpus(count):
    """Returns at least `count` logical CPUs, unless TensorFlow has started."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    if count > len(tf.config.get_logical_device_configuration(cpu) or [cpu]):
        parts = [tf.config.LogicalDeviceConfiguration()] * count
        # If TensorFlow has started, its CPUs can no longer be divided.
        with contextlib.suppress(RuntimeError):
            tf.config.set_logical_device_configuration(cpu, parts)
    return tf.config.list_logical_devices("CPU")


def _tpu_strategy(tpu):
    """Returns a TPUStrategy, or fails within seconds."""
    import tensorflow as tf

    remedy = (
        f"Leave out {argument('use_tpu')} to run on the GPUs or the CPU of "
        f"this machine, or name a running TPU with {argument('tpu')}."
    )
    received = f"use_tpu=True, tpu={tpu!r}"
    if tpu.startswith("grpc://") and not _answers(tpu):
        raise expected("a TPU that answers", received, remedy)
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(
            tpu=tpu or "local"
        )
        if tpu not in ("", "local"):
            tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except (ValueError, RuntimeError, OSError, tf.errors.OpError) as error:
        raise expected("a TPU in this machine", received, remedy) from error


def _answers(address):
    """Whether grpc://host:port accepts connections; TensorFlow would hang."""
    host, _, port = address.removeprefix("grpc://").partition(":")
    try:
        with socket.create_connection(
            (host, int(port or 8470)), _SECONDS_TO_REACH_TPU
        ):
            return True
    except (OSError, ValueError):
        return False
