"""Means over 15, 17 and 19 types, also of files that have only the last."""

import numpy as np
import pytest

from mimo_keras.data import cifar100_c, corruptions
from mimo_keras.evaluation import type_means
from mimo_keras.evaluation.results import Results, SuiteResults

LEFT_OUT = ("motion_blur", "snow")
EXTRA = ("speckle_noise", "gaussian_blur", "spatter", "saturate")


def test_the_types_are_those_of_the_data():
    assert {*corruptions.BENCHMARK} == type_means.BENCHMARK
    assert type_means.OTHERS[19] == {*cifar100_c.TYPES}
    assert type_means.OTHERS[17] == {*cifar100_c.TYPES} - {*LEFT_OUT}
    assert [len(some) for some in type_means.OTHERS.values()] == [17, 19]


def test_a_suite_of_other_types_is_averaged_whole():
    for types in (["contrast", "speckle_noise"], ["fog"], []):
        assert type_means.averaged(types) == types
    assert type_means.averaged(cifar100_c.TYPES) == [*corruptions.BENCHMARK]


def sets():
    """An NLL of 100 · (place of the type) + severity."""
    return {
        (kind, severity): {"nll": 100.0 * place + severity}
        for place, kind in enumerate(cifar100_c.TYPES)
        for severity in (1, 3)
    }


def mean_of(types):
    return np.mean([100 * cifar100_c.TYPES.index(kind) + 2 for kind in types])


def test_each_mean_by_hand():
    found = type_means.summary(sets())
    # Types 0 to 14, and severities 1 and 3.
    assert found["means"] == {"nll": pytest.approx(700 + 2)}
    assert found["by_severity"] == {
        1: {"nll": pytest.approx(701)},
        3: {"nll": pytest.approx(703)},
    }
    assert found["of_types"][19] == {"nll": pytest.approx(902)}
    some = [kind for kind in cifar100_c.TYPES if kind not in LEFT_OUT]
    assert found["of_types"][17] == {"nll": pytest.approx(mean_of(some))}
    few = {k: v for k, v in sets().items() if k[0] in EXTRA}
    assert type_means.summary(few)["of_types"] == {}
    assert type_means.summary(few)["means"]["nll"] == mean_of(EXTRA)


def test_an_old_file_has_todays_means():
    """It has one mean over all 19 types, and each set's results."""
    old = SuiteResults(
        means={"nll": 902.0}, by_severity={1: {"nll": 901.0}}, sets=sets()
    )
    flat = Results(corrupted=old).flat() | {"corrupted/fog_3/note": "a"}
    now = Results.from_flat(flat).flat()
    assert now["corrupted/nll"] == pytest.approx(702)
    assert now["corrupted/severity_1/nll"] == pytest.approx(701)
    assert now["corrupted/types_19/nll"] == pytest.approx(902)
    assert {"corrupted/types_17/nll", "corrupted/fog_3/note"} <= {*now}
    assert Results.from_flat(now).flat() == now
    # Joined with new results, no mean is of the older kind.
    assert (Results.from_flat(flat) | Results.from_flat(now)).flat() == now
