"""Each set is evaluated once, and never confused with another one."""

import dataclasses
import json
import logging

import numpy as np
import pytest

import mimo_keras
from mimo_keras import data
from mimo_keras.training import make_strategy
from tests import hostile
from tests.runs import known
from uncertainty_runs.evaluation.cache import Evaluated
from uncertainty_runs.evaluation.predict import prepared

RECORD = ["weights", "digits", {"data_dir": None, "size": 32}]
NAME = "corrupted/fog_1"


def evaluated(folder, record=RECORD, seen=None):
    return Evaluated(known.network(seen), 2, folder, record)


def never():
    raise AssertionError("a set that is kept is loaded again")


def measures(found):
    p = known.mixture(found)[np.arange(len(found)), found.labels]
    right = known.mixture(found).argmax(1) == found.labels
    return {"accuracy": right.mean(), "nll": -np.log(p).mean()}


def assert_measures(result, found):
    for name, value in measures(found).items():
        np.testing.assert_allclose(result[name], value, rtol=1e-6)


def test_a_set_is_evaluated_once_and_kept_in_a_file(tmp_path):
    seen, found = [], known.examples(0)
    done = evaluated(tmp_path / "kept", seen=seen)
    first = done.evaluate(NAME, lambda: found).result()
    assert_measures(first, found)
    assert seen == [2, 2, 1]
    assert [p.name for p in (tmp_path / "kept").iterdir()] == [
        "corrupted-fog_1.npz"
    ]
    # By the same object, and in the next process.
    assert done.evaluate(NAME, never).result() == first
    again = evaluated(tmp_path / "kept", seen=seen)
    assert again.evaluate(NAME, never).result() == first
    assert seen == [2, 2, 1]


def test_another_set_is_not_taken_for_it(tmp_path):
    done = evaluated(tmp_path)
    one, two = known.examples(1), known.examples(2)
    done.evaluate("corrupted/fog_1", lambda: one)
    second = done.evaluate("corrupted/fog_2", lambda: two).result()
    assert_measures(second, two)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    "record",
    [
        ["other weights", *RECORD[1:]],
        [*RECORD[:2], {"data_dir": "elsewhere", "size": 32}],
        [*RECORD[:2], {"data_dir": None, "size": 64}],
    ],
)
def test_what_another_record_left_is_evaluated_anew(tmp_path, record):
    before, now = known.examples(3), known.examples(4)
    evaluated(tmp_path).evaluate(NAME, lambda: before)
    other = evaluated(tmp_path, record)
    assert_measures(other.evaluate(NAME, lambda: now).result(), now)
    # And replaced.
    kept = evaluated(tmp_path, record).evaluate(NAME, never)
    assert_measures(kept.result(), now)


def test_another_average_is_evaluated_anew(tmp_path):
    before, now = known.examples(3), known.examples(4)
    evaluated(tmp_path).evaluate(NAME, lambda: before)
    other = Evaluated(known.network(), 2, tmp_path, RECORD, average="logits")
    found = other.evaluate(NAME, lambda: now).result()["nll"]
    logits = np.einsum("e,nek->nk", known.WEIGHTS, now.images[..., 0])
    own = logits[np.arange(len(now)), now.labels]
    wanted = np.mean(np.log(np.exp(logits).sum(-1)) - own)
    assert found == pytest.approx(wanted, rel=1e-5)
    scores = other.scores("ood/b", lambda: now)["max_probability"]
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(scores, 1 - p.max(-1), rtol=1e-5)


def test_the_order_of_a_record_s_keys_is_nothing(tmp_path):
    found = known.examples(5)
    evaluated(tmp_path).evaluate(NAME, lambda: found)
    turned = [*RECORD[:2], dict(reversed(RECORD[2].items()))]
    assert list(turned[2]) != list(RECORD[2])
    assert_measures(
        evaluated(tmp_path, turned).evaluate(NAME, never).result(), found
    )


