"""Everything a trained model is evaluated on, by the names of results.json."""

import logging

import keras
import numpy as np

from mimo_keras import analysis, data, evaluation
from mimo_keras.errors import InputError
from mimo_keras.files import replacing, write_json
from mimo_keras.training.distribution import local_strategy
from uncertainty_runs.inference import logits_function


class Suite:
    """The test sets of a data set: clean, corrupted and foreign images.

    Args:
        test: `data.Examples`, the clean test set.
        strategy: The tf.distribute strategy that trains. Each of several
            workers evaluates by itself, on its own devices.
        settings: The value of every flag.
    """

    def __init__(self, test, strategy, settings):
        self.test = test
        self.strategy = local_strategy(strategy)
        self.moves = self.strategy is not strategy
        self.dataset = settings["dataset"]
        self.shifts = settings.get("shifted", False)
        # Rows at a time over all devices, in equal shares.
        replicas = strategy.num_replicas_in_sync
        rows = min(512, len(test))
        self.batch_size = replicas * max(1, rows // replicas)
        self.where = {
            "data_dir": settings["data_dir"],
            "download": settings["download_data"],
        }

    def full(self, model, corrupted=True):
        """Evaluates on everything.

        Args:
            model: `EnsembleModel`.
            corrupted: Whether corrupted images belong to it.

        Returns:
            The flat results, and the arrays behind the report's pictures.
        """
        predictor, logits_fn = self._prepared(model)
        weights = predictor.log_weights
        clean = self._evaluate(logits_fn, weights, self.test)
        results = {f"test/{k}": v for k, v in clean.result().items()}
        results |= self._cost(model, predictor, logits_fn)
        arrays = _reliability("reliability", clean)
        shared = analysis.sharing_rates(model.network)
        results |= {f"sharing/{k}": v for k, v in shared.items()}
        if len(weights) > 1:
            diversity = clean.diversity()
            arrays["disagreement_matrix"] = diversity.disagreement
            arrays["kl_matrix"] = diversity.kl
        if corrupted:
            more, whole = self._corrupted(logits_fn, weights)
            results |= more
            if whole is not None:
                arrays |= _reliability("corrupted_reliability", whole)
        if self.shifts:
            results |= self._shifted(logits_fn, weights)
        more, scores = self._foreign(logits_fn, weights)
        return results | more, arrays | scores

    def corrupted(self, model):
        """Evaluates on the corrupted images only; returns flat means."""
        predictor, logits_fn = self._prepared(model)
        results, _ = self._corrupted(logits_fn, predictor.log_weights)
        return {k: v for k, v in results.items() if k.count("/") == 1}

    def _prepared(self, model):
        if self.moves:
            predictor = _moved(model.predictor(), self.strategy)
        else:
            with self.strategy.scope():
                predictor = model.predictor()
        return predictor, logits_function(
            self.strategy, predictor, self.batch_size
        )

    def _evaluate(self, logits_fn, weights, examples):
        batches = data.evaluation_batches(examples, self.batch_size)
        return evaluation.evaluate(
            logits_fn, batches, self.test.num_classes, weights
        )

    def _corrupted(self, logits_fn, weights):
        rows, whole = [], None
        try:
            for part in data.corrupted(self.dataset, **self.where):
                metrics = self._evaluate(logits_fn, weights, part.examples)
                rows.append((part.type, part.severity, metrics.result()))
                whole = metrics if whole is None else whole.merge(metrics)
        except InputError as error:
            logging.warning("Corrupted images are left out. %s", error)
            return {}, None
        return evaluation.corrupted_results(rows), whole

    def _shifted(self, logits_fn, weights):
        return evaluation.shifted_results(
            [
                (
                    part.type,
                    part.level,
                    self._evaluate(logits_fn, weights, part.examples).result(),
                )
                for part in data.shifted(self.test)
            ]
        )

    def _foreign(self, logits_fn, weights):
        def scores(examples):
            batches = data.evaluation_batches(examples, self.batch_size)
            return evaluation.ood_scores(logits_fn, batches, weights)

        inside = scores(self.test)
        outside = {}
        foreign = data.out_of_distribution(self.dataset, **self.where)
        for name, load in foreign.items():
            try:
                outside[name] = scores(load())
            except InputError as error:
                logging.warning("Foreign images are left out. %s", error)
        arrays = {}
        for name, found in outside.items():
            arrays[f"ood_{name}_in"] = inside["max_probability"]
            arrays[f"ood_{name}_out"] = found["max_probability"]
        return evaluation.ood_results(inside, outside), arrays

    def _cost(self, model, predictor, logits_fn):
        # Parameters as trained: a predictor holds sums or mixtures of them.
        images = self.test.images[: self.batch_size]
        return {
            "cost/params": evaluation.trainable_parameters(model),
            "cost/multiply_adds": evaluation.multiply_adds(predictor.network),
            "cost/flops": evaluation.flops(predictor.network),
            "cost/ms_per_example": evaluation.milliseconds_per_example(
                logits_fn, images
            ),
        }


def _moved(predictor, strategy):
    """Copies a predictor to a strategy that may not read the model's."""
    weights = predictor.get_weights()
    with strategy.scope():
        copy = type(predictor).from_config(predictor.get_config())
        copy.set_weights(weights)
    return copy


class CorruptionsCallback(keras.callbacks.Callback):
    """Adds the means over corrupted images to the logs of some epochs.

    Args:
        suite: `Suite`.
        interval: Epochs from evaluation to evaluation; 0 or less for none.
    """

    def __init__(self, suite, interval):
        super().__init__()
        self.suite = suite
        self.interval = interval

    def on_epoch_end(self, epoch, logs=None):
        if self.interval > 0 and (epoch + 1) % self.interval == 0:
            logs.update(self.suite.corrupted(self.model))


def save(folder, results, arrays):
    """Writes results.json, and the arrays that the report draws."""
    with replacing(folder / "arrays.npz", "wb") as file:
        np.savez(file, **arrays)
    write_json(folder / "results.json", results)


def _reliability(prefix, metrics):
    reliability = metrics.reliability()
    return {
        f"{prefix}_count": reliability.count,
        f"{prefix}_confidence": reliability.confidence,
        f"{prefix}_accuracy": reliability.accuracy,
    }
