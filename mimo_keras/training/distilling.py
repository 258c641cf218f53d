"""An ensemble teaches one network, by Keras's own Distiller."""

import math
import numbers

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.training.given_predictor import predictor_of
from mimo_keras.training.likelihoods import Categorical
from mimo_keras.training.model import EnsembleModel

_LEAST = 1e-30
"""Below it, float32 has no logarithm of a probability."""


def distill(teacher, student, *, temperature=1.0, labels=0.5, members=None):
    """Returns a Distiller in which an ensemble teaches one network.

    The loss is labels · CE(y, q) + (1 - labels) · T² · KL(p_T || q_T), where
    p_T and q_T are the teacher's and the student's probabilities to the power
    of 1 / T, normalized. With `members` the KL term is the mean over the
    teacher's members; each has a student's member of its own, if there are as
    many.

    Args:
        teacher: `EnsembleModel` or its `Predictor`, of a classification, also
            calibrated. Its weights are frozen.
        student: keras.Model from the same images to logits (N, K), or an
            `EnsembleModel` whose members all see one image. It is trained in
            place, by the `fit` of the result.
        temperature: T, above 0.
        labels: Weight of the labels' own loss, from 0 to 1.
        members: Whether to learn from the member probabilities (N, M, K)
            instead of their mixture (N, K); None for whether the student has
            several members.

    Returns:
        keras.distillation.Distiller, not compiled. Its `compile` takes an
        optimizer; metrics see the student's logits. It adds no penalties of
        the student, such as weight decay.

    Raises:
        InputError: The teacher has no probabilities, or the numbers of classes
            or of members do not fit.

    Example:

    ```python
    student = mimo_keras.from_network(network, "deterministic")
    distiller = mimo_keras.distill(predictor, student, temperature=2.0)
    distiller.compile(keras.optimizers.Adam(1e-3))
    distiller.fit(images, labels, epochs=10)
    student.predictor()(test_images)["probabilities"]
    ```

    Reference:
        Hinton, Vinyals and Dean, Distilling the knowledge in a neural network,
        2015; of member probabilities, Tran et al., Hydra, 2020.
    """
    predictor = predictor_of(teacher, "Use keras.distillation.Distiller.")
    pupil = _Student(student)
    if members is None:
        members = pupil.members > 1
    _check(predictor, pupil, members)
    _check_numbers(temperature, labels)
    return _Distiller(
        teacher=_Teacher(predictor, members),
        student=pupil,
        distillation_losses=_OfMembers(temperature=temperature),
        student_loss_weight=labels,
    )


def _check_numbers(temperature, labels):
    for name, value, good in (
        ("temperature above 0", temperature, lambda x: 0 < x < math.inf),
        ("labels from 0 to 1", labels, lambda x: 0 <= x <= 1),
    ):
        if not isinstance(value, numbers.Real) or not good(value):
            raise expected(name, f"{value!r}", "Change it.")


class _OfMembers(keras.distillation.LogitsDistillation):
    """T² KL(p_T || q_T), the mean over members.

    Keras's own, given its loss by name, compares the logits themselves.
    """

    def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
        log_p, log_q = (
            ops.log_softmax(ops.cast(logits, "float32") / self.temperature)
            for logits in (
                _for_each_of(student_outputs, teacher_outputs),
                _for_each_of(teacher_outputs, student_outputs),
            )
        )
        divergence = ops.sum(ops.exp(log_p) * (log_p - log_q), axis=-1)
        return self.temperature**2 * ops.mean(divergence)


def _for_each_of(others, outputs):
    """Repeats outputs (N, K) for each member of others, (N, M, K)."""
    if len(outputs.shape) == len(others.shape) or len(others.shape) == 2:
        return outputs
    return ops.repeat(outputs[:, None], others.shape[1], axis=1)


class _Distiller(keras.distillation.Distiller):
    """A Distiller whose student's loss is the members' mean cross-entropy."""

    def compile(self, optimizer="adam", loss=None, **kwargs):
        super().compile(optimizer, loss or _cross_entropy, **kwargs)


def _cross_entropy(labels, logits):
    if len(logits.shape) == 3:
        labels = ops.repeat(ops.reshape(labels, (-1, 1)), logits.shape[1], 1)
    losses = keras.losses.sparse_categorical_crossentropy(
        ops.reshape(labels, ops.shape(logits)[:-1]), logits, from_logits=True
    )
    return ops.mean(losses)


class _Teacher(keras.Model):
    """A predictor's log probabilities: (N, K), or (N, M, K) of members."""

    def __init__(self, predictor, members):
        super().__init__(name="teacher", autocast=False)
        self.predictor = predictor
        self.members = members
        self.built = True

    def call(self, images, training=False):
        name = "member_probabilities" if self.members else "probabilities"
        found = self.predictor(images)[name]
        return ops.log(ops.maximum(ops.cast(found, "float32"), _LEAST))


class _Student(keras.Model):
    """A student's logits: (N, K), or (N, M, K) of several members."""

    def __init__(self, student):
        super().__init__(name="student", autocast=False)
        self.student = student
        ours = isinstance(student, EnsembleModel)
        shape = _shape(student.network if ours else student)
        if ours and student.sampling.members:
            raise expected(
                "a student whose members all see one image",
                f"method {student.name}",
                "Train it on the teacher's probabilities: "
                'student.fit(images, teacher(images)["probabilities"]).',
            )
        self.ours, self.outputs_of = ours, shape[-1]
        self.members = shape[1] if ours else 1
        self.built = True

    def call(self, images, training=False):
        found = self.student(images, training=training)
        if not self.ours:
            return found
        logits = found["logits"] if isinstance(found, dict) else found
        # Of several samples, as in evaluation, the first.
        return logits[:, : self.members] if self.members > 1 else logits[:, 0]


def _shape(student):
    """Returns the shape of a student's outputs."""
    shape = getattr(student, "output_shape", None) if student.built else None
    if not isinstance(shape, tuple) or len(shape) not in (2, 3):
        raise expected(
            "a student whose one output is logits (N, K)",
            f"student={student.name} with output shape {shape}",
            "Build a functional network.",
        )
    return shape


def _check(predictor, student, members):
    if not isinstance(predictor.likelihood, Categorical):
        raise expected(
            "a teacher of a classification",
            f"likelihood={type(predictor.likelihood).__name__}",
            "Train the student on the teacher's mean.",
        )
    classes = predictor.likelihood.num_classes
    if student.outputs_of != classes:
        raise expected(
            f"a student of {classes} classes, like its teacher",
            f"{student.outputs_of} outputs",
            "Change its head.",
        )
    taught = len(predictor.log_weights)
    if student.members > 1 and members and student.members != taught:
        raise expected(
            f"a student of one member, or of {taught} as its teacher has",
            f"{student.members} members",
            "Pass members=False to teach all of them the mixture.",
        )
