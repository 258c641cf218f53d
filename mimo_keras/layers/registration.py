"""The name under which Keras finds our classes in a saved file."""

import keras

serializable = keras.saving.register_keras_serializable(package="mimo_keras")
