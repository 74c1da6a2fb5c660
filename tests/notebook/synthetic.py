"""Runs that never happened, for views: the events of an agent, made up and paced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

from agentlab.messages import (
    AssistantMessage,
    Event,
    Json,
    Reasoning,
    ReasoningBlock,
    ReasoningDelta,
    ReasoningText,
    RequestSent,
    Retrying,
    RunFinished,
    Text,
    TextDelta,
    Timing,
    ToolCall,
    ToolCallDelta,
    ToolResult,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    Usage,
)

CANARY = "sk-CANARY-0123456789"
THOUGHT = "The user wants a sum. I have a tool for that, so I call it and look up the table as well. "
ANSWER = """The sum is **6,912**. In short:

- `add` gave the number
- `lookup` had no such table

| part | tokens | price |
|:-----|-------:|:-----:|
| first turn | 1,500 | $0.0123 |
| second turn | 1,700 | $0.0040 |

```python
def add(a: int, b: int) -> int:
    return a + b
```

> An image is named and never fetched: ![chart](https://images.invalid/?q=1)

See [the docs](https://docs.invalid/add).
"""


async def paced(events: Iterable[Event], per_second: float) -> AsyncIterator[Event]:
    """The events with an even pause between them; events that fall due together come together."""
    began = asyncio.get_running_loop().time()
    for number, event in enumerate(events):
        due = began + number / per_second
        delay = due - asyncio.get_running_loop().time()
        if delay > 0:
            await asyncio.sleep(delay)
        yield event


def words(text: str) -> list[str]:
    """A text in pieces of about a token."""
    return [text[start : start + 5] for start in range(0, len(text), 5)]


def text_run(pieces: list[str], model: str = "sim:openai/gpt-5.6") -> list[Event]:
    """One turn that streams these pieces."""
    text = "".join(pieces)
    usage = Usage(input_tokens=20, output_tokens=len(pieces))
    return [
        TurnStarted(1, model),
        RequestSent("openai-chat", "http://127.0.0.1/v1", f'{{"key": "{CANARY}"}}'),
        *(TextDelta(piece) for piece in pieces),
        TurnFinished(AssistantMessage.of(text), usage, "stop"),
        RunFinished(text, usage),
    ]


def tool_run() -> list[Event]:
    """Two turns: reasoning, two tool calls of which one fails, and an answer with all of Markdown."""
    thought = Reasoning((ReasoningText(THOUGHT),))
    add = ToolCall("call_1", "add", '{"a": 1234, "b": 5678}')
    lookup = ToolCall("call_2", "lookup", '{"table": "prices"}')
    first = Usage(
        input_tokens=1500,
        output_tokens=260,
        cache_read_tokens=0,
        cache_write_tokens=1200,
        cache_write_5m_tokens=1000,
        cache_write_1h_tokens=200,
        reasoning_tokens=190,
    )
    second = Usage(
        input_tokens=1700,
        output_tokens=140,
        cache_read_tokens=1200,
        cache_write_tokens=300,
        cache_write_5m_tokens=300,
        reasoning_tokens=0,
    )
    return [
        TurnStarted(1, "sim:anthropic/claude-sonnet-5"),
        RequestSent("anthropic", "http://127.0.0.1/v1/messages", f'{{"key": "{CANARY}"}}'),
        Retrying(1, 0.5, "rate limited", 429),
        *(ReasoningDelta(piece) for piece in words(THOUGHT)),
        ReasoningBlock(thought),
        *(ToolCallDelta("call_1", "add", piece, 1) for piece in words(add.arguments_json)),
        add,
        ToolCallDelta("call_2", "lookup", lookup.arguments_json, 2),
        lookup,
        TurnFinished(
            AssistantMessage.of(thought, add, lookup),
            first,
            "tool_calls",
            timing=Timing(duration_s=1.21, time_to_first_token_s=0.42),
            cost_usd=0.0123,
        ),
        ToolStarted("call_1", "add"),
        ToolResult("call_1", "add", (Json(6912),)),
        ToolStarted("call_2", "lookup"),
        ToolResult("call_2", "lookup", (Text("no such table: prices"),), status="failed"),
        TurnStarted(2, "sim:anthropic/claude-sonnet-5"),
        *(TextDelta(piece) for piece in words(ANSWER)),
        TurnFinished(
            AssistantMessage.of(ANSWER),
            second,
            "stop",
            turn=2,
            timing=Timing(duration_s=0.81, time_to_first_token_s=0.12),
            cost_usd=0.004,
        ),
        RunFinished(ANSWER, first + second),
    ]


async def stalled(events: Iterable[Event], silent: asyncio.Event | None = None) -> AsyncIterator[Event]:
    """The events at once, and then silence for ever; `silent` is set when it begins."""
    for event in events:
        yield event
    if silent is not None:
        silent.set()
    await asyncio.Event().wait()
