"""The stream events of the OpenAI Responses API, as types.

The events are those of https://platform.openai.com/docs/api-reference/responses-streaming. One tagged decode reads and
tells apart an event in about a microsecond; fields that are not needed (`obfuscation`, `logprobs`) are skipped.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

__all__ = [
    "PROGRESS",
    "TYPES",
    "AnnotationAdded",
    "ArgumentsDelta",
    "ArgumentsDone",
    "CustomInputDelta",
    "CustomInputDone",
    "Event",
    "ItemAdded",
    "ItemDone",
    "ReasoningTextDelta",
    "RefusalDelta",
    "RefusalDone",
    "ResponseCompleted",
    "ResponseCreated",
    "ResponseFailed",
    "ResponseInProgress",
    "ResponseIncomplete",
    "ResponseQueued",
    "StreamError",
    "SummaryTextDelta",
    "TextDelta",
    "TextDone",
]


class TextDelta(Struct, tag="response.output_text.delta", tag_field="type", gc=False):
    """More visible text."""

    delta: str
    output_index: int = 0
    content_index: int = 0


class TextDone(Struct, tag="response.output_text.done", tag_field="type", gc=False):
    """The whole text of a part."""

    text: str
    output_index: int = 0
    content_index: int = 0


class RefusalDelta(Struct, tag="response.refusal.delta", tag_field="type", gc=False):
    """More of a refusal."""

    delta: str
    output_index: int = 0
    content_index: int = 0


class RefusalDone(Struct, tag="response.refusal.done", tag_field="type", gc=False):
    """The whole refusal of a part."""

    refusal: str
    output_index: int = 0
    content_index: int = 0


class ReasoningTextDelta(Struct, tag="response.reasoning_text.delta", tag_field="type", gc=False):
    """More reasoning in clear."""

    delta: str
    output_index: int = 0
    content_index: int = 0


class SummaryTextDelta(Struct, tag="response.reasoning_summary_text.delta", tag_field="type", gc=False):
    """More of a summary of the reasoning."""

    delta: str
    output_index: int = 0
    summary_index: int = 0


class ArgumentsDelta(Struct, tag="response.function_call_arguments.delta", tag_field="type", gc=False):
    """More of a function call's arguments."""

    delta: str
    output_index: int = 0


class ArgumentsDone(Struct, tag="response.function_call_arguments.done", tag_field="type", gc=False):
    """The whole arguments of a function call."""

    arguments: str
    output_index: int = 0


class CustomInputDelta(Struct, tag="response.custom_tool_call_input.delta", tag_field="type", gc=False):
    """More of the free text for a custom tool."""

    delta: str
    output_index: int = 0


class CustomInputDone(
    Struct,
    tag="response.custom_tool_call_input.done",
    tag_field="type",
    gc=False,
    rename={"arguments": "input"},
):
    """The whole free text for a custom tool."""

    arguments: str
    output_index: int = 0


class AnnotationAdded(Struct, tag="response.output_text.annotation.added", tag_field="type"):
    """A citation of a text part."""

    annotation: dict[str, Any] | None = None
    output_index: int = 0
    content_index: int = 0


class ItemAdded(Struct, tag="response.output_item.added", tag_field="type"):
    """An item of the output begins."""

    item: dict[str, Any]
    output_index: int = 0


class ItemDone(Struct, tag="response.output_item.done", tag_field="type"):
    """An item of the output is complete."""

    item: dict[str, Any]
    output_index: int = 0


class ResponseCreated(Struct, tag="response.created", tag_field="type"):
    """The response exists."""

    response: dict[str, Any]


class ResponseQueued(Struct, tag="response.queued", tag_field="type"):
    """The response waits for its turn."""

    response: dict[str, Any]


class ResponseInProgress(Struct, tag="response.in_progress", tag_field="type"):
    """The response is being written."""

    response: dict[str, Any]


class ResponseCompleted(Struct, tag="response.completed", tag_field="type"):
    """Terminal: the response is whole."""

    response: dict[str, Any]


class ResponseIncomplete(Struct, tag="response.incomplete", tag_field="type"):
    """Terminal: the response ended at a limit or a filter."""

    response: dict[str, Any]


class ResponseFailed(Struct, tag="response.failed", tag_field="type"):
    """Terminal: the response failed."""

    response: dict[str, Any]


class StreamError(Struct, tag="error", tag_field="type"):
    """An error in the stream: documented flat, in practice with the details one level down."""

    code: Any = None
    message: str | None = None
    error: Any = None


Event = (
    TextDelta
    | TextDone
    | RefusalDelta
    | RefusalDone
    | ReasoningTextDelta
    | SummaryTextDelta
    | ArgumentsDelta
    | ArgumentsDone
    | CustomInputDelta
    | CustomInputDone
    | AnnotationAdded
    | ItemAdded
    | ItemDone
    | ResponseCreated
    | ResponseQueued
    | ResponseInProgress
    | ResponseCompleted
    | ResponseIncomplete
    | ResponseFailed
    | StreamError
)
TYPES: Final = frozenset(str(kind.__struct_config__.tag) for kind in Event.__args__)

PROGRESS: Final = frozenset(
    {
        "keepalive",
        "response.apply_patch_call_operation_diff.delta",
        "response.apply_patch_call_operation_diff.done",
        "response.code_interpreter_call.completed",
        "response.code_interpreter_call.in_progress",
        "response.code_interpreter_call.interpreting",
        "response.code_interpreter_call_code.delta",
        "response.code_interpreter_call_code.done",
        "response.compaction.compacting",
        "response.content_part.added",
        "response.content_part.done",
        "response.file_search_call.completed",
        "response.file_search_call.in_progress",
        "response.file_search_call.searching",
        "response.image_generation_call.completed",
        "response.image_generation_call.generating",
        "response.image_generation_call.in_progress",
        "response.image_generation_call.partial_image",
        "response.mcp_call.completed",
        "response.mcp_call.failed",
        "response.mcp_call.in_progress",
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
        "response.mcp_list_tools.completed",
        "response.mcp_list_tools.failed",
        "response.mcp_list_tools.in_progress",
        "response.reasoning_part.added",
        "response.reasoning_part.done",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_part.done",
        "response.reasoning_summary_text.done",
        "response.reasoning_text.done",
        "response.shell_call_command.added",
        "response.shell_call_command.delta",
        "response.shell_call_command.done",
        "response.shell_call_output_content.delta",
        "response.shell_call_output_content.done",
        "response.web_search_call.completed",
        "response.web_search_call.in_progress",
        "response.web_search_call.searching",
    }
)
"""Events that say how far an item is; the finished item says it all again."""
