"""A run whose output nobody can take ends as any other."""

import os
import sys

import pytest

from tests.runs.ends import assert_same_results


def _to_nobody():
    """Makes standard output a pipe that is closed at the other end."""
    reader, writer = os.pipe()
    os.close(reader)
    os.dup2(writer, 1)


def _in_ascii():
    """Makes standard output take only ASCII."""
    sys.stdout.reconfigure(encoding="ascii", errors="strict")


def _away():
    """Closes standard output, as `>&-` does."""
    os.close(1)
    sys.stdout = None


@pytest.mark.parametrize("before", [_to_nobody, _in_ascii, _away])
def test_the_results_are_written_all_the_same(short, used, cifar, before):
    for name in ("results.json", "report.html"):
        (used / name).unlink()
    done = cifar("--output_dir=run", before=before)
    assert (done.status, done.stderr) == (0, "")
    assert_same_results(used, short)
    assert (used / "report.html").exists()
    if before is _in_ascii:
        # The table has a dash for what was not evaluated.
        assert "Accuracy" in done.stdout and "Report:" in done.stdout
        assert done.stdout.isascii()
