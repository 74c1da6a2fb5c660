"""The default behaviour: rules in place of a model. Deterministic, and every answer says that it is simulated.

It calls the offered tools whose words fit the user's, with arguments found in the text, and answers from their results.
Where no tool is called it answers from the documents in the prompt (`reading.py`), works out a sum if it is offered no
tools (`reckoning.py`), and scores where it is asked as a judge (`judging.py`). From documents and in its head it slips at
a rate that depends on the model's name and the preamble (`skill.py`). Good enough to see an agent work from end to end; it
knows nothing and reasons about nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

import msgspec
from msgspec import Struct

from agentlab.messages import (
    AssistantMessage,
    Json,
    Message,
    SpecificTools,
    Text,
    ToolCall,
    ToolDefinition,
    ToolResult,
    UserMessage,
)
from agentlab.simulator.evidence import EXPRESSION_NAMES, Evidence
from agentlab.simulator.exchange import Reply, SimRequest, call, reply
from agentlab.simulator.instances import instance, is_fillable
from agentlab.simulator.judging import judgement
from agentlab.simulator.reading import documents_in, passages, without_documents
from agentlab.simulator.reckoning import reckoned, with_signs
from agentlab.simulator.skill import slips
from agentlab.simulator.told_schema import told_schema

__all__ = ["RuleBased"]

_LABEL: Final = "[simulated]"
_ENOUGH: Final = 3
_PAIR: Final = 2
_ECHO_WORDS: Final = 60
_STRONG: Final = re.compile(r"[?!;\n]+|\.(?=\s|$)|,?\s+(?:and\s+)?then\s+|,\s+and\s+|\s+and\s+also\s+")
_STEP: Final = re.compile(r",?\s+(?:and\s+)?then\s+", re.IGNORECASE)
_EARLIER: Final = re.compile(r"\b(?:the (?:result|sum|product|answer|difference)|it|that)\b", re.IGNORECASE)
_WEAK: Final = re.compile(r",\s*|\s+and\s+")
_WORD: Final = re.compile(r"[a-z]+|[-+*/\u00d7\u00f7](?=\s*\d)")
_MEANS: Final = {
    "+": "add sum plus addition",
    "plus": "add sum",
    "sum": "add",
    "-": "subtract minus difference",
    "minus": "subtract difference",
    "*": "multiply times product",
    "\u00d7": "multiply times product",
    "times": "multiply product",
    "/": "divide quotient division",
    "\u00f7": "divide quotient division",
    "temperature": "weather",
    "forecast": "weather",
    "rain": "weather",
    "raining": "weather",
    "sunny": "weather",
    "clock": "time",
    "calculate": "calculator calculation compute",
    "compute": "calculator calculate",
    "find": "search",
    "look": "search",
}  # fmt: skip
_COMMON: Final = frozenset(
    [
        "a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "get",
        "give", "has", "have", "how", "i", "in", "is", "it", "its", "me", "my", "of", "on", "or",
        "please", "that", "the", "their", "this", "to", "tool", "use", "used", "what", "when", "where",
        "which", "who", "will", "with", "you", "your", "return", "returns", "value", "values",
    ]
)  # fmt: skip


class RuleBased:
    """Picks tools by their words, fills arguments from the text, answers from results, then documents; else echoes."""

    def __call__(self, request: SimRequest) -> Reply:
        """Answer a request."""
        text = _asked(request.messages)
        results = _new_results(request.messages)
        calls = _calls(request, _step(text, request.messages, results), forced=not results)
        thought = _thought(text, calls, results) if request.reasoning else None
        if calls:
            return reply(reasoning=thought, calls=calls)
        schema = request.output_schema or told_schema(request.preamble)
        if schema is not None or request.output_schema is not None:
            if (judged := judgement(request, text)) is not None:
                return reply(msgspec.json.encode(judged).decode(), reasoning=thought)
            said = _with_results(text, results)
            value = instance(schema or {"type": "object"}, Evidence(said))
            return reply(msgspec.json.encode(value).decode(), reasoning=thought)
        found = None if results else _read(request, text) or _reckoned(request, text)
        return reply(found or _answer(text, results, request.messages), reasoning=thought)


class _Fit(Struct, frozen=True):
    """A tool with the piece of text that asks for it."""

    tool: ToolDefinition
    text: str


def _asked(messages: Sequence[Message]) -> str:
    """All the user wrote last, facts told beside a prompt included; documents are no words of the user's."""
    for message in reversed(messages):
        if isinstance(message, UserMessage):
            texts = [part.text for part in message.content if isinstance(part, Text)]
            said = [own for text in texts if (own := without_documents(text)) or not text]
            if said:
                return "\n".join(said)
    return ""


