"""What a predictor does with its prediction, one stage after another.

A stage is a layer. It is fitted on held-out data in NumPy (float64), and its
constants become part of the predictor's graph, so that it is saved and exported
with it.
"""

import keras


class Stage(keras.layers.Layer):
    """Base of what replaces outputs of a predictor, or adds some.

    Args:
        fitted_on: What the stage was fitted on, as a dictionary of numbers and
            texts: "examples" and "sha256" of them, and what was asked for.

    Call arguments:
        outputs: Dictionary of the outputs so far.
        logits: The members' outputs (B, E, K), float32.
        features: What the heads read, (B, G, F), if `reads_features`.

    Returns:
        Dictionary of the outputs, with those of `outputs` that stay.

    Example:

    ```python
    class Best(mimo_keras.prediction.Stage):
        def call(self, outputs, logits):
            best = keras.ops.argmax(outputs["probabilities"], axis=-1)
            return {**outputs, "best": best}


    Best()({"probabilities": np.array([[0.2, 0.8]])}, None)["best"]  # [1]
    ```
    """

    calibrates = False
    """Whether it changes the probabilities that other stages are fitted to."""

    reads_features = False
    """Whether it is also given what the heads read."""

    def __init__(self, fitted_on=None, **kwargs):
        # As for MixturePrediction: probabilities are never of 16 bits.
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.fitted_on = dict(fitted_on or {})
        self.built = True

    def call(self, outputs, logits):
        raise NotImplementedError

    def get_config(self):
        return {**super().get_config(), "fitted_on": self.fitted_on}
