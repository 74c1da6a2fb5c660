"""The run view on a page: what a reader opens, presses and sees."""

from __future__ import annotations

from collections.abc import Callable

from agentlab.messages import (
    ApprovalAsked,
    ApprovalGiven,
    AssistantMessage,
    Audio,
    Base64Source,
    Event,
    Image,
    ReasoningDelta,
    RetrievalStarted,
    Retrieved,
    RetrievedHit,
    Text,
    TextDelta,
    ToolCall,
    ToolResult,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    Usage,
)
from tests.modalities.provider import WAV
from tests.notebook.page import WidgetPage
from tests.notebook.run.made_images import PNG
from tests.notebook.shown_run import shown
from tests.notebook.synthetic import tool_run

OpenPage = Callable[..., WidgetPage]
CALL = ToolCall("c", "delete", '{"path": "a.txt"}')
ASKING: list[Event] = [
    TurnStarted(1, "sim:openai/gpt-5.6"),
    CALL,
    TurnFinished(AssistantMessage.of(CALL), Usage(input_tokens=10, output_tokens=5), "tool_calls"),
    ApprovalAsked("c", "delete", "it deletes files"),
]


def test_a_tool_that_asks_has_two_buttons_until_a_person_has_decided(open_page: OpenPage) -> None:
    decided: list[tuple[str, bool]] = []
    page = open_page()
    with shown(page, "t", decide=lambda call_id, approved: decided.append((call_id, approved))) as run:
        run.tell(ASKING)
        assert "May this run? it deletes files" in page.text()
        assert page.page.locator(".al-pill").inner_text() == "waiting for approval"
        assert page.page.locator("[role=status]").text_content() == "Approval needed to run delete"
        page.page.get_by_role("button", name="Approve delete").click()
        assert page.page.get_by_role("button", name="Deny delete").is_disabled()
        page.pump()
        assert decided == [("c", True)]
        run.tell([ApprovalGiven("c", approved=True), ToolStarted("c", "delete")])
        assert page.page.locator(".al-answers button:visible").count() == 0
        run.tell([ToolResult("c", "delete", (Text("gone"),))])
        assert "approved · ok" in page.text()


def test_where_nobody_can_decide_there_is_the_question_and_no_button(open_page: OpenPage) -> None:
    page = open_page()
    with shown(page, "t") as run:
        run.tell(ASKING)
        assert "May this run? it deletes files" in page.text()
        assert page.page.locator(".al-answers").count() == 0


def test_what_was_retrieved_is_folded_and_opens_into_ids_scores_and_text_as_text(open_page: OpenPage) -> None:
    page = open_page()
    hits = (
        RetrievedHit("a#1", 0.734, 812, "<b>Refunds</b> take five days."),
        RetrievedHit("b", None, 9, "Parcels.", used=False),
    )
    with shown(page, "t") as run:
        run.tell([RetrievalStarted(0, "documents", "handbook", "Refunds?")])
        assert "retrieving documents" in page.text()
        assert "handbook · searching…" in page.text()
        run.tell([Retrieved(0, "documents", "handbook", "Refunds?", hits, 0.084), TurnStarted(1, "m")])
        assert "retrieved 2 documents" in page.text()
        assert page.page.locator(".al-hit:visible").count() == 0
        page.page.locator("summary").click()
        assert page.page.locator(".al-hit").all_inner_texts() == [
            "a#1 score 0.734 · 812 characters <b>Refunds</b> take five days.",
            "b 9 characters · found before Parcels.",
        ]
        run.tell([TextDelta("In five days.")])
        assert page.page.locator(".al-hit:visible").count() == 2


def test_a_long_result_shows_all_when_asked_and_an_image_is_its_own_bytes(open_page: OpenPage) -> None:
    page = open_page()
    lines = "\n".join(f"line {number}" for number in range(120))
    with shown(page, "t") as run:
        run.tell([TurnStarted(1, "m"), CALL, ToolResult("c", "delete", (Text(lines), Image.from_bytes(PNG)))])
        output = page.page.locator("pre", has_text="line 0")
        assert "line 19" in output.inner_text()
        assert "line 20" not in output.inner_text()
        page.page.get_by_role("button", name="Show all 120 lines").click()
        assert "line 119" in output.inner_text()
        page.page.get_by_role("button", name="Show less").click()
        assert "line 20" not in output.inner_text()
        assert page.page.evaluate("document.querySelector('.al-picture').naturalWidth") == 3
        assert [url for url in page.requests if not url.startswith(("about:", "blob:", "data:"))] == []


def test_what_the_reader_has_opened_stays_open_when_a_snapshot_comes(open_page: OpenPage) -> None:
    page = open_page()
    with shown(page, "t") as run:
        run.tell([TurnStarted(1, "m"), ReasoningDelta("a thought"), TextDelta("first ", 1)])
        page.page.locator("summary", has_text="reasoning").click()
        assert run.live._publisher is not None
        run.tell([TextDelta("second", 1)])
        run.live._publisher.snapshot()
        run.tell([TextDelta(" third", 1)])
        assert "a thought" in page.text()
        assert page.page.locator(".al-text").inner_text().strip() == "first second third"
        assert page.page.locator(".al-turn").count() == 1


