"""The cache view: what it takes, what it says, and that no text of a request becomes more than text."""

from __future__ import annotations

import re

import pytest
from msgspec import structs

import agentlab as al
from agentlab.caching.blocks.block import make_block
from agentlab.caching.calls import RecordedCall
from agentlab.caching.explaining.cause import Cause
from agentlab.caching.explaining.explanation import Explanation
from agentlab.errors import UsageError
from agentlab.messages import AssistantMessage, CacheDiagnosis, Document, Request, Usage, UserMessage
from agentlab.notebook.cache.bars import PAINT
from agentlab.notebook.cache.cache_view import CacheView, cache_view
from agentlab.plain_text import terminal_safe
from tests.caching.mutations import encoded
from tests.notebook.hostile import HOSTILE, Contents

OWN_TAGS = {"div", "span", "strong", "table", "tr", "th", "td", "details", "summary", "pre", "code"}
OWN_TAGS |= {"del", "ins", "em", "ul", "li"}
OWN_ATTRIBUTES = {"style", "title", "open", "class", "role", "aria-label"}


def request(preamble: str, *said: str, tool: str = "add") -> Request:
    messages = tuple(
        AssistantMessage.of(text) if number % 2 else UserMessage.of(text) for number, text in enumerate(said)
    )
    return Request(
        model="claude-sonnet-5",
        preamble=preamble,
        tools=(al.ToolDefinition(tool, "Add.", {"type": "object", "properties": {}}),),
        context=(Document.from_text("The cache is read from the start. " * 50, "paper"),),
        messages=messages,
        max_tokens=1_000,
    )


def call(
    preamble: str, *said: str, at: float = 0.0, tokens: int | None = None, tool: str = "add"
) -> RecordedCall:
    usage = None if tokens is None else Usage(input_tokens=tokens)
    return structs.replace(
        encoded(request(preamble, *said, tool=tool), "anthropic"), usage=usage, at=at or 1_700_000_000.0
    )


MONDAY = call("Be brief. Today is Monday.", "hello", tokens=2_000)
TUESDAY = call("Be brief. Today is Tuesday.", "hello")
LATER = call("Be brief. Today is Monday.", "hello", "hi", "and now?")


def test_a_moved_prefix_shows_where_what_why_and_what_to_do() -> None:
    view = cache_view(MONDAY, TUESDAY)
    text = Contents(view.html().html).text
    for shown in (
        "preamble character 19",
        "system_changed",
        "must be paid again",
        "Mon",
        "Tues",
        "volatile=",
    ):
        assert shown in text
    plain = view.text()
    assert "Today is [-Mon-]{+Tues+}day." in plain
    assert "=" in plain
    assert "X" in plain
    assert "$" in plain


def test_the_marks_do_not_need_colours_or_styles() -> None:
    markup = re.sub(r' style="[^"]*"', "", cache_view(MONDAY, TUESDAY).html().html)
    assert "<del>Mon</del><ins>Tues</ins>" in markup
    assert "<td>must be paid again</td>" in markup


def test_requests_that_only_append_say_so() -> None:
    view = cache_view(MONDAY, LATER)
    assert not view.pairs[0].has_moved
    assert "the prefix holds: 2,000 tokens can be read again" in view.text()
    assert "must be paid again" not in view.html().html


def test_all_requests_of_a_run_are_compared_with_the_one_before() -> None:
    view = cache_view([MONDAY, LATER, TUESDAY])
    assert [(pair.earlier, pair.later, pair.has_moved) for pair in view.pairs] == [
        ("turn 1", "turn 2", False),
        ("turn 2", "turn 3", True),
    ]
    assert "1 of 2 requests moved the prefix" in view.text()
    assert view.html().html.count("<details open") >= 1


def test_a_run_its_trace_its_calls_and_its_explanations_are_one_thing(hermetic_run: al.RunResult) -> None:
    views = [cache_view(hermetic_run), cache_view(hermetic_run.trace), cache_view(hermetic_run.trace.calls)]
    assert len({view.text() for view in views}) == 1
    explained = al.caching.explain_calls([MONDAY, TUESDAY])
    assert cache_view(explained).text() == cache_view([MONDAY, TUESDAY]).text().replace(
        cache_view([MONDAY, TUESDAY]).text(), cache_view(explained[0]).text()
    )


