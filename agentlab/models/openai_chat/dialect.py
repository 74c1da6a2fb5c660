"""What differs between vendors of the Chat Completions wire, as data: the `dialect` of a row of `vendors.toml`."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from agentlab.errors import UsageError
from agentlab.models.wire import Dialect

__all__ = ["ChatDialect", "dialect_of"]

CacheField = Literal["prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"]


class ChatDialect(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The flags; each default is what most vendors do.

    Attributes:
        path: Appended to the base URL.
        system_role: Role of instructions (`developer`: OpenAI).
        max_tokens: Name of the limit of generated tokens.
        stream_options: Whether usage of a stream must be asked for with `stream_options.include_usage`.
        terminal: What ends a stream: `done`, the `[DONE]` frame; `finish_reason`, the end of the bytes after a finish
            reason (vendors recorded without `[DONE]`).
        reasoning: How thinking is asked for. `effort`: `reasoning_effort`. `openrouter`: `reasoning: {effort,
            max_tokens}`. `thinking`: `thinking: {type: enabled | disabled}` beside the effort (DeepSeek, Z.ai).
            `thinking_off`: the effort, and `thinking: {type: disabled}` for none (Moonshot). `thinking_adaptive`:
            `thinking: {type: adaptive | disabled}` alone (MiniMax). `enable_thinking`: that field and
            `thinking_budget` (Alibaba). `template`: `chat_template_kwargs` (llama.cpp, vLLM).
        efforts: Levels it knows by another name, such as `{ max = "xhigh" }`.
        reasoning_replay: Where reasoning of earlier turns goes. `none`: left out. `reasoning_content`, `reasoning`: a
            field of that name. `reasoning_details`: OpenRouter's list, verbatim. `thinking_parts`: parts of the
            content (Mistral).
        response_format: Whether a schema is enforced, or only JSON, the schema then being told in the preamble.
        strict_tools: Whether `strict` of a tool is understood.
        parallel_tool_calls: Whether the field of that name is understood.
        allowed_tools: Whether `tool_choice` may name several tools (OpenAI).
        tool_call_ids: `any`, or exactly `nine` letters and digits (Mistral); others are mapped.
        image_tool_results: Whether a tool message may hold images.
        documents: The part that carries a file. `file`: bytes or file id; `file_url`: also a URL (OpenRouter);
            `document_url`: Mistral's part; `none`: text documents only.
        audio: `object`: `{data, format}`; `string`: the base64 text (Mistral); `none`.
        video: Whether a `video_url` part is understood (OpenRouter).
        cache_markers: Marker on content parts: `breakpoint` is OpenAI's, `cache_control` Anthropic's as other vendors
            took it over.
        cache_fields: Cache fields of the body that are understood.
        cache_key_header: Header that carries the cache key (xAI).
        body: Fields sent with every request.
    """

    path: str = "/chat/completions"
    system_role: Literal["system", "developer"] = "system"
    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    stream_options: bool = True
    terminal: Literal["done", "finish_reason"] = "done"
    reasoning: Literal[
        "effort", "openrouter", "thinking", "thinking_off", "thinking_adaptive", "enable_thinking", "template"
    ] = "effort"
    efforts: dict[str, str] = msgspec.field(default_factory=dict)
    reasoning_replay: Literal[
        "none", "reasoning_content", "reasoning", "reasoning_details", "thinking_parts"
    ] = "none"
    response_format: Literal["json_schema", "json_object"] = "json_schema"
    strict_tools: bool = False
    parallel_tool_calls: bool = True
    allowed_tools: bool = False
    tool_call_ids: Literal["any", "nine"] = "any"
    image_tool_results: bool = False
    documents: Literal["file", "file_url", "document_url", "none"] = "none"
    audio: Literal["object", "string", "none"] = "object"
    video: bool = False
    cache_markers: Literal["none", "breakpoint", "cache_control"] = "none"
    cache_fields: tuple[CacheField, ...] = ()
    cache_key_header: str | None = None
    body: dict[str, Any] = msgspec.field(default_factory=dict)


def dialect_of(flags: Dialect, vendor: str) -> ChatDialect:
    """Read the flags of a row.

    Args:
        flags: The row's `dialect`.
        vendor: Its name, for the message.

    Raises:
        UsageError: A flag is unknown or has a value it cannot have.
    """
    try:
        return msgspec.convert(dict(flags), ChatDialect)
    except msgspec.ValidationError as error:
        raise UsageError(f"the dialect of the vendor `{vendor}` is wrong: {error}") from None
