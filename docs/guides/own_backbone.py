"""
Your own backbone
=================

A backbone is any function from a Keras tensor to features: layers of your own,
a network of keras.applications, a functional model, or a Vision Transformer.
"""

# %%
# A function
# ----------
#
# It makes its layers on the tensor that it is given, and returns features, or a
# map, which is then averaged over space. For MIMO that tensor has the channels
# of all members' images. Images arrive as floats from 0 to 1.

import keras

import mimo_keras
from mimo_keras import analysis, backbones, data, evaluation

keras.utils.set_random_seed(0)
train, test = data.load("digits", "train"), data.load("digits", "test")


def convolutions(x):
    """Returns the features of two convolutions."""
    for filters in (32, 64):
        x = keras.layers.Conv2D(filters, 3, padding="same")(x)
        x = keras.layers.MaxPooling2D()(keras.layers.ReLU()(x))
    return keras.layers.Flatten()(x)


def trained(method, backbone, epochs, rate=3e-3):
    """Trains an ensemble of two, and returns how good it is."""
    model = mimo_keras.create_model(
        method,
        backbone=backbone,
        input_shape=(8, 8, 1),
        num_classes=10,
        ensemble_size=2,
        seed=0,
    )
    model.compile(keras.optimizers.Adam(rate))
    model.fit(train.images, train.labels, epochs=epochs, verbose=0)
    predictor = model.predictor()
    found = mimo_keras.evaluate(predictor, test.images, test.labels)
    point = {"params": evaluation.trainable_parameters(model)}
    point |= {f"test/{x}": (found[x], 0.0) for x in ("accuracy", "nll")}
    print(
        f"accuracy {found['accuracy']:.3f}, NLL {found['nll']:.3f}, "
        f"{point['params']:,} parameters, folded: {predictor.folded}"
    )
    return point


points = {"A function, MIMO": [trained("mimo", convolutions, epochs=15)]}

# %%
# ``folded`` says that the predictor reads each image once, at the cost of one
# network.
#
# A network of keras.applications
# -------------------------------
#
# ``input_tensor=x`` makes its layers on the tensor. These networks need images
# of at least 32x32. :doc:`/applications` has a table of all of them, and says
# which take images from 0 to 255 (``input_scale=None``).


def mobile_net(x):
    """Returns the features of a small MobileNet."""
    network = keras.applications.MobileNet(
        alpha=0.25,
        include_top=False,
        weights=None,
        input_tensor=x,
        pooling="avg",
    )
    return network.output


model = mimo_keras.create_model(
    "mimo",
    backbone=mobile_net,
    input_shape=(32, 32, 3),
    num_classes=10,
    ensemble_size=2,
)
predictor = model.predictor()
print(
    f"{evaluation.trainable_parameters(model):,} parameters, "
    f"folded: {predictor.folded}"
)

# %%
# A functional model
# ------------------
#
# It may be trained already. BatchEnsemble keeps its kernels, which all members
# share, and gives each member vectors of its own that scale them.

images = keras.Input((8, 8, 1))
network = keras.Model(images, convolutions(images))
points["A model, BatchEnsemble"] = [
    trained("batch_ensemble", network, epochs=10)
]

# %%
# MIMO needs a first layer that reads two images, which a finished model does
# not have, and some methods reach into a backbone by name. What cannot be done
# is said in one line:

for method in ("mimo", "mixmo", "treenet"):
    try:
        mimo_keras.create_model(
            method,
            backbone=network,
            input_shape=(8, 8, 1),
            num_classes=10,
            ensemble_size=2,
        )
    except mimo_keras.InputError as error:
        print(f"{method}: {error}\n")

# %%
# A finished network, head included, becomes an ensemble of every kind by
# :func:`mimo_keras.from_network`: see
# :doc:`/generated/guides/start_from_network`.
#
# A Vision Transformer
# --------------------
#
# ``"vit_small_16"`` is one by name; :func:`mimo_keras.backbones.vit` takes any
# sizes. Here patches have 2x2 pixels, so that a digit is 16 tokens.

vit = backbones.vit(width=48, blocks=4, heads=3, patch=2)
points["A ViT, MIMO"] = [trained("mimo", vit, epochs=12, rate=1e-3)]

# %%
# Side by side:

analysis.budget_curves(points)

# %%
# What was seen
# -------------
#
# One call took a function, a network of keras.applications, a functional model
# and a Vision Transformer; after these few epochs on small images the
# convolutions are ahead of the ViT. What a method cannot take was refused in
# one line.