@pytest.fixture
def hermetic_run() -> al.RunResult:
    """A run of two model calls."""

    @al.tool
    def add(a: int, b: int) -> int:
        """Add two integers."""
        return a + b

    return al.Agent("sim:anthropic/claude-sonnet-5", tools=[add]).prompt_sync("What is 12 + 30?")


def test_one_request_alone_has_nothing_to_be_compared_with() -> None:
    view = cache_view([MONDAY])
    assert view.pairs == ()
    assert "one request" in view.text()
    assert "one request" in view.html().html


@pytest.mark.parametrize(
    "given",
    [(3,), ("text",), (MONDAY,), (MONDAY, 3), (None, MONDAY), (("anthropic", "[]"), MONDAY)],
)
def test_what_is_no_request_is_refused_in_words(given: tuple[object, ...]) -> None:
    with pytest.raises(UsageError, match=r"request|JSON object"):
        cache_view(*given)  # type: ignore[arg-type]


def test_prices_are_left_out_where_outputs_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    view = cache_view(MONDAY, TUESDAY)
    assert "$" in view._repr_mimebundle_()["text/html"]
    monkeypatch.setenv("AGENTLAB_DISPLAY", "static")
    bundle = view._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert not any("$" in each for each in bundle.values())
    assert bundle == view._repr_mimebundle_()
    assert str(view) == bundle["text/plain"]


def test_the_repr_is_one_short_line() -> None:
    assert repr(cache_view([MONDAY, LATER, TUESDAY])) == "CacheView(pairs=2, moved=1)"


def saying(text: str) -> Explanation:
    """An explanation that holds this text in every place there is."""
    cause = Cause(
        "tool", text, "changed", text, 1, None, text, len(text), f"{text} one", f"{text} two {text}", text
    )
    plain = text.encode("utf-8", "replace").decode()  # no request can hold a lone surrogate
    blocks = [
        make_block("tool", text, {"name": plain}),
        make_block("message", text, plain, role=plain, message=0),
    ]
    changed = make_block("message", text, f"{plain} two", role=plain, message=1)
    says = CacheDiagnosis("miss", text)
    return Explanation(
        cause,
        (cause, cause),
        3,
        5,
        0.1,
        text,
        text,
        2,
        (*blocks, changed),
        (*blocks, blocks[0]),
        provider_says=says,
    )


@pytest.mark.parametrize("start", range(0, len(HOSTILE), 20))
def test_no_text_of_a_request_becomes_more_than_text(start: int) -> None:
    for text in HOSTILE[start : start + 20]:
        view = cache_view(saying(text))
        found = Contents(view.html().html)
        assert found.tags <= OWN_TAGS, text
        assert {name for _, name, _ in found.attributes} <= OWN_ATTRIBUTES, text
        assert all("url(" not in value for _, name, value in found.attributes if name == "style")
        plain = view.text()
        assert plain == terminal_safe(plain)


def test_a_long_conversation_gives_a_bounded_picture() -> None:
    said = [f"turn {number} " + "word " * 40 for number in range(200)]
    changed = [f"edited {text}" if number == 20 else text for number, text in enumerate(said)]
    small, large = (
        len(cache_view(call("p", *said[:count]), call("p", *changed[:count])).html().html)
        for count in (40, 200)
    )
    assert large < 90_000
    assert large < 2 * small
    calls = [call(f"preamble {number}", "hello") for number in range(60)]
    view = cache_view(calls)
    assert len(view.pairs) == 59
    assert view.text().count(" -> ") == 30
    assert "29 pairs more" in view.html().html


def test_it_is_made_by_the_public_name_and_needs_no_widgets() -> None:
    assert isinstance(al.notebook.cache_view(MONDAY, TUESDAY), CacheView)


@pytest.mark.parametrize("paint", [paint for paint in PAINT.values() if "; color: #" in paint])
def test_what_is_written_on_a_bar_can_be_read(paint: str) -> None:
    background, text = re.findall(r"#[0-9a-f]{6}", paint)
    assert contrast(background, text) >= 4.5


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, as WCAG 2 defines it."""
    darker, lighter = sorted(luminance(colour) for colour in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
