"""Lines about a long epoch, in time and only there."""

import time

from uncertainty_runs.common import progress

SOON = 0.05


def lines(capsys):
    return capsys.readouterr().out.splitlines()


def test_a_line_every_so_often_within_an_epoch(capsys):
    with progress.told(seconds=SOON) as (callback,):
        callback.set_params({"steps": 468})
        time.sleep(3 * SOON)
        assert lines(capsys) == []  # No epoch has begun.
        callback.on_epoch_begin(2)
        callback.on_train_batch_end(116, {"loss": 0.25, "nll": 1.0})
        time.sleep(6 * SOON)
        found = lines(capsys)
        # Even though no step has ended since.
        assert len(found) >= 2
        assert {*found} == {"Epoch 3: step 117/468 after 0 s, loss 0.2500"}
        callback.on_test_batch_end(6)
        time.sleep(4 * SOON)
        assert "Epoch 3: validation 7 after 0 s" in lines(capsys)
        callback.on_epoch_end(2)
        time.sleep(SOON)
        lines(capsys)
        time.sleep(3 * SOON)
        assert lines(capsys) == []
        callback.on_epoch_begin(3)
    time.sleep(3 * SOON)
    assert lines(capsys) == []


def test_a_short_epoch_has_none(capsys):
    assert progress.SECONDS < 30
    with progress.told(seconds=30) as (callback,):
        callback.set_params({"steps": 2})
        for epoch in range(3):
            callback.on_epoch_begin(epoch)
            callback.on_train_batch_end(1)
            callback.on_epoch_end(epoch)
    with progress.told(False) as none:
        assert none == []
    assert lines(capsys) == []


def test_the_time_is_that_since_the_epoch_began(monkeypatch):
    clock = iter([0, 100, 129, 130, 160])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    callback = progress.Progress()
    callback.set_params({"steps": 9})
    callback.on_epoch_begin(0)
    assert callback.line(30) is None
    assert callback.line(30) == "Epoch 1: step 0/9 after 30 s"
    assert callback.line(30) == "Epoch 1: step 0/9 after 60 s"