def test_what_a_set_draws_does_not_depend_on_the_sets_before_it():
    """So an evaluation that goes on after a kill ends with the same numbers."""
    model = mimo_keras.create_model(
        "mc_dropout",
        backbone="mlp_4",
        input_shape=(2, 3, 1),
        num_classes=known.CLASSES,
        dropout_rate=0.5,
        input_scale=None,
        seed=1,
    )

    def nll(*names):
        network = prepared(make_strategy(), [model, model], 2)
        done = Evaluated(network, 2, None, RECORD)
        return {
            name: done.evaluate(name, lambda: known.examples(7)).result()["nll"]
            for name in names
        }

    found = nll("a", "b")
    assert found["a"] != found["b"]  # The same images in another set.
    assert nll("b", "a") == found
    assert nll("b") == {"b": found["b"]}


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def empty(path):
    path.write_bytes(b"")


def write_text(path):
    path.write_text("no archive")


def pickle(path):
    hostile.npz_file(path, path.with_name(hostile.MARK))


@pytest.mark.parametrize("damage", [truncate, empty, write_text, pickle])
def test_a_damaged_file_is_reported_and_made_again(tmp_path, caplog, damage):
    found = known.examples(6)
    evaluated(tmp_path).evaluate(NAME, lambda: found)
    [path] = tmp_path.iterdir()
    damage(path)
    with caplog.at_level(logging.WARNING):
        again = evaluated(tmp_path).evaluate(NAME, lambda: found)
    assert_measures(again.result(), found)
    [said] = [record.getMessage() for record in caplog.records]
    assert said.startswith(f"Evaluated again: {path} (")
    assert not (tmp_path / hostile.MARK).exists()
    assert_measures(evaluated(tmp_path).evaluate(NAME, never).result(), found)


def test_a_file_without_a_record_is_made_again(tmp_path):
    found = known.examples(7)
    evaluated(tmp_path).evaluate(NAME, lambda: found)
    [path] = tmp_path.iterdir()
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    assert json.loads(arrays.pop("record").tobytes()) == RECORD
    arrays["correct"] = arrays["correct"] + 1
    np.savez(path, **arrays)
    again = evaluated(tmp_path).evaluate(NAME, lambda: found)
    assert_measures(again.result(), found)


def test_without_a_folder_nothing_is_kept():
    loads = []
    done = evaluated(None)
    for _ in range(2):
        found = done.evaluate(
            NAME, lambda: loads.append(1) or known.examples(8)
        )
        assert_measures(found.result(), known.examples(8))
    assert len(loads) == 2


def test_a_set_that_was_broken_off_leaves_no_file(tmp_path):
    def broken(images):
        raise InterruptedError("in the first batch")

    network = dataclasses.replace(known.network(), logits=broken)
    done = Evaluated(network, 2, tmp_path, RECORD)
    with pytest.raises(InterruptedError):
        done.evaluate(NAME, lambda: known.examples(9))
    assert not list(tmp_path.iterdir())


def test_scores_are_of_each_image_and_kept(tmp_path):
    found = known.examples(10, num_classes=None)
    first = evaluated(tmp_path).scores("ood/noise", lambda: found)
    p = known.mixture(found)
    np.testing.assert_allclose(first["max_probability"], 1 - p.max(1))
    np.testing.assert_allclose(first["entropy"], -(p * np.log(p)).sum(1))
    again = evaluated(tmp_path).scores("ood/noise", never)
    assert again.keys() == first.keys()
    for name, values in first.items():
        np.testing.assert_array_equal(again[name], values)


GROUPS = ((2,), (0,))


