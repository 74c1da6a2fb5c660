"""A run on display: in a kernel, in a script, stopped, cancelled and failed."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator

import pytest

from agentlab.messages import Event, RunFinished, TextDelta, TurnStarted, Usage
from agentlab.notebook.mode import display_mode
from agentlab.notebook.publishing import WIDGET_MIME
from agentlab.notebook.run import show
from agentlab.notebook.run.show import Live, show_run
from tests.notebook.published import PublishedPage
from tests.notebook.synthetic import CANARY, stalled, tool_run

pytestmark = pytest.mark.anyio
PARTIAL: list[Event] = [TurnStarted(1, "m"), TextDelta("half an answ")]


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> PublishedPage:
    """A kernel's page."""
    return PublishedPage(monkeypatch, show)


async def stream_of(events: list[Event]) -> AsyncIterator[Event]:
    for event in events:
        yield event


async def timed(events: list[Event]) -> AsyncIterator[tuple[Event, float]]:
    for number, event in enumerate(events):
        yield event, float(number)


async def test_the_widget_is_replaced_by_a_still_picture_under_the_same_id(page: PublishedPage) -> None:
    state = await show_run(stream_of(tool_run()), title="sum")
    opened, frozen = page.published
    assert WIDGET_MIME in opened.bundle
    assert opened.bundle["text/plain"] == "sum [running]"
    assert set(frozen.bundle) == {"text/html", "text/plain"}
    assert (frozen.update, frozen.display_id) == (True, opened.display_id)
    assert state.status == "done"
    assert CANARY not in str(page.published)


async def test_every_place_it_was_displayed_in_shows_the_picture_in_the_end(page: PublishedPage) -> None:
    live = Live("sum")
    live.start()
    live._ipython_display_()
    live.finish("done")
    live._ipython_display_()
    ids = [shown.display_id for shown in page.published]
    assert ids[0] == ids[1] == ids[2]
    assert ids[3] is None
    assert WIDGET_MIME not in page.published[3].bundle


