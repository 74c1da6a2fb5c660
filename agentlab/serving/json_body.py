"""A request's body as a typed struct; what does not fit is refused with the field's name."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec

from agentlab.serving.refusals import Refused, invalid

__all__ = ["decoded", "fitted"]

Body = TypeVar("Body")

_PATH: Final = re.compile(r" - at `\$\.?(?P<path>.*)`$")
_UNKNOWN: Final = re.compile(r"unknown field `(?P<name>[^`]*)`")


def decoded(decoder: msgspec.json.Decoder[Body], body: bytes) -> Body:
    """Read a body.

    Raises:
        Refused: It is no JSON, lacks a field, or has one that is not known or does not fit.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _unfit(error, "") from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise invalid(f"the body is not JSON: {error}") from None


def fitted(value: Any, kind: Any, where: str) -> Any:
    """A piece of a body as the kind it must be.

    Args:
        value: The piece, as parsed.
        kind: The type.
        where: Its place in the body.

    Raises:
        Refused: It does not fit.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _unfit(error, where) from None


def _unfit(error: msgspec.ValidationError, where: str) -> Refused:
    """A refusal of JSON that does not fit; the field is named as a client names it."""
    said = str(error)
    unknown, path = _UNKNOWN.search(said), _PATH.search(said)
    if unknown is not None:
        return invalid(f"there is no field `{unknown['name']}`", unknown["name"], code="unknown_parameter")
    below = path["path"] if path is not None else ""
    place = f"{where}.{below}" if where and below else where or below
    return invalid(_PATH.sub("", said) + (f", in `{place}`" if place else ""), place or None)