@pytest.mark.parametrize("by_group", [False, True])
def test_classes_of_a_set_s_own_are_scored_in_both_ways(tmp_path, by_group):
    own = known.examples(11, count=9, num_classes=2)
    labels = own.labels if by_group else np.array([2, 0])[own.labels]
    found = data.Natural(
        dataclasses.replace(own, labels=labels, num_classes=3), GROUPS, by_group
    )
    done = evaluated(tmp_path)
    ways = done.grouped("natural/a", found)
    p = known.mixture(own)
    wanted = {
        "own_classes": p[:, [2, 0]].argmax(1) == own.labels,
        "all_classes": p.argmax(1) == np.array([2, 0])[own.labels],
    }
    for way, right in wanted.items():
        result = ways[way].result()
        assert result["accuracy"] == pytest.approx(right.mean())
    rows = np.arange(len(own))
    nll = -np.log(p[:, [2, 0]] / p[:, [2, 0]].sum(1, keepdims=True))
    assert ways["own_classes"].result()["nll"] == pytest.approx(
        nll[rows, own.labels].mean()
    )
    assert wanted["own_classes"].mean() > wanted["all_classes"].mean()
    # Cached: the photographs are not opened again.
    lost = data.Natural(None, GROUPS, by_group)
    again = evaluated(tmp_path)
    found = Evaluated.grouped(again, "natural/a", _Unopened(lost))
    for way in wanted:
        assert found[way].result() == ways[way].result()


class _Unopened:
    """A set whose photographs must not be opened."""

    def __init__(self, found):
        self.groups, self.by_group = found.groups, found.by_group

    @property
    def photographs(self):
        raise AssertionError("a set that is kept is opened again")


def test_the_predicted_group_of_each_image_is_kept(tmp_path):
    found = known.examples(12, count=7)
    groups = ((1,), (0, 2))
    first = evaluated(tmp_path).predicted("natural/video", found, groups)
    p = known.mixture(found)
    wanted = p[:, 1] < np.maximum(p[:, 0], p[:, 2])
    np.testing.assert_array_equal(first, wanted.astype(int))
    assert 0 < wanted.sum() < 7
    seen = []
    again = evaluated(tmp_path, seen=seen)
    np.testing.assert_array_equal(
        again.predicted("natural/video", found, groups), first
    )
    assert not seen


@dataclasses.dataclass(frozen=True, eq=False)
class Skipping(data.Examples):
    """Examples with some that could not be read."""

    skipped: tuple = ()


def test_what_could_not_be_read_is_counted_and_stays_so(tmp_path):
    whole = known.examples(13)
    found = Skipping(**vars(whole), skipped=(3, 5))
    done = evaluated(tmp_path)
    done.evaluate("natural/a", lambda: found)
    done.evaluate("natural/b", lambda: whole)
    assert done.skipped() == {"natural/a": 2, "natural/b": 0}
    again = evaluated(tmp_path)
    assert again.skipped() == {}
    for name in ("natural/a", "natural/b"):
        again.evaluate(name, never)
    assert again.skipped() == {"natural/a": 2, "natural/b": 0}


def test_what_was_read_from_other_files_is_evaluated_anew(tmp_path):
    before, now = known.examples(14), known.examples(15)
    digests = {"natural/a": "one", "natural/b": "two"}

    def evaluated_from_files():
        files = digests.get
        return Evaluated(known.network(), 2, tmp_path, RECORD, files=files)

    for name in digests:
        evaluated_from_files().evaluate(name, lambda: before)
    evaluated_from_files().evaluate("natural/a", never)
    digests["natural/a"] = "replaced"
    found = evaluated_from_files().evaluate("natural/a", lambda: now)
    assert_measures(found.result(), now)
    evaluated_from_files().evaluate("natural/a", never)
    evaluated_from_files().evaluate("natural/b", never)


def test_files_that_change_while_they_are_read_are_read_again(tmp_path):
    digests = ["one"]

    def evaluated_from_files():
        return Evaluated(
            known.network(), 2, tmp_path, RECORD, files=lambda _: digests[0]
        )

    def load():
        digests[0] = "two"
        return known.examples(16)

    evaluated_from_files().evaluate(NAME, load)
    now = known.examples(17)
    found = evaluated_from_files().evaluate(NAME, lambda: now)
    assert_measures(found.result(), now)
