"""What passes between the server and a batch interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from agentlab.simulator.batches.work import ItemAnswer
from agentlab.simulator.dialects import Ids

__all__ = ["AnswerAlone", "Asked", "LoneRequest"]


class Asked(Struct, frozen=True, kw_only=True):
    """A request to a batch interface.

    Attributes:
        vendor: First segment of the path.
        method: HTTP method.
        path: The rest of the path.
        query: Parameters of the URL.
        headers: Names in lower case.
        body: The body.
        ids: Ids and time of the answer.
    """

    vendor: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    ids: Ids


class LoneRequest(Struct, frozen=True, kw_only=True):
    """One request of a batch, as if it had been sent alone.

    Attributes:
        wire: The dialect it is in.
        vendor: Whose batch it is in.
        path: Where it would have been sent.
        headers: Headers of the request that made the batch, where they hold for each of its requests.
        body: Its body.
        ids: Ids of its answer.
        at: When it is answered, in seconds since 1970.
    """

    wire: str
    vendor: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    ids: Ids
    at: float


AnswerAlone = Callable[[LoneRequest], ItemAnswer]
