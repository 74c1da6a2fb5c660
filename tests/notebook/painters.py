"""The live views, given texts of a model: what the front end is sent, with no kernel and no notebook. One line a view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from anywidget import AnyWidget

from agentlab.notebook.chat.chat_document import ChatDocument
from agentlab.notebook.chat.chat_view import ChatView
from agentlab.notebook.chat.sessions import SessionEntry
from agentlab.notebook.comparison.comparison_view import ComparisonView
from agentlab.notebook.run.projection import Projection
from agentlab.notebook.run.run_view import RunView
from agentlab.notebook.run.runs_projection import RunsProjection
from agentlab.notebook.run.state import RunState
from tests.notebook.chat.scripted_model import answering
from tests.notebook.hostile_objects import agent_of, conversation_saying
from tests.notebook.hostile_run import events_saying, lanes_saying

Painter = Callable[[Sequence[str]], dict[str, Any]]
EVENTS_A_PATCH: Final = 7


def painting(widget: AnyWidget, messages: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """What a page needs to show a widget: its module, its synced state, and what it is sent afterwards."""
    state = {name: value for name, value in widget.get_state().items() if not hasattr(value, "model_id")}
    module = state.pop("_esm")
    widget.close()
    return {"module": module, "state": state, "messages": list(messages)}


def run_whole(texts: Sequence[str]) -> dict[str, Any]:
    """A run as a view finds it that mounts when it is over."""
    projection = Projection(_state(texts))
    for event in events_saying(texts):
        projection._state.apply(event)
    return painting(RunView({"sequence": 0, "document": projection.document()}, can_stop=True))


def run_in_patches(texts: Sequence[str]) -> dict[str, Any]:
    """A run as a view sees it that is there from the beginning."""
    state = _state(texts)
    projection = Projection(state)
    snapshot = {"sequence": 0, "document": projection.document()}
    messages: list[dict[str, Any]] = []
    for place, event in enumerate(events_saying(texts)):
        state.apply(event, place / 100)
        if place % EVENTS_A_PATCH == 0:
            messages.append(_patch(len(messages) + 1, projection))
    messages.append(_patch(len(messages) + 1, projection))
    return painting(RunView(snapshot, can_stop=True), messages)


def comparison_whole(texts: Sequence[str]) -> dict[str, Any]:
    """A comparison as a view finds it that mounts when it is over."""
    lanes = lanes_saying(texts)
    document = RunsProjection(lanes.entries, lanes.fields).document()
    return painting(ComparisonView({"sequence": 0, "document": document}, stops_each=True))


def chat_whole(texts: Sequence[str]) -> dict[str, Any]:
    """A chat as a view finds it that mounts when all is said; the texts are prompts, answers and titles of sessions."""
    conversation = conversation_saying(texts)
    conversation.select(len(texts))
    document = ChatDocument(answering(agent_of(texts[0])), lambda: conversation)
    document.sessions = [SessionEntry(text, text) for text in texts]
    document.problem = texts[0]
    snapshot = {"sequence": 0, "document": document.document()}
    return painting(ChatView(snapshot, on_message=lambda _message: None, on_request=lambda: None))


def _state(texts: Sequence[str]) -> RunState:
    return RunState(texts[0] if texts else "")


def _patch(sequence: int, source: Projection) -> dict[str, Any]:
    return {"custom": {"type": "patch", "sequence": sequence, "operations": source.patch()}}


PAINTERS: Final[Mapping[str, Painter]] = {
    "run_view.js, whole": run_whole,
    "run_view.js, in patches": run_in_patches,
    "chat_view.js": chat_whole,
    "comparison_view.js": comparison_whole,
}
"""Named by the script that paints."""
