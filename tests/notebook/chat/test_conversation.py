"""The tree of a conversation: whatever is asked, edited and shown, what a model would be sent is valid."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.errors import UsageError
from agentlab.messages import (
    AssistantMessage,
    Event,
    Message,
    RunFinished,
    Text,
    TextDelta,
    ToolCall,
    ToolResult,
    TurnStarted,
    Usage,
    UserMessage,
    validate,
)
from agentlab.notebook.chat.conversation import Conversation
from agentlab.notebook.chat.exchange import Exchange
from tests.notebook.event_sequences import SEQUENCES

TEXTS = st.sampled_from(["hello", "a\nb", "\ud83d", "x" * 200])
PARTS = st.one_of(
    st.builds(AssistantMessage.of, TEXTS),
    st.builds(lambda name: AssistantMessage.of(ToolCall(name, "add", "{}")), st.sampled_from(["c1", "c2"])),
    st.builds(
        lambda name: UserMessage((ToolResult(name, "add", (Text("3"),)),)), st.sampled_from(["c1", "c2"])
    ),
    st.just(AssistantMessage.of(Text(""))),
)
REASONS = st.sampled_from(["done", "stopped", "error", "cancelled", "max_turns"])


def answer(conversation: Conversation, exchange_id: int, *said: Message, reason: str = "done") -> None:
    """Let an exchange's run end with these messages."""
    exchange = conversation.exchange(exchange_id)
    exchange.finish(reason)  # type: ignore[arg-type]
    exchange.settle([exchange.prompt, *said], [])


def conversation_of(*prompts: str) -> Conversation:
    """Prompts and answers, one after the other."""
    conversation = Conversation("id")
    for prompt in prompts:
        added = conversation.add(UserMessage.of(prompt), conversation.end_of(None))
        answer(conversation, added.id, AssistantMessage.of(f"on {prompt}"))
    return conversation


def said(conversation: Conversation) -> list[str]:
    return [one.text for one in conversation.path]


def test_an_edited_prompt_is_a_branch_and_the_old_one_stays() -> None:
    conversation = conversation_of("one", "two", "three")
    edited = conversation.branch(2, UserMessage.of("two, edited"))
    assert said(conversation) == ["one", "two, edited"]
    assert conversation.branches(2) == conversation.branches(edited.id) == (2, 4)
    conversation.select(2)
    assert said(conversation) == ["one", "two", "three"]
    conversation.select(4)
    assert said(conversation) == ["one", "two, edited"]


def test_the_first_prompt_can_be_edited_too() -> None:
    conversation = conversation_of("one", "two")
    conversation.branch(1, UserMessage.of("uno"))
    assert said(conversation) == ["uno"]
    assert conversation.title == "uno"
    assert conversation.history(3) == []


def test_selecting_an_exchange_shows_the_way_to_it_and_what_was_shown_behind_it() -> None:
    conversation = conversation_of("one", "two", "three")
    conversation.branch(1, UserMessage.of("uno"))
    conversation.select(2)
    assert said(conversation) == ["one", "two", "three"]


def test_the_history_before_an_exchange_is_what_was_said_on_the_way_to_it() -> None:
    conversation = conversation_of("one", "two")
    edited = conversation.branch(2, UserMessage.of("two, edited"))
    texts = [message.text for message in conversation.history(edited.id) if not isinstance(message, str)]  # type: ignore[union-attr]
    assert texts == ["one", "on one"]


def test_what_failed_before_a_word_was_said_is_left_out_and_what_was_said_is_kept() -> None:
    conversation = conversation_of("one")
    failed = conversation.add(UserMessage.of("too long"), 1)
    answer(conversation, failed.id, reason="error")
    broken = conversation.add(UserMessage.of("half"), failed.id)
    answer(conversation, broken.id, AssistantMessage.of("an answ"), reason="error")
    assert [one.is_left_out for one in conversation.path] == [False, True, False]
    texts = [message.text for message in conversation.history()]  # type: ignore[union-attr]
    assert texts == ["one", "on one", "half", "an answ"]


def test_a_stopped_prompt_without_an_answer_is_kept() -> None:
    conversation = conversation_of()
    conversation.add(UserMessage.of("wait"), None)
    answer(conversation, 1, reason="stopped")
    assert [message.text for message in conversation.history()] == ["wait"]  # type: ignore[union-attr]


@settings(max_examples=40)
@given(st.data())
def test_every_history_is_valid_and_survives_json_whatever_was_done(data: st.DataObject) -> None:
    conversation = Conversation("id")
    for _ in range(data.draw(st.integers(1, 8))):
        ids = [one.id for one in conversation.exchanges]
        prompt = UserMessage.of(data.draw(TEXTS))
        if ids and data.draw(st.booleans()):
            added = conversation.branch(data.draw(st.sampled_from(ids)), prompt)
        else:
            added = conversation.add(prompt, conversation.end_of(None))
        if data.draw(st.booleans()):
            parts = data.draw(st.lists(PARTS, max_size=4))
            answer(conversation, added.id, *parts, reason=data.draw(REASONS))
        if data.draw(st.booleans()):
            conversation.select(data.draw(st.sampled_from([*ids, added.id])))
    for one in conversation.exchanges:
        validate([*conversation.history(one.id), UserMessage.of("next")])
    validate([*conversation.history(), UserMessage.of("next")])
    again = Conversation.from_json(conversation.to_json())
    assert [one.id for one in again.path] == [one.id for one in conversation.path]
    assert again.to_json() == Conversation.from_json(again.to_json()).to_json()
    assert all(one.state.is_finished for one in again.exchanges)


