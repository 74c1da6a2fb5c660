"""Looks for what keeps prompts from being read from a cache: in an agent, a run, or any list of calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

from msgspec import structs

from agentlab.caching.calls import Calls, RecordedCall, Recording, calls_of
from agentlab.caching.linting.comparisons import BETWEEN_RULES, WHOLE_RULES
from agentlab.caching.linting.finding import Finding, Findings
from agentlab.caching.linting.linted_call import LintedCall, linted
from agentlab.caching.linting.rules import CALL_RULES
from agentlab.caching.orderings.arrangement import arrange
from agentlab.errors import UsageError
from agentlab.messages import Request, UserMessage

__all__ = ["Finding", "Findings", "lint"]

_PROMPT = "Hello."


@runtime_checkable
class Asking(Protocol):
    """What `agentlab.Agent` is to a lint: settings that make requests, and a model."""

    settings: Any
    model: Any


Lintable = Calls | Asking | Callable[[], Asking]


def lint(subject: Lintable) -> Findings:
    """Look for what keeps prompts from being read from the cache.

    Args:
        subject: An agent; a function that makes one, which is called twice, so that what differs between two builds is
            seen and not guessed; a trace; or a list of recorded calls in the order they were made.

    Returns:
        The findings, the worst first.

    Raises:
        UsageError: It is none of these.
    """
    if isinstance(subject, Recording):
        return _of_calls(calls_of(subject), one_run=True)
    if isinstance(subject, Asking):
        return _of_agent([subject])
    if isinstance(subject, Sequence):
        return _of_calls(calls_of(subject), one_run=False)
    if callable(subject):
        return _of_agent([subject(), subject()])
    raise UsageError(
        "lint takes an agent, a function that makes one, a trace or a list of `RecordedCall`, "
        f"not {type(subject).__name__}"
    )


def _of_agent(builds: Sequence[Asking]) -> Findings:
    calls = [linted(_call_of(agent), number) for number, agent in enumerate(builds)]
    found = _static(calls[0])
    if len(calls) > 1:
        found += [each for rule in BETWEEN_RULES for each in rule(calls[0], calls[1])]
    return Findings(found)


def _of_calls(recorded: Sequence[RecordedCall], *, one_run: bool) -> Findings:
    calls = [linted(call, number) for number, call in enumerate(recorded, 1)]
    if not calls:
        return Findings()
    found = _static(calls[0])
    for before, after in pairwise(calls):
        if one_run or before.begins_like(after):
            found += [each for rule in BETWEEN_RULES for each in rule(before, after)]
    for rule in WHOLE_RULES:
        found += rule(calls)
    return Findings(found)


def _static(call: LintedCall) -> list[Finding]:
    return [each for rule in CALL_RULES for each in rule(call)]


def _call_of(agent: Asking) -> RecordedCall:
    """The first call an agent would make."""
    model = agent.model
    request = _with_facts(agent, agent.settings.request(model.model_id, (UserMessage.of(_PROMPT),)))
    vendor = getattr(model, "vendor", None)
    wire = getattr(model, "wire", None)
    if vendor is None or wire is None:
        return RecordedCall("", "", str(model.name).partition(":")[0], model.model_id, request=request)
    body = wire.encode(arrange(request), vendor).body.decode()
    return RecordedCall(wire.name, body, vendor.name, model.model_id, request=request)


def _with_facts(agent: Asking, request: Request) -> Request:
    """The request with the facts the agent would tell; without them where they share the prompt's message.

    There they are as new as the prompt itself, and do no harm.
    """
    facts = agent.settings.volatile
    told = structs.replace(
        request, volatile=tuple(fact if isinstance(fact, str) else fact() for fact in facts)
    )
    plain, placed = arrange(request), arrange(told)
    stay = (plain.preamble, plain.messages[:-1]) == (placed.preamble, placed.messages[:-1])
    return request if stay else told
