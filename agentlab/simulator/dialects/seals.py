"""Opaque blobs a provider hands out and checks when they come back: signatures, encrypted and redacted reasoning.

A real one is made with a secret. These are made with none, so that equal answers have equal bytes, but a blob that was
cut, changed or made elsewhere is found out just the same.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final

__all__ = ["digest", "seal", "unseal"]

_MAC_BYTES: Final = 16


def seal(purpose: str, text: str, *, head: bytes = b"\x12") -> str:
    """Wrap a text into a blob.

    Args:
        purpose: What the blob is for; one made for another purpose is not accepted.
        text: What it carries.
        head: First bytes, so that the blob begins as the provider's do.

    Returns:
        URL-safe base64.
    """
    body = text.encode("utf-8", "surrogatepass")
    return base64.urlsafe_b64encode(head + _mac(purpose, body) + body).decode("ascii")


def unseal(purpose: str, blob: str, *, head: bytes = b"\x12") -> str | None:
    """The text in a blob; None where it was not sealed here for this purpose. Both base64 alphabets are read."""
    try:
        raw = base64.b64decode(blob.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return None
    if not raw.startswith(head):
        return None
    mac, body = raw[len(head) : len(head) + _MAC_BYTES], raw[len(head) + _MAC_BYTES :]
    return body.decode("utf-8", "surrogatepass") if mac == _mac(purpose, body) else None


def digest(text: str) -> str:
    """A short fingerprint of a text, for a seal that need not carry all of it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _mac(purpose: str, body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_MAC_BYTES, person=purpose.encode()[:16]).digest()
