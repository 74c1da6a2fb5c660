"""The same recorded requests as another ordering would have sent them.

Two things a run settles once must be told again with care. What is true only now is kept as it was first told in the
run, where the ordering puts it next to the prompt: an agent asks it once. And a history holds earlier prompts as they
were sent: those are laid out anew as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct, structs

from agentlab.caching.orderings.arrangement import arrange, prompt_as_sent, prompt_place
from agentlab.caching.orderings.ordering import PARTS, Ordering, split_part
from agentlab.messages import Message, Request

__all__ = ["retold"]


class _Run(Struct):
    """The prompt that is being answered, and what was told with it."""

    place: int
    prompt: Message
    told: dict[str, Any]


class _Kept(Struct, frozen=True):
    """An earlier prompt: as the recorded history has it, and as the new one would."""

    recorded: Message
    retold: Message


def retold(requests: Iterable[Request], ordering: Ordering | None) -> Iterator[Request]:
    """Requests of one conversation, in the order they were made, each made plain.

    Args:
        requests: As recorded, parts apart.
        ordering: The other ordering; None is each request's own.

    Raises:
        UsageError: As in `arrange`.
    """
    run: _Run | None = None
    kept: dict[int, _Kept] = {}
    for request in requests:
        place = prompt_place(request)
        recorded = request.messages[place] if place is not None else None
        same_run = run is not None and run.place == place and _is_same(run.prompt, recorded)
        parts = request.ordering if ordering is None else ordering.parts
        told = run.told if run is not None and same_run else _told(request, parts)
        changes: dict[str, Any] = {"ordering": parts, **told}
        messages = _rewritten(request.messages, kept, place)
        if messages is not None:
            changes["messages"] = messages
        other = structs.replace(request, **changes)
        if place is not None and recorded is not None and not same_run:
            run = _Run(place, recorded, told)
            kept = {index: each for index, each in kept.items() if index < place}
            kept[place] = _Kept(prompt_as_sent(request), prompt_as_sent(other))
        yield arrange(other)


def _told(request: Request, parts: tuple[str, ...]) -> dict[str, Any]:
    """What a run tells once: the facts that share the prompt's message."""
    names = [split_part(part)[0] for part in parts or PARTS]
    behind = names[max(names.index("few_shots"), names.index("history")) :]
    return {name: getattr(request, name) for name in ("retrieved", "volatile") if name in behind}


def _rewritten(
    messages: tuple[Message, ...], kept: dict[int, _Kept], place: int | None
) -> tuple[Message, ...] | None:
    """The history with its earlier prompts retold; None where none of them is in it."""
    found = {
        index: each.retold
        for index, each in kept.items()
        if place is not None and index < place and _is_same(messages[index], each.recorded)
    }
    if not found:
        return None
    return tuple(found.get(index, message) for index, message in enumerate(messages))


def _is_same(one: Message, other: Message | None) -> bool:
    return one is other or one == other
