"""Files that are attached to a chat: read when they are attached, and looked at again before each prompt."""

from __future__ import annotations

from collections.abc import Mapping

from agentlab.chat.context.attachments import Attachment, PriorityName
from agentlab.chat.recording import Kept
from agentlab.errors import ToolError, UsageError
from agentlab.sessions import Attached, Detached, Entry, Noticed, Session
from agentlab.tools.workspace import Workspace

__all__ = ["Attaching"]

MOST_BYTES = 1_000_000


class Attaching:
    """Reads attachments and makes their entries. The session keeps each version, so that nothing hangs on the file.

    Args:
        session: Where they are kept.
        workspace: Where they are read from.
    """

    def __init__(self, session: Session, workspace: Workspace | None) -> None:
        self._session = session
        self._workspace = workspace

    def attached(self, path: str, priority: PriorityName | int, text: str | None) -> Kept:
        """What attaching a file leaves.

        Raises:
            UsageError: It is no text, or too large, or there is no workspace to find it in.
            ToolError: There is no such file.
        """
        plain = path.strip("/")
        return _kept(Attachment.of(plain, self._read(plain) if text is None else text, priority))

    def detached(self, path: str, attached: Mapping[str, Attached]) -> Kept:
        """What detaching a file leaves.

        Raises:
            UsageError: It is not attached.
        """
        plain = path.strip("/")
        if plain not in attached:
            raise UsageError(f"`{plain}` is not attached; attached are {', '.join(attached) or 'none'}")
        return Kept((Detached(plain),))

    def changes(self, attached: Mapping[str, Attached]) -> Kept:
        """What became of the attached files since: a new version of those that changed, a notice for those that are gone."""
        entries: list[Entry] = []
        texts: dict[str, str] = {}
        for path, known in attached.items():
            if self._workspace is None or not self._is_there(path):
                continue
            try:
                now = Attachment.of(path, self._read(path), known.priority)
            except (ToolError, UsageError) as error:
                entries.append(Noticed("attachment", f"{error}; the version that was attached is told"))
                continue
            if now.digest != known.digest:
                kept = _kept(now)
                entries += kept.entries
                texts |= kept.texts
        return Kept(tuple(entries), texts)

    def attachments(self, attached: Mapping[str, Attached]) -> tuple[Attachment, ...]:
        """The attached files as they were when they were last read."""
        return tuple(
            Attachment.of(path, text, known.priority)
            for path, known in attached.items()
            if (text := self._session.text_of(known.digest)) is not None
        )

    def _is_there(self, path: str) -> bool:
        assert self._workspace is not None
        try:
            return self._workspace.info(path).kind == "file"
        except ToolError:
            return False

    def _read(self, path: str) -> str:
        if self._workspace is None:
            raise UsageError(f"there is no workspace to find `{path}` in: give its `text`")
        content = self._workspace.read(path, MOST_BYTES)
        if content.is_cut:
            raise UsageError(f"`{path}` has {content.size:,} bytes; an attachment has {MOST_BYTES:,} at most")
        try:
            return content.data.decode("utf-8")
        except UnicodeDecodeError:
            raise UsageError(f"`{path}` is no text in UTF-8, and cannot be attached") from None


def _kept(attachment: Attachment) -> Kept:
    entry = Attached(attachment.path, attachment.priority, attachment.digest, attachment.tokens)
    return Kept((entry,), {attachment.digest: attachment.text})
