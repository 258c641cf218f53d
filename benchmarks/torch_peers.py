"""MIMO and BatchEnsemble from torch-uncertainty, on WRN-28-10."""

import importlib.metadata

import torch
from torch_uncertainty.models.classification.wideresnet import batched, mimo
from torch_uncertainty.transforms import batch as formats

from benchmarks import contestants


def contestant(spec):
    """Returns one, in the form of `contestants.build`.

    Convolution biases and dropout, which our networks lack, are off. The
    library strides in a block's second convolution instead of its first, so its
    network has slightly more multiplications.
    """
    makers = {
        "mimo": mimo.mimo_wideresnet28x10,
        "batch_ensemble": batched.batched_wideresnet28x10,
    }
    members = spec["ensemble_size"]
    model = makers[spec["method"]](
        in_channels=contestants.SHAPE[-1],
        num_classes=contestants.CLASSES,
        num_estimators=members,
        conv_bias=False,
        dropout_rate=0.0,
        style="cifar",
    )
    optimizer = torch.optim.SGD(
        model.parameters(),
        contestants.LEARNING_RATE,
        contestants.MOMENTUM,
        weight_decay=2 * contestants.L2,
        nesterov=True,
    )
    if spec["method"] == "mimo":
        repetitions = spec.get("options", {}).get("batch_repetitions", 1)
        form = formats.MIMOBatchFormat(members, batch_repeat=repetitions)
        passes = repetitions
    else:
        form = _every_member(members)
        passes = members
    facts = {
        "torch": torch.__version__,
        "torch_uncertainty": importlib.metadata.version("torch_uncertainty"),
        "parameters": sum(p.numel() for p in model.parameters()),
    }
    return {
        "inference": lambda rows: _inference(model, members, rows),
        "step": lambda rows: _step(model, optimizer, form, rows // passes),
    }, facts


def _every_member(members):
    """Returns a format in which each of M members sees every image."""

    def form(batch):
        images, labels = batch
        return images.repeat(members, 1, 1, 1), labels.repeat(members)

    return form


def _tensors(rows):
    images, labels = contestants.images_and_labels(rows)
    images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    return images, torch.from_numpy(labels)


def _inference(model, members, rows):
    images, _ = _tensors(rows)

    def predict():
        model.eval()
        with torch.inference_mode():
            logits = model(images.float() / 255)
            probabilities = logits.softmax(-1)
            return probabilities.unflatten(0, (members, -1)).mean(0).numpy()

    return predict


def _step(model, optimizer, form, unique):
    images, labels = _tensors(unique)
    loss_of = torch.nn.CrossEntropyLoss()

    def step():
        model.train()
        x, y = form((images.float() / 255, labels))
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step
