"""The Anthropic Messages wire: `POST /v1/messages`.

The vendor's base URL stands without `/v1`; the dialect flag `path` names another path. The body is written in the order
in which the provider caches it (tools, system, messages), and everything that may change without moving the cached
prefix comes after. Cache markers are the only thing that moves between turns.

Dialect flags: `path`, which may hold `{model}`, and `stream_path`, where streams have another; `body_version` (Vertex AI:
the version stands in the body, and the model only in the path); `max_tokens`, `thinking`, `system_role` (override the table of models); `unsigned_thinking` (the
vendor signs no thinking and wants it back all the same).

Source: https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import chain, takewhile
from typing import Any, ClassVar, Final
from urllib.parse import quote

import msgspec
from msgspec import structs

from agentlab.errors import ModelError, UnsupportedCapability, UsageError
from agentlab.messages import (
    CacheOptions,
    Message,
    Request,
    SpecificTools,
    SystemMessage,
    ToolDefinition,
)
from agentlab.models.anthropic.content import WIRE, Form, cache_control, message_items, placed
from agentlab.models.anthropic.decoder import AnthropicDecoder
from agentlab.models.anthropic.report import error_of
from agentlab.models.anthropic.schema import strict_schema
from agentlab.models.anthropic.traits import ModelTraits, limits_and_thinking, traits_of
from agentlab.models.encoding import (
    MessageBytes,
    context_message,
    encode_json,
    join_array,
    raw_items,
    rendered_settings,
)
from agentlab.models.stretches import Said, StretchBytes
from agentlab.models.wire import Decoder, Dialect, EncodedRequest, Framing, Vendor, merge_params

__all__ = ["AnthropicMessages"]

_VERSION: Final = "2023-06-01"
_MOST_MARKERS: Final = 4
_BEFORE_TOOLS: Final = ("output_config.format",)
_BEFORE_MESSAGES: Final = ("tool_choice", "thinking", "output_config.effort")
_TTLS: Final = ("5m", "1h")


class AnthropicMessages:
    """Speaks Anthropic Messages. One instance belongs to one model, whose messages it remembers as bytes.

    `additional_params` are merged into the body last. Three of its keys are understood first: `tools` (server tools, put
    after the request's own and before the marker), `system` (a list of blocks, put after the preamble) and `betas`
    (names that become the `anthropic-beta` header).
    """

    name: ClassVar[str] = WIRE
    framing: ClassVar[Framing] = "sse"
    dispatch_tail: ClassVar[bool] = True

    def __init__(self) -> None:
        self._bytes = MessageBytes()
        self._stretches = StretchBytes()

    def encode(self, request: Request, vendor: Vendor) -> EncodedRequest:
        """Turn a request into bytes; equal requests give equal bytes.

        Raises:
            UsageError: More than 4 cache markers, a marker of 1 hour after one of 5 minutes, or an unknown lifetime.
            UnsupportedCapability: The wire or the model has no way to say it.
        """
        traits = traits_of(request.model, vendor.dialect)
        cache = request.cache or CacheOptions()
        params = dict(request.additional_params)
        betas = params.pop("betas", ())
        tools = [*map(_tool, request.tools), *params.pop("tools", ())]
        tool_bytes = [encode_json(tool) for tool in tools]
        if tools and "tools" in cache.breakpoints:
            tools[-1] = {**tools[-1], "cache_control": cache_control(_ttl(cache.ttl))}
        leading = tuple(takewhile(lambda each: isinstance(each, SystemMessage), request.messages))
        blocks = _system_blocks(request, leading, params)
        system = _system(blocks, cache)
        form = Form(
            system_role=traits.system_role,
            unsigned_thinking=bool(vendor.dialect.get("unsigned_thinking")),
        )
        messages, pieces, marked = self._messages(request, cache, len(leading), form)
        version = vendor.dialect.get("body_version")
        body: dict[str, Any] = {"anthropic_version": version} if version else {"model": request.model}
        if tools:
            body["tools"] = join_array([*tool_bytes[:-1], encode_json(tools[-1])])
        if system:
            body["system"] = system
        body["messages"] = raw_items(messages)
        body |= _settings(request, traits, has_tools=bool(tools))
        if cache.diagnose:
            body["diagnostics"] = {"previous_message_id": cache.compare_with}
        if cache.automatic:
            body["cache_control"] = cache_control(_last_ttl(cache))
        body = merge_params(body, params)
        _check_markers([*_ttls(tools), *_ttls(system), *marked, *_added_ttls(params, body)])
        return EncodedRequest(
            path=_path(request, vendor.dialect),
            body=encode_json(body),
            headers=_headers(vendor, betas),
            pieces=()
            if "messages" in params or "system" in params
            else (
                *rendered_settings(body, *_BEFORE_TOOLS),
                *tool_bytes,
                *map(encode_json, blocks),
                *rendered_settings(body, *_BEFORE_MESSAGES),
                *pieces,
            ),
        )

    def decoder(self, vendor: Vendor, *, mint: Callable[[], str] | None = None) -> Decoder:  # noqa: ARG002 - the protocol's signature
        """A decoder for one response."""
        return AnthropicDecoder(mint)

    def error(self, status: int, body: bytes) -> ModelError:
        """What an HTTP error response says."""
        text = body.decode("utf-8", "replace")
        try:
            payload = msgspec.json.decode(body)
        except msgspec.DecodeError:
            payload = None
        return error_of(payload, status=status, body=text)

    def _messages(
        self, request: Request, cache: CacheOptions, skipped: int, form: Form
    ) -> tuple[list[bytes], list[bytes], list[str]]:
        """The bytes of the messages, some of them joined; one by one without markers; and the markers' lifetimes."""
        said = request.messages[skipped:]
        last = _last_ttl(cache) if "last" in cache.breakpoints else None
        known = self._stretches.of(said, lambda each: self._ended(each, form)[1], form)
        sent, plain, is_marked = self._ended(said[known.length :], form, last)
        if known.length and last is not None and not is_marked:  # the marker belongs further ahead
            known = Said()
            sent, plain, is_marked = self._ended(said, form, last)
        ttls = [last] if last is not None and is_marked else []
        items, pieces = [*known.runs, *sent], [*_flat(known.items), *plain]
        if not request.context:
            return items, pieces, ttls
        if "context" in cache.breakpoints:
            ttls = [_ttl(cache.ttl), *ttls]
            marker: str | None = ttls[0]
        else:
            marker = None if is_marked else last
            ttls = ttls if marker is None else [marker]
        sent, plain, _ = self._ended((context_message(request),), form, marker)
        return sent + items, plain + pieces, ttls

    def _ended(
        self, messages: tuple[Message, ...], form: Form, ttl: str | None = None
    ) -> tuple[list[bytes], list[bytes], bool]:
        """The bytes of messages with a marker on the last that may carry one; without it; and whether there is one."""
        rows = placed(messages, form)
        plain = [self._written(message, each) for message, each in rows]
        sent = list(plain)
        is_marked = False
        for place in range(len(rows) - 1, -1, -1) if ttl is not None else ():
            message, each = rows[place]
            sent[place] = self._written(message, structs.replace(each, marker=ttl))
            if is_marked := sent[place] != plain[place]:
                break
        return _flat(sent), _flat(plain), is_marked

    def _written(self, message: Message, form: Form) -> tuple[bytes, ...]:
        return self._bytes.of(message, lambda each: message_items(each, form), form)


def _path(request: Request, dialect: Dialect) -> str:
    path = str(dialect.get("path", "/v1/messages"))
    if request.stream:
        path = str(dialect.get("stream_path", path))
    return path.replace("{model}", quote(request.model, safe="@:"))


def _flat(written: Iterable[tuple[bytes, ...]]) -> list[bytes]:
    return list(chain.from_iterable(written))


def _tool(tool: ToolDefinition) -> dict[str, Any]:
    schema = strict_schema(tool.parameters) if tool.strict else tool.parameters
    entry: dict[str, Any] = {"name": tool.name}
    if tool.description:
        entry["description"] = tool.description
    entry["input_schema"] = schema if "type" in schema else {"type": "object", **schema}
    if tool.strict is not None:
        entry["strict"] = tool.strict
    return entry


def _system_blocks(
    request: Request, leading: tuple[Message, ...], params: dict[str, Any]
) -> list[dict[str, Any]]:
    """Preamble, leading system messages and the caller's own blocks, which are taken out of `params`."""
    texts = [request.preamble or "", *(each.content for each in leading if isinstance(each, SystemMessage))]
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text} for text in texts if text]
    if isinstance(params.get("system"), list):
        blocks += params.pop("system")
    return blocks


