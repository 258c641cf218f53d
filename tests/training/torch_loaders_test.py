"""Batches of PyTorch's loaders are checked as they are read."""

import pytest

from mimo_keras.errors import InputError
from tests.training import networks


class Loader:
    """What our check sees of one, where PyTorch is not installed."""

    __module__ = "torch.utils.data.dataloader"

    def __init__(self, *batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)


def test_each_batch_is_checked_when_it_is_read():
    model = networks.create()
    examples = networks.examples(4)
    images, labels = examples.images, examples.labels
    good, bad = [images / 255, labels], [images / 1.0, labels]
    loader = Loader(good, good, bad)
    checked, shape = model._checked(loader)
    assert shape is None and isinstance(checked, Loader)
    read = iter(checked)
    for _ in range(2):
        assert next(read) is good
    with pytest.raises(InputError, match="values from 0 to 1"):
        next(read)
    assert len(list(loader)) == 3  # The user's own is as it was.


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
