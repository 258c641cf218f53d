"""imagenet.py and evaluate.py from disk to results, on a miniature."""

import functools
import re
import shutil

import numpy as np
import pytest

from mimo_keras import data
from tests import once
from tests.runs import outputs, photographs, processes

IMAGENET = processes.CIFAR.with_name("imagenet.py")
EVALUATE = processes.CIFAR.with_name("evaluate.py")
TINY = (
    *("--train_epochs=2", "--backbone=small_cnn_2", "--image_size=32"),
    *("--per_core_batch_size=32", "--output_dir=out"),
)
ABSENT = ("imagenet_r", "ytbb_robust")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return once.made(tmp_path_factory, "photographs", photographs.write)[0]


@pytest.fixture(scope="module")
def trained(data_dir, tmp_path_factory):
    """A run of MIMO with two members, and its folder."""

    def make(folder):
        flags = [*TINY, f"--data_dir={data_dir}", "--use_bfloat16"]
        done = processes.run(flags, folder, script=IMAGENET)
        assert done.status == 0, done.stderr
        return done

    folder, done = once.made(tmp_path_factory, "imagenet", make)
    return done, folder / "out"


@pytest.fixture
def used(trained, tmp_path):
    """A copy of the run's folder."""
    return shutil.copytree(trained[1], tmp_path / "out")


def test_the_paper_s_recipe_from_records_to_results(trained):
    done, out = trained
    rows = outputs.rows(out)
    # 48 photographs, 32 rows of 16 unique ones, twice each.
    assert len(rows) == 2
    results = outputs.results(out)
    flags = outputs.flags(out)
    assert flags["ensemble_size"] == flags["batch_repetitions"] == 2
    assert flags["input_repetition_probability"] == 0.6
    assert flags["use_bfloat16"]
    with np.load(out / "arrays.npz") as arrays:
        assert arrays["reliability_count"].sum() == photographs.TEST
        assert arrays["corrupted_reliability_count"].sum() == (
            75 * photographs.TEST
        )
    types = data.get("imagenet2012").corruptions.types
    conditions = {f"{t}_{s}" for t in types for s in "12345"}
    assert conditions <= {key.split("/")[1] for key in results}
    # All types have the same images, so that CE differs only by AlexNet.
    assert results["corrupted/mce"] > 0
    for config in ("matched-frequency", "threshold-0.7", "topimages"):
        assert f"natural/imagenet_v2/{config}/nll" in results
    for name in ("imagenet_a", "objectnet"):
        own, every = (
            results[f"natural/{name}/{way}_classes/accuracy"]
            for way in ("own", "all")
        )
        assert 0 <= every <= own <= 1
    for k in (0, 10):
        assert 0 <= results[f"natural/imagenet_vid_robust/accuracy_pm_{k}"] <= 1
    assert "natural/imagenet_sketch/nll" in results
    assert not (out / "evaluated").exists()


def test_sets_that_are_not_there_are_one_line_each(trained):
    done, out = trained
    assert len(done.stderr.splitlines()) == len(ABSENT), done.stderr
    for line, name in zip(done.stderr.splitlines(), ABSENT, strict=True):
        assert f"{name} is left out. Expected " in line
        assert "--data_dir" in line


def test_evaluating_the_run_again_gives_the_same(used, trained, data_dir):
    before = outputs.results(used)
    done = processes.run(
        [
            *("--runs=out", f"--data_dir={data_dir}"),
            "--suite=imagenet_v2,imagenet_a,imagenet_vid_robust",
        ],
        used.parent,
        processes.few,
        EVALUATE,
    )
    assert done.status == 0, done.stderr
    assert done.stderr == ""
    kept = sorted(path.name for path in (used / "evaluated").iterdir())
    assert kept == [
        "natural-imagenet_a.npz",
        "natural-imagenet_v2-matched-frequency.npz",
        "natural-imagenet_v2-threshold-0.7.npz",
        "natural-imagenet_v2-topimages.npz",
        "natural-imagenet_vid_robust.npz",
        "test.npz",
    ]
    after = outputs.results(used)
    assert after.keys() == before.keys()
    for name, value in before.items():
        if name != "cost/ms_per_example":
            assert after[name] == value, name


