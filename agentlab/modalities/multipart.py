"""The form of an HTML page with a file in it (RFC 7578), as transcription endpoints take it. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from agentlab.errors import UsageError

__all__ = ["encode_multipart"]


def encode_multipart(
    fields: Mapping[str, Any],
    file_field: str,
    file_name: str,
    content: bytes,
    media_type: str,
    *,
    boundary: str | None = None,
) -> tuple[bytes, str]:
    """Write a form: the fields first, in their order, then the file.

    Args:
        fields: Texts, numbers and booleans; a list becomes one entry a member, named with `[]` behind.
        file_field: The name of the file's entry.
        file_name: What the file is called.
        content: Its bytes.
        media_type: What it is.
        boundary: What parts the entries; a random one where None.

    Returns:
        The body and its content type.

    Raises:
        UsageError: A field holds something that has no place in a form.
    """
    line = f"--{boundary or secrets.token_hex(16)}"
    pieces: list[bytes] = []
    for name, value in fields.items():
        entries = (
            [(f"{name}[]", each) for each in value] if isinstance(value, list | tuple) else [(name, value)]
        )
        for entry, each in entries:
            head = f'{line}\r\nContent-Disposition: form-data; name="{_quoted(entry)}"\r\n\r\n'
            pieces.append(f"{head}{_text(entry, each)}\r\n".encode())
    head = (
        f'{line}\r\nContent-Disposition: form-data; name="{_quoted(file_field)}"; filename="{_quoted(file_name)}"\r\n'
        f"Content-Type: {media_type}\r\n\r\n"
    )
    pieces += [head.encode(), content, f"\r\n{line}--\r\n".encode()]
    return b"".join(pieces), f"multipart/form-data; boundary={line[2:]}"


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise UsageError(f"`{name}` goes into a form, which holds texts and numbers, not {value!r:.80}")


def _quoted(name: str) -> str:
    """A name between quotes, as browsers write it (WHATWG HTML, multipart/form-data)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
