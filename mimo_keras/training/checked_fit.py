"""Keras's own `fit` and `evaluate`, after a check of the data."""

from collections.abc import Iterator

import numpy as np

from mimo_keras import keras_internals
from mimo_keras.training import (
    checked_sources,
    data_checks,
    fit_arguments,
    packed_rows,
    stopping,
    train_examples,
)
from mimo_keras.training.checked_call import CheckedCall
from mimo_keras.training.distribute import uneven
from mimo_keras.training.distribute.seeds import repeatable
from mimo_keras.training.epoch_clock import with_clock, with_first
from mimo_keras.training.seen_examples import SeenExamples


class CheckedFit(CheckedCall):
    """Mixin for keras.Model that refuses data that do not fit the model.

    List it before keras.Model. The model must have an `image_shape`, a
    `likelihood` and a `standardize` layer. Arrays are checked whole before the
    first step, batches of other sources when they are read.
    """

    seen = None
    """`SeenExamples` of what it was trained on in this process."""

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        **kwargs,
    ):
        """Trains as in Keras, after checking the data.

        Layers that depend on the epoch are informed of it: see `EpochClock`. A
        loss that depends on the number of training images gets it from the
        data: see `train_examples`.
        """
        counts = kwargs | {"batch_size": batch_size, "epochs": epochs}
        fit_arguments.check(
            callbacks, validation_split, validation_data, **counts
        )
        class_weight = fit_arguments.class_weights(
            class_weight, self.likelihood, sample_weight
        )
        split = 0.0 if validation_data is not None else validation_split or 0.0
        y, sample_weight = data_checks.arrays(y, sample_weight)
        other = None
        if validation_data is not None:
            validation_data, other = self._checked_pair(validation_data)
        given = (x, y, sample_weight, batch_size, split)
        x, shape = self._checked(*given, training=True)
        data_checks.check_one_kind([shape, other], self.likelihood)
        known = x if data_checks.is_array(x) else given[0]
        self.seen = (self.seen or SeenExamples()).also(known, split)
        self._expect(shape, "train_function")
        self._expect(other or shape, "test_function")
        rows = shape[0] if isinstance(x, Iterator) else None
        callbacks = self._find_train_examples(
            x, callbacks, split, rows, **kwargs
        )
        callbacks = with_clock(callbacks, self, epochs)
        with self._reported():
            history = super().fit(
                x,
                y,
                batch_size=batch_size,
                epochs=epochs,
                verbose=verbose,
                callbacks=callbacks,
                validation_split=validation_split,
                validation_data=validation_data,
                shuffle=shuffle,
                class_weight=class_weight,
                sample_weight=sample_weight,
                **kwargs,
            )
        ran = self._is_alone() and history.epoch and not self.stop_training
        if ran and "loss" not in history.history:  # No epoch had a step.
            raise checked_sources.empty()
        return history

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose="auto",
        sample_weight=None,
        **kwargs,
    ):
        """Evaluates as in Keras, after the same check as in `fit`.

        What a network draws here is the same each time, and does not change
        what it draws in training.
        """
        data_checks.check_count("batch_size", batch_size)
        y, sample_weight = data_checks.arrays(y, sample_weight)
        if not keras_internals.evaluates_within_fit(kwargs):
            x, shape = self._checked(x, y, sample_weight, batch_size)
            self._expect(shape, "test_function")
        with self._reported(), repeatable(self):
            logs = super().evaluate(
                x,
                y,
                batch_size=batch_size,
                verbose=verbose,
                sample_weight=sample_weight,
                **kwargs,
            )
        # Without a batch, the mean loss is 0 over 0 images.
        if self._is_alone() and not train_examples.images_of_epoch(self):
            raise checked_sources.empty()
        return logs

    def train_on_batch(self, x, y=None, sample_weight=None, **kwargs):
        """Trains on a batch as in Keras, after the same check as in `fit`."""
        train_examples.require(self)
        y, sample_weight = data_checks.arrays(y, sample_weight)
        x, shape = self._checked(x, y, sample_weight, training=True)
        self._expect(shape, "train_function")
        with uneven.allowed():
            return super().train_on_batch(x, y, sample_weight, **kwargs)

    def test_on_batch(self, x, y=None, sample_weight=None, **kwargs):
        """Evaluates a batch as in Keras, after the same check as in `fit`."""
        y, sample_weight = data_checks.arrays(y, sample_weight)
        x, shape = self._checked(x, y, sample_weight)
        self._expect(shape, "test_function")
        with uneven.allowed():
            return super().test_on_batch(x, y, sample_weight, **kwargs)

    def _find_train_examples(
        self, x, callbacks, split, rows, steps_per_epoch=None, **others
    ):
        """Tells the loss N; returns the callbacks, with a check of N."""
        annealing = getattr(self, "annealing", None)
        if annealing is None or not annealing.needs_images:
            return callbacks
        done, steps = stopping.steps_done(callbacks), steps_per_epoch
        found = train_examples.find(
            x,
            len(self.image_shape),
            self.input_shapes,
            validation_split=split,
            steps=None if steps is None else steps + done,
            rows=rows,
        )
        annealing.found(found)
        if done or data_checks.is_array(x):  # The rest of an epoch; all rows.
            return callbacks
        count = train_examples.EpochCount(found)
        return with_first(count, callbacks, self)

    def _reported(self):
        return self._checks(self.likelihood).reported(self)

    def _is_alone(self):
        """Whether the model is compiled, and no replica has a part of it."""
        # Without a scope TensorFlow has a strategy of one replica.
        strategy = getattr(self, "distribute_strategy", None)
        alone = strategy is None or strategy.num_replicas_in_sync == 1
        return self.compiled and alone

    def _expect(self, shape, step):
        """Prepares a step for targets of a shape.

        Keras relaxes the rank of a step that has seen (B,) and then (B, 1) to
        an unknown one, so such a step is traced anew.

        Args:
            shape: Shape of a batch of targets; None if it is unknown.
            step: Name of the attribute in which Keras keeps the step.
        """
        self.expect_targets(shape)
        fit_arguments.check_compiler(self)
        rank, name = None if shape is None else len(shape), f"_rank_of_{step}"
        if getattr(self, name, rank) != rank:
            setattr(self, step, None)
        setattr(self, name, rank)

    def expect_targets(self, shape):
        """Prepares for targets of a shape; by default, nothing to do.

        Args:
            shape: That of a batch of targets; None if it is unknown.
        """

    def _checked_pair(self, validation):
        """Returns checked validation data, and the shape of their targets."""
        if not isinstance(validation, (tuple, list)):
            return self._checked(validation)
        images, *rest = validation
        rest = data_checks.arrays(*rest)
        images, shape = self._checked(images, *rest)
        return (images, *rest), shape

    def _checked(
        self,
        x,
        y=None,
        sample_weight=None,
        batch_size=None,
        split=0.0,
        training=False,
    ):
        """Returns x after the checks, and the shape of its targets."""
        x = packed_rows.packed(self.split, x)
        is_array = data_checks.is_array(x)
        fit_arguments.check_sources(
            x, is_array, split, y=y, sample_weight=sample_weight
        )
        # Images of a split are also evaluated, for which there are no copies.
        copies = self.copies if training and not split else 0
        if not is_array:
            return self._checks(self.likelihood, copies).source(x)
        x = self._checked_images(x, copies)
        data_checks.check_data(
            x, y, self.image_shape, self.likelihood, sample_weight, copies
        )
        strategy = getattr(self, "distribute_strategy", None)
        if strategy is not None:
            data_checks.check_batch_size(
                batch_size, strategy.num_replicas_in_sync
            )
        return x, np.shape(y)
