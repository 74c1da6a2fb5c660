"""The one door to the network."""

from typing import TYPE_CHECKING, Any

from agentlab.http.clock import Clock, ManualClock, SystemClock
from agentlab.http.credential_file import StoredLogin, credentials_path, stored_login
from agentlab.http.credentials import FoundKey, find_key, resolve_key
from agentlab.http.event_stream import EventStreamFramer
from agentlab.http.framing import DEFAULT_MAX_EVENT_BYTES, Frame, Framer, SSEFramer
from agentlab.http.json_framing import JSONArrayFramer, NDJSONFramer
from agentlab.http.request import HttpRequest
from agentlab.http.retry import Failure, Retry, parse_retry_after
from agentlab.http.secret import MASK, RedactingFilter, Secret, redact
from agentlab.http.signing import AwsSigner, RequestSigner
from agentlab.http.timeouts import Timeouts
from agentlab.http.tokens import AccessToken, RenewedToken, TokenSource

if TYPE_CHECKING:
    from agentlab.http.client import HttpClient, HttpResponse

__all__ = [
    "DEFAULT_MAX_EVENT_BYTES",
    "MASK",
    "AccessToken",
    "AwsSigner",
    "Clock",
    "EventStreamFramer",
    "Failure",
    "FoundKey",
    "Frame",
    "Framer",
    "HttpClient",
    "HttpRequest",
    "HttpResponse",
    "JSONArrayFramer",
    "ManualClock",
    "NDJSONFramer",
    "RedactingFilter",
    "RenewedToken",
    "RequestSigner",
    "Retry",
    "SSEFramer",
    "Secret",
    "StoredLogin",
    "SystemClock",
    "Timeouts",
    "TokenSource",
    "credentials_path",
    "find_key",
    "parse_retry_after",
    "redact",
    "resolve_key",
    "stored_login",
]

_FROM_CLIENT = frozenset({"HttpClient", "HttpResponse"})


def __getattr__(name: str) -> Any:
    """Load the client, and httpx with it, when it is first asked for: frames and framers cost neither."""
    if name in _FROM_CLIENT:
        from agentlab.http import client  # noqa: PLC0415 - httpx is heavy; see above

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