def _step(text: str, messages: Sequence[Message], results: Sequence[ToolResult]) -> str:
    """The part of the text that is due: all steps that need no earlier result, then one that does after each turn."""
    steps = _STEP.split(text)
    dependent = [place for place, step in enumerate(steps) if place and _EARLIER.search(step)]
    if not results:
        return ", then ".join(steps[: dependent[0]] if dependent else steps)
    done = _turns_since_prompt(messages)
    if not 0 < done <= len(dependent):
        return ""
    said = _shown(results[-1])
    return _EARLIER.sub(lambda _: said, steps[dependent[done - 1]], count=1)


def _turns_since_prompt(messages: Sequence[Message]) -> int:
    """How many times tools have answered since the user last wrote something."""
    turns = 0
    for message in reversed(messages):
        if isinstance(message, UserMessage):
            if len(message.tool_results) < len(message.content):
                break
            turns += 1
    return turns


def _calls(request: SimRequest, text: str, *, forced: bool) -> tuple[ToolCall, ...]:
    choice = request.tool_choice
    tools = request.tools
    if choice == "none" or not tools:
        return ()
    if isinstance(choice, SpecificTools):
        tools = tuple(tool for tool in tools if tool.name in choice.names)
    fits = list(_fits(tools, text))
    if not fits and forced and (choice == "required" or isinstance(choice, SpecificTools)):
        best = max(tools, key=lambda tool: _score(tool, text), default=None)
        fits = [_Fit(best, text)] if best is not None else []
    if request.json.get("parallel_tool_calls") is False:
        fits = fits[:1]
    return tuple(dict.fromkeys(_called(fit) for fit in fits))


def _called(fit: _Fit) -> ToolCall:
    schema = {"type": "object", **fit.tool.parameters}
    return call(fit.tool.name, **instance(schema, Evidence(fit.text)))


def _fits(tools: Sequence[ToolDefinition], text: str) -> Iterator[_Fit]:
    """The calls a text asks for: sentence by sentence, and within one, part by part where each part asks for a call."""
    previous: ToolDefinition | None = None
    for sentence in filter(str.strip, _STRONG.split(text)):
        parts = [part for part in _WEAK.split(sentence) if part.strip()]
        split = _each_fits(tools, parts, previous) if len(parts) > 1 else None
        found = split or _each_fits(tools, [sentence], previous) or []
        yield from found
        previous = found[-1].tool if found else previous


def _each_fits(
    tools: Sequence[ToolDefinition], parts: list[str], previous: ToolDefinition | None
) -> list[_Fit] | None:
    """A fit for every part, or None. A part that names no tool but has arguments repeats the one before."""
    fits: list[_Fit] = []
    for part in parts:
        evidence = Evidence(part)
        if len(parts) > 1 and not evidence.is_specific:
            return None
        tool = _best(tools, part)
        if tool is None and previous is not None and evidence.is_specific and len(part.split()) <= _ENOUGH:
            tool = previous if is_fillable(previous.parameters, evidence) else None
        if tool is None:
            return None
        fits.append(_Fit(tool, part))
        previous = tool
    return fits


def _best(tools: Sequence[ToolDefinition], text: str) -> ToolDefinition | None:
    """The tool that fits best and can be called with what the text holds; the first of equals."""
    evidence = Evidence(text)
    scored = [(_score(tool, text), tool) for tool in tools]
    fitting = [
        (score, tool) for score, tool in scored if score >= _ENOUGH and is_fillable(tool.parameters, evidence)
    ]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def _score(tool: ToolDefinition, text: str) -> int:
    """Shared words: 3 for one of the name, 2 for a parameter or an enum value, 1 for one of the description.

    A tool that takes an expression also fits arithmetic, the better the longer it is.
    """
    said = _words(text)
    name = _words(re.sub(r"([a-z])([A-Z])", r"\1 \2", tool.name).replace("_", " "))
    properties = tool.parameters.get("properties") or {}
    fields = _words(" ".join(properties).replace("_", " "))
    for shape in properties.values():
        if isinstance(shape, dict):
            fields |= _words(" ".join(map(str, shape.get("enum") or ())))
    described = _words(tool.description)
    evidence = Evidence(text)
    computes = bool(fields & EXPRESSION_NAMES) and evidence.sum is not None
    sums = (_ENOUGH if evidence.numbers <= _PAIR else 2 * evidence.numbers) if computes else 0
    shared = 3 * len(said & name) + 2 * len(said & (fields - name)) + len(said & (described - name - fields))
    return sums + shared


