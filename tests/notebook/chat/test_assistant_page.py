"""A chat of an assistant on a page: its modes, its questions and its decisions, by mouse and by keyboard, in both themes."""

from __future__ import annotations

import re

from agentlab.notebook.chat.chat import Chat
from agentlab.sessions import Session
from agentlab.simulator import call, reply
from tests.chat.desk import Desk
from tests.notebook.chat.reader import Reader
from tests.notebook.chat.seated import assistant, shown_texts
from tests.notebook.conftest import OpenPage
from tests.notebook.hostile import EXECUTING
from tests.notebook.test_accessibility import faint, violations, walked

COLOUR = {
    "name": "colour",
    "question": f"Which colour? {EXECUTING[0]}",
    "schema": {"type": "string"},
    "buttons": [{"label": "Red!", "value": "red"}, {"label": EXECUTING[1][:80], "value": "blue"}],
}
SIZE = {
    "name": "size",
    "question": "Which size?",
    "schema": {"type": "integer"},
    "buttons": [{"label": "Small", "value": 1}, {"label": "Large", "value": 2}],
}


def test_questions_modes_and_decisions_are_answered_on_the_page(desk: Desk, open_page: OpenPage) -> None:
    desk.says(
        [
            reply(calls=[call("ask_user", questions=[COLOUR, SIZE])]),
            "So be it.",
            reply(calls=[call("send", text="a")]),
            "Sent.",
        ]
    )
    with assistant(desk) as kept, Session.create(desk.folder / "locked.sqlite", title="locked one"):
        kept.attach("notes.txt")
        reader = Reader(open_page("light"), chat=Chat(kept))
        page = reader.page.page
        page.get_by_label("Mode").focus()
        page.keyboard.press("p")
        reader.sees("attached notes.txt\nplan mode")
        assert kept.mode == "plan"
        reader.type("Paint it.")
        reader.sees("Which colour?", "Which size?", "waits for the user's answer")
        reader.waits_until_idle(1)
        reader.looks_away()
        controls, reached = walked(reader.page)
        assert reached == controls
        assert any("Large" in each for each in controls)
        for theme in ("light", "dark"):
            reader.page.wear(theme)
            assert (violations(reader.page), faint(reader.page)) == ([], [])
        reader.click("Red!")
        reader.click("Small")
        reader.click("Large")
        assert page.locator("[aria-pressed=true]").all_inner_texts() == ["Red!", "Large"]
        reader.click("Answer")
        reader.sees("So be it.", "Which size? 2")
        reader.waits_until_idle(2)
        assert not page.get_by_role("group", name="Question").is_visible()
        reader.type("Send it.")
        reader.sees("May this run?")
        reader.click("Approve send")
        reader.sees("Sent.", "sent a")
        reader.waits_until_idle(3)
        page.select_option(".al-sessions", label="locked one")
        reader.page.wait_for("document.querySelector('.al-problem').innerText.includes('locked')")
        assert page.locator(".al-sessions").first.input_value() == "one"
        assert page.evaluate("window.__ran") == 0
        assert reader.page.errors == []
        reader.chat.freeze()


def test_a_decision_is_asked_for_again_after_a_restart_and_the_answer_goes_on_there(
    desk: Desk, open_page: OpenPage
) -> None:
    desk.says([reply("I ask.", calls=[call("send", text="a"), call("send", text="b")]), "Done."])
    with assistant(desk) as kept:
        Chat(kept).send_sync("Send them.")
    with assistant(desk) as kept:
        reader = Reader(open_page("dark"), chat=Chat(kept))
        reader.sees("needs approval", "I ask.")
        page = reader.page.page
        assert not page.get_by_role("button", name="Stop").is_visible()
        reader.click("Approve send")
        reader.page.wait_for("document.querySelectorAll('.al-answers button').length === 4")
        page.get_by_role("button", name="Deny send").last.click()
        reader.page.pump()
        reader.sees("Done.", "sent a", "denied")
        reader.waits_until_idle(1)
        assert shown_texts(reader.chat) == ["Send them.", "Done."]
        assert not re.search("needs approval", reader.page.text())
        reader.chat.freeze()
