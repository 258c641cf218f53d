"""What a predictor can be fitted to do with its predictions."""

import keras
import numpy as np

from mimo_keras.errors import expected, warn
from mimo_keras.methods import head_inputs
from mimo_keras.prediction import (
    abstaining,
    calibrating,
    covering,
    detecting,
    fitting_detectors,
    held_out,
    precise,
)
from mimo_keras.training.distribute.seeds import repeatable


class Acting:
    """Mixin of `Predictor`: methods that return a predictor with more outputs.

    They fit to held-out examples: images (n, …, C) and labels (n,), or batches
    of both (a tf.data.Dataset, PyDataset or iterable), which the model must not
    have been trained on. The new predictor has the same network and weights;
    this one stays as it is. What this process has trained the model on is
    refused, as far as it is recognized: see `SeenExamples`.
    """

    seen = None
    """`SeenExamples` of what the model was trained on in this process."""

    def calibrate(self, images, labels=None, method="temperature"):
        """Returns a predictor whose probabilities are calibrated.

        Args:
            images: Held-out images, or batches of (images, labels).
            labels: Their classes.
            method: "temperature" of the mixture; "member_temperatures",
                "vector" (a scale and a shift for each class) or "isotonic".
                See `prediction.Temperature` and its neighbors.

        Returns:
            `Predictor`. An earlier calibration is replaced, with a warning.

        Raises:
            InputError: The data do not fit, the model was trained on them, or
                no calibration is best for them; or prediction sets, thresholds
                or detectors were fitted before, which hold for the
                probabilities as they are.
        """
        later = [type(s).__name__ for s in self.stages if not s.calibrates]
        if later:
            raise expected(
                "a predictor that is calibrated first",
                f"one with {', '.join(later)}",
                "Calibrate predictor.uncalibrated(), then fit these again.",
            )
        if self.stages:
            warn("The earlier calibration is replaced.")
        self._check_held_out(images)
        logits, labels, about = self._predicted(images, labels)
        stage = calibrating.fit(method, logits, labels, self.log_weights, about)
        return self._with([stage])

    def uncalibrated(self):
        """Returns a predictor without anything that was fitted afterwards."""
        return self._with([])

    def prediction_sets(
        self,
        images,
        labels=None,
        coverage=0.9,
        score=None,
        *,
        by_class=False,
        randomized=False,
        penalty=0.01,
        free=5,
        seed=0,
    ):
        """Returns a predictor whose sets cover the truth as often as asked for.

        For classes, it adds "prediction_set" (B, K) and "set_size" (B,); in
        regression, "lower" and "upper" (B, d). A new example that is drawn like
        the held-out ones is covered with a probability of at least `coverage`.

        Args:
            images: Held-out images, or batches of (images, labels).
            labels: Their classes or targets.
            coverage: In (0, 1).
            score: "lac", the default, "aps" or "raps" for classes; "residual",
                the default, or "normalized" (by the members' standard
                deviation) in regression.
            by_class: Whether each class is to be covered as often.
            randomized: Whether sets of "aps" and "raps" are randomized, which
                makes them smaller, and their coverage exact.
            penalty: λ of "raps".
            free: Number of classes without the penalty.
            seed: Of the random draws.

        Returns:
            `Predictor`. Earlier sets are replaced, with a warning.

        Raises:
            InputError: The data do not fit, the model was trained on them, or
                they are too few for the coverage.
        """
        self._check_held_out(images)
        options = covering.Options(
            *(coverage, score, by_class, randomized, penalty, free, seed)
        )
        outputs, targets = self.likelihood.held_out(
            *self.collected(images, labels)
        )
        stage = self.likelihood.covering(
            covering.Examples(
                outputs,
                targets,
                self.log_weights,
                lambda: self._probabilities(outputs),
                held_out.described(outputs, targets),
            ),
            options,
        )
        return self._replacing(type(stage), stage, "sets are")

    def threshold(
        self,
        images,
        labels=None,
        *,
        risk=None,
        coverage=None,
        delta=abstaining.DELTA,
    ):
        """Returns a predictor that says which answers not to rely on.

        It adds "abstain" (B,), booleans: the largest probability is below a
        threshold. The last of its `stages` says in `fitted_on` how many of the
        examples are answered ("coverage"), how many answers are wrong ("risk")
        and the upper bound of that ("risk_bound").

        Args:
            images: Held-out images, or batches of (images, labels).
            labels: Their classes.
            risk: Answer as many as possible, with at most this error rate.
            coverage: Answer this share. Give one of both.
            delta: Probability with which the bound may fail.

        Returns:
            `Predictor`. An earlier threshold is replaced, with a warning.

        Raises:
            InputError: The data do not fit, the model was trained on them, or
                they cannot show such a risk.
        """
        if (risk is None) == (coverage is None):
            raise expected(
                "risk or coverage",
                f"risk={risk}, coverage={coverage}",
                "Give exactly one of them.",
            )
        self._check_held_out(images)
        logits, labels, about = self._predicted(images, labels)
        probabilities = self._probabilities(logits)
        examples = (
            probabilities.max(axis=1).astype("float32"),
            probabilities.argmax(axis=1) == labels,
        )
        if risk is None:
            choice = abstaining.for_coverage(*examples, coverage, delta)
        else:
            choice = abstaining.for_risk(*examples, risk, delta)
        about |= {**choice._asdict(), "delta": delta}
        stage = abstaining.Abstention(choice.confidence, fitted_on=about)
        return self._replacing(abstaining.Abstention, stage, "threshold is")

    def detector(
        self,
        images,
        labels=None,
        score="energy",
        *,
        known=0.95,
        neighbors=50,
        bank=5000,
        dimensions=None,
    ):
        """Returns a predictor that scores how unlike its data an image is.

        It adds "ood_score" (B,), higher for foreign images, and "is_foreign"
        (B,): whether it is above what a share `known` of the images reaches.
        Scores of members also add "member_ood_scores" (B, E).

        Args:
            images: Images of the kind that the model was trained for, or
                batches of (images, labels).
            labels: Their classes.
            score: Of the logits, see `prediction.LogitDetector`; or of the
                features that the heads read, "mahalanobis", "knn" or "vim": see
                `prediction.feature_scores`. Training images are best for these;
                the threshold is found with each fifth left out of the fit.
            known: Share of these images that are to count as known.
            neighbors: k of "knn".
            bank: Number of images, drawn at random, to which "knn" compares.
            dimensions: D of "vim"; None for the authors' choice.

        Returns:
            `Predictor`. An earlier detector is replaced, with a warning.

        Raises:
            InputError: The data do not fit, there is no such score, or the
                network does not end in dense layers.
        """
        abstaining.check_share("known", known)
        options = fitting_detectors.Options(neighbors, bank, dimensions)
        if isinstance(score, str) and score in fitting_detectors.SCORES:
            stage = self._of_features(score, images, labels, options, known)
            return self._replacing(detecting.Detector, stage, "detector is")
        logits, _, about = self._predicted(images, labels)
        stage = detecting.LogitDetector(score, self.log_weights)
        scored = stage(self._outputs(logits), logits.astype("float32"))
        values = np.asarray(scored["ood_score"])
        # The smallest value that enough of the images do not exceed.
        limit = float(np.quantile(values, known, method="inverted_cdf"))
        about |= {"score": score, "known": known}
        stage = detecting.LogitDetector(
            score, self.log_weights, limit, fitted_on=about
        )
        return self._replacing(detecting.Detector, stage, "detector is")

    def _of_features(self, score, images, labels, options, known):
        images = self.joined(images)
        model, head = head_inputs.tapped(self.network)
        parts = []

        def outputs(batch):
            batch = keras.ops.convert_to_tensor(self._checked_images(batch))
            logits, features = self.features(batch, model)
            parts.append(keras.ops.convert_to_numpy(features))
            return logits

        self.likelihood.check_classes()
        with repeatable(self):
            found = held_out.collect(outputs, images, labels)
        logits, labels = self.likelihood.held_out(*found)
        features = np.concatenate(parts).astype(np.float64)
        return fitting_detectors.fit(
            score,
            fitting_detectors.Examples(
                features, logits, labels, self.log_weights, head
            ),
            options,
            known,
            held_out.described(logits, labels),
        )

    def quantile(self, levels):
        """Returns a predictor of quantiles of the ensemble's distribution.

        It adds "quantile", (B, d) for one level and (B, Q, d) for Q of them.
        Nothing is fitted.

        Args:
            levels: q between 0 and 1, or a list of such levels.

        Returns:
            `Predictor`. Earlier quantiles are replaced.

        Raises:
            InputError: A level is not between 0 and 1, or the ensemble
                predicts no distribution of numbers.

        Example:

        ```python
        predictor = model.predictor().quantile([0.05, 0.95])
        lower, upper = np.moveaxis(predictor(x)["quantile"], 1, 0)
        ```
        """
        stage = self.likelihood.quantile(levels, self.log_weights)
        return self._replacing(type(stage), stage)

    def answered(self, images, labels=None, batch_size=128, verbose=0):
        """Returns what this predictor says of labelled examples.

        Args:
            images: Images, or batches of (images, labels).
            labels: Their classes or targets.
            batch_size: Images of a batch, where `images` is an array.
            verbose: Whether a bar shows how far it is: 0, 1 or "auto".

        Returns:
            The members' outputs (n, E, K) in float64, the labels, and a
            dictionary of the other outputs, as arrays.
        """
        images = self.joined(images)
        parts = []

        def outputs(batch):
            batch = self._checked_images(batch)
            batch = keras.ops.convert_to_tensor(batch)
            logits, answers = self.logits_and_answers(batch)
            parts.append(
                {
                    name: keras.ops.convert_to_numpy(value)
                    for name, value in answers.items()
                    if not name.startswith("member_")
                }
            )
            return logits

        with repeatable(self):
            found = held_out.collect(
                outputs, images, labels, batch_size, verbose
            )
        answers = {
            name: np.concatenate([part[name] for part in parts])
            for name in parts[0]
        }
        return *found, answers

    def collected(self, images, labels=None, batch_size=128):
        """Returns the members' outputs (n, E, K) in float64, and the labels.

        Args:
            images: Images, or batches of (images, labels).
            labels: Their classes or targets.
            batch_size: Images of a batch, where `images` is an array.
        """
        images = self.joined(images)

        def outputs(batch):
            return self.member_logits(self._checked_images(batch))

        with repeatable(self):
            return held_out.collect(outputs, images, labels, batch_size)

    def _predicted(self, images, labels):
        """Returns logits, labels and a description of held-out examples."""
        self.likelihood.check_classes()
        found = self.likelihood.held_out(*self.collected(images, labels))
        return *found, held_out.described(*found)

    def _outputs(self, logits):
        """Returns what this predictor would return for logits."""
        logits = logits.astype("float32")
        outputs = self.prediction(logits)
        for stage in self.stages:
            if stage.calibrates:
                outputs = stage(outputs, logits)
        return outputs

    def _probabilities(self, logits):
        """Returns this predictor's probabilities for logits, in float64."""
        if self.stages and self.stages[0].calibrates:
            found = self._outputs(logits)["probabilities"]
            return np.asarray(found, np.float64)
        members = precise.log_softmax(logits)
        return np.exp(precise.log_mixture(members, self.log_weights))

    def _replacing(self, kind, stage, what=None):
        """Returns a predictor with a stage in place of those of a kind.

        Args:
            kind: Class of the stages to replace.
            stage: The new one.
            what: Subject and verb of a warning if there were any.
        """
        others = [s for s in self.stages if not isinstance(s, kind)]
        if what is not None and len(others) < len(self.stages):
            warn(f"The earlier {what} replaced.")
        return self._with([*others, stage])

    def _check_held_out(self, images):
        if self.seen is not None:
            self.seen.check_held_out(self.joined(images))