@pytest.mark.large
def test_a_stopped_evaluation_resumes_set_by_set(used, data_dir):
    (used / "results.json").unlink()
    flags = [
        *("--runs=out", f"--data_dir={data_dir}"),
        "--suite=imagenet_v2,imagenet_sketch,objectnet",
    ]
    stop = functools.partial(
        processes.kill, "uncertainty_runs.evaluation.cache:Evaluated._read", 4
    )
    done = processes.run(flags, used.parent, stop, EVALUATE)
    assert done.status == -9
    kept = {p: p.stat().st_mtime_ns for p in (used / "evaluated").iterdir()}
    assert len(kept) == 3
    done = processes.run(flags, used.parent, processes.few, EVALUATE)
    assert done.status == 0, done.stderr
    for path, time in kept.items():
        assert path.stat().st_mtime_ns == time
    found = outputs.results(used)
    assert "natural/imagenet_v2/topimages/nll" in found
    assert "natural/objectnet/own_classes/nll" in found


def test_a_required_set_is_an_error(used, data_dir):
    done = processes.run(
        [
            *("--runs=out", f"--data_dir={data_dir}"),
            *("--suite=imagenet_a,imagenet_r", "--require"),
        ],
        used.parent,
        script=EVALUATE,
    )
    assert done.status == 2
    assert (
        "evaluate.py: error: Expected the prepared TFDS data set imagenet_r"
        in (done.stderr)
    )
    # Earlier results are not lost.
    assert (used / "evaluated" / "natural-imagenet_a.npz").exists()


def spoilt(data_dir, folder, name, split):
    """Copies a set with its fourth JPEG truncated to a few bytes."""
    import tensorflow as tf

    shutil.copytree(data_dir / name, folder / name)
    path = photographs.split_file(folder, name, split)
    records = [r.numpy() for r in tf.data.TFRecordDataset(str(path))]
    example = tf.train.Example.FromString(records[3])
    image = example.features.feature["image"].bytes_list
    image.value[0] = image.value[0][:100]
    records[3] = example.SerializeToString()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return path


@pytest.mark.large
def test_a_corrupt_training_photograph_stops_or_is_skipped(data_dir, tmp_path):
    here = tmp_path / "data"
    spoilt(data_dir, here, "imagenet2012", "train")
    flags = [*TINY, "--train_epochs=1", f"--data_dir={here}"]
    done = processes.run(flags, tmp_path, script=IMAGENET)
    assert done.status == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("imagenet.py: error: Expected photographs of")
    assert "-train.tfrecord" in last and ", record 3 (" in last
    # The same folder, now with --skip_bad_records.
    flags.append("--skip_bad_records")
    done = processes.run(flags, tmp_path, processes.few, IMAGENET)
    assert done.status == 0, done.stderr
    assert "Skipped:     1 training photographs" in done.stdout
    assert "record 3." in done.stderr
    assert len(outputs.rows(tmp_path / "out")) == 1


@pytest.mark.large
def test_a_truncated_test_set_stops_and_keeps_what_there_is(
    used, data_dir, tmp_path
):
    here = tmp_path / "data"
    for name in ("imagenet2012", "imagenet_sketch", "imagenet_v2"):
        shutil.copytree(data_dir / name, here / name)
    path = photographs.split_file(here, "imagenet_sketch", "test")
    path.write_bytes(path.read_bytes()[:-40])
    flags = [
        *("--runs=out", f"--data_dir={here}"),
        "--suite=imagenet_v2,imagenet_sketch",
    ]
    done = processes.run(flags, used.parent, script=EVALUATE)
    assert done.status == 2
    last = done.stderr.splitlines()[-1]
    assert f"{path.name}, record {photographs.SMALL - 1} (" in last
    assert "truncated" in last
    assert len(list((used / "evaluated").iterdir())) == 4
    flags.append("--skip_bad_records")
    done = processes.run(flags, used.parent, processes.few, EVALUATE)
    assert done.status == 0, done.stderr
    results = outputs.results(used)
    counts = {k: v for k, v in results.items() if k.startswith("skipped/")}
    assert counts == {"skipped/natural/imagenet_sketch": 1}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "Expected --runs or --models"),
        (["--models=a.keras"], "Expected --output_dir"),
        (["--models=a.keras", "--output_dir=b"], "Expected --dataset"),
        (["--runs=nowhere"], "nowhere/flags.json"),
        (
            ["--runs=out", "--suite=imagenet_b"],
            "the suite of imagenet2012: test, corrupted, .*suite=imagenet_b",
        ),
    ],
)
def test_wrong_requests_are_one_line(used, data_dir, flags, words):
    flags = [*flags, f"--data_dir={data_dir}"]
    done = processes.run(flags, used.parent, script=EVALUATE)
    assert done.status == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("evaluate.py: error: ")
    assert re.search(words, line), line
