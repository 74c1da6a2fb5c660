"""A kernel's page, without a kernel: what was put on display, in order."""

from __future__ import annotations

from types import ModuleType
from typing import Any, NamedTuple

import pytest

from agentlab.notebook import mode

__all__ = ["Output", "PublishedPage"]


class Output(NamedTuple):
    """One message to the page: a bundle by MIME type, the id of its place, and whether it replaces what stood there."""

    bundle: dict[str, Any]
    display_id: str | None
    update: bool


class PublishedPage:
    """Takes what a module publishes, and lets it believe that it runs in a kernel.

    Args:
        monkeypatch: Undoes it at the end of the test.
        publisher: The module that publishes.

    Attributes:
        published: What came, in order.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, publisher: ModuleType) -> None:
        self.published: list[Output] = []
        monkeypatch.setattr(mode, "in_kernel", lambda: True)
        monkeypatch.setattr(publisher, "publish", self._publish)
        monkeypatch.delenv("AGENTLAB_DISPLAY", raising=False)

    def _publish(
        self,
        bundle: dict[str, Any],
        *,
        display_id: str | None = None,
        update: bool = False,
        widget: object = None,
    ) -> None:
        assert widget is None or update is False
        self.published.append(Output(bundle, display_id, update))
