"""`fit`, metrics and optimizers, by private names of Keras."""

import contextlib


class BuildsOnBatch:
    """Mixin that chooses the batch on which `fit` builds a distributed model.

    List it before keras.Model. Relies on `_maybe_symbolic_build`, which the
    TensorFlow trainer calls before the first step of `fit` and `evaluate`.

    Public alternative: none between `fit` and the first step; `Model.build`
    does not build metrics.
    """

    def building_batch(self, iterator):
        """Returns the batch to build on; None for the one that Keras uses.

        Args:
            iterator: Keras's epoch iterator, which yields (step, step,
                iterator over batches).
        """
        return None

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        if iterator is not None:
            batch = self.building_batch(iterator)
            if batch is not None:
                iterator, data_batch = None, batch
        super()._maybe_symbolic_build(iterator, data_batch)


def first_of_generator(iterator):
    """Returns the first batch of a generator, which Keras has read already.

    Relies on `GeneratorDataAdapter` and its `_first_batches`.

    Public alternative: none. What another pass over the epoch iterator reads
    of a generator is lost to the epoch.

    Args:
        iterator: Keras's epoch iterator.

    Returns:
        The batch; None for any other source.
    """
    from keras.src.trainers.data_adapters import generator_data_adapter

    adapter = iterator.data_adapter
    if isinstance(adapter, generator_data_adapter.GeneratorDataAdapter):
        return adapter._first_batches[0]
    return None


def read_with(iterator, strategy, options):
    """Gives options to the tf.data.Dataset that an epoch iterator reads.

    To one that Keras made of arrays, or of a Python source and does not
    distribute. Relies on `_distributed_dataset` of the TensorFlow trainer's
    iterator, and on the `data_adapter` of arrays making the same dataset anew.

    Public alternative: a tf.data.Dataset instead of arrays.

    Args:
        iterator: Keras's epoch iterator.
        strategy: The model's tf.distribute strategy.
        options: tf.data.Options.
    """
    from keras.src.trainers import data_adapters

    adapter, dataset = iterator.data_adapter, iterator._distributed_dataset
    if isinstance(adapter, data_adapters.TFDatasetAdapter):
        return
    if hasattr(dataset, "with_options"):  # Not distributed.
        dataset = dataset.with_options(options)
    elif isinstance(adapter, data_adapters.ArrayDataAdapter):
        dataset = adapter.get_tf_dataset().with_options(options)
        dataset = strategy.experimental_distribute_dataset(dataset)
    iterator._distributed_dataset = dataset


def array_source(x, batch_size, options):
    """Returns an array as a source whose tf.data.Dataset has these options.

    Relies on `ArrayDataAdapter`. Public alternative: as of `read_with`.

    Args:
        x: Array.
        batch_size: Rows of a batch.
        options: tf.data.Options.

    Returns:
        What Keras accepts in place of the array.
    """
    from keras.src.trainers import data_adapters

    class Changed(data_adapters.ArrayDataAdapter):
        def get_tf_dataset(self):
            return super().get_tf_dataset().with_options(options)

    return Changed(x, batch_size=batch_size, shuffle=False)


class LowerIsBetter:
    """Mixin for a metric: callbacks that monitor it know that it should fall.

    List it before keras.metrics.Metric. Relies on `_direction`, which
    EarlyStopping and others read if their mode is "auto", for metrics that
    `monitored` shows them.

    Public alternative: `mode="min"` in each callback.
    """

    _direction = "down"


def monitored(metrics, own):
    """Returns a model's metrics, with its own where callbacks look for them.

    Relies on `MetricsList`: callbacks read the direction only of metrics within
    one of these, which Keras makes for the metrics given to `compile`.

    Public alternative: as of `LowerIsBetter`.

    Args:
        metrics: The keras.metrics.Metrics that a model has.
        own: Those among them that its class made.
    """
    from keras.src.trainers.compile_utils import MetricsList

    class Shown(MetricsList):
        def result(self):
            return self.get_result()

    return [
        Shown([metric], name=metric.name) if metric in own else metric
        for metric in metrics
    ]


def compiled_metrics(model):
    """Returns Keras's container of the metrics given to `compile`, or None.

    Relies on `Trainer._compile_metrics`, and on its `build(y_true, y_pred)`
    creating the metrics' variables.

    Public alternative: `Model.metrics`, which lists the container among others
    with no documented name or class.
    """
    return model._compile_metrics


def build_on(model, batch):
    """Creates the variables that a compiled model's first step would create.

    Relies on `Trainer._symbolic_build`. No values are computed.

    Public alternative: `Model.build`, which builds neither metrics nor
    optimizer.
    """
    model._symbolic_build(data_batch=batch)


def evaluates_within_fit(arguments):
    """Whether `evaluate` is called by `fit`, on data that it has prepared.

    Relies on the argument `_use_cached_eval_dataset`.

    Public alternative: none.
    """
    return arguments.get("_use_cached_eval_dataset", False)


@contextlib.contextmanager
def variables_kept(model):
    """Restores a model's variables if an error ends `fit` under JAX.

    There Keras takes the variables' values away while steps run, and would lose
    them with the error. Relies on `_jax_state`, which holds them after the
    first step, and on `Variable._value`, which is None where they are gone.

    Public alternative: `jax_state_sync`, which knows nothing before that step.
    """
    import keras

    if keras.backend.backend() != "jax":
        yield
        return
    optimizer = getattr(model, "optimizer", None)
    variables = [
        *model.variables,
        *model.metrics_variables,
        *(optimizer.variables if optimizer else ()),
    ]
    before = [(variable, variable.value) for variable in variables]
    model._jax_state = None
    try:
        yield
    except Exception:
        model.jax_state_sync()
        for variable, value in before:
            if variable._value is None:
                variable.assign(value)
        raise


@contextlib.contextmanager
def batches_placed(place):
    """Lets a function decide how JAX's devices share each batch of a trainer.

    Relies on `distribute_data_input`, by which the JAX trainer's `fit`,
    `evaluate` and `predict` hand every batch to the devices of a
    `keras.distribution`.

    Public alternative: `Distribution.get_data_layout` in a class of one's own,
    which `fit` asks about the first batch only.

    Args:
        place: Function from the rows of a batch, its jax.sharding.Sharding and
            the name of the mesh's axis for rows to the sharding to use.
    """
    from keras.src.backend.jax import distribution_lib

    hand_over = distribution_lib.distribute_data_input

    def placed(batch, layout, batch_dim_name):
        if batch is None:  # No sample weights.
            return None
        sharding = getattr(layout, "backend_layout", layout)
        sharding = place(batch.shape[0], sharding, batch_dim_name)
        return hand_over(batch, sharding, batch_dim_name)

    distribution_lib.distribute_data_input = placed
    try:
        yield
    finally:
        distribution_lib.distribute_data_input = hand_over


def variable_index(optimizer, variable):
    """Returns a variable's index among those an optimizer was built with.

    Relies on `Optimizer._get_variable_index`. It also recognizes a variable in
    the form that `update_step` receives, which under TensorFlow is not a
    keras.Variable and under tf.distribute is one replica's copy.

    Public alternative: the order of the variables given to `Optimizer.build`,
    if the variable is one of them.
    """
    return optimizer._get_variable_index(variable)


def has_mask(values):
    """Whether a loss's values come with a mask of the rows that count.

    Relies on `_keras_mask`, which losses of Keras such as
    SparseCategoricalCrossentropy(ignore_class=0) set on their values.

    Public alternative: none.
    """
    return getattr(values, "_keras_mask", None) is not None
