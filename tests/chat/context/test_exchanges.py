"""A log as exchanges: the session's own history, and the same shortened."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentlab.chat.context.exchanges import Exchanges, exchanges_of
from agentlab.messages import (
    AssistantMessage,
    Json,
    Text,
    ToolCall,
    ToolResult,
    UserMessage,
    repair,
    validate,
)
from agentlab.sessions import AssistantSaid, Attached, RunEnded, ToolAnswered, UserSaid
from agentlab.sessions.entries import Stored
from agentlab.sessions.history import history_of
from tests.chat.context.played_session import stored

IDS = st.sampled_from(["a", "b", "c"])
ENTRIES = st.lists(
    st.one_of(
        st.sampled_from(["x", ""]).map(
            lambda text: UserSaid(UserMessage.of(text) if text else UserMessage(()))
        ),
        st.builds(
            lambda text, ids, interrupted: AssistantSaid(
                AssistantMessage(
                    (Text(text), *(ToolCall(each, "look", '{"a": "long enough"}') for each in ids)),
                    interrupted=interrupted,
                )
            ),
            st.sampled_from(["y", ""]),
            st.lists(IDS, max_size=3),
            st.booleans(),
        ),
        st.builds(
            lambda each, text, summary: ToolAnswered(
                ToolResult(each, "look", (Text(text),) if text else ()),
                summary=summary,
                arguments_json='{"a":1}',
            ),
            IDS,
            st.sampled_from(["", "short", "a long result " * 9]),
            st.sampled_from(["", "in short"]),
        ),
        st.just(RunEnded("r")),
        st.just(Attached("a.txt")),
    ),
    max_size=14,
).map(stored)
"""Any entries in any order: cut off, answered twice, unasked, empty."""


def call(
    name: str = "look",
    arguments: str = '{"path": "a.txt", "text": "very long"}',
    signature: str | None = None,
) -> ToolCall:
    return ToolCall("call", name, arguments, signature=signature)


def one_exchange(asked: ToolCall, answered: ToolAnswered) -> Exchanges:
    return exchanges_of(
        stored([UserSaid(UserMessage.of("x")), AssistantSaid(AssistantMessage.of(asked)), answered])
    )


def results(found: Exchanges, *, brief: bool = False) -> list[ToolResult]:
    messages = found.messages(0, brief=brief)
    return [result for each in messages if isinstance(each, UserMessage) for result in each.tool_results]


def calls(found: Exchanges) -> list[ToolCall]:
    messages = found.messages(0, brief=True)
    return [asked for each in messages if isinstance(each, AssistantMessage) for asked in each.tool_calls]


@given(ENTRIES)
def test_all_exchanges_together_are_the_sessions_history(entries: list[Stored]) -> None:
    found = exchanges_of(entries)
    messages = [message for place in range(len(found)) for message in found.messages(place)]
    assert messages == history_of(entries)


@given(ENTRIES)
def test_every_exchange_is_valid_by_itself_in_full_and_shortened(entries: list[Stored]) -> None:
    found = exchanges_of(entries)
    for place in range(len(found)):
        for brief in (False, True):
            messages = found.messages(place, brief=brief)
            validate([*messages, UserMessage.of("and now?")])
            assert repair(messages) == list(messages)


@given(ENTRIES)
def test_sizes_are_those_stored_and_shortened_ones_are_no_larger(entries: list[Stored]) -> None:
    found = exchanges_of(entries)
    assert sum(found.sizes) == sum(
        each.tokens for each in entries if not isinstance(each.entry, RunEnded | Attached)
    )
    assert all(0 <= brief <= size for brief, size in zip(found.briefs, found.sizes, strict=True))


def test_results_stand_in_the_order_of_their_calls() -> None:
    asked = [ToolCall(each, "look", "{}") for each in "ab"]
    answers = [ToolAnswered(ToolResult(each, "look", (Text(each),))) for each in "ba"]
    found = exchanges_of(
        stored([UserSaid(UserMessage.of("x")), AssistantSaid(AssistantMessage.of(*asked)), *answers])
    )
    assert [result.call_id for result in results(found)] == ["a", "b"]


def test_messages_that_need_no_mending_stay_the_same_objects() -> None:
    asked, answered = UserMessage.of("x"), AssistantMessage.of("y")
    messages = exchanges_of(stored([UserSaid(asked), AssistantSaid(answered)])).messages(0)
    assert messages[0] is asked
    assert messages[1] is answered


def test_a_shortened_result_is_its_summary_and_keeps_its_call_and_status() -> None:
    result = ToolResult("call", "look", (Text("long " * 50),), status="failed")
    found = one_exchange(call(), ToolAnswered(result, summary="5 lines"))
    shown = results(found, brief=True)[0]
    assert (shown.text, shown.call_id, shown.status) == ("5 lines", "call", "failed")
    assert found.briefs[0] < found.sizes[0]
    assert results(found)[0] is result


def test_a_summary_that_is_longer_is_not_used() -> None:
    result = ToolResult("call", "look", (Json({"a": 1}),))
    found = one_exchange(call(), ToolAnswered(result, summary="an object with one member"))
    assert results(found, brief=True)[0] is result
    assert found.briefs == found.sizes


def test_a_summarised_input_stands_for_the_call_where_it_is_a_json_object() -> None:
    result = ToolResult("call", "look", (Text("ok"),))
    short = ToolAnswered(result, arguments_json='{"path": "a.txt"}')
    assert calls(one_exchange(call(), short))[0].arguments_json == '{"path": "a.txt"}'
    for kept, answered in (
        (call(), ToolAnswered(result)),
        (call(), ToolAnswered(result, arguments_json='{"path": …')),
        (call(signature="signed"), short),
    ):
        assert calls(one_exchange(kept, answered))[0] == kept


def test_an_approved_plan_is_never_shortened() -> None:
    told = {"mode": "build", "told": '<mode name="build">\nstep one\n</mode>'}
    result = ToolResult("call", "exit_plan_mode", (Json(told),))
    found = one_exchange(call("exit_plan_mode"), ToolAnswered(result, summary="build"))
    assert results(found, brief=True)[0] is result


def test_what_was_attached_is_placed_between_the_exchanges() -> None:
    said = UserSaid(UserMessage.of("x")), AssistantSaid(AssistantMessage.of("y"))
    found = exchanges_of(stored([Attached("a"), *said, Attached("b"), *said]))
    assert [(place, entry.path) for place, entry in found.files] == [(0, "a"), (1, "b")]
