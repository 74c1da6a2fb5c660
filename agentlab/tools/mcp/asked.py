"""What a server may ask of its client: nothing, unless a function was given that answers."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct

from agentlab.messages import AssistantMessage, Message, Text, UserMessage
from agentlab.short_repr import ShortRepr
from agentlab.tools.mcp.contents import content_of
from agentlab.tools.mcp.naming import shown_text
from agentlab.tools.thread import in_thread

if TYPE_CHECKING:
    from mcp import types

__all__ = ["Asked", "Elicit", "ElicitationRequest", "McpLog", "Sample", "SamplingRequest"]

Answer = TypeVar("Answer")


class SamplingRequest(ShortRepr, Struct, frozen=True):
    """A server asks for the answer of a model.

    Attributes:
        messages: What the model is to be asked.
        preamble: System prompt, or None.
        max_tokens: Limit of the answer.
        temperature: Sampling temperature, or None.
        stop_sequences: Texts at which the answer ends.
        models: Names of models that the server would like, the best first.
    """

    messages: tuple[Message, ...]
    preamble: str | None
    max_tokens: int
    temperature: float | None = None
    stop_sequences: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


class ElicitationRequest(ShortRepr, Struct, frozen=True):
    """A server asks the user for something.

    Attributes:
        message: What it asks.
        schema: JSON Schema of the answer: an object of plain values; empty where the user is to visit a page.
        url: The page that the user is to visit, or None.
    """

    message: str
    schema: dict[str, Any] = msgspec.field(default_factory=dict)
    url: str | None = None


class McpLog(ShortRepr, Struct, frozen=True):
    """A server's log message."""

    level: str
    data: Any
    logger: str | None = None


Sample = Callable[[SamplingRequest], str | Awaitable[str | None] | None]
Elicit = Callable[[ElicitationRequest], Mapping[str, Any] | Awaitable[Mapping[str, Any] | None] | None]


class Asked:
    """Answers a server, in the SDK's terms.

    Args:
        sampling: Answers for a model, or None to refuse; what it gives None for is refused too.
        elicitation: Answers for the user, or None to refuse; what it gives None for is declined.
        roots: Folders the server is told it may work in; None where it is told nothing.
        most_logs: Log messages that are kept, the newest.

    Attributes:
        logs: The server's log messages.
    """

    def __init__(
        self,
        sampling: Sample | None,
        elicitation: Elicit | None,
        roots: Sequence[str | Path] | None,
        most_logs: int = 200,
    ) -> None:
        self._sampling = sampling
        self._elicitation = elicitation
        self._roots = None if roots is None else [Path(root).resolve().as_uri() for root in roots]
        self.logs: deque[McpLog] = deque(maxlen=most_logs)

    @property
    def callbacks(self) -> dict[str, Any]:
        """The callbacks of the SDK's client; one that is absent is a capability that is not announced, and refused."""
        given: dict[str, Any] = {"logging_callback": self._log}
        if self._sampling is not None:
            given["sampling_callback"] = self._sample
        if self._elicitation is not None:
            given["elicitation_callback"] = self._elicit
        if self._roots is not None:
            given["list_roots_callback"] = self._list_roots
        return given

    async def _log(self, params: types.LoggingMessageNotificationParams) -> None:
        data = shown_text(params.data) if isinstance(params.data, str) else params.data
        self.logs.append(McpLog(params.level, data, params.logger))

    async def _sample(
        self, _context: Any, params: types.CreateMessageRequestParams
    ) -> types.CreateMessageResult | types.ErrorData:
        from mcp import types  # noqa: PLC0415 - the extra is optional

        assert self._sampling is not None
        wanted = params.model_preferences.hints if params.model_preferences is not None else None
        request = SamplingRequest(
            tuple(_message(message) for message in params.messages),
            params.system_prompt,
            params.max_tokens,
            params.temperature,
            tuple(params.stop_sequences or ()),
            tuple(hint.name for hint in wanted or () if hint.name),
        )
        answer = await _answered(self._sampling, request)
        if answer is None:
            return types.ErrorData(code=-1, message="the user refused")
        return types.CreateMessageResult(
            role="assistant",
            content=types.TextContent(type="text", text=answer),
            model="agentlab",
            stop_reason="endTurn",
        )

    async def _elicit(self, _context: Any, params: Any) -> types.ElicitResult:
        from mcp import types  # noqa: PLC0415 - the extra is optional

        assert self._elicitation is not None
        schema = dict(getattr(params, "requested_schema", None) or {})
        request = ElicitationRequest(params.message, schema, getattr(params, "url", None))
        answer = await _answered(self._elicitation, request)
        if answer is None:
            return types.ElicitResult(action="decline")
        content = None if request.url else {**_defaults(schema), **answer}
        return types.ElicitResult(action="accept", content=content)

    async def _list_roots(self, _context: Any) -> types.ListRootsResult:
        from mcp import types  # noqa: PLC0415 - the extra is optional

        return types.ListRootsResult(
            roots=[types.Root.model_validate({"uri": uri}) for uri in self._roots or ()]
        )


async def _answered(function: Callable[[Any], Answer | Awaitable[Answer]], request: Any) -> Answer:
    """What a user's function says; a plain one runs in a thread, for it may wait for a person."""
    if inspect.iscoroutinefunction(function):
        said: Answer = await function(request)
        return said
    answer = await in_thread(partial(function, request), "answer to an MCP server")
    return await answer if inspect.isawaitable(answer) else answer


def _message(message: types.SamplingMessage) -> Message:
    blocks = message.content if isinstance(message.content, list) else [message.content]
    parts: tuple[Any, ...] = content_of([block for block in blocks if not block.type.startswith("tool_")])  # type: ignore[misc]
    shown = tuple(Text(str(part.value)) if hasattr(part, "value") else part for part in parts)
    return UserMessage(shown) if message.role == "user" else AssistantMessage(shown)


def _defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of a form, which hold where the user gave no other value (SEP-1034)."""
    fields = schema.get("properties")
    if not isinstance(fields, Mapping):
        return {}
    return {
        name: field["default"]
        for name, field in fields.items()
        if isinstance(field, Mapping) and "default" in field
    }
