"""Names and texts of a server's tools, made fit for a model and for every provider."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any, Final

from agentlab.plain_text import terminal_safe

__all__ = ["offered_names", "shown_schema", "shown_text"]

_LONGEST_NAME: Final = 64
_LONGEST_TEXT: Final = 8_000
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_-]+")
# Zero-width characters, invisible operators, variation selectors and the tag block: texts that a person who reads a
# description does not see, and a model does.
_UNSEEN: Final = re.compile(
    "[\u00ad\u180e\u200b-\u200d\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
_DESCRIBING: Final = frozenset({"description", "title"})


def offered_names(names: Iterable[str], prefix: str = "", taken: Iterable[str] = ()) -> dict[str, str]:
    """The names a model sees, by the server's own names.

    A name that a provider would refuse (other than 1 to 64 letters, digits, `_`, `-`) has its other characters replaced by
    `_`; one that is then too long, empty, taken, or spelled as another's ends in eight digits of the name's hash.

    Args:
        names: The server's names, each once.
        prefix: Put before each, such as `"files_"`.
        taken: Names that other tools have already.
    """
    plain = {name: prefix + _UNFIT.sub("_", name) for name in names}
    used = set(taken)
    exact = {offered for name, offered in plain.items() if offered == prefix + name}
    chosen: dict[str, str] = {}
    for name, offered in plain.items():
        shadows = offered in used or (offered in exact and offered != prefix + name)
        fits = 1 <= len(offered) <= _LONGEST_NAME
        chosen[name] = offered if fits and not shadows else _marked(offered, name)
        used.add(chosen[name])
    return chosen


def shown_text(text: str | None) -> str:
    """A server's text without control, direction and invisible characters, cut where it is very long."""
    seen = _UNSEEN.sub("", terminal_safe(text or ""))
    left_out = len(seen) - _LONGEST_TEXT
    return seen if left_out <= 0 else f"{seen[:_LONGEST_TEXT]}… [{left_out:,} more characters]"


def shown_schema(schema: Any) -> Any:
    """A schema whose descriptions and titles are treated by `shown_text`; nothing else is changed."""
    if isinstance(schema, list):
        return [shown_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: shown_text(value) if key in _DESCRIBING and isinstance(value, str) else shown_schema(value)
        for key, value in schema.items()
    }


def _marked(offered: str, name: str) -> str:
    mark = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{offered[: _LONGEST_NAME - 9]}_{mark}"
