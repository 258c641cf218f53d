"""The model class through which every method trains and predicts."""

import dataclasses

import keras
from keras import ops

from mimo_keras import keras_internals, methods
from mimo_keras.layers import RepeatMembers, StandardizeImages, arguments
from mimo_keras.layers.mixture_prediction import check_members
from mimo_keras.layers.protocols import HasDivergence, HasMixtureWeights
from mimo_keras.layers.registration import serializable
from mimo_keras.layers.standardize_images import UNSTATED
from mimo_keras.training import (
    batches,
    empty_replicas,
    likelihoods,
    losses,
    train_examples,
)
from mimo_keras.training.annealing import LinearAnnealing
from mimo_keras.training.checked_fit import CheckedFit
from mimo_keras.training.compiling import Compiling
from mimo_keras.training.distribute.distribution import replica_count
from mimo_keras.training.distribute.seeds import ReplicaSeed
from mimo_keras.training.distribute.worker_fit import WorkerFit
from mimo_keras.training.exact_inputs import keep_exact
from mimo_keras.training.finite_rows import of_finite_rows
from mimo_keras.training.kernels import give_kernels
from mimo_keras.training.mixture_score import MixtureScore
from mimo_keras.training.policies import policy_of, saved_policy
from mimo_keras.training.predictor import Predictor
from mimo_keras.training.preprocessing_checks import remember
from mimo_keras.training.quantizing import Quantizing
from mimo_keras.training.saved_state import SavedState, freeze_parts
from mimo_keras.training.writing import Writing, check_format


