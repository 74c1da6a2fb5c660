"""A chat as output of cells: live, frozen, static, and as text."""

from __future__ import annotations

import pytest

from agentlab.notebook.chat import chat as chat_module
from agentlab.notebook.chat.chat import Chat
from agentlab.notebook.publishing import WIDGET_MIME
from tests.notebook.chat.scripted_model import agent_of
from tests.notebook.published import PublishedPage

pytestmark = pytest.mark.anyio


async def test_shown_twice_it_is_one_widget_and_frozen_both_places_keep_a_still_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = PublishedPage(monkeypatch, chat_module)
    chat = Chat(agent_of(["Hello."]))
    chat._ipython_display_()
    chat._ipython_display_()
    (first, name, _), (second, same, _) = page.published
    assert first[WIDGET_MIME] == second[WIDGET_MIME]
    assert name is not None
    assert name == same
    await chat.send("Hi")
    chat.freeze()
    bundle, frozen, update = page.published[-1]
    assert (frozen, update, set(bundle)) == (name, True, {"text/html", "text/plain"})
    assert "Hello." in bundle["text/html"]
    chat.freeze()
    assert len(page.published) == 3
    chat._ipython_display_()
    again, other, _ = page.published[-1]
    assert again[WIDGET_MIME] != first[WIDGET_MIME]
    assert other != name
    chat.freeze()


async def test_with_static_display_only_the_picture_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    page = PublishedPage(monkeypatch, chat_module)
    monkeypatch.setenv("AGENTLAB_DISPLAY", "static")
    chat = Chat(agent_of(["Hello."]))
    await chat.send("Hi")
    chat._ipython_display_()
    [(bundle, name, _)] = page.published
    assert set(bundle) == {"text/html", "text/plain"}
    assert name is None
    assert "cost" not in bundle["text/plain"]


async def test_its_repr_is_short_and_its_text_is_the_conversation() -> None:
    chat = Chat(agent_of(["Hello."]))
    assert repr(chat) == "Chat('test:scripted', Conversation('New chat', exchanges=0))"
    await chat.send("Hi")
    assert repr(chat) == "Chat('test:scripted', Conversation('Hi', exchanges=1))"
    assert "> Hi" in str(chat)
    assert "Hello." in str(chat)
