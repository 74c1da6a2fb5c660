"""Reads the body of a file upload: `multipart/form-data` (RFC 7578)."""

from __future__ import annotations

from email.message import Message
from typing import Final

from msgspec import Struct

from agentlab.simulator.dialects.base import Rejected

__all__ = ["FormField", "form_fields"]

_BREAK: Final = b"\r\n"


class FormField(Struct, frozen=True):
    """One field of a form.

    Attributes:
        content: Its value, as sent.
        filename: The name of the file it is; None for a plain value.
    """

    content: bytes
    filename: str | None = None

    @property
    def text(self) -> str:
        """The value as text."""
        return self.content.decode("utf-8", "replace")


def form_fields(content_type: str, body: bytes) -> dict[str, FormField]:
    """Split a form into its fields.

    Args:
        content_type: The request's `Content-Type` header, which names the boundary.
        body: The body.

    Returns:
        The fields by name; the last of those with one name.

    Raises:
        Rejected: It is no such form.
    """
    parameters = _parameters(content_type)
    boundary = parameters.get("boundary", "")
    if not content_type.startswith("multipart/form-data") or not boundary:
        raise Rejected.because(
            "Invalid Content-Type header. The server expected a header starting with 'multipart/form-data' "
            "and a boundary."
        )
    fields: dict[str, FormField] = {}
    pieces = (_BREAK + body).split(_BREAK + b"--" + boundary.encode())
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise Rejected.because("Could not parse multipart form.")
    for piece in pieces[1:-1]:
        head, _, content = piece.removeprefix(_BREAK).partition(_BREAK + _BREAK)
        name, found = _field(head, content)
        if name:
            fields[name] = found
    return fields


def _field(head: bytes, content: bytes) -> tuple[str, FormField]:
    for line in head.decode("utf-8", "replace").split("\r\n"):
        header, _, value = line.partition(":")
        if header.strip().lower() == "content-disposition":
            parameters = _parameters(value.strip())
            return parameters.get("name", ""), FormField(content, parameters.get("filename"))
    return "", FormField(content)


def _parameters(header: str) -> dict[str, str]:
    """What follows the first word of a header: `; name="file"; filename="a.jsonl"`."""
    parsed = Message()
    parsed["content-type"] = header
    found = parsed.get_params(header="content-type", unquote=True) or []
    return {name.lower(): value for name, value in found[1:]}
