"""A chat on a page, and a reader before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from agentlab.errors import ServerError
from agentlab.messages import ToolCall
from agentlab.notebook.chat.chat import Chat
from agentlab.tools import tool
from tests.notebook.chat.scripted_model import Gate, Step, agent_of
from tests.notebook.page import WidgetPage
from tests.notebook.synthetic import ANSWER

__all__ = ["BOX", "CHAT_SCENES", "Reader", "remove"]

BOX: Final = ".al-composer textarea"
IDLE: Final = (
    "[...document.querySelectorAll('.al-chat')].every((chat) => chat.getAttribute('aria-busy') === 'false')"
)


@tool(approval="It deletes files.")
def remove(path: str) -> str:
    """Remove a file."""
    return f"removed {path}"


class Reader:
    """Types and clicks.

    Args:
        page: An empty page.
        *script: What the model says, call by call.
        chat: The chat; one of an agent that says this where None.
        **options: Of the agent.
    """

    def __init__(
        self, page: WidgetPage, *script: list[Step], chat: Chat | None = None, **options: object
    ) -> None:
        self.page = page
        self.chat = Chat(agent_of(*script, **options)) if chat is None else chat
        page.mount(self.chat.widget)

    def type(self, text: str) -> None:
        """Type a message and send it."""
        self.page.page.fill(BOX, text)
        self.page.page.press(BOX, "Enter")

    def sees(self, *texts: str) -> None:
        """Wait until all these are on the page."""
        for text in texts:
            self.page.wait_for(f"document.body.innerText.includes({text!r})")

    def waits_until_idle(self, exchanges: int) -> None:
        """Wait until so many exchanges are shown and none is being answered."""
        self.page.wait_for(f"document.querySelectorAll('.al-exchange').length === {exchanges} && {IDLE}")

    def waits_for_line(self, waiting: int) -> None:
        """Wait until so many messages are in line."""
        self.page.wait_for(f"document.querySelectorAll('.al-waiting li').length === {waiting}")

    def looks_away(self) -> None:
        """Put the focus before everything on the page."""
        self.page.page.evaluate(
            "() => { document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex'); }"
        )

    def click(self, name: str) -> None:
        """Click the first button of a name."""
        self.page.page.get_by_role("button", name=name, exact=True).first.click()
        self.page.pump()


@contextmanager
def _empty(page: WidgetPage) -> Iterator[Reader]:
    yield Reader(page, tools=[remove])


@contextmanager
def _busy(page: WidgetPage) -> Iterator[Reader]:
    """A branch, a failure, a tool that asks, messages in line, and something wrong beside them."""
    call = ToolCall("c1", "remove", '{"path": "/tmp/results.csv"}')
    failing = ServerError("the provider is overloaded", status=529)
    reader = Reader(page, ["One."], ["**Two**, with `code`."], [failing], ["I ask. ", call], tools=[remove])
    reader.type("first, " + "a_place_to_break_" * 20)
    reader.waits_until_idle(1)
    reader.click("Ask again, as a new branch")
    reader.sees("2/2", "Two")
    reader.waits_until_idle(1)
    reader.type("fail")
    reader.waits_until_idle(2)
    reader.type("clean up")
    reader.sees("May this run?")
    reader.type("in line, " * 30)
    reader.waits_for_line(1)
    reader.chat.report("the conversation could not be saved")
    reader.sees("could not be saved")
    reader.looks_away()
    try:
        yield reader
    finally:
        reader.chat.stop()
        reader.waits_until_idle(3)


@contextmanager
def _asking(page: WidgetPage) -> Iterator[Reader]:
    """A conversation as it is: an answer with a table and code, and a tool that asks."""
    call = ToolCall("c1", "remove", '{"path": "/tmp/results.csv"}')
    reader = Reader(page, [ANSWER], ["I clean up. ", call], ["Done: it is gone."], tools=[remove])
    reader.type("What is 1234 + 5678? Explain every step.")
    reader.waits_until_idle(1)
    reader.type("Clean up.")
    reader.sees("May this run?")
    reader.looks_away()
    try:
        yield reader
    finally:
        reader.chat.stop()
        reader.waits_until_idle(2)


@contextmanager
def _editing(page: WidgetPage) -> Iterator[Reader]:
    gate = Gate()
    reader = Reader(page, ["half an answer ", gate])
    reader.type("a message")
    reader.sees("half an answer")
    reader.chat.stop()
    reader.waits_until_idle(1)
    reader.click("Edit")
    reader.looks_away()
    yield reader


CHAT_SCENES: Final = {
    "chat-empty": _empty,
    "chat-asking": _asking,
    "chat-busy": _busy,
    "chat-editing": _editing,
}
