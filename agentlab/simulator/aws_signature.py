"""Checks a request's AWS signature (Signature Version 4) against a secret, as AWS does.

Written after the specification alone, so that it is a witness of its own for whoever signs.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlsplit

__all__ = ["is_signed_with"]

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key_id>[^/,]+)/(?P<date>\d{8})/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request, *"
    r"SignedHeaders=(?P<names>[a-z0-9;-]+), *Signature=(?P<signature>[0-9a-f]{64})"
)
_NEEDED = frozenset({"host", "x-amz-date"})


def is_signed_with(secret: str, method: str, target: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the `authorization` header is a signature over this very request, made with this secret.

    Args:
        secret: The secret access key.
        method: The HTTP method.
        target: Path and query as they stand in the request line.
        headers: Names in lower case.
        body: The body.
    """
    found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if found is None:
        return False
    names = found["names"].split(";")
    moment = headers.get("x-amz-date", "")
    if not set(names) >= _NEEDED or not set(names) <= headers.keys() or not moment.startswith(found["date"]):
        return False
    scope = f"{found['date']}/{found['region']}/{found['service']}/aws4_request"
    canonical = _canonical(method, target, {name: headers[name] for name in names}, body)
    to_sign = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for step in scope.split("/"):
        key = _mac(key, step)
    return hmac.compare_digest(_mac(key, to_sign).hex(), found["signature"])


def _canonical(method: str, target: str, signed: Mapping[str, str], body: bytes) -> str:
    """The request in the one form that is signed; the path is encoded once more than it was sent."""
    parts = urlsplit(target)
    pairs = sorted(parse_qsl(parts.query, keep_blank_values=True))
    query = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)
    lines = [f"{name}:{' '.join(value.split())}" for name, value in sorted(signed.items())]
    return "\n".join(
        [
            method,
            quote(parts.path or "/", safe="/-_.~"),
            query,
            *lines,
            "",
            ";".join(sorted(signed)),
            hashlib.sha256(body).hexdigest(),
        ]
    )


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