def _system(blocks: list[dict[str, Any]], cache: CacheOptions) -> str | list[dict[str, Any]]:
    """What is sent as `system`: a string where it is one text without marker, else blocks."""
    if blocks and "preamble" in cache.breakpoints:
        return [*blocks[:-1], {**blocks[-1], "cache_control": cache_control(_ttl(cache.ttl))}]
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        return str(blocks[0]["text"])
    return blocks


def _settings(request: Request, traits: ModelTraits, *, has_tools: bool) -> dict[str, Any]:
    """Everything that stands after the messages, in a fixed order."""
    settings: dict[str, Any] = {}
    choice = _tool_choice(request)
    if choice is not None and has_tools:
        settings["tool_choice"] = choice
    settings |= limits_and_thinking(request, traits)
    if request.output_schema is not None:
        schema = request.output_schema.schema
        shape = strict_schema(schema) if request.output_schema.strict else schema
        settings["output_config"] = {
            **settings.get("output_config", {}),
            "format": {"type": "json_schema", "schema": shape},
        }
    if request.temperature is not None:
        settings["temperature"] = request.temperature
    if request.stop_sequences:
        settings["stop_sequences"] = list(request.stop_sequences)
    if request.stream:
        settings["stream"] = True
    return settings


def _tool_choice(request: Request) -> dict[str, Any] | None:
    """The choice, with the switch for parallel calls, which the wire keeps there."""
    choice = request.tool_choice
    if choice is None and request.parallel_tool_calls is not False:
        return None
    if choice == "none":
        return {"type": "none"}
    if isinstance(choice, SpecificTools):
        if len(choice.names) != 1:
            raise UnsupportedCapability(
                f"the Anthropic wire can require one tool, or any; not {len(choice.names)} by name"
            )
        spoken: dict[str, Any] = {"type": "tool", "name": choice.names[0]}
    else:
        spoken = {"type": "any" if choice == "required" else "auto"}
    if request.parallel_tool_calls is False:
        spoken["disable_parallel_tool_use"] = True
    return spoken


