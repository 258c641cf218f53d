"""Batches of PyTorch's loaders are checked as they are read."""

import pytest

from mimo_keras.errors import InputError
from tests.training import networks


def test_floats_up_to_255_are_refused():
    torch = pytest.importorskip("torch")
    model = networks.create()
    model.compile("sgd")
    examples = networks.examples(8)
    images = examples.images.astype("float32") / 255
    for factor in (1, 255):
        tensors = [torch.tensor(x) for x in (factor * images, examples.labels)]
        loader = torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(*tensors), batch_size=4
        )
        if factor == 1:
            model.fit(loader, verbose=0)
            continue
        for act in (model.fit, model.evaluate):
            with pytest.raises(InputError, match="values from 0 to 1"):
                act(loader, verbose=0)
