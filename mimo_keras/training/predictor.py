"""The network for inference: one image in, the ensemble's prediction out."""

import keras
from keras import ops

from mimo_keras.layers import MixturePrediction, StandardizeImages
from mimo_keras.layers.mixture_prediction import check_members
from mimo_keras.layers.registration import serializable
from mimo_keras.layers.standardize_images import UNSTATED
from mimo_keras.methods import head_inputs
from mimo_keras.training import empty_replicas, likelihoods
from mimo_keras.training.acting import Acting
from mimo_keras.training.checked_call import CheckedCall
from mimo_keras.training.exact_inputs import keep_exact
from mimo_keras.training.finite_rows import of_finite_rows
from mimo_keras.training.kernels import give_kernels
from mimo_keras.training.policies import policy_of, saved_policy
from mimo_keras.training.preprocessing_checks import remember
from mimo_keras.training.quantizing import Quantizing
from mimo_keras.training.saved_state import SavedState
from mimo_keras.training.writing import Writing, check_format


@serializable
class Predictor(
    Acting, CheckedCall, SavedState, Quantizing, Writing, keras.Model
):
    """Predicts with an ensemble. Created by `EnsembleModel.predictor`.

    `calibrate`, `prediction_sets`, `threshold` and `detector` return predictors
    that do more, which are saved and exported like any other.

    Args:
        network: Functional keras.Model from images (B, …, C) to member
            logits (B, E, K).
        log_weights: E log mixture weights.
        likelihood: `likelihoods.Likelihood`; None for one of K classes.
        mean: Mean of the images' channels, see `layers.StandardizeImages`.
        std: Standard deviation of the images' channels.
        folded: Whether a multi-input network was folded for one image.
        input_scale: "0..1", "0..255" or None, likewise for
            `layers.StandardizeImages`.
        stages: What follows the prediction, see `prediction`.

    Call arguments:
        images: (B, …, C), uint8 (0 to 255) or float (on the scale of mean
            and std, which is [0, 1] for images), unless `input_scale` says
            otherwise. An eager call refuses values far outside this scale; in
            a tf.function and in an export they are taken as they are.

    Output shape:
        A dictionary, see `layers.MixturePrediction`. Rows whose image has NaN
        or infinity are NaN.

    Example:

    ```python
    outputs = predictor(images[:5])
    outputs["probabilities"]                                 # (5, K)
    outputs["entropy"]                                       # (5,)
    ```
    """

    def __init__(
        self,
        network,
        log_weights,
        likelihood=None,
        mean=0.0,
        std=1.0,
        folded=False,
        input_scale="0..1",
        stages=(),
        **kwargs,
    ):
        # Layers that need float32 cast their inputs themselves.
        super().__init__(autocast=False, **kwargs)
        give_kernels(network)
        self.network = network
        self.standardize = StandardizeImages(
            mean, std, input_scale, name="standardize"
        )
        remember(self.standardize, network, self.image_shape)
        self.standardize.check_channels(self.image_shape[-1])
        if input_scale is None:
            keep_exact(network)
        self.likelihood = likelihood or likelihoods.of_outputs(
            network.output_shape[-1]
        )
        self.prediction = MixturePrediction(
            log_weights, self.likelihood.mixture, name="prediction"
        )
        check_members(self.log_weights, network.output_shape)
        self.folded = folded
        self.stages = [*stages]
        # In a function, so that Keras does not store the layers twice.
        self._tapped = None
        if any(stage.reads_features for stage in self.stages):
            model, _ = head_inputs.tapped(network)
            self._tapped = lambda x, training: model(x, training=training)
        self.built = True

    @property
    def image_shape(self):
        """Shape of one image."""
        return tuple(self.network.input_shape[1:])

    @property
    def log_weights(self):
        """The E log mixture weights."""
        return self.prediction.log_weights

    def member_logits(self, images):
        """Returns the members' logits (B, E, K) in float32.

        Args:
            images: (B, …, C), as `fit` takes them.
        """
        return empty_replicas.safely(self._logits, images)

    def _logits(self, images):
        x = self.standardize(images)
        return ops.cast(self.network(x, training=False), "float32")

    def features(self, images, model):
        """Returns the logits (B, E, K), and what the heads read, (B, G, F).

        Args:
            images: (B, …, C).
            model: Callable from standardized images, and `training`, to both,
                see `methods.head_inputs`.
        """

        def both(images):
            # Keras's augmentation layers act unless told not to.
            found = model(self.standardize(images), training=False)
            return [ops.cast(value, "float32") for value in found]

        logits, features = empty_replicas.safely(both, images)
        return logits, of_finite_rows(features, images)

    def call(self, images):
        return self.logits_and_answers(images)[1]

    def logits_and_answers(self, images):
        """Returns `member_logits` and the dictionary of outputs.

        Args:
            images: (B, …, C).
        """
        if self._tapped is None:
            logits, features = self.member_logits(images), None
        else:
            logits, features = self.features(images, self._tapped)
        outputs = of_finite_rows(self.prediction(logits), images)
        if not self.stages:
            return logits, outputs
        finite = of_finite_rows(logits, images)
        for stage in self.stages:
            seen = (finite, features) if stage.reads_features else (finite,)
            # Each sees NaN, whatever the runtime makes of it in between.
            outputs = of_finite_rows(stage(outputs, *seen), images)
        return logits, outputs

    def _with(self, stages):
        """Returns a predictor of the same network with other stages."""
        found = type(self)(
            self.network,
            self.log_weights,
            self.likelihood,
            self.standardize.mean,
            self.standardize.std,
            self.folded,
            self.standardize.input_scale,
            stages,
            dtype=self.dtype_policy,
        )
        found.seen = self.seen
        return found

    def get_config(self):
        check_format()
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "network": keras.saving.serialize_keras_object(self.network),
            "log_weights": self.log_weights,
            "likelihood": keras.saving.serialize_keras_object(self.likelihood),
            "mean": self.standardize.mean,
            "std": self.standardize.std,
            "input_scale": self.standardize.input_scale,
            "folded": self.folded,
            "stages": [
                keras.saving.serialize_keras_object(stage)
                for stage in self.stages
            ],
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        policy = config["dtype"] = saved_policy(config)
        with policy_of(policy):
            network = keras.saving.deserialize_keras_object(
                config.pop("network"), custom_objects=custom_objects
            )
            likelihood = likelihoods.from_saved(config, network)
            # Files of earlier versions state no scale.
            config.setdefault("input_scale", UNSTATED)
            stages = [
                keras.saving.deserialize_keras_object(stage)
                for stage in config.pop("stages", ())
            ]
            return cls(network, likelihood=likelihood, stages=stages, **config)
