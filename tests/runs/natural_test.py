"""Natural test sets: scored by their own labels, skipped or required."""

import dataclasses
import logging

import numpy as np
import pytest
import tensorflow as tf

from mimo_keras import data, evaluation
from mimo_keras.analysis.run_files import read_results
from mimo_keras.data import photographs
from mimo_keras.errors import AbsentError, InputError, expected
from mimo_keras.evaluation import Results
from mimo_keras.training.distribute import make_strategy
from tests.runs import known
from uncertainty_runs.common.config import DataConfig
from uncertainty_runs.evaluation import natural, suite
from uncertainty_runs.evaluation.cache import Evaluated


@pytest.fixture
def done(tmp_path):
    return Evaluated(known.network(), 4, tmp_path, [])


def found(seed, groups=None, **options):
    return data.Natural(known.examples(seed, 9), groups, **options)


def right(examples):
    return known.mixture(examples).argmax(1) == examples.labels


def test_a_set_with_the_same_classes_has_the_metrics_of_corrupted_ones(done):
    examples = known.examples(0, 9)
    results = natural.results("v2", lambda: found(0), done).flat()
    assert set(results) == {f"natural/v2/{m}" for m in evaluation.METRICS}
    assert results["natural/v2/accuracy"] == right(examples).mean()
    p = known.mixture(examples)
    brier = ((p - np.eye(3)[examples.labels]) ** 2).sum(1).mean()
    assert results["natural/v2/brier"] == pytest.approx(brier, rel=1e-6)
    assert results["natural/v2/brier_per_class"] == pytest.approx(brier / 3)


def test_a_set_with_classes_of_its_own_is_scored_in_both_ways(done):
    groups = ((1,), (2,))
    examples = known.examples(1, 9, num_classes=2)
    part = data.Natural(examples, groups, by_group=True)
    results = natural.results("a", lambda: part, done).flat()
    p = known.mixture(examples)
    own = p[:, 1:].argmax(1) == examples.labels
    every = p.argmax(1) == examples.labels + 1
    assert results["natural/a/own_classes/accuracy"] == own.mean()
    assert results["natural/a/all_classes/accuracy"] == every.mean()
    assert own.mean() > every.mean() > 0
    assert {name.rpartition("/")[0] for name in results} == {
        "natural/a/own_classes",
        "natural/a/all_classes",
    }


def test_frames_of_videos_must_all_be_right_near_an_anchor(done):
    """Classes 0 and 1 or 2; two anchors, whose neighbours are 5 and 12 off."""
    logits = np.zeros((4, 2, 3, 1), np.float32)
    for frame, best in enumerate([0, 2, 0, 1]):
        logits[frame, :, best] = 5.0
    frames = data.Examples("frames", logits, np.zeros(4, np.int64), 2)
    video = data.VideoFrames(
        frames,
        groups=((0,), (1, 2)),
        # Frame 1 is predicted wrong, all others are right.
        right=np.array([[1, 0], [1, 0], [1, 1], [0, 1]], bool),
        anchors=np.array([0, 3]),
        neighbours=(np.array([1]), np.array([1, 2])),
        distances=(np.array([5]), np.array([12, 10])),
    )
    assert natural.DISTANCES == (0, 10)
    results = natural.results("vid", lambda: video, done).flat()
    # The second anchor's wrong neighbour is too far away to count.
    assert results == {
        "natural/vid/accuracy_pm_0": 1.0,
        "natural/vid/accuracy_pm_10": 0.5,
    }
    assert [path.name for path in done.folder.iterdir()] == ["natural-vid.npz"]


