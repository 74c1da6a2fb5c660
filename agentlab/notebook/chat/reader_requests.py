"""What the reader types and clicks, as the front end sends it: checked, and carried out on the background loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, cast

from agentlab.agent.agent import Prompt
from agentlab.chat import Chat as Assistant
from agentlab.chat.events import Mode
from agentlab.errors import AgentlabError, UsageError
from agentlab.notebook.chat import answering
from agentlab.notebook.chat.conversation import Conversation
from agentlab.notebook.chat.questions import chosen_answers
from agentlab.plain_text import well_formed

__all__ = ["ReaderRequests"]


class Commands(Protocol):
    """What a reader can do with a chat; see `Chat`."""

    @property
    def conversation(self) -> Conversation:
        """The conversation that is open."""

    def submit(self, prompt: Prompt, *, at: int | None = None) -> object:
        """Ask, and do not wait."""

    def stop(self) -> None:
        """End the answer under way."""

    def decide(self, call_id: str, approved: bool, note: str = "") -> bool:
        """Say whether a tool may run."""

    @property
    def assistant(self) -> Assistant | None:
        """Who has modes and asks questions."""

    def resume(self, at: int | None = None) -> object:
        """Go on with an answer that was cut off."""

    def answer(self, answers: Mapping[str, Any]) -> object:
        """Answer the assistant's question."""

    def show(self, at: int) -> None:
        """Turn to another branch."""

    def new(self) -> Conversation:
        """Begin a new conversation."""

    def open(self, session_id: str) -> Conversation:
        """Go on with another conversation."""

    def list_sessions(self) -> None:
        """Look again which conversations there are."""

    def report(self, problem: str) -> None:
        """Show what went wrong beside the answers."""

    def reply(self, message: dict[str, Any]) -> None:
        """Send the front end something that is not of the document."""


class ReaderRequests:
    """Carries out requests of the front end. A request that cannot be carried out is reported, and changes nothing.

    Args:
        chat: What the reader sees.
    """

    def __init__(self, chat: Commands) -> None:
        self._chat = chat

    def take(self, message: dict[str, Any]) -> None:
        """Carry out one request: an object with a `type`, and what that needs.

        A request with a `nonce` is answered: `taken`, or `refused` with the reason.
        """
        nonce = message.get("nonce")
        try:
            answer = self._carried_out(message)
        except Exception as error:  # noqa: BLE001 - shown to the reader: there is nobody to raise it to
            known = isinstance(error, AgentlabError)
            reason = well_formed(str(error) if known else f"{type(error).__name__}: {error}")
            if nonce is None:
                self._chat.report(reason)
            else:
                self._chat.reply({"type": "refused", "nonce": nonce, "reason": reason})
            return
        if nonce is not None:
            self._chat.reply({"type": "taken", "nonce": nonce, **answer})

    def _carried_out(self, message: dict[str, Any]) -> dict[str, Any]:
        chat, conversation = self._chat, self._chat.conversation
        match message:
            case {"type": "send", "text": str(text)}:
                chat.submit(well_formed(text))
            case {"type": "edit", "id": int(at), "text": str(text)}:
                chat.submit(well_formed(text), at=at)
            case {"type": "retry", "id": int(at)}:
                chat.submit(conversation.exchange(at).prompt, at=at)
            case {"type": "copy", "id": int(at)}:
                return {"text": conversation.exchange(at).state.text}
            case {"type": "stop"}:
                chat.stop()
            case {"type": "decide", "call_id": str(call_id), "approved": bool(approved)}:
                chat.decide(call_id, approved, well_formed(str(message.get("note") or "")))
            case {"type": "remove", "id": int(entry)}:
                answering.withdraw(conversation, entry)
            case {"type": "send_now", "id": int(entry)}:
                answering.send_now(conversation, entry)
            case _:
                self._turned_over(message)
        return {}

    def _turned_over(self, message: dict[str, Any]) -> None:
        """Show something else."""
        chat = self._chat
        match message:
            case {"type": "select", "id": int(at)}:
                chat.show(at)
            case {"type": "new"}:
                chat.new()
            case {"type": "open", "id": str(session)}:
                chat.open(session)
            case {"type": "sessions"}:
                chat.list_sessions()
            case {"type": "dismiss"}:
                chat.report("")
            case _:
                self._asked_of_assistant(message)

    def _asked_of_assistant(self, message: dict[str, Any]) -> None:
        """Something that only an assistant can do."""
        chat = self._chat
        match message:
            case {"type": "answer", "question": str(question), "chosen": dict(chosen)}:
                chat.answer(self._chosen(question, chosen))
            case {"type": "resume", "id": int(at)}:
                chat.resume(at)
            case {"type": "mode", "mode": str(mode)} if chat.assistant is not None:
                chat.assistant.set_mode(cast("Mode", mode))
            case _:
                raise UsageError(f"the view asked for something unknown: {message.get('type')!r}")

    def _chosen(self, question: str, chosen: dict[str, Any]) -> dict[str, Any]:
        """The answers of the buttons that were pressed."""
        assistant = self._chat.assistant
        pending = assistant.question if assistant is not None else None
        if pending is None or pending.question_id != question:
            raise UsageError("that question is answered already")
        return chosen_answers(pending, chosen)
