"""An answer in the format of OpenAI's chat completions: whole, or chunk by chunk."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from agentlab.messages import AssistantMessage, FinishReason, Image, Usage
from agentlab.serving.media import data_url
from agentlab.serving.refusals import ErrorAnswer
from agentlab.serving.seen import (
    CallArguments,
    CallStarted,
    Seen,
    SeenImage,
    SeenReasoning,
    SeenRefusal,
    SeenText,
)
from agentlab.serving.transport import frame

__all__ = ["ChatAnswer", "chat_usage"]


class ChatAnswer:
    """Writes one answer down.

    Reasoning stands in `reasoning_content` and images in `images`, the fields that other servers gave them: OpenAI's chat
    interface has none.

    Args:
        name: A name that no other answer has.
        model: The served name.
        include_usage: Whether the client asked for the usage in its stream; then all chunks name it.
    """

    def __init__(self, name: str, model: str, *, include_usage: bool) -> None:
        self._head: dict[str, Any] = {
            "id": f"chatcmpl-{name}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
        }
        self._include_usage = include_usage
        self._begun = False

    def whole(self, seen: Sequence[Seen], reason: FinishReason, usage: Usage) -> dict[str, Any]:
        """The answer at once."""
        choice = {"index": 0, "message": _message(seen), "logprobs": None, "finish_reason": reason}
        return {
            **self._head,
            "object": "chat.completion",
            "choices": [choice],
            "usage": chat_usage(usage),
        }

    def next(self, seen: Seen) -> Iterable[bytes]:
        """The chunks for what the client sees next."""
        yield from self._beginning()
        yield frame(self._chunk(_delta(seen)))

    def end(self, reason: FinishReason, usage: Usage) -> Iterable[bytes]:
        """The last chunks."""
        yield from self._beginning()
        yield frame(self._chunk({}, reason))
        if self._include_usage:
            yield frame({**self._head, "choices": [], "usage": chat_usage(usage)})
        yield b"data: [DONE]\n\n"

    def broken_off(self, answer: ErrorAnswer) -> bytes:
        """The error as an event, the way OpenAI sends it."""
        return frame(answer.body)

    def given(self, message: AssistantMessage) -> None:
        """Nothing: this interface keeps no state."""

    def _beginning(self) -> Iterable[bytes]:
        if not self._begun:
            self._begun = True
            yield frame(self._chunk({"role": "assistant", "content": ""}))

    def _chunk(self, delta: dict[str, Any], reason: FinishReason | None = None) -> dict[str, Any]:
        usage = {"usage": None} if self._include_usage else {}
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return {**self._head, "choices": [choice], **usage}


def chat_usage(usage: Usage) -> dict[str, Any] | None:
    """The usage in OpenAI's words; None where the provider reported none. What was not reported is left out."""
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    prompt = {"cached_tokens": usage.cache_read_tokens, "cache_write_tokens": usage.cache_write_tokens}
    output = {"reasoning_tokens": usage.reasoning_tokens}
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {name: count for name, count in prompt.items() if count is not None},
        "completion_tokens_details": {name: count for name, count in output.items() if count is not None},
    }


def _message(seen: Sequence[Seen]) -> dict[str, Any]:
    """A whole message: what its deltas add up to."""
    texts: dict[str, str] = {}
    images: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    for each in seen:
        if isinstance(each, CallStarted):
            calls.append(
                {"id": each.id, "type": "function", "function": {"name": each.name, "arguments": ""}}
            )
        elif isinstance(each, CallArguments):
            calls[each.index]["function"]["arguments"] += each.text
        elif isinstance(each, SeenImage):
            images.append(_image(each.image))
        else:
            for field, text in _delta(each).items():
                texts[field] = texts.get(field, "") + text
    content = texts.pop("content", None if calls or "refusal" in texts else "")
    message = {"role": "assistant", "content": content, "refusal": None, **texts}
    return {**message, **({"images": images} if images else {}), **({"tool_calls": calls} if calls else {})}


def _delta(seen: Seen) -> dict[str, Any]:
    if isinstance(seen, SeenText):
        return {"content": seen.text}
    if isinstance(seen, SeenReasoning):
        return {"reasoning_content": seen.text}
    if isinstance(seen, SeenRefusal):
        return {"refusal": seen.text}
    if isinstance(seen, SeenImage):
        return {"images": [_image(seen.image)]}
    if isinstance(seen, CallStarted):
        function = {"name": seen.name, "arguments": ""}
        return {
            "tool_calls": [{"index": seen.index, "id": seen.id, "type": "function", "function": function}]
        }
    assert isinstance(seen, CallArguments)
    return {"tool_calls": [{"index": seen.index, "function": {"arguments": seen.text}}]}


def _image(image: Image) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_url(image)}}