@settings(max_examples=40)
@given(SEQUENCES)
def test_a_conversation_read_back_shows_the_same(events: list[Event]) -> None:
    conversation = Conversation("id", title="Titled")
    exchange = conversation.add(UserMessage.of("prompt"), None)
    for number, event in enumerate(events):
        exchange.apply(event, number / 10)
    exchange.finish("stopped", "by a test")
    exchange.settle([exchange.prompt], [])
    [again] = Conversation.from_json(conversation.to_json()).path
    for old, new in zip(exchange.state.turns, again.state.turns, strict=True):
        assert [shown(part) for part in old.parts] == [shown(part) for part in new.parts]
        assert (old.status, old.model, old.notices, old.usage) == (
            new.status,
            new.model,
            new.notices,
            new.usage,
        )
        assert old.time_to_first_token_s == new.time_to_first_token_s
    assert exchange.state.text == again.state.text
    assert (exchange.state.status, exchange.state.detail) == (again.state.status, again.state.detail)


def shown(part: object) -> dict[str, object]:
    names = ("kind", "text", "name", "status", "arguments", "result", "reason", "duration_s")
    return {name: getattr(part, name) for name in names if hasattr(part, name)}


def test_a_run_that_was_under_way_when_it_was_saved_has_ended_when_it_is_read_back() -> None:
    conversation = Conversation()
    exchange = conversation.add(UserMessage.of("go"), None)
    exchange.apply(TurnStarted(1, "m"), 0.0)
    for piece in ("half ", "an ", "answer"):
        exchange.apply(TextDelta(piece), 0.1)
    [again] = Conversation.from_json(conversation.to_json()).path
    assert again.state.text == "half an answer"
    assert again.state.status == "cancelled"
    assert "saved before it had ended" in (again.state.detail or "")


def test_no_request_is_kept_and_deltas_are_put_together() -> None:
    conversation = Conversation()
    exchange = conversation.add(UserMessage.of("go"), None)
    exchange.apply(TurnStarted(1, "m"), 0.0)
    for _ in range(500):
        exchange.apply(TextDelta("word "), 0.1)
    exchange.apply(RunFinished("", Usage()), 0.2)
    assert conversation.to_json().count("text_delta") == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "no saved conversation"),
        ("[1", "no saved conversation"),
        (
            '{"id": "a", "title": "", "shown": [[null, 3]], "exchanges": []}',
            "exchange 3 does not follow None",
        ),
        (
            (
                '{"id": "a", "title": "", "shown": [], "exchanges": [{"id": 2, "parent": null,'
                ' "prompt": {"role": "user", "content": []}}]}'
            ),
            "exchange 2 after None is out of order",
        ),
    ],
)
def test_what_is_no_conversation_is_refused_in_words(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Conversation.from_json(text)


def test_an_exchange_that_is_not_there_is_refused_in_words() -> None:
    with pytest.raises(UsageError, match="no exchange 9; it has 1 to 2"):
        conversation_of("one", "two").select(9)
    with pytest.raises(UsageError, match="it has none"):
        Conversation().branch(1, UserMessage.of("x"))


def test_an_exchange_kept_elsewhere_is_put_back_in_its_order_and_shown_where_nothing_else_is() -> None:
    conversation = conversation_of("one", "two")
    conversation.put_back(Exchange(3, 2, UserMessage.of("three")))
    conversation.put_back(Exchange(4, 1, UserMessage.of("else")))
    assert said(conversation) == ["one", "two", "three"]
    with pytest.raises(UsageError, match="next exchange of the conversation is 5, not 9"):
        conversation.put_back(Exchange(9, 1, UserMessage.of("x")))
    with pytest.raises(UsageError, match="no exchange 8"):
        conversation.put_back(Exchange(5, 8, UserMessage.of("x")))


def test_nothing_selected_shows_a_beginning_and_the_next_prompt_stands_beside_the_first() -> None:
    conversation = conversation_of("one", "two")
    conversation.select(None)
    assert said(conversation) == []
    conversation.add(UserMessage.of("anew"), conversation.end_of(None))
    assert conversation.branches(1) == (1, 3)


def test_listeners_hear_of_changes_until_they_stop() -> None:
    conversation, heard = conversation_of("one"), []
    stop = conversation.listen(lambda: heard.append(conversation.title))
    conversation.title = "renamed"
    stop()
    stop()
    conversation.title = "unheard"
    assert heard == ["renamed"]


def test_its_repr_is_short_and_says_what_is_beside() -> None:
    conversation = conversation_of("one", "two")
    conversation.branch(1, UserMessage.of("uno"))
    assert repr(conversation) == "Conversation('uno', exchanges=1, 2 on other branches)"
    assert repr(Conversation()) == "Conversation('New chat', exchanges=0)"
