"""A chat as the front end holds it: the exchanges shown, and what stands around them.

The document is that of `runs_projection`. Its fields are

    title, agent, model, tools   what the reader talks to
    session, sessions            the open conversation, and lines of the picker
    running                      id of the exchange being answered, also where another branch is shown; or null
    is_blocking                  whether a cell blocks until the answer is there
    waiting                      prompts in line: {id, text, held}
    switches                     grows when another branch or session is shown
    totals                       tokens and cost of all branches together
    problem                      what went wrong beside the answers; empty where nothing did
    mode                         `plan` or `build`; null where there are no modes
    question                     what is asked and waits: {id, questions: [{name, text, buttons: labels}]}; or null
    changes                      what changed since the last answer, in words

and of each run it says {id, prompt, place: [n-th branch, of so many], earlier, later: ids of its neighbours or null, left_out,
still: whether it waits and nobody drives it, resumable, lead: what changed before it, changes: what changed while it went on}.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any

from agentlab.messages import Usage
from agentlab.notebook.chat.answerer import Answerer
from agentlab.notebook.chat.conversation import Conversation
from agentlab.notebook.chat.exchange import Exchange, prompt_text
from agentlab.notebook.chat.sessions import SessionEntry
from agentlab.notebook.run.projection import Operation
from agentlab.notebook.run.runs_projection import Entry, RunsProjection
from agentlab.notebook.run.state import RunState
from agentlab.notebook.run.token_bar import TokenBar, money
from agentlab.plain_text import well_formed

__all__ = ["ChatDocument", "totals"]


class ChatDocument:
    """What the front end has been told of a chat; a source for `Publisher`.

    Args:
        answerer: Gives who answers in a conversation.
        conversation: Gives the conversation that is open now.
    """

    def __init__(
        self, answerer: Callable[[Conversation], Answerer], conversation: Callable[[], Conversation]
    ) -> None:
        self._answerer = answerer
        self._conversation = conversation
        self._projection = RunsProjection(self._entries, self._fields)
        self.sessions: Sequence[SessionEntry] = ()
        self.problem = ""
        self.is_blocking = False
        self._shown: list[RunState] = []
        self._switches = 0

    def patch(self) -> list[Operation]:
        """The operations since the last call; empty where nothing changed."""
        with self._conversation().lock:
            return self._projection.patch()

    def document(self) -> dict[str, Any]:
        """The whole document as of now; later patches start from it."""
        with self._conversation().lock:
            return self._projection.document()

    def size(self) -> int:
        """Characters of what is shown."""
        return sum(one.state.size for one in self._conversation().path)

    def _entries(self) -> list[Entry]:
        conversation = self._conversation()
        return [Entry(one.state, _about(conversation, one)) for one in conversation.path]

    def _fields(self) -> dict[str, Any]:
        conversation = self._conversation()
        shown = [one.state for one in conversation.path]
        if any(old is not new for old, new in zip_longest(self._shown, shown[: len(self._shown)])):
            self._switches += 1
        self._shown = shown
        answerer = self._answerer(conversation)
        agent = answerer.agent
        going = (one for one in conversation.exchanges if not (one.state.is_finished or one.stands_still))
        running = next((one.id for one in going), None)
        waiting = [
            {"id": entry.id, "text": prompt_text(entry.prompt), "held": entry.is_held}
            for entry in conversation.line.waiting
        ]
        return {
            "title": well_formed(conversation.title),
            "agent": well_formed(agent.name),
            "model": well_formed(agent.model.name),
            "tools": list(agent.tools.names),
            "session": conversation.id,
            "sessions": _listed(self.sessions, conversation),
            "running": running,
            "is_blocking": self.is_blocking,
            "waiting": waiting,
            "switches": self._switches,
            "totals": totals(conversation.exchanges),
            "problem": well_formed(self.problem),
            **answerer.around(conversation),
        }


def totals(exchanges: Sequence[Exchange]) -> dict[str, Any]:
    """Tokens and cost of some exchanges, as a reader is shown them."""
    states = [one.state for one in exchanges]
    usage = sum((state.usage for state in states), Usage())
    costs = [state.cost_usd for state in states if state.turns]
    known = [cost for cost in costs if cost is not None]
    is_partial = len(known) < len(costs) or any(state.cost_is_partial for state in states)
    return {
        "tokens": TokenBar.of(usage).counts(),
        "cost": money(sum(known) if known else None, at_least=is_partial),
    }


def _about(conversation: Conversation, exchange: Exchange) -> dict[str, Any]:
    beside = conversation.branches(exchange.id)
    place = beside.index(exchange.id)
    return {
        "id": exchange.id,
        "prompt": exchange.text,
        "place": [place + 1, len(beside)],
        "earlier": beside[place - 1] if place else None,
        "later": beside[place + 1] if place + 1 < len(beside) else None,
        "left_out": exchange.is_left_out,
        "still": exchange.stands_still,
        "resumable": exchange.is_resumable,
        "lead": [well_formed(line) for line in exchange.lead],
        "changes": [well_formed(line) for line in exchange.changes],
    }


def _listed(sessions: Sequence[SessionEntry], conversation: Conversation) -> list[dict[str, str]]:
    """The lines of the picker; the open conversation is among them, saved or not, by its present title."""
    titles = {entry.id: entry.title for entry in sessions}
    if conversation.id not in titles:
        titles = {conversation.id: "", **titles}
    titles[conversation.id] = conversation.title
    return [{"id": name, "title": well_formed(title)} for name, title in titles.items()]
