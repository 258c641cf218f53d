"""A fault in a later batch of a Python source is told in one line."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from tests.training import networks

EXAMPLES = networks.examples(8)
IMAGES = (EXAMPLES.images / 255).astype("float32")
IMAGES[6, 0, 0, 0] = np.nan


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        rows = slice(2 * index, 2 * index + 2)
        return IMAGES[rows], EXAMPLES.labels[rows]


def generated():
    batches = Batches()
    return (batches[index] for index in range(4))


def loaded():
    torch = pytest.importorskip("torch")
    tensors = map(torch.tensor, (IMAGES, EXAMPLES.labels))
    return torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(*tensors), batch_size=2
    )


@pytest.mark.parametrize("source", [Batches, generated, loaded])
def test_it_is_an_input_error_of_one_line(source):
    model = networks.create()
    model.compile("sgd")
    for act in (model.fit, model.evaluate):
        with pytest.raises(InputError) as caught:
            act(source(), verbose=0)
        assert str(caught.value) == (
            "Expected finite images. Received: NaN or infinity in 1 images, "
            "first at index 0. Remove or fix these."
        )
