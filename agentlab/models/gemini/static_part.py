"""The part of a request that stays the same from call to call: what a cache resource of Gemini's may hold.

Source: https://ai.google.dev/api/caching#CachedContent
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import takewhile
from typing import Any, Final

from msgspec import Struct

from agentlab.errors import UnsupportedCapability, UsageError
from agentlab.messages import (
    CacheOptions,
    Document,
    Message,
    Request,
    SpecificTools,
    SystemMessage,
    ToolChoice,
    ToolDefinition,
)
from agentlab.models.encoding import encode_json, join_array

__all__ = ["StaticPart", "leading_system", "tools_and_system"]

_MODES: Final = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
_IN_WORDS: Final = {
    "tools": "tools",
    "system": "a system prompt",
    "tool_choice": "`tool_choice`",
    "context": "static context",
}
_DIGEST_LENGTH: Final = 16


class StaticPart(Struct, frozen=True):
    """What does not change: tools, system prompt, static documents, and how tools are chosen.

    Attributes:
        tools: Each declaration as JSON.
        system: Preamble, and the system messages at the head of the conversation.
        context: Static documents.
        tool_config: Gemini's `toolConfig`.
        tool_choice: What it was made from.
    """

    tools: tuple[bytes, ...]
    system: tuple[str, ...]
    context: tuple[Document, ...]
    tool_config: dict[str, Any]
    tool_choice: ToolChoice | None = None

    @classmethod
    def of(cls, request: Request) -> StaticPart:
        """The static part of a plain request."""
        leading = request.messages[: leading_system(request.messages)]
        said = (message.content for message in leading if isinstance(message, SystemMessage))
        return cls(
            tools=tuple(encode_json(_declaration(tool)) for tool in request.tools),
            system=tuple(text for text in (request.preamble, *said) if text),
            context=request.context,
            tool_config=_tool_config(request),
            tool_choice=request.tool_choice,
        )

    def fields(self) -> dict[str, Any]:
        """Its fields of a body, in the order in which Gemini reads them, static documents apart."""
        fields: dict[str, Any] = {}
        if self.tools:
            fields["tools"] = [{"functionDeclarations": join_array(self.tools)}]
        if self.system:
            fields["systemInstruction"] = {"parts": [{"text": text} for text in self.system]}
        if self.tool_config:
            fields["toolConfig"] = self.tool_config
        return fields

    def resource(self) -> dict[str, Any]:
        """The fields of a cache resource that holds it whole."""
        text = "".join(document.rendered() for document in self.context)
        contents = {"contents": [{"role": "user", "parts": [{"text": text}]}]} if text else {}
        return {**self.fields(), **contents}

    @property
    def digests(self) -> dict[str, str]:
        """A digest for each part that is there, by its name."""
        return {
            name: hashlib.sha256(value).hexdigest()[:_DIGEST_LENGTH] for name, value in self._parts() if value
        }

    @property
    def parts(self) -> tuple[str, ...]:
        """The digests as `CacheOptions.cached_parts` has them."""
        return tuple(f"{name}={digest}" for name, digest in self.digests.items())

    def _parts(self) -> Iterator[tuple[str, bytes]]:
        yield "tools", b"\n".join(self.tools)
        yield "system", encode_json(self.system) if self.system else b""
        chosen = [self.tool_config, self.tool_choice]
        yield "tool_choice", encode_json(chosen) if self.tool_config or self.tool_choice else b""
        yield "context", b"".join(document.rendered().encode() for document in self.context)


def leading_system(messages: tuple[Message, ...]) -> int:
    """How many system messages a conversation begins with; they join the preamble."""
    return sum(1 for _ in takewhile(lambda each: isinstance(each, SystemMessage), messages))


def tools_and_system(static: StaticPart, cache: CacheOptions | None) -> tuple[dict[str, Any], bool]:
    """The static fields to send, and whether the static documents are to be sent too.

    Beside a cache resource Gemini takes neither tools nor system prompt, so they are left out where the resource holds
    just those.

    Raises:
        UnsupportedCapability: The resource does not tell what it holds, and the request has parts that may not be sent
            beside it.
        UsageError: It holds other parts than the request has.
    """
    if cache is None or not cache.cached_content:
        return static.fields(), True
    held = dict(part.split("=", 1) for part in cache.cached_parts)
    wanted = static.digests
    if "context" not in held:
        wanted.pop("context", None)
    if not held and wanted:
        beside = " and ".join(_IN_WORDS[name] for name in wanted)
        raise UnsupportedCapability(
            f"`cached_content` holds system prompt and tools itself; {beside} may not be sent beside it. Give the "
            "`options` of the `CachedContent`, which tell what it holds"
        )
    changed = [name for name in _IN_WORDS if held.get(name) != wanted.get(name)]
    if changed:
        raise UsageError(
            f"the cache `{cache.cached_content}` was made with other parts than this request has "
            f"({', '.join(_IN_WORDS[name] for name in changed)}); make a new one from the agent as it is now"
        )
    return {}, "context" not in held


def _declaration(tool: ToolDefinition) -> dict[str, Any]:
    """A tool; `parametersJsonSchema` takes JSON Schema whole, where `parameters` takes a part of OpenAPI's."""
    declaration = {"name": tool.name}
    if tool.description:
        declaration["description"] = tool.description
    return {**declaration, "parametersJsonSchema": tool.parameters}


def _tool_config(request: Request) -> dict[str, Any]:
    """The mode of calling. Tools that are all strict are held to their schemas by `VALIDATED`."""
    choice = request.tool_choice
    if isinstance(choice, SpecificTools):
        return {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": list(choice.names)}}
    if not request.tools and choice != "required":
        return {}
    if choice in {None, "auto"} and all(tool.strict for tool in request.tools):
        return {"functionCallingConfig": {"mode": "VALIDATED"}}
    return {"functionCallingConfig": {"mode": _MODES[choice]}} if choice is not None else {}
