"""MIMO in the style of an Uncertainty-Baselines script: the reference.

Written for this comparison: tf_keras, a Wide ResNet over members stacked as
channels, and a custom training loop with `strategy.run`, which forms the rows
from shuffled indices, penalizes the weights concatenated to one vector and
updates four metrics in every step.
"""

import tensorflow as tf
import tf_keras

from benchmarks import contestants

DECAY, EPSILON = 0.9, 1e-5


def contestant(spec):
    """Returns it, in the form of `contestants.build`; method mimo only."""
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    members = spec["ensemble_size"]
    depth, width = map(int, spec["backbone"].split("_")[-2:])
    with strategy.scope():
        model = wide_resnet(members, depth, width)
        optimizer = tf_keras.optimizers.SGD(
            contestants.LEARNING_RATE, contestants.MOMENTUM, nesterov=True
        )
        metrics = {
            "nll": tf_keras.metrics.Mean(),
            "loss": tf_keras.metrics.Mean(),
            "accuracy": tf_keras.metrics.SparseCategoricalAccuracy(),
            "confidence": tf_keras.metrics.Mean(),
        }
    repetitions = spec.get("options", {}).get("batch_repetitions", 1)

    def inference(rows):
        images = contestants.images_and_labels(rows)[0]

        @tf.function
        def predict(images):
            x = tf.image.convert_image_dtype(images, tf.float32)
            x = tf.tile(x[:, None], (1, members, 1, 1, 1))
            probabilities = tf.nn.softmax(model(x, training=False))
            return tf.reduce_mean(probabilities, axis=1)

        return lambda: predict(tf.constant(images)).numpy()

    def step(rows):
        dataset = tf.data.Dataset.from_tensors(
            contestants.images_and_labels(rows // repetitions)
        )
        dataset = strategy.experimental_distribute_dataset(dataset.repeat())
        one = training_step(model, optimizer, metrics, members, repetitions)
        iterator = iter(dataset)

        @tf.function
        def steps(iterator, count):
            for _ in tf.range(count):
                strategy.run(one, args=(next(iterator),))

        def run():
            steps(iterator, tf.constant(1))
            return {name: float(m.result()) for name, m in metrics.items()}

        return run

    facts = {
        "tf_keras": tf_keras.__version__,
        "parameters": int(model.count_params()),
    }
    return {"inference": inference, "step": step}, facts


def training_step(model, optimizer, metrics, members, repetitions):
    """Returns the function that `strategy.run` calls on a batch."""

    def step(batch):
        images, labels = batch
        images = tf.image.convert_image_dtype(images, tf.float32)
        order = tf.tile(tf.range(tf.shape(labels)[0]), (repetitions,))
        main = tf.random.shuffle(order)
        chosen = [tf.random.shuffle(main) for _ in range(members)]
        images = tf.stack([tf.gather(images, c) for c in chosen], axis=1)
        labels = tf.stack([tf.gather(labels, c) for c in chosen], axis=1)
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels, logits
            )
            nll = tf.reduce_mean(tf.reduce_sum(losses, axis=1))
            weights = [tf.reshape(w, (-1,)) for w in model.trainable_variables]
            penalty = 2 * tf.nn.l2_loss(tf.concat(weights, axis=0))
            loss = nll + contestants.L2 * penalty
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(
            zip(gradients, model.trainable_variables, strict=True)
        )
        probabilities = tf.nn.softmax(logits)
        metrics["nll"].update_state(nll)
        metrics["loss"].update_state(loss)
        metrics["accuracy"].update_state(
            tf.reshape(labels, (-1,)),
            tf.reshape(probabilities, (-1, contestants.CLASSES)),
        )
        metrics["confidence"].update_state(tf.reduce_max(probabilities, -1))

    return step


def wide_resnet(members, depth, width):
    """Returns the network, from (B, M, 32, 32, 3) to logits (B, M, K)."""
    layers = tf_keras.layers
    inputs = layers.Input((members, *contestants.SHAPE))
    x = layers.Permute((2, 3, 4, 1))(inputs)
    x = layers.Reshape((*contestants.SHAPE[:2], -1))(x)
    x = _conv(x, 16, 3)
    for group, filters in enumerate((16, 32, 64)):
        for block in range((depth - 4) // 6):
            stride = 2 if group and not block else 1
            y = _conv(_relu(x), filters * width, 3, stride)
            y = _conv(_relu(y), filters * width, 3)
            if x.shape != y.shape:
                x = _conv(x, filters * width, 1, stride)
            x = layers.Add()([x, y])
    x = layers.GlobalAveragePooling2D()(_relu(x))
    x = layers.Dense(members * contestants.CLASSES)(x)
    x = layers.Reshape((members, contestants.CLASSES))(x)
    return tf_keras.Model(inputs, x)


def _conv(x, filters, size, stride=1):
    return tf_keras.layers.Conv2D(
        filters,
        size,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(x)


def _relu(x):
    x = tf_keras.layers.BatchNormalization(momentum=DECAY, epsilon=EPSILON)(x)
    return tf_keras.layers.Activation("relu")(x)