async def test_the_static_mode_shows_one_output_without_id_time_or_price(
    page: PublishedPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTLAB_DISPLAY", "static")
    assert display_mode() == "static"
    await show_run(stream_of(tool_run()), title="sum")
    await show_run(timed(tool_run()), title="sum")
    first, second = page.published
    assert first == second
    assert (first.display_id, first.update) == (None, False)
    assert "$0.0163" not in str(first)


async def test_outside_a_notebook_the_text_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert display_mode() == "print"
    await show_run(stream_of(tool_run()), title="sum")
    printed = capsys.readouterr().out
    assert printed.startswith("sum [done]\n")
    assert printed.count("The sum is") == 1


async def test_a_terminal_without_the_letters_gets_question_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", terminal)
    await show_run(
        stream_of([TurnStarted(1, "m"), TextDelta("naïve 🙂"), RunFinished("", Usage())]), title="t"
    )
    terminal.seek(0)
    assert "na?ve ?" in terminal.read()


async def test_times_of_the_stream_are_taken_where_it_gives_them(page: PublishedPage) -> None:
    state = await show_run(timed([TurnStarted(1, "m"), TextDelta("x"), RunFinished("x", Usage())]), title="t")
    assert state.turns[0].time_to_first_token_s == 1.0


async def test_stop_without_an_owner_cancels_the_stream_and_returns_what_there_is(
    page: PublishedPage,
) -> None:
    shown = asyncio.Event()
    cleaned: list[str] = []

    async def stream() -> AsyncIterator[Event]:
        try:
            for event in PARTIAL:
                yield event
            shown.set()
            await asyncio.Event().wait()
        finally:
            cleaned.append("stream")

    lives: list[Live] = []
    monkey = show.Live.start

    def start(live: Live) -> None:
        lives.append(live)
        monkey(live)

    show.Live.start = start  # type: ignore[method-assign] - to get at the button
    try:
        task = asyncio.ensure_future(show_run(stream(), title="t"))
        await shown.wait()
        assert lives[0]._view is not None
        lives[0]._view._take_message(None, {"type": "stop"}, [])
        state = await asyncio.wait_for(task, 5)
    finally:
        show.Live.start = monkey  # type: ignore[method-assign]
    assert (state.status, state.text) == ("stopped", "half an answ")
    assert cleaned == ["stream"]
    assert "stopped" in page.published[-1].bundle["text/plain"]


async def test_a_cancelled_call_keeps_the_partial_answer_marks_it_and_stays_cancelled(
    page: PublishedPage,
) -> None:
    silent = asyncio.Event()
    task = asyncio.ensure_future(show_run(stalled(PARTIAL, silent), title="t", stop=lambda: None))
    await silent.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    picture = page.published[-1].bundle["text/plain"]
    assert "half an answ" in picture
    assert "[stopped]" in picture


async def test_a_cancellation_survives_a_stream_that_ends_tidily_when_cancelled(page: PublishedPage) -> None:
    waiting = asyncio.Event()

    async def tidy() -> AsyncIterator[Event]:
        yield TurnStarted(1, "m")
        try:
            waiting.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            yield RunFinished("half", Usage(), "cancelled")

    task = asyncio.ensure_future(show_run(tidy(), title="t", stop=lambda: None))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "[stopped]" in page.published[-1].bundle["text/plain"]


async def test_a_stream_that_fails_shows_why_and_raises(page: PublishedPage) -> None:
    async def failing() -> AsyncIterator[Event]:
        yield TurnStarted(1, "m")
        raise ValueError("boom <b>")

    with pytest.raises(ValueError, match="boom"):
        await show_run(failing(), title="t")
    bundle = page.published[-1].bundle
    assert "failed: ValueError: boom <b>" in bundle["text/plain"]
    assert "boom &lt;b&gt;" in bundle["text/html"]


async def test_finishing_twice_shows_one_picture(page: PublishedPage) -> None:
    live = Live("t")
    live.start()
    live.finish("done")
    live.finish("error")
    assert len(page.published) == 2
    assert live.state.status == "done"


async def test_a_finished_display_leaves_no_widget_behind(page: PublishedPage) -> None:
    import ipywidgets  # noqa: PLC0415 - heavy, and needed here alone

    before = set(ipywidgets.widgets.widget._instances)
    await show_run(stream_of(tool_run()), title="sum")
    assert set(ipywidgets.widgets.widget._instances) <= before


async def test_a_reader_s_decision_is_passed_on_and_buttons_are_there_only_where_it_can_be(
    page: PublishedPage,
) -> None:
    decided: list[tuple[str, bool]] = []
    live = Live("t", decide=lambda call_id, approved: decided.append((call_id, approved)))
    live.start()
    assert live._view is not None
    assert live._view.can_decide
    live._view._take_message(live._view, {"type": "decide", "call_id": "c", "approved": True}, [])
    live.finish()
    assert decided == [("c", True)]
    unattended = Live("t")
    unattended.start()
    assert unattended._view is not None
    assert not unattended._view.can_decide
    unattended.finish()


async def test_the_document_says_when_the_run_began(page: PublishedPage) -> None:
    live = Live("t")
    live.start()
    assert live._view is not None
    began = live._view.snapshot["document"]["started"]
    live.finish()
    assert began == pytest.approx(time.time(), abs=60)


async def test_a_view_mounted_by_a_second_page_stays_with_the_whole_run_in_it(page: PublishedPage) -> None:
    live = Live("t")
    live.start()
    view = live._view
    assert view is not None
    view._take_message(view, {"type": "ready"}, [])
    view._take_message(view, {"type": "ready"}, [])
    for event in tool_run():
        live.apply(event)
    live.finish()
    assert view.comm is not None
    assert view.snapshot["document"]["status"] == "done"
    assert len(view.snapshot["document"]["turns"]) == 2
    view.close()
