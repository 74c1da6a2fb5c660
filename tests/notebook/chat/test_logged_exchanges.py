"""A log read as prompts and answers: whatever is in it, and however much of it has been written."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.messages import (
    ApprovalAsked,
    ApprovalGiven,
    AssistantMessage,
    Image,
    Notice,
    Reasoning,
    RunFinished,
    Text,
    TextDelta,
    ToolCall,
    ToolResult,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    UrlSource,
    Usage,
    UserMessage,
)
from agentlab.notebook.chat.logged_events import events_of
from agentlab.notebook.chat.logged_exchanges import LoggedSession, change_line, logged_session, typed_prompt
from agentlab.notebook.run.state import RunState
from agentlab.sessions import (
    AssistantSaid,
    Attached,
    Decided,
    DecisionAsked,
    Detached,
    Entry,
    ModeChanged,
    ModelChanged,
    Noticed,
    RunEnded,
    Stored,
    Titled,
    ToolAnswered,
    UserSaid,
)
from tests.chat.log import answered, called, logged, prompted, said

ANY: st.SearchStrategy[Entry] = st.one_of(
    st.builds(prompted, st.sampled_from(["a", "b"])),
    st.builds(said, st.sampled_from(["x", ""])),
    st.builds(lambda ids: called(*ids), st.lists(st.sampled_from(["c1", "c2"]), unique=True, min_size=1)),
    st.builds(answered, st.sampled_from(["c1", "c2", "c3"])),
    st.builds(DecisionAsked, st.sampled_from(["c1", "c9"]), st.just("read")),
    st.builds(Decided, st.sampled_from(["c1", "c9"]), st.just("read"), st.sampled_from(["allow", "deny"])),
    st.builds(RunEnded, st.just("r"), st.sampled_from(["done", "error", "stopped"])),
    st.just(Noticed("fallback", "another")),
    st.just(ModeChanged("plan", "build")),
    st.just(Titled("t")),
)


def read(*entries: Entry) -> LoggedSession:
    return logged_session({"main": logged(*entries)})


@settings(max_examples=100)
@given(st.lists(ANY, max_size=14))
def test_every_log_is_read_and_each_prompt_in_it_is_one_exchange(entries: list[Entry]) -> None:
    found = read(*entries)
    prompts = [entry for entry in entries if isinstance(entry, UserSaid)]
    assert [one.said for one in found.exchanges.values()] == prompts
    parents = [one.parent for one in found.exchanges.values()]
    assert parents == [None, *found.exchanges][: len(parents)]
    for one in found.exchanges.values():
        state = RunState("answer")
        for traced in one.events:
            state.apply(traced.event, traced.at_s)
        assert state.is_finished == (one.end is not None)
        assert (one.unfinished is None) == (one.end is not None or not one.is_last)
        shown = [turn.text for turn in state.turns if turn.parts]
        assert "".join(shown) == "".join(
            each.entry.message.text
            for each in one.entries[: _end(one.entries)]
            if isinstance(each.entry, AssistantSaid)
        )


def _end(entries: tuple[Stored, ...]) -> int:
    return next((n for n, each in enumerate(entries) if isinstance(each.entry, RunEnded)), len(entries))


def test_what_two_branches_share_is_there_once() -> None:
    shared = logged(prompted("first"), said("One."), RunEnded("r"))
    main = logged(
        prompted("first"), said("One."), RunEnded("r"), prompted("second"), said("Two."), RunEnded("r")
    )
    other = [
        *shared,
        *(_renumbered(each, 4) for each in logged(Attached("f"), prompted("else"), said("Else."))),
    ]
    found = logged_session({"main": main, "other": other, "bare": shared})
    assert [(one.said.text, one.parent, one.before) for one in found.exchanges.values()] == [
        ("first", None, 0),
        ("second", 1, 3),
        ("else", 1, 5),
    ]
    assert found.tails == {"main": 4, "other": 6, "bare": 1}
    assert found.exchanges[6].lead == ("attached f",)


def _renumbered(stored: Stored, by: int) -> Stored:
    return Stored(stored.id + by, 1, stored.at + by, stored.kind, stored.tokens, stored.raw, stored.entry)


def test_changes_stand_before_the_prompt_they_are_told_with_and_inside_the_answer_they_happened_in() -> None:
    found = read(
        ModeChanged("plan", "build"),
        prompted("first"),
        ModeChanged("build", "plan", "plans/a.plan"),
        RunEnded("r"),
        Attached("notes.txt"),
        prompted("second"),
        RunEnded("r"),
        Detached("notes.txt"),
    )
    first, second = found.exchanges.values()
    assert (first.lead, first.changes) == (("plan mode",), ("build mode, to carry out plans/a.plan",))
    assert (second.lead, second.changes) == (("attached notes.txt",), ())
    assert found.pending == {"main": ("detached notes.txt",)}


def test_a_change_is_told_in_words_and_what_is_none_is_not() -> None:
    assert change_line(ModelChanged("a:b", "c:d", "it is cheaper")) == "a:b answers: it is cheaper"
    assert change_line(Noticed("resumed")) == "gone on with"
    assert change_line(Noticed("attachment", "f is gone")) == "f is gone"
    assert change_line(Titled("t")) is None


def test_a_run_is_told_in_its_order_with_its_times() -> None:
    call = ToolCall("c1", "read", "{}")
    entries = logged(
        prompted("go"),
        Noticed("fallback", "another model"),
        AssistantSaid(AssistantMessage((Text("I look."), call)), "v:m", Usage(output_tokens=5), cost_usd=0.5),
        DecisionAsked("c1", "read", reason="why"),
        Decided("c1", "read", "allow", note="go on"),
        ToolAnswered(ToolResult("c1", "read", (Text("ok"),)), duration_s=0.5),
        RunEnded("r", "stopped", "by a test"),
        ModeChanged("plan", "build"),
    )
    events = events_of(entries)
    assert [type(traced.event) for traced in events] == [
        TurnStarted,
        Notice,
        TurnFinished,
        ApprovalAsked,
        ApprovalGiven,
        ToolStarted,
        ToolResult,
        RunFinished,
    ]
    assert [traced.at_s for traced in events[-3:]] == [4.5, 5.0, 6.0]
    assert events[-1].event == RunFinished("I look.", Usage(output_tokens=5), "stopped", "by a test")


def test_a_turn_that_was_cut_off_has_what_had_come() -> None:
    message = AssistantMessage(
        (Reasoning("Hm."), Text("half "), ToolCall("c1", "read", "{")), interrupted=True
    )
    events = events_of(logged(prompted("go"), AssistantSaid(message, "v:m"), RunEnded("r", "stopped")))
    assert not any(isinstance(traced.event, TurnFinished) for traced in events)
    assert TextDelta("half ", 1) in [traced.event for traced in events]
    state = RunState("answer")
    for traced in events:
        state.apply(traced.event, traced.at_s)
    assert [turn.status for turn in state.turns] == ["stopped"]
    assert len(state.turns[0].parts) == 3


def test_what_was_typed_is_found_behind_what_was_told_with_it() -> None:
    image = Image(UrlSource("https://images.invalid/x.png"))
    told = UserMessage((Text("<mode>"), image, Text("look"), Text("here")))
    assert typed_prompt(UserSaid(told, "look\nhere")) == UserMessage((image, Text("look"), Text("here")))
    assert typed_prompt(UserSaid(UserMessage.of("old"), "")) == UserMessage.of("old")
    assert typed_prompt(UserSaid(UserMessage.of("other"), "typed")) == UserMessage.of("typed")
