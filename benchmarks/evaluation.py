"""A run's evaluation, against its bare forward passes."""

import dataclasses

import tensorflow as tf

import mimo_keras
from mimo_keras import data
from uncertainty_runs.common.config import DataConfig
from uncertainty_runs.evaluation import predict, suite

BACKBONE = "wide_resnet_28_4"


def contestant(spec):
    """Returns the contestant for `contestants.build`: MIMO on digits.

    "suite" evaluates a trained model on all test sets; "passes" then runs the
    same images through the same compiled network, once each.
    """
    del spec  # There is only one.
    test = data.load("digits", "test")
    model = mimo_keras.create_model(
        "mimo",
        backbone=BACKBONE,
        input_shape=test.image_shape,
        num_classes=test.num_classes,
        ensemble_size=3,
    )
    model.compile()
    strategy = tf.distribute.get_strategy()
    whole = suite.Suite(test, strategy, DataConfig(dataset="digits"))
    seen = _Seen()
    suite.prepared = seen.prepared

    def evaluate():
        seen.batches.clear()
        whole.full(model)

    def passes():
        for images in list(seen.batches):
            seen.logits(images)

    return {"suite": lambda _: evaluate, "passes": lambda _: passes}, {}


class _Seen:
    """Records the batches that go through a network, replacing `prepared`."""

    def __init__(self):
        self.batches, self.logits = [], None

    def prepared(self, *args):
        network = predict.prepared(*args)
        self.logits = network.logits

        def logits(images):
            self.batches.append(images)
            return network.logits(images)

        return dataclasses.replace(network, logits=logits)
