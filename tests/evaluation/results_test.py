"""Results by set, and the same under their keys in results.json."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mimo_keras.evaluation.results import Results, SuiteResults

# What a run writes, one key of each kind, and what older runs may have left.
WRITTEN = {
    "test/nll": 0.5,
    "test/nll_member_0": 0.625,
    "test/nll_member_10": 0.75,
    "test/accuracy_member_10": 0.875,
    "test/nll_member_mean": 0.6875,
    "test/aurc": 0.0625,
    "val/nll": 0.4375,
    "corrupted/nll": 1.5,
    "corrupted/mce": 75.0,
    "corrupted/severity_3/nll": 1.25,
    "corrupted/types_17/nll": 1.75,
    "corrupted/zoom_blur_3/nll": 1.125,
    "shifted/nll": 2.0,
    "shifted/nll_std": 0.25,
    "shifted/rotation_1/nll": 2.5,
    "natural/imagenet_v2/top_images/nll": 3.0,
    "natural/imagenet_a/own_classes/nll": 3.5,
    "natural/vid/accuracy_pm_10": 0.375,
    "ood/svhn_cropped/auroc_entropy": 0.9,
    "cost/params": 1000,
    "sharing/heads": 0.125,
    "weights/kept": 1.0,
    "training/epoch": 3,
    "evaluation/averaged_logits": 0,
    "skipped/natural/imagenet_v2": 3,
    "of an older version": None,
}
BY_SET = Results(
    test={"nll": 0.5, "aurc": 0.0625},
    validation={"nll": 0.4375},
    members={0: {"nll": 0.625}, 10: {"nll": 0.75, "accuracy": 0.875}},
    member_means={"nll": 0.6875},
    corrupted=SuiteResults(
        means={"nll": 1.5, "mce": 75.0},
        by_severity={3: {"nll": 1.25}},
        of_types={17: {"nll": 1.75}},
        sets={("zoom_blur", 3): {"nll": 1.125}},
    ),
    shifted=SuiteResults(
        means={"nll": 2.0},
        deviations={"nll": 0.25},
        sets={("rotation", 1): {"nll": 2.5}},
    ),
    natural={
        "imagenet_v2/top_images": {"nll": 3.0},
        "imagenet_a/own_classes": {"nll": 3.5},
        "vid": {"accuracy_pm_10": 0.375},
    },
    ood={"svhn_cropped": {"auroc_entropy": 0.9}},
    cost={"params": 1000},
    evaluation={"averaged_logits": 0},
    sharing={"heads": 0.125},
    weights={"kept": 1.0},
    training={"epoch": 3},
    skipped={"natural/imagenet_v2": 3},
    other={"of an older version": None},
)

WORDS = st.from_regex("[a-z]{1,4}(_[a-z]{1,4})?", fullmatch=True).filter(
    lambda word: word not in ("severity", "types") and not word.endswith("_std")
)
METRICS = st.dictionaries(WORDS, st.floats(0, 9), min_size=1, max_size=3)


def by(keys):
    return st.dictionaries(keys, METRICS, max_size=3)


@st.composite
def suites(draw):
    severities = st.integers(0, 12)
    return SuiteResults(
        means=draw(METRICS),
        deviations=draw(METRICS),
        by_severity=draw(by(severities)),
        of_types=draw(by(severities)),
        sets=draw(by(st.tuples(WORDS, severities))),
    )


@st.composite
def some_results(draw):
    members = draw(st.lists(METRICS, max_size=12))
    return Results(
        test=draw(METRICS),
        members=dict(enumerate(members)),
        corrupted=draw(suites()),
        shifted=draw(suites()),
        natural=draw(by(st.builds("{}/{}".format, WORDS, WORDS) | WORDS)),
        ood=draw(by(WORDS)),
        cost=draw(METRICS),
        member_means=draw(METRICS),
    )


def test_every_kind_of_key_by_hand():
    assert BY_SET.flat() == WRITTEN
    assert Results.from_flat(WRITTEN) == BY_SET
    assert Results.from_flat({}) == Results()


@settings(max_examples=30, deadline=None)
@given(some_results())
def test_what_is_written_is_read_back(results):
    assert Results.from_flat(results.flat()) == results


PARTS = ("test", "corrupted", "ood", "skipped", "_member_", "1", "01", "a")
PARTS += ("/", "/", "_", "severity_", "_std", "mean", "٣", "")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.sampled_from(PARTS), max_size=6).map("".join)))
@example(
    ["test", "test/", "/", "corrupted/_1/a", "test/a_member_" + 5000 * "9"]
)
def test_no_key_of_a_file_is_lost_or_renamed(keys):
    flat = {key: number for number, key in enumerate(keys)}
    assert Results.from_flat(flat).flat() == flat


@pytest.mark.parametrize(
    "key",
    [
        *("corrupted/fog/nll", "corrupted/fog_01/nll", "corrupted/_1/nll"),
        *("test/a/nll", "natural/nll", "test", "unknown/nll"),
    ],
)
def test_what_is_none_of_the_kinds_stays_under_its_key(key):
    assert Results.from_flat({key: 1.0}) == Results(other={key: 1.0})


def test_a_member_without_a_sane_number_is_a_metric():
    for name in ("nll_member_123456789", "nll_member_01", "nll_member_x"):
        results = Results.from_flat({f"test/{name}": 1.0})
        assert results == Results(test={name: 1.0})


@settings(max_examples=30, deadline=None)
@given(some_results(), some_results())
def test_joined_results_have_the_entries_of_both(first, second):
    before = first.flat()
    assert (first | second).flat() == before | second.flat()
    assert first.flat() == before
