"""The public face of the room."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agentlab import retrieval


def test_every_public_name_is_there_without_any_store_s_client() -> None:
    assert sorted(retrieval.__all__) == sorted(retrieval._HOMES) == dir(retrieval)
    for name in retrieval.__all__:
        assert getattr(retrieval, name) is not None


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        retrieval.nothing  # noqa: B018 - reading it is the test


def test_a_plain_import_loads_nothing_heavy() -> None:
    code = "import sys, agentlab.retrieval; assert not {'numpy', 'bm25s', 'nh3'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
