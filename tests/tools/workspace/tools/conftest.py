"""Fixtures of the file tools' tests."""

import pytest

from tests.tools.workspace.backends import BACKENDS
from tests.tools.workspace.tools.calling import Caller


@pytest.fixture(params=["disk", "memory"])
def call(request, quick_path):
    """Calls the tools of an empty workspace."""
    with BACKENDS[request.param](quick_path) as workspace:
        yield Caller(workspace)
