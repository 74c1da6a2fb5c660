"""What is true only while one prompt is answered, and how it stays in the conversation.

A run asks its agent's volatile facts and its indexes once, before its first model call: asked again each time, they would
move the cached prefix with every call. The prompt is kept in the history as it was sent, facts included, so the next run of a
chat still begins with the bytes of this one; its own facts go with its own prompt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, structs

from agentlab.agent.memory.remembered import Remembered
from agentlab.agent.retrieving.retrieved import Found, with_tools
from agentlab.caching.orderings.arrangement import prompt_as_sent
from agentlab.messages import Document, Request, UserMessage
from agentlab.short_repr import ShortRepr

if TYPE_CHECKING:
    from agentlab.agent.run import Run
    from agentlab.agent.settings import AgentSettings

__all__ = ["Facts", "asked_by", "offering"]


class Facts(ShortRepr, Struct, frozen=True):
    """What a run tells the model beside the prompt.

    Attributes:
        prompt: The prompt alone; the run's first message is the prompt as it was sent.
        volatile: Facts that are true now.
        retrieved: Documents found for the prompt, the most relevant first; told with it.
        context: Documents found for the prompt that follow the static ones, and do not stay in the history.
        tools: Names of the tools found for the prompt, offered behind the agent's own.
        memory: What of the history is sent; all of it where None.
    """

    prompt: UserMessage
    volatile: tuple[str, ...] = ()
    retrieved: tuple[Document, ...] = ()
    context: tuple[Document, ...] = ()
    tools: tuple[str, ...] = ()
    memory: Remembered | None = None


def offering(run: Run, settings: AgentSettings) -> AgentSettings:
    """The agent with the tools that were found for a run, which are the same for all of it."""
    return settings if run.facts is None else with_tools(settings, run.facts.tools)


def asked_by(
    run: Run,
    settings: AgentSettings,
    model: str,
    *,
    found: Found | None = None,
    remembered: Remembered | None = None,
) -> Request:
    """The request for a run's next model call, its parts still apart.

    Args:
        run: The run; before its first call its facts are settled.
        settings: The agent.
        model: The provider's name of the model.
        found: What was found for the prompt; read before the first call only.
        remembered: What of the history is sent; likewise.

    Raises:
        UsageError: The tool choice cannot be met, or a volatile fact is no text.
    """
    told = settings.volatile or found is not None or remembered is not None
    if run.facts is None and run.turns_made == 0 and told:
        _settle(run, settings, found or Found(), remembered)
    if run.facts is None:
        request = settings.request(model, run.all_messages)
        return structs.replace(request, prompt_index=len(run.history))
    return _with_facts(run, run.facts, settings, model)


def _settle(run: Run, settings: AgentSettings, found: Found, remembered: Remembered | None) -> None:
    prompt = run.messages[0]
    assert isinstance(prompt, UserMessage)
    told = tuple(fact if isinstance(fact, str) else fact() for fact in settings.volatile)
    retrieved = found.retrieved + (remembered.recalled if remembered is not None else ())
    facts = Facts(prompt, told, retrieved, found.context, found.tools, remembered)
    as_sent = prompt_as_sent(_with_facts(run, facts, settings, ""))
    run.facts, run.messages[0] = facts, as_sent


def _with_facts(run: Run, facts: Facts, settings: AgentSettings, model: str) -> Request:
    offered = with_tools(settings, facts.tools)
    history = run.history if facts.memory is None else facts.memory.view(run.history)
    request = offered.request(model, (*history, facts.prompt, *run.messages[1:]))
    return structs.replace(
        request,
        context=request.context + facts.context,
        volatile=facts.volatile,
        retrieved=facts.retrieved,
        prompt_index=len(history),
    )
