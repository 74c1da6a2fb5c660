"""Who the assistant is: a text that is always true of it, and one for each mode. A persona is a file with front matter."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
from msgspec import Struct

from agentlab.chat.events import Mode
from agentlab.errors import UsageError
from agentlab.short_repr import ShortRepr

__all__ = ["Persona", "persona_of"]

_FENCE: Final = "---"


class Persona(ShortRepr, Struct, frozen=True, kw_only=True):
    """Who the assistant is.

    The text that is always true is the preamble, the same in both modes, so that a change of mode leaves the cached prefix
    where it is; what a mode asks for is told in the conversation when the mode begins.

        ---
        name: reviewer
        description: Reads code and says what is wrong with it.
        modes:
          plan: Only read, and write the review as the plan.
          build: Mend what the approved plan lists, nothing else.
        ---
        You review Python code. ...

    Attributes:
        name: What it is called.
        description: What it is for.
        preamble: What is always true of it: the system prompt.
        modes: What each mode asks for.
    """

    name: str
    preamble: str
    description: str = ""
    modes: dict[str, str] = {}

    def __post_init__(self) -> None:
        unknown = sorted(set(self.modes) - set(get_args(Mode)))
        if unknown:
            raise UsageError(
                f"the persona `{self.name}` has a text for the mode {', '.join(unknown)}; the modes are "
                f"{' and '.join(get_args(Mode))}"
            )

    def told_in(self, mode: Mode) -> str:
        """What a mode asks for; empty where the persona says nothing of it."""
        return self.modes.get(mode, "").strip()

    @classmethod
    def from_text(cls, text: str, *, source: str = "the text") -> Persona:
        """Read a persona.

        Args:
            text: Front matter in YAML between two lines of `---`, then the preamble.
            source: What is named in errors.

        Raises:
            UsageError: There is no front matter, it is no YAML, or a field is missing or of the wrong kind.
        """
        matter, body = _parts(text, source)
        fields: dict[str, Any] = {"name": Path(source).stem, **matter, "preamble": body.strip()}
        try:
            persona = msgspec.convert(fields, _Known)
        except msgspec.ValidationError as error:
            raise UsageError(f"{source} is no persona: {error}") from None
        return cls(
            name=persona.name, preamble=persona.preamble, description=persona.description, modes=persona.modes
        )

    @classmethod
    def from_file(cls, path: str | Path) -> Persona:
        """Read a persona's file, see `from_text`; its name is the file's where it does not say."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"the persona {path} cannot be read: {error}") from None
        return cls.from_text(text, source=str(path))


class _Known(Struct, forbid_unknown_fields=True):
    name: str
    preamble: str
    description: str = ""
    modes: dict[str, str] = {}


def persona_of(given: Persona | str | Path) -> Persona:
    """A persona from what a user writes: a persona, a file of one, or `"assistant"`, the one that comes with the library.

    Raises:
        UsageError: There is no such persona.
    """
    if isinstance(given, Persona):
        return given
    folder = resources.files("agentlab.chat").joinpath("personas")
    own = sorted(Path(each.name).stem for each in folder.iterdir() if each.name.endswith(".md"))
    if isinstance(given, str) and given in own:
        return Persona.from_text(folder.joinpath(f"{given}.md").read_text(encoding="utf-8"), source=given)
    if isinstance(given, Path) or given.endswith(".md"):
        return Persona.from_file(given)
    raise UsageError(
        f"there is no persona {given!r}: give a `Persona`, the path of its `.md` file, or one of {', '.join(own)}"
    )


def _parts(text: str, source: str) -> tuple[Mapping[str, Any], str]:
    import yaml  # noqa: PLC0415 - read only where a persona is

    lines = text.lstrip("\ufeff").splitlines()
    ends = [number for number, line in enumerate(lines) if line.rstrip() == _FENCE]
    if len(ends) < 2 or ends[0] != 0:
        raise UsageError(
            f"{source} is no persona: it does not begin with front matter between two lines `{_FENCE}`"
        )
    try:
        matter = yaml.safe_load("\n".join(lines[1 : ends[1]])) or {}
    except yaml.YAMLError as error:
        raise UsageError(f"the front matter of {source} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(matter, Mapping):
        raise UsageError(f"the front matter of {source} is no list of names and values")
    return matter, "\n".join(lines[ends[1] + 1 :])
