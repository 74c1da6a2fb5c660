"""Conversations made to measure, for studies that need no agent, no provider and no network.

Each generator gives calls with their parts apart, so `what_if` can lay them out, price and time them as any provider
would. Texts are drawn from a seed: equal arguments give equal calls, different texts share no prefix.

    calls = workloads.agent_loop(system_tokens=10_000, calls=10)
    what_if(calls, provider="anthropic:claude-sonnet-4-5")
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from msgspec import Struct, structs

from agentlab.caching.calls import RecordedCall
from agentlab.caching.orderings.arrangement import prompt_as_sent
from agentlab.messages import (
    AssistantMessage,
    Document,
    Message,
    Request,
    Text,
    ToolCall,
    ToolDefinition,
    ToolResult,
    UserMessage,
)
from agentlab.short_repr import ShortRepr

__all__ = ["START", "Sizes", "agent_loop", "chat", "fan_out", "text_of"]

START: Final = 1_790_812_800.0
"""Unix time of the first call: 1 October 2026, so that prices are those of a known day."""

_WORDS: Final = (  # noqa: SIM905 - one word a line would say no more
    "account agent answer archive balance bridge budget carbon castle center channel circle city client coast column "
    "contract copper corner council country cover credit culture current danger degree design detail doctor driver "
    "editor effect engine estate factor family farmer field figure filter finger forest friend future garden glass "
    "harbor health height history hotel island journey judge kitchen language leader letter library machine market "
    "matter member memory method mirror moment motion nation number object office orange palace paper partner pattern "
    "people period person picture planet player pocket policy power price process profit queen question record reason "
    "region report result river season second sector shadow signal silver sister spirit spring square station stone "
    "stream street summer surface system table target teacher theory ticket timber tower travel valley value vessel "
    "village voice volume water weather window winter wonder worker writer"
).split()


def text_of(tokens: int, *seed: object) -> str:
    """A text of about so many tokens, the same for the same seed."""
    draw = Random("/".join(map(str, seed)))
    return " ".join(draw.choices(_WORDS, k=tokens))


class Sizes(ShortRepr, Struct, frozen=True, kw_only=True):
    """Sizes of the parts of a made conversation, in tokens unless they say otherwise.

    Attributes:
        system: System prompt.
        tools: Number of tools.
        tool: One tool's description.
        documents: Static documents.
        few_shots: Number of worked examples of 60 tokens.
        retrieved: Documents found for each prompt.
        prompt: The user's prompt.
        call: A tool call's arguments.
        result: A tool's result.
        answer: An answer at the end.
    """

    system: int = 10_000
    tools: int = 5
    tool: int = 80
    documents: int = 0
    few_shots: int = 0
    retrieved: int = 0
    prompt: int = 40
    call: int = 30
    result: int = 700
    answer: int = 120


def agent_loop(
    *,
    system_tokens: int = 10_000,
    calls: int = 10,
    sizes: Sizes | None = None,
    result_tokens: int | None = None,
    parallel_calls: int = 1,
    gap_s: float = 10.0,
    volatile: bool = True,
    vendor: str = "openai",
    model: str = "gpt-5.2",
    seed: int = 0,
) -> tuple[RecordedCall, ...]:
    """One prompt answered by a loop of tool calls: the shape of "Don't Break the Cache" (arXiv 2601.06007).

    Args:
        system_tokens: Length of the system prompt.
        calls: Model calls; all but the last call tools.
        sizes: Sizes of the other parts.
        result_tokens: Size of a tool's result; as in `sizes` where None.
        parallel_calls: Tool calls in one turn.
        gap_s: Seconds from one model call to the next.
        volatile: Whether the request tells the time, another one in every call.
        vendor: Who served it.
        model: The provider's name of the model.
        seed: Source of the texts.
    """
    return chat(
        prompts=1,
        calls=calls,
        sizes=_sizes(sizes, system_tokens, result_tokens),
        parallel_calls=parallel_calls,
        gap_s=gap_s,
        volatile=volatile,
        vendor=vendor,
        model=model,
        seed=seed,
    )


def chat(
    *,
    prompts: int = 5,
    calls: int = 3,
    sizes: Sizes | None = None,
    parallel_calls: int = 1,
    gap_s: float = 10.0,
    think_time_s: float = 60.0,
    volatile: bool = True,
    vendor: str = "openai",
    model: str = "gpt-5.2",
    seed: int = 0,
) -> tuple[RecordedCall, ...]:
    """A conversation of several prompts, each answered by a loop of tool calls.

    Args:
        prompts: How often the user asks.
        calls: Model calls for each prompt; all but the last call tools.
        sizes: Sizes of the parts.
        parallel_calls: Tool calls in one turn.
        gap_s: Seconds from one model call to the next.
        think_time_s: Seconds from an answer to the next prompt.
        volatile: Whether the request tells the time, another one in every call.
        vendor: Who served it.
        model: The provider's name of the model.
        seed: Source of the texts.
    """
    made = _Conversation(
        sizes or Sizes(), vendor=vendor, model=model, seed=seed, parallel=parallel_calls, volatile=volatile
    )
    found: list[RecordedCall] = []
    now = START
    for prompt in range(prompts):
        for call in made.answered(prompt, calls, now, gap_s):
            found.append(call)
            now = call.at + gap_s
        now += think_time_s
    return tuple(found)


def fan_out(
    *,
    branches: int = 8,
    system_tokens: int = 10_000,
    sizes: Sizes | None = None,
    warm_first: bool = False,
    gap_s: float = 2.0,
    vendor: str = "anthropic",
    model: str = "claude-sonnet-4-5",
    seed: int = 0,
) -> tuple[RecordedCall, ...]:
    """One system prompt asked many things at once, as agents with sub-agents do.

    Args:
        branches: How many prompts.
        system_tokens: Length of the system prompt they share.
        sizes: Sizes of the other parts.
        warm_first: Whether the first is sent alone, and the rest `gap_s` seconds later, when its entry can be read.
        gap_s: Seconds between the first and the rest.
        vendor: Who served it.
        model: The provider's name of the model.
        seed: Source of the texts.
    """
    shape = _sizes(sizes, system_tokens, None)
    found: list[RecordedCall] = []
    for branch in range(branches):
        made = _Conversation(shape, vendor=vendor, model=model, seed=seed, branch=branch)
        found += made.answered(0, 1, START + (gap_s if warm_first and branch else 0.0), 0.0)
    return tuple(found)


def _sizes(sizes: Sizes | None, system: int, result: int | None) -> Sizes:
    shape = structs.replace(sizes or Sizes(), system=system)
    return shape if result is None else structs.replace(shape, result=result)


class _Conversation:
    """A conversation as it grows; its history is kept as an agent keeps it."""

    def __init__(
        self,
        sizes: Sizes,
        *,
        vendor: str,
        model: str,
        seed: int,
        parallel: int = 1,
        volatile: bool = False,
        branch: int = 0,
    ) -> None:
        self._sizes, self._vendor, self._model = sizes, vendor, model
        self._seed, self._parallel, self._volatile, self._branch = seed, parallel, volatile, branch
        self._history: list[Message] = []
        self._ticks = itertools.count()
        self._fixed = Request(
            model=model,
            tools=tuple(_tool(sizes.tool, number, seed) for number in range(sizes.tools)),
            preamble=text_of(sizes.system, seed, "system") or None,
            context=(Document.from_text(text_of(sizes.documents, seed, "documents"), "handbook"),)
            if sizes.documents
            else (),
            few_shots=tuple(_few_shots(sizes.few_shots, seed)),
        )

    def answered(self, prompt: int, calls: int, start: float, gap_s: float) -> Iterator[RecordedCall]:
        """The calls that answer one prompt."""
        sizes, place = self._sizes, len(self._history)
        asked = UserMessage.of(text_of(sizes.prompt, self._seed, "prompt", prompt, self._branch))
        messages: list[Message] = [asked]
        first: Request | None = None
        for number in range(calls):
            request = structs.replace(
                self._fixed,
                messages=(*self._history, *messages),
                prompt_index=place,
                retrieved=self._retrieved(prompt),
                volatile=(f"The time is minute {next(self._ticks)} of the session.",)
                if self._volatile
                else (),
            )
            first = first or request
            last = number == calls - 1
            output = sizes.answer if last else sizes.call * self._parallel
            yield RecordedCall(
                "",
                "",
                self._vendor,
                self._model,
                at=start + number * gap_s,
                output_tokens=output,
                request=request,
            )
            messages += self._turn(prompt, number, last=last)
        if first is not None:
            self._history += [prompt_as_sent(first), *messages[1:]]

    def _turn(self, prompt: int, number: int, *, last: bool) -> Sequence[Message]:
        sizes, name = self._sizes, (self._seed, prompt, number, self._branch)
        if last:
            return [AssistantMessage.of(text_of(sizes.answer, "answer", *name))]
        calls = [
            ToolCall(
                f"call_{prompt}_{number}_{each}",
                f"tool_{each % max(sizes.tools, 1)}",
                f'{{"query":"{text_of(sizes.call, "call", each, *name)}"}}',
            )
            for each in range(self._parallel)
        ]
        results = [
            ToolResult(call.id, call.name, (Text(text_of(sizes.result, "result", each, *name)),))
            for each, call in enumerate(calls)
        ]
        return [AssistantMessage(tuple(calls)), UserMessage(tuple(results))]

    def _retrieved(self, prompt: int) -> tuple[Document, ...]:
        if not self._sizes.retrieved:
            return ()
        return (
            Document.from_text(
                text_of(self._sizes.retrieved, self._seed, "found", prompt), f"found_{prompt}"
            ),
        )


def _tool(tokens: int, number: int, seed: int) -> ToolDefinition:
    parameters = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
    return ToolDefinition(f"tool_{number}", text_of(tokens, seed, "tool", number), parameters)


def _few_shots(count: int, seed: int) -> Iterator[Message]:
    for number in range(count):
        yield UserMessage.of(text_of(20, seed, "asked", number))
        yield AssistantMessage.of(text_of(40, seed, "shown", number))
