"""prepare.py: published files and one's own photographs, then a run on them."""

import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver

from mimo_keras import data
from mimo_keras.errors import InputError
from tests.published_data import write_idx_files, write_photographs
from tests.runs import outputs, processes
from uncertainty_runs import prepare

IMAGENET = processes.CIFAR.with_name("imagenet.py")
TINY = (
    *("--method=deterministic", "--train_epochs=1", "--width_multiplier=1"),
    *("--per_core_batch_size=4", "--data_dir=data", "--output_dir=run"),
)


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """A function that runs prepare.py in the test's folder."""
    monkeypatch.chdir(tmp_path)
    before = set(flags.FLAGS)
    prepare.define_flags()

    def run(*line):
        flags.FLAGS.unparse_flags()
        flags.FLAGS(["prepare.py", *line])
        prepare.main()

    with flagsaver.flagsaver():
        yield run
    flags.FLAGS.remove_flag_values(set(flags.FLAGS) - before)


def test_fashion_mnist_from_its_files_to_results(prepared, tmp_path, capsys):
    (tmp_path / "idx").mkdir()
    written = write_idx_files(tmp_path / "idx")
    prepared("--source=idx", "--data_dir=data", "--corrupted")
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "fashion_mnist: 12 train, 4 test images"
    assert said[2] == "gaussian noise ..." and len(said) == 2 + 14 + 1
    done = processes.run(
        [*TINY, "--dataset=fashion_mnist"], tmp_path, processes.few
    )
    assert done.status == 0, done.stderr
    # MNIST and KMNIST are not there.
    for name, line in zip(
        ("mnist", "kmnist"), done.stderr.splitlines(), strict=True
    ):
        assert f"ood/{name} is left out. Expected the prepared TFDS" in line
    results = outputs.results(tmp_path / "run")
    sets = {k.split("/")[1] for k in results if k.startswith("ood/")}
    assert sets == {"digits", "sample_images"}
    assert "corrupted/contrast_5/nll" in results
    assert outputs.flags(tmp_path / "run")["augment"]
    test = data.load("fashion_mnist", "test", data_dir="data")
    np.testing.assert_array_equal(test.images[..., 0], written["test"][0])
    # Wrong flags are one line.
    for line, message in (
        (["--data_dir=data"], "--source. Received: none"),
        (["--corrupted", "--dataset=mnist", "--data_dir=data"], "dataset=mni"),
        (["--corrupted"], "data_dir=None"),
    ):
        with pytest.raises(InputError, match=message):
            prepared(*line)


@pytest.mark.large
def test_photographs_from_class_folders_to_results(prepared, tmp_path, capsys):
    names = [f"{c}/{i}.jpg" for c in "abc" for i in range(6)]
    write_photographs(tmp_path / "photos", *names)
    prepared("--dataset=folder", "--source=photos", "--data_dir=data")
    said = capsys.readouterr().out
    assert said.startswith("folder: 14 train, 4 test images\n")
    line = [*TINY, "--dataset=folder", "--image_size=32"]
    done = processes.run(
        [*line, "--backbone=small_cnn_1"], tmp_path, script=IMAGENET
    )
    assert (done.status, done.stderr) == (0, ""), done.stderr
    results = outputs.results(tmp_path / "run")
    assert results["test/accuracy"] * 4 in range(5)
    assert outputs.flags(tmp_path / "run")["batch_size"] == 64
