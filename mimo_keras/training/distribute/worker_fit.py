"""Makes Keras's own `fit` work with several workers, where Keras fails.

Keras 3 averages a batch and a step's results over replicas in a way that
MultiWorkerMirroredStrategy does not support (keras issue 20585). Neither
average is needed: what fit reports are metrics, which TensorFlow sums over
replicas whenever they are read. So the values of this worker's first replica
are used instead, and loop, callbacks and validation remain Keras's.
"""

import keras

from mimo_keras import keras_internals
from mimo_keras.training.distribute import untuned, workers


class WorkerFit(keras_internals.BuildsOnBatch):
    """Mixin for keras.Model that lets several workers train and evaluate it.

    List it before keras.Model. Without several workers it only chooses the
    part of a batch on which several replicas build, and how arrays are read.
    """

    def make_train_function(self, force=False):
        if not self._has_workers():
            return super().make_train_function(force)
        if force or self.train_function is None:
            self.train_function = _compiled(self, self.train_step)
        return self.train_function

    def make_test_function(self, force=False):
        if not self._has_workers():
            return super().make_test_function(force)
        if force or self.test_function is None:
            self.test_function = _compiled(self, self.test_step)
        return self.test_function

    def building_batch(self, iterator):
        strategy = self.distribute_strategy
        untuned.reads(iterator, strategy)
        first = keras_internals.first_of_generator(iterator)
        if first is not None:  # Keras would lose batches of it.
            return first
        if strategy.num_replicas_in_sync == 1:
            return None
        # Keras would add the replicas' parts, whose sizes may differ.
        _, _, batches = next(iter(iterator))
        return self._here(next(iter(batches)))

    def _has_workers(self):
        # Models of other backends have no strategy.
        return workers.several(getattr(self, "distribute_strategy", None))

    def _here(self, values):
        """Returns the first replica's part of distributed values."""
        local = self.distribute_strategy.experimental_local_results
        return keras.tree.map_structure(lambda value: local(value)[0], values)


def _compiled(model, step):
    """Returns a function from an iterator to the logs of its next steps."""
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def steps(batches):
        for _ in range(model.steps_per_execution):
            logs = model.distribute_strategy.run(step, args=(next(batches),))
        return model._here(logs)

    return steps
