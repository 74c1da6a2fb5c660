"""What the widgets of a document share: one synced snapshot, numbered patches, and messages of the reader's."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import anywidget
import traitlets

from agentlab.notebook.run.token_bar import SEGMENTS

__all__ = ["DocumentView"]


class DocumentView(anywidget.AnyWidget):
    """Shows the patches and snapshots it is given; a view's own file says what its reader can do.

    Its state holds the newest snapshot and nothing else of the document, and goes with it when the view is closed.

    Args:
        snapshot: The document to begin with.
        traits: Values of a view's own synced traits.

    Attributes:
        snapshot: The document a view reads when it mounts or has lost a patch.
        segments: Name, label and colour of each kind of token.
    """

    snapshot = traitlets.Dict().tag(sync=True)
    segments: traitlets.List[list[str]] = traitlets.List().tag(sync=True)

    def __init__(self, snapshot: dict[str, Any], **traits: Any) -> None:
        names = [[segment.name, segment.label, segment.color] for segment in SEGMENTS]
        super().__init__(snapshot=snapshot, segments=names, **traits)
        self._mounted = 0
        self.on_msg(self._take_message)

    @property
    def was_reopened(self) -> bool:
        """Whether a second page has mounted it. A reloaded page cannot replace its output, so it needs the widget on."""
        return self._mounted > 1

    def send_patch(self, patch: dict[str, Any]) -> None:
        """Send one numbered patch."""
        self.send(patch)

    def put_snapshot(self, snapshot: dict[str, Any]) -> None:
        """Set the synced snapshot."""
        self.snapshot = snapshot

    def close(self) -> None:
        """Take it off every page. The snapshot goes first: some tools save the last state of a closed widget."""
        self.snapshot = {}
        layout = self.layout
        super().close()
        if layout is not None:
            layout.close()

    @abstractmethod
    def asked_for_snapshot(self) -> None:
        """A view has mounted or lost a patch, and wants a snapshot; called on any thread."""

    @abstractmethod
    def heard(self, message: dict[str, Any]) -> None:
        """The reader did something; called on any thread."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def _take_message(self, _widget: object, message: object, _buffers: object) -> None:
        if not isinstance(message, dict):
            return
        self._mounted += message.get("type") == "ready"
        if message.get("type") in {"ready", "resync"}:
            self.asked_for_snapshot()
        else:
            self.heard(message)
