"""One thing that changed between two requests and moved the cached prefix."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from agentlab.short_repr import ShortRepr

__all__ = ["Aspect", "Cause", "Part"]

Part = Literal["setting", "tool", "tools", "preamble", "document", "message", "messages"]
Aspect = Literal[
    "changed",
    "description",
    "schema",
    "name",
    "added",
    "removed",
    "order",
    "reordered",
    "extended",
    "role",
]

_SHOWN: Final = 48


class Cause(ShortRepr, Struct, frozen=True):
    """One change that moved the prefix.

    Attributes:
        part: The part of the request it is in: a setting, one tool or the list of tools, the preamble, a static
            document, one message or the list of messages.
        name: Which one: the tool's name, the setting's, the document's id, the message's role; empty for a list.
        aspect: What about it changed. `reordered` is the same members in another order: another byte sequence.
        path: Where it stands in the later request's body (the earlier one's where it was removed).
        block: Index in the earlier request's blocks at which reading the cache ends.
        number: Place of the message in its list, from 0; None for other parts.
        detail: Member of the part that changed, where it is not the text itself: `parameters.properties.city`.
        character: For a changed text, how many characters before the first difference are equal.
        before: The earlier text or JSON; empty where it is new.
        after: The later one; empty where it is gone.
        reason: The vendor's own word for it; None where its diagnosis has none, or it has no diagnosis.
        assumed: Whether no document says that it moves the prefix; the cautious reading was taken.
    """

    part: Part
    name: str
    aspect: Aspect
    path: str
    block: int
    number: int | None = None
    detail: str = ""
    character: int | None = None
    before: str = ""
    after: str = ""
    reason: str | None = None
    assumed: bool = False

    @property
    def subject(self) -> str:
        """What changed, in words: ``tool `add` description``, `preamble`, `message 3 (user)`."""
        if self.part == "tool":
            about = f" {self.aspect}" if self.aspect in {"description", "schema", "name"} else ""
            return f"tool `{self.name}`{about}"
        if self.part in {"tools", "messages"}:
            return f"the {self.part}" if not self.name else f"the {self.part} {self.name}"
        if self.part == "document":
            return f"static document `{self.name}`"
        if self.part == "message":
            return f"message {self.number} ({self.name})"
        return self.name or self.part

    @property
    def place(self) -> str:
        """The subject with the character in it: `preamble character 6190`."""
        place = self.subject
        if self.detail:
            place += f" {self.detail}"
        if self.character is not None and self.aspect not in {"name", "added", "removed"}:
            place += f" character {self.character}"
        return place

    @property
    def sentence(self) -> str:
        """What happened, in one sentence without its full stop."""
        said = f"{self._happening()}"
        return f"{said} (that this moves the prefix is assumed, not documented)" if self.assumed else said

    def _happening(self) -> str:
        if self.aspect == "added":
            return f"{self.subject} was added" + (f": {_short(self.after)}" if self.after else "")
        if self.aspect == "removed":
            return f"{self.subject} was removed" + (f": was {_short(self.before)}" if self.before else "")
        if self.aspect == "order":
            return f"{self.subject} stand in another order: {_short(self.before)} became {_short(self.after)}"
        if self.aspect == "reordered":
            return f"{self.place}: the same members stand in another order"
        if self.aspect == "extended":
            return f"{self.place}: text was appended to it: {_short(self.after, self.character)}"
        return (
            f"{self.place}: {_short(self.before, self.character)} became {_short(self.after, self.character)}"
        )


def _short(text: str, character: int | None = None) -> str:
    """A text about the place where it differs, for a line."""
    if not text:
        return "nothing"
    start = max(0, (character or 0) - _SHOWN // 3)
    shown = text[start : start + _SHOWN].replace("\n", "\\n")
    return f"“{'…' if start else ''}{shown}{'…' if start + _SHOWN < len(text) else ''}”"
