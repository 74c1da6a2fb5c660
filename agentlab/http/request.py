"""A request as the client sends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from agentlab.http.secret import Secret
from agentlab.http.signing import RequestSigner

__all__ = ["HttpRequest"]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request.

    Attributes:
        method: `"POST"`, mostly.
        url: Absolute; may hold a query.
        headers: Sent as they are. Keys do not belong here, see `auth`.
        body: The bytes of the body.
        auth: Header name, what stands before the key in it (`"Bearer "` or `""`), and the key.
        query: Added to the query of `url`.
        signer: What makes the headers that authenticate the request, when it is sent, in the place of `auth`.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    auth: tuple[str, str, Secret] | None = None
    query: Mapping[str, str] | None = None
    signer: RequestSigner | None = None

    def full_url(self) -> str:
        """Return `url` with `query` added to whatever query it has; httpx would put one in place of the other."""
        if not self.query:
            return self.url
        return f"{self.url}{'&' if '?' in self.url else '?'}{urlencode(self.query, quote_via=quote)}"
