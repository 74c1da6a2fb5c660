"""Puts the parts of a request where an ordering wants them; the wires then need to know nothing of orderings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Final

from msgspec import Struct, field, structs

from agentlab.caching.orderings.ordering import PARTS, Ordering, split_part
from agentlab.errors import InvalidHistory, UsageError
from agentlab.messages import (
    Document,
    Message,
    Request,
    SpecificTools,
    SystemMessage,
    Text,
    ToolCall,
    ToolDefinition,
    ToolResult,
    UserMessage,
    UserPart,
)

__all__ = ["arrange", "prompt_as_sent", "prompt_place"]

_BODIES: Final = frozenset(["documents", "few_shots", "history", "retrieved", "prompt"])
_WORD: Final = re.compile(r"[a-z0-9]+")


def arrange(request: Request, *, wire: str | None = None) -> Request:
    """The request with its parts in the order of `request.ordering`, as any wire can encode it.

    Pure: equal requests give equal requests, and messages that need no change stay the same objects. What stands in
    the prompt's message stays there when the run goes on, so a run under `stable_first` only ever appends.

    Args:
        request: A request with its parts apart.
        wire: The wire it goes to, such as `gemini`; an ordering it cannot express is refused.

    Returns:
        The same with `preamble`, `context` and `messages` alone; `few_shots`, `retrieved`, `volatile` and `ordering`
        are empty. A request that is plain already is given back as it is.

    Raises:
        UsageError: The ordering cannot be sent, or there is no prompt to put something next to.
    """
    if not (request.few_shots or request.retrieved or request.volatile or request.ordering):
        return request
    return _arranged(request, wire).request


def prompt_as_sent(request: Request) -> UserMessage:
    """The prompt's message as it should stay in a history: with what was retrieved for it and what was true then.

    Static documents are left out: they are the agent's, and come again with every request.

    Raises:
        UsageError: As in `arrange`, or there is no prompt.
    """
    arranged = _arranged(structs.replace(request, context=()))
    if arranged.prompt is None:
        raise UsageError("the request has no prompt: no user message holds more than tool results")
    return arranged.prompt


def prompt_place(request: Request) -> int | None:
    """Where in `messages` the prompt stands; None where no user message holds more than tool results."""
    if request.prompt_index is not None:
        return request.prompt_index
    for index in range(len(request.messages) - 1, -1, -1):
        message = request.messages[index]
        if isinstance(message, UserMessage) and not all(
            isinstance(part, ToolResult) for part in message.content
        ):
            return index
    return None


class _Arranged(Struct):
    request: Request
    prompt: UserMessage | None


class _Places(Struct):
    """What has been put where so far."""

    system: list[str] = field(default_factory=list)
    context: tuple[Document, ...] = ()
    messages: list[Message] = field(default_factory=list)
    waiting: list[UserPart] = field(default_factory=list)
    begun: bool = False
    after: list[UserPart] | None = None
    prompt: UserMessage | None = None

    def place_messages(self, messages: Iterable[Message]) -> None:
        """Add messages, behind a message of what waits for one: even where there are none, so that it stays apart."""
        if self.waiting:
            self.messages.append(UserMessage(tuple(self.waiting)))
            self.waiting = []
        self.messages += messages

    def place_parts(self, parts: Iterable[UserPart]) -> None:
        """Add content of a user message: it goes in the next one, or behind the prompt."""
        (self.waiting if self.after is None else self.after).extend(parts)


def _arranged(request: Request, wire: str | None = None) -> _Arranged:
    parts = request.ordering or PARTS
    ordering = _ordering(parts)
    if wire is not None:
        ordering.check(wire)
    places = _Places()
    leading = _leading(request.messages)
    prompt = prompt_place(request)
    end = len(request.messages) if prompt is None else prompt
    tools = request.tools
    for part in parts:
        name, variant = split_part(part)
        if name == "tools":
            tools = _chosen(request, int(variant)) if variant else tools
        elif name == "preamble":
            _place_preamble(request, places)
        elif name == "documents":
            _place_documents(request, places)
        elif name == "few_shots":
            places.place_messages(request.few_shots)
        elif name == "history":
            places.place_messages(request.messages[leading:end])
        elif name == "retrieved":
            found = _edges(request.retrieved) if variant else request.retrieved
            places.place_parts(_document_parts(found))
        elif name == "volatile":
            _place_volatile(request, places)
        else:
            places.after = []
        places.begun = places.begun or name in _BODIES
    _close(request, places, prompt)
    plain = structs.replace(
        request,
        tools=tools,
        preamble="\n\n".join(places.system) or None,
        context=places.context,
        messages=(*request.messages[:leading], *places.messages),
        few_shots=(),
        retrieved=(),
        volatile=(),
        ordering=(),
        prompt_index=None,
    )
    return _Arranged(plain, places.prompt)


@lru_cache
def _ordering(parts: tuple[str, ...]) -> Ordering:
    """An ordering of these parts; checked once, however many calls use it."""
    return Ordering(" > ".join(parts), parts)


def _place_preamble(request: Request, places: _Places) -> None:
    if not request.preamble:
        return
    if places.begun:
        places.place_messages([SystemMessage(request.preamble)])
    else:
        places.system.append(request.preamble)


def _place_documents(request: Request, places: _Places) -> None:
    if places.begun:
        places.place_parts(_document_parts(request.context))
    else:
        places.context = request.context


def _place_volatile(request: Request, places: _Places) -> None:
    facts = [fact for fact in request.volatile if fact]
    if not facts:
        return
    if places.begun:
        places.place_parts([Text("\n".join(facts))])
    else:
        places.system.append("\n".join(facts))


def _close(request: Request, places: _Places, prompt: int | None) -> None:
    """Put the prompt's message together, and what the run has said since behind it."""
    before, after = places.waiting, places.after or []
    if prompt is None:
        if before or after:
            raise UsageError(
                "the request has no prompt to put documents or facts next to: no user message holds more than tool "
                "results"
            )
        return
    message = request.messages[prompt]
    if not isinstance(message, UserMessage):
        raise UsageError(f"`prompt_index` is {prompt}, where no user message stands")
    places.prompt = message
    if before or after:
        results = sum(1 for part in message.content if isinstance(part, ToolResult))
        said = sorted(message.content, key=lambda part: not isinstance(part, ToolResult))
        places.prompt = UserMessage((*said[:results], *before, *said[results:], *after))
    places.messages += [places.prompt, *request.messages[prompt + 1 :]]


