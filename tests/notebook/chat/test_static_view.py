"""The still picture of a conversation."""

from __future__ import annotations

from agentlab.messages import Image, UrlSource, UserMessage
from agentlab.notebook.chat.conversation import Conversation
from agentlab.notebook.chat.static_view import mimebundle, static_html, static_text
from tests.notebook.hostile import EXECUTING, HOSTILE, Contents
from tests.notebook.synthetic import text_run, tool_run, words


def talked(*prompts: str) -> Conversation:
    """A conversation in which each of these was answered."""
    conversation = Conversation("id")
    for number, prompt in enumerate(prompts):
        exchange = conversation.add(UserMessage.of(prompt), conversation.end_of(None))
        for event in tool_run() if number % 2 else text_run(words(f"on {prompt}")):
            exchange.apply(event, 1.0)
    return conversation


def test_it_holds_prompts_answers_tools_and_the_sum() -> None:
    conversation = talked("first\nline two", "second")
    bundle = mimebundle(conversation)
    assert set(bundle) == {"text/html", "text/plain"}
    for text in bundle.values():
        for part in ("first", "line two", "second", "lookup", "2 messages", "cost"):
            assert part in text
    assert "first<br>line two" in bundle["text/html"]
    assert "> line two" in bundle["text/plain"]


def test_it_says_which_branch_it_shows() -> None:
    conversation = talked("first", "second")
    conversation.branch(2, UserMessage.of("second, edited"))
    text = static_text(conversation)
    assert "> you · branch 2 of 2\n> second, edited" in text
    assert "3 messages, 1 of them on other branches" in text


def test_an_empty_one_says_so() -> None:
    assert "No messages yet." in static_text(Conversation())
    assert "No messages yet." in static_html(Conversation()).html


def test_without_times_and_prices_it_is_the_same_every_time() -> None:
    one, other = (mimebundle(talked("a", "b"), deterministic=True) for _ in range(2))
    assert one == other
    assert "cost" not in one["text/plain"]


def test_parts_that_are_no_text_are_named_and_never_loaded() -> None:
    conversation = Conversation("id")
    image = Image(UrlSource("https://images.invalid/x.png"))
    conversation.add(UserMessage.of("What is this?", image), None)
    html = static_html(conversation).html
    assert "[image]" in html
    assert "images.invalid" not in html


def test_hostile_prompts_and_titles_are_text() -> None:
    for text in (*EXECUTING, *HOSTILE):
        conversation = Conversation("id", title=text)
        conversation.add(UserMessage.of(text), None)
        found = Contents(static_html(conversation).html)
        assert found.tags <= {"div", "strong", "span", "blockquote", "br"}
        assert {name for _, name, _ in found.attributes} <= {"class", "style"}
        assert "\x1b" not in static_text(conversation)
