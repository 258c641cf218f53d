"""A run that several test files compare theirs with."""

import pytest

from tests.training import short_runs


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """An uninterrupted run: its folder, model and rows."""
    folder = tmp_path_factory.mktemp("whole")
    model = short_runs.create()
    return folder, model, short_runs.train(model, folder)
