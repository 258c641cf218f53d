"""Small data sets on disk, in the format that TFDS prepares."""

import numpy as np


def write(data_dir, name, splits, features=None, form=None):
    """Writes given images and labels as TFDS itself would.

    Args:
        data_dir: The folder for prepared data.
        name: TFDS's name, such as "cifar10_corrupted/fog_3".
        splits: Name of a split -> images (n, H, W, C) uint8 and labels
            (n,) int64.
        features: TFDS's features; None for the data set's own.
        form: Format of the record files; None for TFRecord.

    Returns:
        The folder of the records.
    """
    import tensorflow as tf
    import tensorflow_datasets as tfds

    builder = tfds.builder(name, data_dir=data_dir)
    datasets = {}
    for split, (images, labels) in splits.items():
        columns = {
            "id": [f"{split}_{i:05d}" for i in range(len(labels))],
            "file_name": [f"{split}_{i:05d}.JPEG" for i in range(len(labels))],
            "image": images,
            "label": labels,
            "coarse_label": np.zeros(len(labels), np.int64),
        }
        datasets[split] = tf.data.Dataset.from_tensor_slices(
            {key: columns[key] for key in builder.info.features}
        )
    tfds.dataset_builders.store_as_tfds_dataset(
        name=builder.name,
        version=str(builder.version),
        config=builder.builder_config and builder.builder_config.name,
        data_dir=data_dir,
        features=features or builder.info.features,
        split_datasets=datasets,
        file_format=form,
        disable_shuffling=True,
    )
    return builder.data_path