def _words(text: str) -> set[str]:
    """The words that tell, with what they also mean, singular."""
    found = set(_WORD.findall(text.lower()))
    for word in tuple(found):
        found.update(_MEANS.get(word, "").split())
    return {word.removesuffix("s") if len(word) > _ENOUGH else word for word in found - _COMMON}


def _new_results(messages: Sequence[Message]) -> tuple[ToolResult, ...]:
    """The results since the user last spoke; one turn of tools is answered, not called again."""
    last = messages[-1] if messages else None
    if not isinstance(last, UserMessage) or len(last.tool_results) < len(last.content):
        return ()
    return last.tool_results


def _read(request: SimRequest, text: str) -> str | None:
    """An answer from the documents in the prompt; a slip takes the passage that fits second best."""
    documents = documents_in(request.messages, request.preamble)
    found = passages(text, documents) if documents else []
    if not found:
        return None
    chosen = found[-1] if slips(request, text) else found[0]
    return f"{_LABEL} {chosen.document} says: {chosen.text}"


def _reckoned(request: SimRequest, text: str) -> str | None:
    """A sum worked out without tools; a slip is off by one in the second digit that counts."""
    written = Evidence(with_signs(text)).sum if not request.tools else None
    value = reckoned(written) if written else None
    if value is None:
        return None
    if slips(request, text):
        value += Fraction(10) ** max(len(str(abs(int(value)))) - _PAIR, 0)
    return f"{_LABEL} {written} = {int(value) if value.denominator == 1 else f'{float(value):.6g}'}"


def _answer(text: str, results: Sequence[ToolResult], messages: Sequence[Message]) -> str:
    if not results:
        words = text.split()
        echo = " ".join(words[:_ECHO_WORDS]) + (" ..." if len(words) > _ECHO_WORDS else "")
        return f"{_LABEL} You said: {echo}" if echo else f"{_LABEL} You said nothing."
    asked = {
        called.id: called
        for message in messages
        if isinstance(message, AssistantMessage)
        for called in message.tool_calls
    }
    sentences = [_sentence(result, asked.get(result.call_id)) for result in results]
    return f"{_LABEL} {' '.join(sentences)}"


def _sentence(result: ToolResult, asked: ToolCall | None) -> str:
    shown = ""
    if asked is not None and asked.has_valid_arguments:
        shown = ", ".join(
            f"{name}={msgspec.json.encode(value).decode()}" for name, value in asked.arguments.items()
        )
    verb = "failed:" if result.is_error else "returned"
    return f"{result.name}({shown}) {verb} {_shown(result) or 'nothing'}."


def _shown(result: ToolResult) -> str:
    """A result as text, without the object some wires wrap a plain value in (Gemini's `{"result": ...}`)."""
    content = result.content[0] if len(result.content) == 1 else None
    if isinstance(content, Json) and isinstance(content.value, dict) and len(content.value) == 1:
        wrapped = next(iter(content.value.values()))
        return wrapped.strip() if isinstance(wrapped, str) else msgspec.json.encode(wrapped).decode()
    return result.text.strip()


def _thought(text: str, calls: Sequence[ToolCall], results: Sequence[ToolResult]) -> str:
    if results:
        return f"The tools have answered ({', '.join(result.name for result in results)}). I answer from their results."
    if calls:
        named = ", ".join(f"{called.name} with {called.arguments_json}" for called in calls)
        return f"The user asks: {text.strip()!r}. The offered tools fit, so I call {named}."
    return f"The user says: {text.strip()!r}. No tool is needed, so I answer directly."


def _with_results(text: str, results: Sequence[ToolResult]) -> str:
    return "\n".join([*map(_shown, results), text])
