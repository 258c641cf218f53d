"""Everything a trained model is evaluated on."""

import dataclasses
import functools
import logging

import keras
import numpy as np

from mimo_keras import data, evaluation
from mimo_keras.data import stored_files, stratified
from mimo_keras.errors import AbsentError
from mimo_keras.evaluation import Results, SuiteResults, fitted_results
from mimo_keras.evaluation.type_means import averaged
from mimo_keras.files import write_arrays, write_json
from mimo_keras.training.distribute import local_strategy
from uncertainty_runs.common.script import with_flags
from uncertainty_runs.evaluation import natural
from uncertainty_runs.evaluation.cache import Evaluated, forget
from uncertainty_runs.evaluation.predict import as_number, prepared

TIMED = 3
"""Batches that are timed at least, where less than that are evaluated."""


class Suite:
    """The test sets of a data set: clean, corrupted, shifted and foreign.

    Args:
        test: The clean test set, `data.Examples` or `data.Photographs`; with
            `tune`, which evaluates on held-out images only, it is not used.
        strategy: The tf.distribute strategy that trains. Each of several
            workers evaluates by itself, on its own devices.
        config: `DataConfig`, such as a `RunConfig`.
        folder: Where the results of each set are kept as soon as they are
            there, so that a later call goes on from them; None for nowhere.
        held_out: Training images that are not trained on; None for none.
    """

    def __init__(self, test, strategy, config, folder=None, held_out=None):
        self.tune = config.tune
        self.test = test = held_out if self.tune else test
        self.held_out = held_out
        self.num_bins = config.num_bins
        self.average = config.average
        self.corrupted_examples = config.corrupted_examples
        self.strategy = local_strategy(strategy)
        self.moves = self.strategy is not strategy
        self.dataset = config.dataset
        self.facts = data.get(self.dataset)
        self.shifts = config.shifted
        self.require = config.require
        self.folder = folder
        # Rows at a time over all devices, in equal shares.
        replicas = self.strategy.num_replicas_in_sync
        rows = min(512 if test.image_shape[0] <= 64 else 128, len(test))
        self.batch_size = replicas * max(1, rows // replicas)
        self.where = {
            "data_dir": config.data_dir,
            "download": config.download_data,
        }
        if isinstance(test, data.Photographs):
            self.where |= {"size": test.size, "skip": test.skip}

    def parts(self):
        """Returns the parts: name -> function that evaluates it."""
        if self.tune:
            return {"validation": self._validation}
        parts = {"test": self._clean}
        if self.held_out is not None:
            parts["validation"] = self._validation
        if self.facts.corruptions:
            parts["corrupted"] = self._corrupted
        if self.shifts:
            parts["shifted"] = self._shifted
        if self.facts.out_of_distribution:
            parts["ood"] = self._foreign
        for name, load in data.natural(self.dataset, **self.where).items():
            parts[name] = functools.partial(self._natural, name, load)
        return parts

    def full(self, models, corrupted=True, only=None, stop=None):
        """Evaluates on everything.

        Args:
            models: `EnsembleModel`, or a list of them as one ensemble.
            corrupted: Whether corrupted images belong to it.
            only: Names of the parts to evaluate, or what is before a "/" in
                several; None for all.
            stop: `signals.Request` that is looked at after every batch.

        Returns:
            `evaluation.Results`, and the arrays behind the report's pictures.

        Raises:
            InputError: A set is damaged, or is not there but required.
            Stopped: `stop` said so; the sets that are evaluated are kept.
        """
        done, watch = self._begun(models, stop)
        results, arrays = Results(), {}
        for name, part in self.parts().items():
            unwanted = only is not None and not _asked_for(name, only)
            if unwanted or (name == "corrupted" and not corrupted):
                continue
            try:
                more, drawn = part(done)
            except AbsentError as error:
                self._leave_out(name, error)
                continue
            results |= more
            arrays |= drawn
        if results.test or self.tune:
            time = {"ms_per_example": self._milliseconds(watch)}
            results |= Results(cost=dict(done.network.costs) | time)
        weights = {"fingerprint": as_number(done.network.fingerprint)}
        way = {
            "averaged_logits": int(self.average == "logits"),
            "num_bins": self.num_bins,
        }
        more = Results(skipped=done.skipped(), weights=weights, evaluation=way)
        return results | more, arrays

    def corrupted(self, model):
        """Evaluates on the corrupted images only; returns their means.

        They have the names of results.json; there are none without the images.
        """
        if self.facts.corruptions is None or self.tune:
            return {}
        done, _ = self._begun(model, None)
        try:
            rows, _ = self._corrupted_rows(done)
        except AbsentError as error:
            self._leave_out("corrupted", error)
            return {}
        means = evaluation.corrupted_means(rows) | self._errors(done, rows)
        return Results(corrupted=SuiteResults(means=means)).flat()

    def fitted(self, predictor, only=None):
        """Evaluates a predictor that was fitted to held-out images.

        Args:
            predictor: `Predictor`.
            only: As in `full`; the clean test set always belongs to it.

        Returns:
            `Results` with the field `fitted`, and arrays.
        """

        def of_set(examples):
            batches = examples.evaluation_batches(self.batch_size)
            return fitted_results.of_set(
                predictor, batches, num_bins=self.num_bins
            )

        foreign, severities = {}, {}
        if only is None or _asked_for("ood", only):
            foreign = self._foreign_batches()
        if only is None or _asked_for("corrupted", only):
            severities = self._by_severity(lambda part: of_set(part)[0])
        found, arrays = fitted_results.with_foreign(
            predictor, *of_set(self.test), foreign
        )
        found |= {f"severity_{s}": means for s, means in severities.items()}
        return Results(fitted=found), arrays

    def _foreign_batches(self):
        found = {}
        sets = data.out_of_distribution(self.dataset, **self.where)
        for name, load in sets.items():
            try:
                found[name] = load().evaluation_batches(self.batch_size)
            except AbsentError as error:
                self._leave_out(f"ood/{name}", error)
        return found

    def _by_severity(self, measure):
        """Returns the mean of each measure over the types, by severity."""
        rows = {}
        if self.facts.corruptions is None:
            return rows
        try:
            for part in data.corrupted(self.dataset, **self.where):
                of_type = rows.setdefault(part.severity, {})
                of_type[part.type] = measure(part.examples)
        except AbsentError as error:
            self._leave_out("corrupted", error)
            return {}
        return {
            severity: _means([of_type[name] for name in averaged(of_type)])
            for severity, of_type in rows.items()
        }

    def _begun(self, models, stop):
        """Returns the `Evaluated` of models, and what times their passes."""
        network = prepared(self.strategy, models, self.batch_size, self.moves)
        watch = evaluation.Stopwatch(network.logits)
        logits = watch
        if stop is not None:
            logits = stop.guarded(watch, "in the evaluation")
        network = dataclasses.replace(network, logits=logits)
        depends_on = [network.fingerprint, self.dataset, str(self.where)]
        done = Evaluated(
            network,
            self.batch_size,
            self.folder,
            [*depends_on, "scored"],
            self.num_bins,
            functools.partial(
                stored_files.digest,
                self.dataset,
                data_dir=self.where["data_dir"],
            ),
            self.average,
        )
        return done, watch

    def forget(self):
        """Removes what was kept of single sets, once all is written."""
        if self.folder is not None:
            forget(self.folder)

    def _leave_out(self, name, error):
        if self.require:
            raise error
        logging.warning("%s is left out. %s", name, with_flags(error))

    def _of_test(self, done):
        """Returns metrics and scores of the clean test set, of one pass."""
        scored = bool(self.facts.out_of_distribution)
        return done.evaluate_scored("test", lambda: self.test, scored)

    def _clean(self, done):
        metrics, _ = self._of_test(done)
        network = done.network
        results = evaluation.clean_results(metrics) | Results(
            sharing=dict(network.sharing),
            weights={"kept": network.kept},
        )
        arrays = fitted_results.drawn_arrays(metrics)
        return results, arrays

    def _validation(self, done):
        metrics = done.evaluate("validation", lambda: self.held_out).result()
        of_set = {name: metrics[name] for name in evaluation.METRICS}
        return Results(validation=of_set), {}

    def _milliseconds(self, watch):
        """Returns the time of an example in the passes that were made.

        Where nearly all was kept from before, a few are made for it.
        """
        missing = 1 + TIMED - len(watch.calls)  # The first one compiles.
        if missing > 0:
            batches = self.test.evaluation_batches(self.batch_size)
            images, _ = next(iter(batches))
            for _ in range(missing):
                watch(images)
        return watch.milliseconds_per_example()

    def _corrupted_rows(self, done):
        """Returns (type, severity, metrics) of each set, and some as one.

        As one are those whose mean is called "corrupted".
        """
        rows, by_type = [], {}
        for part in data.corrupted(self.dataset, **self.where):
            name = f"corrupted/{part.type}_{part.severity}"
            if self.corrupted_examples:
                name = f"{name}/first_{self.corrupted_examples}"
            metrics = done.evaluate(name, lambda part=part: self._some(part))
            rows.append((part.type, part.severity, metrics.result()))
            before = by_type.get(part.type)
            by_type[part.type] = before.merge(metrics) if before else metrics
        first, *others = map(by_type.get, averaged(by_type))
        return rows, functools.reduce(lambda a, b: a.merge(b), others, first)

    def _some(self, part):
        """Returns the images of a corrupted set that are evaluated."""
        if not self.corrupted_examples:
            return part.examples
        order = stratified.order(part.examples.labels, seed=0)
        chosen = np.sort(order[: self.corrupted_examples])
        return part.examples.subset(chosen)

    def _corrupted(self, done):
        rows, whole = self._corrupted_rows(done)
        suite = evaluation.corrupted_results(rows)
        suite |= SuiteResults(means=self._errors(done, rows))
        arrays = fitted_results.reliability_arrays(
            "corrupted_reliability", whole
        )
        way = {"corrupted_examples": self.corrupted_examples}
        return Results(corrupted=suite, evaluation=way), arrays

    def _errors(self, done, rows):
        """Returns the errors in units of AlexNet's, where those are known."""
        if not self.facts.corruptions.against_alexnet:
            return {}
        clean = self._of_test(done)[0].result()
        return evaluation.corruption_errors(rows, clean["accuracy"])

    def _shifted(self, done):
        rows = []
        for part in data.shifted(self.test):
            name = f"shifted/{part.type}_{part.level}"
            metrics = done.evaluate(name, lambda part=part: part.examples)
            rows.append((part.type, part.level, metrics.result()))
        return Results(shifted=evaluation.shifted_results(rows)), {}

    def _natural(self, name, load, done):
        return natural.results(name, load, done), {}

    def _foreign(self, done):
        _, inside = self._of_test(done)
        outside = {}
        foreign = data.out_of_distribution(self.dataset, **self.where)
        for name, load in foreign.items():
            try:
                outside[name] = done.scores(f"ood/{name}", load)
            except AbsentError as error:
                self._leave_out(f"ood/{name}", error)
        arrays = {}
        for name, scores in outside.items():
            arrays[f"ood_{name}_in"] = inside["max_probability"]
            arrays[f"ood_{name}_out"] = scores["max_probability"]
        return Results(ood=evaluation.ood_results(inside, outside)), arrays


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


def _means(rows):
    return {name: float(np.mean([r[name] for r in rows])) for name in rows[0]}


def _asked_for(name, asked):
    """Whether a part, or the parts before a "/" in its name, are asked for."""
    return name in asked or name.split("/")[0] in asked


def save(folder, results, arrays):
    """Writes `Results` as results.json, and the arrays that are drawn."""
    # Sets of which none was skipped replace what an earlier evaluation skipped.
    skipped = {name: count for name, count in results.skipped.items() if count}
    results = dataclasses.replace(results, skipped=skipped)
    write_arrays(folder / "arrays.npz", arrays)
    write_json(folder / "results.json", results.flat())
