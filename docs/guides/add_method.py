"""
Adding a method
===============

A method is a function from a task to a network. Registered by a name, it
trains, predicts, is measured, saved and exported like all others.
"""

# %%
# A layer
# -------
#
# The example: members that share the network, and of whose last features each
# sees a random part of its own, as in the random subspace method (Ho, 1998). A
# layer of Keras chooses the parts. What it draws follows from its seed, so that
# a file of it needs no more than its arguments.

import tempfile

import keras
import numpy as np
from keras import ops

import mimo_keras
from mimo_keras import analysis, backbones, data, layers, methods

keras.utils.set_random_seed(0)
train, test = data.load("digits", "train"), data.load("digits", "test")


@keras.saving.register_keras_serializable("guide")
class FeatureSubsets(keras.layers.Layer):
    """Shows each member a part of the features: (N, F) to (N, M, F)."""

    def __init__(self, ensemble_size, share=0.5, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.ensemble_size, self.share, self.seed = ensemble_size, share, seed

    def build(self, input_shape):
        draw = np.random.default_rng(self.seed)
        shape = (self.ensemble_size, input_shape[-1])
        self.seen = (draw.random(shape) < self.share) / self.share

    def call(self, features):
        return features[:, np.newaxis] * ops.cast(self.seen, features.dtype)

    def get_config(self):
        own = {"ensemble_size": self.ensemble_size}
        own |= {"share": self.share, "seed": self.seed}
        return super().get_config() | own


# %%
# The method
# ----------
#
# A :class:`mimo_keras.methods.Task` says what is to be learnt: the backbone,
# the shape of an image, the number of outputs K and of members M. The
# :class:`mimo_keras.methods.Blueprint` that is returned has a network to
# outputs (N, M, K). Keyword arguments become options of
# :func:`mimo_keras.create_model`.


@methods.register("feature_subsets")
def feature_subsets(task, *, share=0.5):
    """M heads, each of which reads a random part of the features.

    Args:
        task: The `Task`.
        share: The expected fraction of features that a head reads.

    Reference:
        Ho, The random subspace method, TPAMI 1998.
    """
    inputs = keras.Input(task.input_shape, name="images")
    features, _ = task.backbone.features(inputs, backbones.Kit())
    seen = FeatureSubsets(task.ensemble_size, share, name="subsets")(features)
    heads = layers.DenseMultihead(
        task.outputs, task.ensemble_size, name="heads"
    )
    return methods.Blueprint(keras.Model(inputs, heads(seen)))


def new_model(method, **options):
    """Returns a compiled model of three members."""
    model = mimo_keras.create_model(
        method,
        backbone="small_cnn_2",
        input_shape=(8, 8, 1),
        num_classes=10,
        ensemble_size=3,
        seed=0,
        **options,
    )
    model.compile(keras.optimizers.Adam(3e-3))
    return model


# %%
# Members that see images of their own, samples, a divergence in the loss and
# unequal weights of members are further fields of the blueprint.
#
# A limit
# -------
#
# The best test of a method is one in which it must equal another. With a share
# of 1 each head reads all features, which is ``naive_multihead``:

own = new_model("feature_subsets", share=1.0)
naive = new_model("naive_multihead")
own.network.set_weights(naive.network.get_weights())
ours, theirs = (x.predict(test.images, verbose=0) for x in (own, naive))
print(f"largest difference: {np.abs(ours - theirs).max():.0e}")
assert np.allclose(ours, theirs, atol=1e-4)

# %%
# Is it any good?
# ---------------

models = {"share 1": naive, "share 1/2": new_model("feature_subsets")}
models["share 1/8"] = new_model("feature_subsets", share=0.125)
rows = []
for name, model in models.items():
    model.fit(train.images, train.labels, epochs=12, verbose=0)
    found = mimo_keras.evaluate(model, test.images, test.labels)
    names = ("nll", "nll_member_mean", "accuracy", "disagreement")
    rows.append([name, *(f"{found[x]:.4f}" for x in names)])
columns = ["", "NLL", "NLL of a member", "Accuracy", "Disagreement"]
print(analysis.markdown_table(rows, columns))

# %%
# Which head uses which features? Those that it does not read are 0:

uses = {}
for name, model in models.items():
    norms = analysis.feature_norms(model.network)["heads"]
    parts = [x for x in model.network.layers if isinstance(x, FeatureSubsets)]
    uses[name] = norms * (parts[0].seen > 0) if parts else norms
analysis.feature_use(uses, "L1 norm")

# %%
# Save and serve
# --------------
#
# Nothing more is needed. An export has no need of our code, either.

folder = tempfile.mkdtemp()
model.save(f"{folder}/model.keras")
again = keras.saving.load_model(f"{folder}/model.keras")
ours, theirs = (x.predict(test.images, verbose=0) for x in (again, model))
print(f"equal: {np.array_equal(ours, theirs)}")
mimo_keras.export_saved_model(model, f"{folder}/saved_model")

# %%
# A layer can say more about itself, by functions that it may have
# (``mimo_keras/layers/protocols.py``): how it becomes a layer for one image
# where members see several, what one of its members is as a plain layer, its
# divergence from a prior, its multiply-adds.

# %%
# What was seen
# -------------
#
# A layer and a function became a method that is measured, saved and exported
# like those of the library. Heads that read half of the features differ more
# than heads that read all, and are about as good; an eighth of 64 features is
# too little for a head.
#
# To become part of the library, a method needs some tests, a flag and a recipe:
# :doc:`/contributing` has the list.
