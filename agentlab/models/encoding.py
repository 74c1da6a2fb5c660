"""Bytes for requests: deterministic, and each message serialised once.

A provider's cache matches a byte prefix, and a long run sends its history again every turn. So a message becomes bytes
once for a wire, and a body is a join of such bytes: the prefix stays identical and a run stays linear in its turns.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from agentlab.messages import Message, Request, Text, UserMessage
from agentlab.messages.known import ByMessage

__all__ = [
    "MessageBytes",
    "added_tools",
    "context_message",
    "conversation",
    "encode_json",
    "join_array",
    "raw_items",
    "rendered_settings",
]

_ENCODER = msgspec.json.Encoder()


def encode_json(value: Any) -> bytes:
    """Compact JSON; dictionaries keep the order they were built in."""
    return _ENCODER.encode(value)


def join_array(items: Iterable[bytes]) -> msgspec.Raw:
    """A JSON array of pieces that are JSON already."""
    return msgspec.Raw(b"[" + b",".join(items) + b"]")


def raw_items(items: Iterable[bytes]) -> list[msgspec.Raw]:
    """An array of pieces that are JSON already, or of runs of them: long ones are copied once, into the body."""
    return [msgspec.Raw(item) for item in items]


def added_tools(params: Mapping[str, Any]) -> Iterator[bytes]:
    """The tools a caller put into `additional_params`, each as JSON."""
    added = params.get("tools", ())
    return map(encode_json, added if isinstance(added, Sequence) else (added,))


def rendered_settings(body: Mapping[str, Any], *paths: str) -> tuple[bytes, ...]:
    """The settings a provider renders into the prompt, each as JSON; those the body does not have are left out.

    Args:
        body: The request body.
        paths: Fields of it, with a dot between the names of nested ones.
    """
    found: list[bytes] = []
    for path in paths:
        value: Any = body
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is not None:
            found.append(encode_json({path: value}))
    return tuple(found)


def conversation(request: Request) -> tuple[Message, ...]:
    """The messages of a request with its static context as one user message before them."""
    if not request.context:
        return request.messages
    return (context_message(request), *request.messages)


def context_message(request: Request) -> UserMessage:
    """The static context of a request as one user message."""
    return UserMessage((Text("".join(document.rendered() for document in request.context)),))


class MessageBytes:
    """Remembers the bytes of messages, for as long as the messages live.

    One instance belongs to one wire of one model. Messages are frozen, so identity is enough.
    """

    def __init__(self) -> None:
        self._known: ByMessage[dict[Hashable, tuple[bytes, ...]]] = ByMessage()

    def of(
        self, message: Message, build: Callable[[Message], Iterable[Any]], variant: Hashable = None
    ) -> tuple[bytes, ...]:
        """The bytes of a message: the items it becomes on the wire, each a JSON value.

        Args:
            message: The message.
            build: Gives the items as plain data; called once for a message and variant.
            variant: Tells apart forms of one message (with and without a cache marker).
        """
        forms = self._known.get(message)
        if forms is None:
            forms = {}
            self._known.put(message, forms)
        if variant not in forms:
            forms[variant] = tuple(encode_json(item) for item in build(message))
        return forms[variant]