def test_the_estimate_gives_way_to_what_is_reported(open_page: OpenPage) -> None:
    page = open_page()
    with shown(page, "t") as run:
        run.tell([TurnStarted(1, "m"), TextDelta("four words are here")])
        assert "~4 output tokens (estimated; usage is known only at the end)" in page.text()
        assert "tokens ~4 out" in page.text()
        usage = Usage(input_tokens=20, output_tokens=6)
        run.tell([TurnFinished(AssistantMessage.of("four words are here"), usage, "stop")])
        assert "estimated" not in page.text()
        assert "tokens 20 in · 6 out" in page.text()


def test_the_outline_of_what_could_have_been_read_lies_over_the_bar(open_page: OpenPage) -> None:
    page = open_page()
    with shown(page, "t") as run:
        run.tell(tool_run()[:-1])
        bars = page.page.locator(".al-bar")
        assert [bars.nth(place).locator(".al-ideal").is_visible() for place in (0, 1)] == [False, True]
        assert "ideal read 1,498; read 1,200" in (bars.nth(1).get_attribute("aria-label") or "")
        ideal, whole = (bars.nth(1).locator(name).bounding_box() for name in (".al-ideal", ".al-pieces"))
        assert ideal is not None
        assert whole is not None
        assert abs(ideal["width"] / whole["width"] - 1_498 / 1_840) < 0.02


def test_scrolling_up_holds_still_and_a_button_leads_back(open_page: OpenPage) -> None:
    page = open_page()
    distance = "(() => { const b = document.querySelector('.al-body'); return b.scrollHeight - b.scrollTop - b.clientHeight; })()"
    with shown(page, "t") as run:
        run.tell([TurnStarted(1, "m"), TextDelta("a paragraph\n\n" * 60)])
        assert page.page.evaluate(distance) < 2
        page.page.evaluate("document.querySelector('.al-body').scrollTop = 10")
        page.wait_for("!document.querySelector('.al-jump').hidden")
        run.tell([TextDelta("more\n\n" * 20)])
        assert page.page.evaluate("document.querySelector('.al-body').scrollTop") == 10
        page.page.get_by_role("button", name="Jump to newest").click()
        assert page.page.evaluate(distance) < 2
        assert page.page.evaluate("document.activeElement.className") == "al-body"
        run.tell([TextDelta("still more\n\n" * 20)])
        assert page.page.evaluate(distance) < 2


def test_the_button_back_does_not_go_from_under_the_focus(open_page: OpenPage) -> None:
    page = open_page()
    with shown(page, "t") as run:
        run.tell([TurnStarted(1, "m"), TextDelta("a paragraph\n\n" * 60)])
        page.page.evaluate("document.querySelector('.al-body').scrollTop = 10")
        page.wait_for("!document.querySelector('.al-jump').hidden")
        page.page.locator(".al-jump").focus()
        page.page.evaluate("document.querySelector('.al-body').scrollTop = 100000")
        page.pump()
        assert page.page.evaluate("document.activeElement.className") == "al-button al-jump"
        page.page.evaluate("document.activeElement.blur()")
        assert page.page.locator(".al-jump").is_hidden()


def test_what_the_reader_opens_does_not_run_away_with_the_next_line(open_page: OpenPage) -> None:
    page = open_page()
    with shown(page, "t") as run:
        run.tell([TurnStarted(1, "m"), ReasoningDelta("a thought\n" * 60), TextDelta("first\n\n", 1)])
        page.page.locator("summary", has_text="reasoning").click()
        run.tell([TextDelta("second\n\n", 1)])
        assert page.page.evaluate("document.querySelector('.al-body').scrollTop") == 0
        assert page.page.locator(".al-jump").is_visible()


def test_a_narrow_view_is_as_wide_as_its_page_and_no_wider(open_page: OpenPage) -> None:
    page = open_page("dark", width=360)
    with shown(page, "a long title that does not fit " * 4, stop=lambda: None, decide=lambda *_: None) as run:
        run.tell([*tool_run()[:-1], *ASKING])
        assert page.page.evaluate("document.documentElement.scrollWidth") <= 360
        page.show(run.finish("cancelled"))
        assert page.page.evaluate("document.documentElement.scrollWidth") <= 360


METADATA = """new Promise((done, failed) => {
  const player = document.querySelector("audio");
  player.onloadedmetadata = () => done([player.duration, player.controls, player.getAttribute("aria-label")]);
  player.onerror = () => failed(player.error.message);
  player.preload = "metadata";
  player.load();
})"""


def test_a_picture_and_a_sound_of_an_answer_are_seen_and_can_be_played(open_page: OpenPage) -> None:
    page = open_page()
    sound = Audio(Base64Source.from_bytes(WAV), "audio/wav")
    message = AssistantMessage.of(Text("Listen."), Image.from_bytes(PNG), sound)
    with shown(page, "t") as run:
        run.tell([TurnStarted(1, "m"), TurnFinished(message, Usage())])
        assert page.page.evaluate("document.querySelector('.al-picture').naturalWidth") == 3
        assert page.page.evaluate("document.querySelector('audio').preload") == "none"
        seconds, has_controls, name = page.page.evaluate(METADATA)
        assert 0 < seconds < 0.1
        assert has_controls
        assert name == f"sound, wav, {len(WAV)} bytes"
        assert [url for url in page.requests if not url.startswith(("about:", "blob:", "data:"))] == []