@serializable
class EnsembleModel(
    Compiling,
    CheckedFit,
    SavedState,
    WorkerFit,
    Quantizing,
    Writing,
    keras.Model,
):
    """An efficient ensemble that trains with Keras's own `fit`.

    The inputs are plain images and labels. The rows of a training step, which
    may hold a different image for each member, are formed inside the model, on
    the device and separately for each replica. Create one with
    `mimo_keras.create_model`.

    Args:
        network: Functional keras.Model from the members' inputs, (N, …) or
            (N, M, …), to their outputs (N, E, K); or to these and the weights
            (N, E) of their losses, which are used only in training.
        sampling: `methods.Sampling`, how training rows are formed.
        log_weights: E log mixture weights.
        likelihood: `likelihoods.Likelihood`, what the outputs mean.
        mean: Mean of the images' channels, see `layers.StandardizeImages`.
        std: Standard deviation of the images' channels.
        seed: Integer seed for the training rows; None for a random one.
        samples: S, how often a stochastic network sees each image in
            prediction.
        kl_term: `methods.KLTerm`, how the loss weights the `kl_divergence()`
            of the network's layers, such as Rank-1 layers; None for the plain
            sum.
        input_scale: "0..1", "0..255" or None, see `layers.StandardizeImages`.
        member_reduction: "sum" or "mean": how the losses of a row's members
            become one.

    Call arguments:
        images: (B, …), uint8 or float, see `layers.StandardizeImages`. An eager
            call refuses values far outside the model's scale. In training also
            (B, R·M, …), if members see images of their own: a copy for each
            time that a step sees an image, such as differently augmented ones.
        training: Whether rows are formed as in training.

    Output shape:
        Member logits (B, E, K) in float32, the members of each sample one
        after another. In training, with one sample, a dictionary of
        "logits" (N, E, K) and "rows" (N, E), the index of the image that
        each member saw, and "loss_weights" (N, E) if the network returns
        them.

    Example:

    ```python
    model(images[:5])                                        # (5, M, K)
    model.predictor()(images[:5])["probabilities"]           # (5, K)
    ```
    """

    def __init__(
        self,
        network,
        sampling,
        log_weights,
        likelihood,
        mean=0.0,
        std=1.0,
        seed=None,
        samples=1,
        kl_term=None,
        input_scale="0..1",
        member_reduction="sum",
        **kwargs,
    ):
        # Layers that need float32 cast their inputs themselves.
        super().__init__(autocast=False, **kwargs)
        give_kernels(network)
        self.training_network = network
        # The same layers, without the outputs that only training uses.
        self.network = (
            network
            if isinstance(network.output, keras.KerasTensor)
            else keras.Model(
                network.input, network.outputs[0], name=network.name
            )
        )
        self.sampling = sampling
        self._log_weights = _checked_weights(log_weights, self.network, samples)
        # A layer that learns the mixture weights, such as DepthPosterior.
        learned = [
            x for x in network.layers if isinstance(x, HasMixtureWeights)
        ]
        self._posterior = learned[0] if learned else None
        self.likelihood = likelihood
        self.standardize = StandardizeImages(
            mean, std, input_scale, name="standardize"
        )
        self.repeat_members = RepeatMembers(
            max(sampling.members, 1), name="repeat_members"
        )
        remember(self.standardize, self.network, self.image_shape)
        self.standardize.check_channels(self.image_shape[-1])
        if input_scale is None:
            for x in (network, self.network, self.repeat_members):
                keep_exact(x)
        self.seed = seed
        self.samples = samples
        self.row_seed = ReplicaSeed(arguments.seed(seed))
        self.kl_term = kl_term or methods.KLTerm()
        self.member_reduction = losses.checked_reduction(member_reduction)
        self.annealing = LinearAnnealing(
            self.kl_term.weight,
            self.kl_term.annealing_examples,
            self.kl_term.annealing_epochs,
            name="annealing",
        )
        # Weights files know it by this attribute, whatever the likelihood.
        self.nll = MixtureScore(self._log_weights, name=likelihood.score)
        self.built = True

    @property
    def layers(self):
        """The layers, of which `network` and the training network are one."""
        found = super().layers
        if self.network is self.training_network:
            return found
        return [x for x in found if x is not self.training_network]

    @property
    def task(self):
        """The task: "classification" or "regression"."""
        return self.likelihood.task

    @property
    def num_classes(self):
        """K; None in regression."""
        return self.likelihood.num_classes

    @property
    def log_weights(self):
        """The current log mixture weights."""
        if self._posterior is None:
            return self._log_weights
        weights = ops.convert_to_numpy(self._posterior.log_mixture_weights())
        return tuple(map(float, weights))

    @property
    def image_shape(self):
        """Shape of one image."""
        first = 2 if self.sampling.members else 1
        return tuple(self.network.input_shape[first:])

    @property
    def copies(self):
        """R·M, how often a step sees an image; 0 if all members share it."""
        return self.sampling.members * self.sampling.batch_repetitions

    @property
    def output_dim(self):
        """K, or d in regression: the numbers that a member predicts."""
        return self.likelihood.specs()[1].shape[-1]

    def call(self, images, training=False):
        if training:
            self.annealing.count(ops.shape(images)[0])
        return empty_replicas.safely(
            lambda some: self._outputs(some, training),
            images,
            self.sampling.batch_repetitions if training else 1,
        )

    def _outputs(self, images, training):
        x = self.standardize(images)
        if not training:
            if self.sampling.members:
                x = self.repeat_members(x)
            logits = methods.sampled(self.network, x, self.samples)
            return of_finite_rows(ops.cast(logits, "float32"), images)
        components = self.network.output_shape[1]
        copies = len(x.shape) > 1 + len(self.image_shape)
        x, rows = batches.rows(
            x, components, self.sampling, self.row_seed, copies
        )
        outputs = self.training_network(x, training=True)
        names = ("logits", "loss_weights")
        named = zip(names, keras.tree.flatten(outputs), strict=False)
        cast = {name: ops.cast(value, "float32") for name, value in named}
        return cast | {"rows": rows}

    def compute_output_spec(self, images, training=False):
        _, components, outputs = self.network.output_shape
        shape = (images.shape[0], self.samples * components, outputs)
        return keras.KerasTensor(shape, "float32")

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        if training:
            train_examples.require(self)
        targets, outputs, weights = batches.by_member(
            self.likelihood.targets(y), y_pred, sample_weight
        )
        member_losses = self._member_loss(targets, outputs)
        if weights is not None:
            member_losses *= ops.cast(weights, member_losses.dtype)
        if isinstance(y_pred, dict) and "loss_weights" in y_pred:
            member_losses *= y_pred["loss_weights"]
        elif self._posterior is not None:
            log_weights = self._posterior.log_mixture_weights()
            self.nll.log_weights.assign(log_weights)
            member_losses *= self.sampling.members * ops.exp(log_weights)
        # Training has one sample; in evaluation the loss is averaged over S.
        parts = outputs.shape[1]
        if self.member_reduction == "sum":
            parts //= self.network.output_shape[1]
        loss = losses.mean_over_rows(member_losses, parts)
        # Not kept in a list: Keras would store its weights a second time.
        loss = self._penalties.added_to(loss, self.network)
        for layer in keras_internals.layers_within(self):
            if isinstance(layer, HasDivergence):
                factor = self.annealing.factor(training)
                loss = loss + factor * layer.kl_divergence()
        loss = loss + sum(ops.sum(ops.cast(x, "float32")) for x in self.losses)
        # Keras scales the losses that it computes itself, but not this one.
        return loss / replica_count()

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        targets, outputs, weights = batches.by_member(
            self.likelihood.targets(y), y_pred, sample_weight
        )
        mixture = self.likelihood.mixture
        if isinstance(y_pred, dict):
            own = self.likelihood.member_score(targets, outputs)
            self.nll.update_state(own, weights)
            targets, outputs, weights = batches.flat(targets, outputs, weights)
            predicted = mixture.activated(outputs)
        else:
            targets = targets[:, 0]
            weights = None if weights is None else weights[:, 0]
            log_weights = self.nll.log_weights
            predicted = mixture.mixed(outputs, ops.exp(log_weights))
            score = self.likelihood.mixture_score(targets, outputs, log_weights)
            self.nll.update_state(score, weights)
        return super().compute_metrics(x, targets, predicted, weights)

    def predictor(self, fold=True, apart=None):
        """Returns the network for inference, with a copy of the weights.

        Args:
            fold: Whether to fold a multi-input network for one image.
                `predictor.folded` says whether this was possible; if not, each
                image is repeated M times.
            apart: Whether members become plain networks side by side, which is
                faster, at the memory of M; for mixture_ensemble and
                batch_ensemble. None for whether batch_ensemble's take at most
                256 MiB.

        Returns:
            `Predictor`: images (B, …) -> a dictionary of predictions.
        """
        fold = arguments.flag("fold", fold)
        apart = None if apart is None else arguments.flag("apart", apart)
        with policy_of(self):
            network, folded = methods.single_image(
                self.network,
                bool(self.sampling.members),
                fold,
                self.samples,
                apart,
            )
            predictor = Predictor(
                network,
                log_weights=self.log_weights,
                likelihood=self.likelihood,
                mean=self.standardize.mean,
                std=self.standardize.std,
                input_scale=self.standardize.input_scale,
                folded=folded,
            )
        predictor.seen = self.seen
        return predictor

    def export(self, filepath, *args, **kwargs):
        """Exports the predictor as in Keras: see `Predictor.export`."""
        return self.predictor().export(filepath, *args, **kwargs)

    def member(self, index):
        """Returns one member as a plain model, with a copy of its weights.

        Args:
            index: The member, from 0.

        Returns:
            `EnsembleModel` with one member, like that of method deterministic.

        Raises:
            InputError: There is no such member, or members of this method
                cannot be separated; see `methods.one_member`.
        """
        with policy_of(self):
            return type(self)(
                methods.one_member(self.network, index),
                methods.Sampling(),
                (0.0,),
                self.likelihood,
                mean=self.standardize.mean,
                std=self.standardize.std,
                input_scale=self.standardize.input_scale,
                name="deterministic",
            )

    def get_config(self):
        check_format()
        frozen = methods.frozen_variables(self.training_network)
        return ({"frozen": frozen} if frozen else {}) | {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "network": keras.saving.serialize_keras_object(
                self.training_network
            ),
            "sampling": dataclasses.asdict(self.sampling),
            "log_weights": self._log_weights,
            "likelihood": keras.saving.serialize_keras_object(self.likelihood),
            "mean": self.standardize.mean,
            "std": self.standardize.std,
            "input_scale": self.standardize.input_scale,
            "seed": self.seed,
            "samples": self.samples,
            "kl_term": dataclasses.asdict(self.kl_term),
            "member_reduction": self.member_reduction,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        policy = config["dtype"] = saved_policy(config)
        with policy_of(policy):
            return cls._from_config(config, custom_objects)

    @classmethod
    def _from_config(cls, config, custom_objects):
        network = keras.saving.deserialize_keras_object(
            config.pop("network"), custom_objects=custom_objects
        )
        freeze_parts(network)
        methods.freeze_variables(network, config.pop("frozen", ()))
        sampling = methods.Sampling(**config.pop("sampling"))
        kl_term = methods.KLTerm(**config.pop("kl_term"))
        config["likelihood"] = likelihoods.from_saved(config, network)
        # Files of earlier versions state no scale.
        config.setdefault("input_scale", UNSTATED)
        return cls(network, sampling, kl_term=kl_term, **config)


def _checked_weights(log_weights, network, samples):
    """Returns the log weights of S samples of a network's E components."""
    log_weights = arguments.log_weights(log_weights)
    _, components, *rest = network.output_shape
    check_members(log_weights, (None, samples * components, *rest))
    return log_weights
