"""The YAML that heads a transcript: what the session is, and the configuration of its agent. Plain data both ways."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from agentlab.errors import UsageError
from agentlab.plain_text import well_formed

__all__ = ["front_matter_text", "read_front_matter", "split_front_matter"]

_FENCE: Final = "---"
_LONGEST: Final = 1_000_000
_DEEPEST: Final = 100
_LINE_ENDS: Final = re.compile("[\r\x85\u2028\u2029]")


def front_matter_text(fields: Mapping[str, Any]) -> str:
    """Fields as YAML between two lines of `---`; equal fields give equal text.

    Args:
        fields: JSON values by name, in the order they are to stand.
    """
    import yaml  # noqa: PLC0415 - 20 ms that only transcripts need

    class Unshared(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # libyaml's where it is there
        def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the base class gives it
            return True

    def as_text(dumper: Unshared, text: str) -> yaml.ScalarNode:
        # PyYAML folds these as line ends and loses which one it was; between double quotes they are escaped.
        style = '"' if _LINE_ENDS.search(text) else "|" if "\n" in text else None
        node: yaml.ScalarNode = dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
        return node

    Unshared.add_representer(str, as_text)
    text: str = yaml.dump(
        _plain(fields),
        Dumper=Unshared,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=110,
    )
    return f"{_FENCE}\n{text}{_FENCE}\n"


def split_front_matter(text: str) -> tuple[str | None, str]:
    """The YAML that heads a text, without its fences, and the rest; None where no YAML heads it."""
    if not text.startswith(f"{_FENCE}\n") and not text.startswith(f"{_FENCE}\r\n"):
        return None, text
    begin = text.index("\n") + 1
    place = begin
    while place < len(text):
        end = text.find("\n", place)
        end = len(text) if end < 0 else end
        if text[place:end].rstrip("\r") == _FENCE:
            return text[begin:place], text[end + 1 :]
        place = end + 1
    return None, text


def read_front_matter(yaml_text: str) -> dict[str, Any]:
    """The fields of a front matter as JSON values. No tag, alias or object of YAML's is followed.

    Args:
        yaml_text: The YAML between the fences.

    Raises:
        UsageError: It is not YAML, has an alias or a tag, is nested too deeply or too long, or is no mapping.
    """
    import yaml  # noqa: PLC0415 - 20 ms that only transcripts need

    if len(yaml_text) > _LONGEST:
        raise UsageError(f"the front matter is longer than {_LONGEST:,} characters")
    try:
        _check_shape(yaml_text)
        fields = yaml.load(yaml_text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe, both
        plain = _plain({} if fields is None else fields)
    except yaml.YAMLError as error:
        raise UsageError(f"the front matter cannot be read: {' '.join(str(error).split())}") from None
    except (RecursionError, ValueError, OverflowError) as error:
        raise UsageError(f"the front matter cannot be read: {error}") from None
    if not isinstance(plain, dict):
        raise UsageError("the front matter is not a mapping of names to values")
    return plain


def _check_shape(yaml_text: str) -> None:
    """Refuse what makes a short text endless or a reader run out of its stack, before any value is made."""
    import yaml  # noqa: PLC0415 - 20 ms that only transcripts need

    depth = 0
    for event in yaml.parse(yaml_text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("it has an alias (`*name`), which is not read")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise yaml.YAMLError(f"it is nested more than {_DEEPEST} deep")


def _plain(value: Any) -> Any:
    """JSON values alone: dates and other scalars of YAML's as text, keys as text."""
    if isinstance(value, Mapping):
        return {well_formed(str(key)): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    if isinstance(value, str):
        return well_formed(value)
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value)
