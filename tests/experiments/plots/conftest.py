"""Figures without a screen, closed after each test."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _closed_figures(monkeypatch):
    import matplotlib.pyplot as plt  # noqa: PLC0415 - not before the tests of laziness

    monkeypatch.delenv("AGENTLAB_THEME", raising=False)
    backend = plt.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(backend)
