"""What is true only while one prompt is answered, and how it stays in the conversation.

A run asks its agent's volatile facts once, before its first model call: asked again each time, they would move the
cached prefix with every call. The prompt is kept in the history as it was sent, facts included, so the next run of a
chat still begins with the bytes of this one; its own facts go with its own prompt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, structs

from agentlab.caching.orderings.arrangement import prompt_as_sent
from agentlab.messages import Document, Request, UserMessage
from agentlab.short_repr import ShortRepr

if TYPE_CHECKING:
    from agentlab.agent.run import Run
    from agentlab.agent.settings import AgentSettings

__all__ = ["Facts", "asked_by"]


class Facts(ShortRepr, Struct, frozen=True):
    """What a run tells the model beside the prompt.

    Attributes:
        prompt: The prompt alone; the run's first message is the prompt as it was sent.
        volatile: Facts that are true now.
        retrieved: Documents found for the prompt, the most relevant first.
    """

    prompt: UserMessage
    volatile: tuple[str, ...] = ()
    retrieved: tuple[Document, ...] = ()


def asked_by(
    run: Run, settings: AgentSettings, model: str, *, retrieved: tuple[Document, ...] = ()
) -> Request:
    """The request for a run's next model call, its parts still apart.

    Args:
        run: The run; before its first call its facts are settled.
        settings: The agent.
        model: The provider's name of the model.
        retrieved: Documents found for the prompt; read before the first call only.

    Raises:
        UsageError: The tool choice cannot be met, or a volatile fact is no text.
    """
    if run.facts is None and run.turns_made == 0 and (settings.volatile or retrieved):
        _settle(run, settings, retrieved)
    if run.facts is None:
        request = settings.request(model, run.all_messages)
        return structs.replace(request, prompt_index=len(run.history))
    return _with_facts(run, run.facts, settings, model)


def _settle(run: Run, settings: AgentSettings, retrieved: tuple[Document, ...]) -> None:
    prompt = run.messages[0]
    assert isinstance(prompt, UserMessage)
    told = tuple(fact if isinstance(fact, str) else fact() for fact in settings.volatile)
    run.facts = Facts(prompt, told, retrieved)
    run.messages[0] = prompt_as_sent(_with_facts(run, run.facts, settings, ""))


def _with_facts(run: Run, facts: Facts, settings: AgentSettings, model: str) -> Request:
    request = settings.request(model, (*run.history, facts.prompt, *run.messages[1:]))
    return structs.replace(
        request, volatile=facts.volatile, retrieved=facts.retrieved, prompt_index=len(run.history)
    )