def test_frames_that_cannot_be_read_are_left_out_and_counted(done, tmp_path):
    """On disk as in a real set; the network's logits are by brightness."""
    paths = [str(tmp_path / f"{index}.png") for index in range(4)]
    for path, shade in zip(paths, (0, 250, 0, 250), strict=True):
        image = np.full((8, 8, 3), shade, np.uint8)
        tf.io.write_file(path, tf.io.encode_png(image))
    tf.io.write_file(paths[1], "no image")
    frames = photographs.Files(
        name="frames",
        num_classes=2,
        size=4,
        skip=True,
        paths=tuple(paths),
        labels=np.array([0, 1, 0, 1]),
    )
    video = data.VideoFrames(
        frames,
        groups=((0,), (1, 2)),
        # Frame 2 is predicted wrong, frame 1 cannot be predicted.
        right=np.array([[1, 0], [1, 0], [0, 1], [0, 1]], bool),
        anchors=np.array([0, 1, 3]),
        neighbours=(np.array([1]), np.array([0]), np.array([2])),
        distances=(np.array([5]), np.array([5]), np.array([10])),
    )
    bright = np.array([[[0.0, 9.0, 0.0]] * 2])

    def logits(images):
        return bright * (images.reshape(len(images), -1).mean(1) > 99)[
            :, None, None
        ] + np.array([[[1.0, 0.0, 0.0]] * 2])

    done.network = dataclasses.replace(done.network, logits=logits)
    results = natural.results("vid", lambda: video, done).flat()
    assert results == {
        "natural/vid/accuracy_pm_0": 1.0,
        "natural/vid/accuracy_pm_10": 0.5,
    }
    assert done.skipped() == {"natural/vid": 1}
    again = Evaluated(done.network, 4, done.folder, [])
    assert natural.results("vid", lambda: video, again).flat() == results
    assert again.skipped() == {"natural/vid": 1}


def absent():
    raise expected("the set art", "none", "Get it.", AbsentError)


def test_a_set_that_is_not_there_is_the_caller_s_to_tell(done):
    with pytest.raises(AbsentError, match="the set art"):
        natural.results("art", absent, done)
    assert not list(done.folder.iterdir())


@pytest.fixture
def whole(monkeypatch):
    """A suite of a data set with two natural sets, one of them missing."""
    sets = {"v2": lambda: found(2), "art": absent}
    monkeypatch.setattr(data, "natural", lambda *_, **__: sets)
    monkeypatch.setattr(suite, "prepared", lambda *_: known.network())
    config = DataConfig(dataset="digits")
    return suite.Suite(known.examples(3), make_strategy(), config)


def test_what_is_there_is_found_and_the_rest_left_out(whole, caplog):
    with caplog.at_level(logging.WARNING):
        results, _ = whole.full(None, only=["v2", "art"])
    accuracy = right(found(2).photographs).mean()
    assert results.natural.keys() == {"v2"}
    assert results.natural["v2"]["accuracy"] == accuracy
    assert [record.getMessage() for record in caplog.records] == [
        "art is left out. Expected the set art. Received: none. Get it."
    ]


def test_a_required_set_that_is_not_there_is_an_error(whole):
    whole.require = True
    with pytest.raises(InputError, match="the set art"):
        whole.full(None, only=["v2", "art"])


def test_a_part_is_asked_for_by_what_is_before_the_slash(whole, monkeypatch):
    sets = {f"v2/{name}": lambda: found(4) for name in ("a", "b")}
    monkeypatch.setattr(data, "natural", lambda *_, **__: sets)
    results, _ = whole.full(None, only=["v2/b"])
    assert results.natural.keys() == {"v2/b"}
    results, _ = whole.full(None, only=["v2"])
    assert results.natural.keys() == {"v2/a", "v2/b"}


def test_photographs_that_could_not_be_read_are_reported(whole, monkeypatch):
    @dataclasses.dataclass(frozen=True, eq=False)
    class Skipping(data.Examples):
        skipped = (1, 2, 8)

    part = data.Natural(Skipping(**vars(known.examples(5))))
    monkeypatch.setattr(data, "natural", lambda *_, **__: {"v2": lambda: part})
    results, _ = whole.full(None, only=["v2"])
    assert results.skipped == {"natural/v2": 3}


def test_what_is_read_again_is_skipped_no_more(whole, monkeypatch, tmp_path):
    """An evaluation adds its results to those of before."""
    part = data.Natural(known.examples(5))
    monkeypatch.setattr(data, "natural", lambda *_, **__: {"v2": lambda: part})
    results, _ = whole.full(None, only=["v2"])
    before = Results(skipped={"natural/v2": 3, "natural/art": 1})
    suite.save(tmp_path, before | results, {})
    skipped = read_results(tmp_path / "results.json").skipped
    assert skipped == {"natural/art": 1}
