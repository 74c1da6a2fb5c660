"""The still picture of a run."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings

from agentlab.messages import (
    ApprovalAsked,
    ApprovalGiven,
    AssistantMessage,
    Audio,
    Base64Source,
    Event,
    Image,
    Notice,
    Reasoning,
    ReasoningBlock,
    ReasoningText,
    RetrievalStarted,
    Retrieved,
    RetrievedHit,
    RunFinished,
    Text,
    TextDelta,
    ToolCall,
    ToolResult,
    TurnFinished,
    TurnStarted,
    Usage,
)
from agentlab.notebook.run.state import RunState
from agentlab.notebook.run.static_view import mimebundle, static_html, static_text
from agentlab.notebook.run.usage_table import numbers_text
from agentlab.notebook.safety.safe_html import CODE_CLASSES
from tests.modalities.provider import WAV
from tests.notebook.event_sequences import SEQUENCES
from tests.notebook.hostile import HOSTILE, Contents
from tests.notebook.run.made_images import PNG
from tests.notebook.synthetic import CANARY, tool_run

OWN_TAGS = {"div", "details", "summary"}
OWN_ATTRIBUTES = {"style", "title", "open", "class", "href", "rel", "target", "start", "align"} | {
    *("tabindex", "role", "aria-label", "src", "alt", "width", "height")
}


def state_of(events: list[Event], pace_s: float = 0.01) -> RunState:
    state = RunState("What is 1234 + 5678?")
    for number, event in enumerate(events):
        state.apply(event, number * pace_s)
    return state


def saying(text: str) -> RunState:
    """A run in which everybody says this text, in every place there is."""
    call = ToolCall(text, text, text)
    state = RunState(text)
    for event in (
        RetrievalStarted(0, "documents", text, text),
        Retrieved(0, "documents", text, text, (RetrievedHit(text, 0.5, 12, text),), 0.001),
        TurnStarted(1, text),
        Notice("warning", text),
        ReasoningBlock(Reasoning((ReasoningText(text),))),
        call,
        TextDelta(text, 2),
        TurnFinished(
            AssistantMessage.of(Reasoning((ReasoningText(text),)), call, text), Usage(input_tokens=1)
        ),
        ToolResult(text, text, (Text(text),), status="failed"),
        TurnStarted(2, text),
        TextDelta(text),
        RunFinished(text, Usage(), "error", text),
    ):
        state.apply(event)
    return state


PLAIN_STYLES = {f"color: var(--{name})" for name in (*CODE_CLASSES, "al-link")} | {
    value
    for text in ("plain", "plain\n" * 1_000)
    for _, name, value in Contents(static_html(saying(text)).html).attributes
    if name == "style"
}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_every_place_adds_no_element_and_no_style(text: str) -> None:
    contents = Contents(static_html(saying(text)).html)
    markdown_tags = {
        "a",
        "blockquote",
        "br",
        "code",
        "del",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "span",
        "strong",
        "ul",
    }
    assert contents.tags <= OWN_TAGS | markdown_tags | {"table", "thead", "tbody", "tr", "th", "td"}
    for tag, name, value in contents.attributes:
        assert name in OWN_ATTRIBUTES, (tag, name)
        if name == "style":
            assert value in PLAIN_STYLES
        if name == "href":
            assert re.match("(?i)https?://|mailto:", value)
    assert "javascript:" not in "".join(
        value.lower() for _, name, value in contents.attributes if name == "href"
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_prints_without_controls(text: str) -> None:
    printed = static_text(saying(text))
    assert not [one for one in printed if unicodedata.category(one) == "Cc" and one not in "\n\t"]
    printed.encode()


@settings(max_examples=100)
@given(SEQUENCES)
def test_any_run_has_a_picture(events: list[Event]) -> None:
    bundle = mimebundle(state_of(events))
    assert set(bundle) == {"text/html", "text/plain"}
    bundle["text/html"].encode()


def test_a_run_reads_whole_without_styles() -> None:
    text = " ".join(Contents(static_html(state_of(tool_run())).html).text.split())
    for part in (
        "What is 1234 + 5678? · done",
        "retrying: attempt 1 failed (HTTP 429): rate limited",
        "reasoning",
        "ok · 10 ms",
        "no such table: prices",
        "The sum is 6,912",
        "[image: chart (https://images.invalid/?q=1)]",
        "total",
        "$0.0163",
    ):
        assert part in text


def test_the_head_names_state_model_tokens_price_and_time() -> None:
    text = " ".join(Contents(static_html(state_of(tool_run())).html).text.split())
    assert (
        "What is 1234 + 5678? · done sim:anthropic/claude-sonnet-5 · 3,200 tokens in · 400 tokens out · $0.0163 ·"
    ) in text.replace("done" + "sim", "done sim")


def test_a_stopped_turn_shows_an_estimate_and_says_so() -> None:
    state = state_of([TurnStarted(1, "m"), TextDelta("four words are here")])
    state.stop("cancelled")
    for form in mimebundle(state).values():
        assert "~4 output tokens (estimated; usage was not reported)" in form
    assert "~4 tokens out" in static_html(state).html


def test_a_question_and_its_answer_are_told_in_words() -> None:
    state = state_of([ToolCall("c", "delete", "{}"), ApprovalAsked("c", "delete", "it deletes files")])
    for form in mimebundle(state).values():
        assert "waiting for approval" in form
        assert "needs approval" in form
        assert "May this run? it deletes files" in form
        assert "<button" not in form
    state.apply(ApprovalGiven("c", approved=False, note="not today"))
    for form in mimebundle(state).values():
        assert "denied by a person, asked because: it deletes files; not today" in form


def test_what_was_retrieved_is_told_with_scores_and_folded() -> None:
    hits = (RetrievedHit("a", 0.5, 1234, "Refunds take"), RetrievedHit("b", None, 9, "Parcels", used=False))
    events = [Retrieved(0, "documents", "handbook", "refunds?", hits, 0.25), TurnStarted(1, "m")]
    for form in mimebundle(state_of(events)).values():
        for words in (
            "retrieved 2 documents",
            "handbook · 250 ms",
            "a (score 0.5 · 1,234 characters) Refunds take",
            "b (9 characters · found before) Parcels",
        ):
            assert words in form
    assert " open" not in static_html(state_of(events)).html
    assert "250 ms" not in static_html(state_of(events), deterministic=True).html


def test_a_long_result_shows_its_beginning_and_folds_the_rest() -> None:
    lines = [f"line {number}" for number in range(100)]
    html = static_html(state_of([ToolResult("c", "read", (Text("\n".join(lines)),))])).html
    assert Contents(html).text.count("line ") == 100
    assert "<summary" in html
    assert "80 more lines" in html
    first, _, rest = html.partition("80 more lines")
    assert "line 19" in first
    assert "line 20" not in first
    assert "line 20\nline 21" in rest


def test_a_result_beyond_the_limit_says_how_much_is_left_out() -> None:
    for form in mimebundle(state_of([ToolResult("c", "read", (Text("x" * 50_000),))])).values():
        assert "more characters" in form
    assert (
        "30,000 more characters" in static_html(state_of([ToolResult("c", "r", (Text("x" * 50_000),))])).html
    )


def test_an_image_of_a_tool_stays_as_its_own_bytes_and_is_named_in_text() -> None:
    bundle = mimebundle(state_of([ToolResult("c", "plot", (Image.from_bytes(PNG),))]))
    assert '<img src="data:image/png;base64,' in bundle["text/html"]
    assert "[image, 3 × 2 pixels]" in bundle["text/plain"]  # noqa: RUF001 - the sign for "by"


def test_a_picture_and_a_sound_of_an_answer_stay_as_their_own_bytes_and_are_named_in_text() -> None:
    sound = Audio(Base64Source.from_bytes(WAV), "audio/wav")
    message = AssistantMessage.of(Image.from_bytes(PNG), sound)
    bundle = mimebundle(state_of([TurnFinished(message, Usage())]))
    assert '<img src="data:image/png;base64,' in bundle["text/html"]
    assert 'preload="none"' in bundle["text/html"]
    assert 'src="data:audio/wav;base64,' in bundle["text/html"]
    assert f"[sound, wav, {len(WAV)} bytes]" in bundle["text/plain"]


def test_what_could_have_been_read_is_drawn_and_told() -> None:
    html = static_html(state_of(tool_run())).html
    assert "ideal read 1,498" in html
    assert html.count("1px dashed") == 1


def test_a_long_run_scrolls_in_a_box_that_the_keyboard_reaches() -> None:
    long = state_of([TurnStarted(1, "m"), TextDelta("word " * 2_000)])
    assert 'tabindex="0" role="region"' in static_html(long).html
    assert 'role="region"' not in static_html(long, bounded=False).html
    assert 'role="region"' not in static_html(state_of(tool_run())).html


def test_mathjax_leaves_the_picture_alone() -> None:
    assert static_html(state_of([])).html.startswith(
        '<div class="agentlab-run mathjax_ignore tex2jax_ignore"'
    )


def test_the_table_has_a_row_a_turn_and_the_totals() -> None:
    html = static_html(state_of(tool_run())).html
    rows = re.findall(r"<tr>(.*?)</tr>", html[html.rindex("<thead>") :])
    cells = [[Contents(cell).text for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]
    assert cells[0] == [
        "",
        "■\u00a0uncached",
        "■\u00a0read",
        "■\u00a0written 5m",
        "■\u00a0written 1h",
        "■\u00a0output",
        "■\u00a0of it reasoning",
        "ideal read",
        "cost",
        "first token",
        "time",
    ]
    assert cells[1] == [
        "turn 1",
        "300",
        "0",
        "1,000",
        "200",
        "260",
        "190",
        "–",  # noqa: RUF001 - the dash of the table
        "$0.0123",
        "420 ms",
        "1.21 s",
    ]
    assert cells[2][:8] == ["turn 2", "200", "1,200", "300", "–", "140", "0", "1,498"]  # noqa: RUF001 - the dash of the table
    assert cells[3][:9] == ["total", "500", "1,200", "1,300", "200", "400", "190", "1,498", "$0.0163"]


def test_the_text_form_names_what_was_not_reported() -> None:
    assert numbers_text(Usage()) == "not reported"
    assert numbers_text(Usage(input_tokens=5, cache_read_tokens=0)) == "uncached 5, read 0"


def test_the_deterministic_picture_is_the_same_however_long_things_took() -> None:
    slow, fast = state_of(tool_run(), 0.5), state_of(tool_run(), 0.01)
    assert mimebundle(slow, deterministic=True) == mimebundle(fast, deterministic=True)
    assert mimebundle(slow) != mimebundle(fast)
    for form in mimebundle(slow, deterministic=True).values():
        assert "$0.0163" not in form
        assert " ms" not in form
        assert "0.5 s" not in form


def test_a_stopped_run_says_so_and_keeps_its_partial_answer() -> None:
    state = state_of([TurnStarted(1, "m"), TextDelta("half an answ")])
    state.stop("cancelled")
    for form in mimebundle(state).values():
        assert "half an answ" in form
        assert "stopped" in form


def test_no_request_body_is_in_the_picture() -> None:
    assert CANARY not in "".join(mimebundle(state_of(tool_run())).values())