def _leading(messages: Sequence[Message]) -> int:
    """How many system messages the conversation begins with: they belong to the system prompt."""
    count = 0
    while count < len(messages) and isinstance(messages[count], SystemMessage):
        count += 1
    return count


def _document_parts(documents: Iterable[Document]) -> list[UserPart]:
    """Documents as content: texts as one text, in the form the wires give static documents; others as they are."""
    texts: list[str] = []
    others: list[UserPart] = []
    for document in documents:
        try:
            texts.append(document.rendered())
        except InvalidHistory:
            others.append(document)
    return [Text("".join(texts)), *others] if texts else others


def _edges(documents: tuple[Document, ...]) -> tuple[Document, ...]:
    """The most relevant first and last, the least in the middle: 1 3 5 ... 6 4 2."""
    return (*documents[::2], *reversed(documents[1::2]))


def _chosen(request: Request, most: int) -> tuple[ToolDefinition, ...]:
    """The tools that share most words with the newest message, best first; those that must be callable stay in.

    A word counts the less, the more tools have it.
    """
    said = _words(_newest_text(request.messages))
    needed = request.tool_choice.names if isinstance(request.tool_choice, SpecificTools) else ()
    words = {tool.name: said & _words(f"{tool.name} {tool.description}") for tool in request.tools}
    tools_with = Counter(word for shared in words.values() for word in shared)

    def rank(tool: ToolDefinition) -> tuple[bool, Fraction]:
        score = sum((Fraction(1, tools_with[word]) for word in words[tool.name]), Fraction())
        return tool.name not in needed, -score

    return tuple(sorted(request.tools, key=rank)[: max(most, len(needed))])


def _newest_text(messages: Sequence[Message]) -> str:
    if not messages:
        return ""
    newest = messages[-1]
    if isinstance(newest, SystemMessage):
        return newest.content
    return "\n".join(
        part.text if isinstance(part, Text | ToolResult) else part.name
        for part in newest.content
        if isinstance(part, Text | ToolResult | ToolCall)
    )


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))
