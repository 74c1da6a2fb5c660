"""The live view of a run in a real browser, on a plain page: what needs no JupyterLab."""

from __future__ import annotations

from random import Random

from tests.notebook.conftest import OpenPage
from tests.notebook.shown_run import shown
from tests.notebook.synthetic import text_run

TEXT = "[...document.querySelectorAll('.al-text')].map((one) => one.textContent).join('')"


def test_a_channel_that_loses_every_twentieth_message_shows_the_exact_text_in_the_end(
    open_page: OpenPage,
) -> None:
    page = open_page()
    pieces = [f"w{number:04} " + "\n\n" * (number % 50 == 49) for number in range(2000)]
    events, chance = text_run(pieces), Random(5)
    with shown(page, "lossy") as run:
        page.loses = lambda: chance.random() < 0.05
        for start in range(0, len(events) - 2, 16):
            run.tell(events[start : min(start + 16, len(events) - 2)], paints=False)
        page.wait_for(f"{TEXT}.includes('w1999')")
        words = page.page.evaluate(TEXT).split()
    assert words == [f"w{number:04}" for number in range(2000)]
    assert page.lost >= 5
    assert page.sent.count({"type": "resync"}) >= 1


def test_the_last_patch_is_missed_and_asked_for_although_nothing_follows_it(open_page: OpenPage) -> None:
    page = open_page()
    events = text_run(["first ", "second ", "last"])
    with shown(page, "lossy") as run:
        run.tell(events[:4])
        page.loses = lambda: True
        run.tell(events[4:5])
        page.loses = lambda: False
        assert page.page.evaluate(TEXT).split() == ["first", "second"]
        page.wait_for(f"{TEXT}.includes('last')")
    assert page.lost == 1
