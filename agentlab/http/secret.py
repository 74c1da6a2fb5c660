"""A key that does not show itself, and the cleaning of texts in which one may stand."""

from __future__ import annotations

import base64
import hmac
import json
import logging
import re
from collections.abc import Iterable
from typing import Any, NoReturn
from urllib.parse import quote, quote_plus

from agentlab.errors import UsageError

__all__ = ["MASK", "RedactingFilter", "Secret", "redact"]

MASK = "[redacted]"
_SHORTEST_EXACT = (
    8  # a shorter key is a stand-in ("none", "ollama"), and masking it would blank out ordinary words
)

_KEY_SHAPES = re.compile(
    r"""(?x)
    (?: (?<![A-Za-z0-9]) | (?<=\\[nrt]) )
    (?: (?: sk | pk | rk | xai | gsk | pplx | hf | nvapi | r8 | csk | fw | ghp | gho | github_pat ) [-_]
      | AIza | AKIA | ASIA )
    [A-Za-z0-9_\-]{12,}
    """
)
_KEY_PLACES = re.compile(
    r"""(?ix)
    (  \b (?: bearer | basic ) \s+
     | (?<![a-z]) key =
     | (?: x-goog-api-key | api[-_]?key | access[-_]token | auth[-_]token | client[-_]secret )
       (?: \\? ["'] )? \s* [=:] \s* (?: b? \\? ["'] )?
    )
    (?= [^\s"']{0,80}? \d | [^\s"']{20} )  # words are short and without digits
    [A-Za-z0-9_\-.~+/=%]{8,}
    """
)


class Secret:
    """An API key or token that is never printed, pickled or serialised.

    `str`, `repr` and `format` show a mask. `reveal()` gives the value; call it only where the value goes on the wire.

    Args:
        value: The key. White space around it is stripped.

    Raises:
        UsageError: The value is empty or holds control or non-ASCII characters, which no header can carry. The
            message never includes the value.
    """

    __slots__ = ("__value",)
    __value: str

    def __init__(self, value: str | Secret) -> None:
        text = value.reveal() if isinstance(value, Secret) else value
        del value
        if not isinstance(text, str):
            raise UsageError(f"A key must be a string, not {type(text).__name__}.")
        problem = _problem(text.strip())
        if problem:
            del text
            raise UsageError(problem)
        object.__setattr__(self, "_Secret__value", text.strip())

    def reveal(self) -> str:
        """Return the value itself."""
        return self.__value

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("A Secret does not change.")

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, format_spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value, other.__value)

    def __hash__(self) -> int:
        return hash((Secret, self.__value))

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A Secret cannot be pickled or serialised; pass the key again where it is needed.")

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self


def _problem(text: str) -> str:
    """Say what keeps `text` from being a key, without quoting it; `""` if nothing does."""
    if not text:
        return "The key is empty."
    if not text.isascii():
        return "The key holds a character outside of ASCII; copy it again from the provider's page."
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):
        return "The key holds a control character, perhaps a line end in its middle; copy it again."
    return ""


def redact(text: str, secrets: Iterable[Secret] = ()) -> str:
    """Return `text` with every known secret, and whatever looks like a key, masked.

    A known secret is found as it is, URL-encoded, in base64 (alone or inside a longer encoded text) and escaped in
    JSON. Unknown keys are found by their shape (`sk-...`) or their place (`Bearer ...`, `key=...`).

    Args:
        text: Anything about to be shown, logged or put in an error.
        secrets: The keys in use.
    """
    for secret in secrets:
        if len(secret.reveal()) >= _SHORTEST_EXACT:
            for form in sorted(_forms(secret.reveal()), key=len, reverse=True):
                text = text.replace(form, MASK)
    text = _KEY_PLACES.sub(lambda found: found.group(1) + MASK, text)
    return _KEY_SHAPES.sub(MASK, text)


def _forms(value: str) -> set[str]:
    """Return the spellings under which a value can turn up."""
    quoted = {quote(value, safe=""), quote(value), quote_plus(value)}
    forms = {value, *quoted, *(re.sub("%..", lambda escape: escape[0].lower(), form) for form in quoted)}
    for _ in range(2):  # a log may show the escape of an escape
        forms |= {escaped for form in forms for escaped in _escapes(form)}
    raw = value.encode()
    for offset in range(3):
        # In a longer base64 text the value starts at one of three bit offsets; only its inner letters are certain.
        encoded = base64.b64encode(b"\0" * offset + raw).decode()
        inner = encoded[(offset * 8 + 5) // 6 : (offset + len(raw)) * 8 // 6]
        forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= _SHORTEST_EXACT}


def _escapes(form: str) -> tuple[str, ...]:
    """Return a text as JSON and Python write it inside quotes of either kind."""
    as_json = json.dumps(form)[1:-1]
    backslashes = form.replace("\\", "\\\\")
    return as_json, as_json.replace("/", "\\/"), backslashes, backslashes.replace("'", "\\'")


class RedactingFilter(logging.Filter):
    """Masks secrets in log records before any handler sees them.

    Add it to a handler, or to a logger for the records made on that very logger.

    Args:
        secrets: The keys in use.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        super().__init__()
        self._secrets = set(secrets)

    def add(self, secret: Secret) -> None:
        """Mask this key too, from now on."""
        self._secrets.add(secret)

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record's message, arguments merged in; never drops it."""
        secrets = tuple(self._secrets)  # another thread may add one meanwhile
        record.msg = redact(record.getMessage(), secrets)
        record.args = None
        if record.exc_info:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info), secrets)
            record.exc_info = None
        return True
