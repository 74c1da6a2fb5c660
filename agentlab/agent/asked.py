"""What a run asked its model, written small: each request as what is new in it.

A run sends its history again with every call. In memory the requests share their messages; in JSON they would not, so
there each request names only what differs from the one before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import Struct, structs

from agentlab.messages import Message, Request

__all__ = ["RequestChange", "changes_of", "requests_of"]


class RequestChange(Struct, frozen=True, omit_defaults=True):
    """A request, told by the one before it.

    Attributes:
        request: What is new: `messages` are those behind the kept ones, the fields in `same` have their defaults.
        kept_messages: How many messages it begins with that the one before begins with too.
        same: Fields that are as they were before.
    """

    request: Request
    kept_messages: int = 0
    same: tuple[str, ...] = ()


_DEFAULTS: Final = Request(model="")
_FIELDS: Final = tuple(name for name in Request.__struct_fields__ if name not in {"model", "messages"})


def changes_of(requests: Iterable[Request]) -> list[RequestChange]:
    """Requests as changes; `requests_of` gives them back."""
    changes: list[RequestChange] = []
    before = _DEFAULTS
    for request in requests:
        kept = _kept(before.messages, request.messages)
        same = tuple(name for name in _FIELDS if _is_same(name, before, request))
        new: dict[str, Any] = {name: getattr(_DEFAULTS, name) for name in same}
        new["messages"] = request.messages[kept:]
        changes.append(RequestChange(structs.replace(request, **new), kept, same))
        before = request
    return changes


def requests_of(changes: Iterable[RequestChange]) -> list[Request]:
    """The requests that changes stand for; equal parts are one object."""
    requests: list[Request] = []
    before = _DEFAULTS
    for change in changes:
        told: dict[str, Any] = {name: getattr(before, name) for name in change.same}
        told["messages"] = before.messages[: change.kept_messages] + change.request.messages
        before = structs.replace(change.request, **told)
        requests.append(before)
    return requests


def _kept(before: Sequence[Message], now: Sequence[Message]) -> int:
    count = 0
    for old, new in zip(before, now, strict=False):
        if old is not new and old != new:
            break
        count += 1
    return count


def _is_same(name: str, before: Request, now: Request) -> bool:
    """Whether a field is as before, and worth saying so: a default is written as nothing anyway."""
    value, earlier = getattr(now, name), getattr(before, name)
    if value is not earlier and value != earlier:
        return False
    return bool(value != getattr(_DEFAULTS, name))