def _headers(vendor: Vendor, betas: Iterable[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    if "anthropic-version" not in vendor.headers:
        headers["anthropic-version"] = _VERSION
    names = [*filter(None, vendor.headers.get("anthropic-beta", "").split(",")), *betas]
    if names:
        headers["anthropic-beta"] = ",".join(dict.fromkeys(names))
    return headers


# --------------------------------------------------------------------- markers


def _ttl(ttl: str | None) -> str:
    if ttl is not None and ttl not in _TTLS:
        raise UsageError(f"the Anthropic wire caches for 5m or 1h, not {ttl!r}")
    return ttl or "5m"


def _last_ttl(cache: CacheOptions) -> str:
    return _ttl(cache.last_ttl or cache.ttl)


def _ttls(items: Any) -> list[str]:
    """Lifetimes of the markers on blocks, and on blocks within their content, in order."""
    found: list[str] = []
    for item in items if isinstance(items, list | tuple) else ():
        if isinstance(item, Mapping):
            found += _ttls(item.get("content"))
            if isinstance(marker := item.get("cache_control"), Mapping):
                found.append(marker.get("ttl") or "5m")
    return found


def _added_ttls(params: Mapping[str, Any], body: Mapping[str, Any]) -> list[str]:
    """Lifetimes of the markers on messages the caller added, and of the top-level one, which sits on the last block."""
    return _ttls(params.get("messages")) + _ttls([{"cache_control": body.get("cache_control")}])


def _check_markers(ttls: list[str]) -> None:
    """Refuse here what the provider would refuse.

    Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching
    """
    if len(ttls) > _MOST_MARKERS:
        raise UsageError(
            f"the request has {len(ttls)} cache markers, and Anthropic allows {_MOST_MARKERS} in all, "
            "those in `additional_params` and the automatic one included"
        )
    if "1h" in ttls and "5m" in ttls[: len(ttls) - ttls[::-1].index("1h")]:
        raise UsageError(
            "a cache marker of 1h stands after one of 5m; the longer ones must come first "
            "(tools, preamble, context, last)"
        )
