"""The view of a chat on a page: what a reader types and clicks, and what every view of it then shows."""

from __future__ import annotations

from agentlab.errors import ServerError
from agentlab.messages import ToolCall
from agentlab.notebook.chat.chat import Chat
from tests.notebook.chat.reader import BOX, Reader, remove
from tests.notebook.chat.scripted_model import Gate
from tests.notebook.conftest import OpenPage
from tests.notebook.hostile import EXECUTING, HOSTILE

SAME = (
    "(() => {{ const all = [...document.querySelectorAll('.al-exchanges')].map((list) => list.innerText.replace("
    "/[\\d.]+ m?s/g, '')); return all.length === {views} && all.every((text) => text === all[0]"
    " && text.includes({text!r})); }})()"
)


def test_keys_send_stop_and_break_lines_and_the_notebook_around_it_hears_none(open_page: OpenPage) -> None:
    gate = Gate()
    reader = Reader(open_page(), ["Hello **you**."], ["half an ", gate], ["Whole."])
    page = reader.page.page
    page.evaluate("() => { window.__keys = 0; document.addEventListener('keydown', () => window.__keys++); }")
    page.focus(BOX)
    page.keyboard.type("Hi")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("there")
    assert page.input_value(BOX) == "Hi\nthere"
    page.keyboard.press("Enter")
    reader.waits_until_idle(1)
    assert page.locator(".al-prompt-text").inner_text() == "Hi\nthere"
    assert page.locator(".al-exchange strong").inner_text() == "you"
    assert page.locator(".al-spoken").text_content() == "Answer complete"
    reader.click("Copy the answer")
    reader.sees("Copied")
    page.focus(BOX)
    page.keyboard.press("Control+v")
    assert page.input_value(BOX) == "Hello **you**."
    page.keyboard.press("Enter")
    reader.sees("half an", "answering")
    page.keyboard.press("Escape")
    reader.waits_until_idle(2)
    reader.sees("stopped by the user")
    page.keyboard.type("again")
    page.keyboard.press("Enter")
    reader.waits_until_idle(3)
    reader.sees("Whole.")
    assert page.evaluate("window.__keys") == 0
    assert page.locator(".al-chat").get_attribute("data-lm-suppress-shortcuts") == "true"


def test_a_message_typed_meanwhile_waits_and_can_be_taken_out(open_page: OpenPage) -> None:
    gate = Gate()
    reader = Reader(open_page(), ["slow", gate], ["on the second"])
    reader.type("first")
    reader.sees("slow")
    for text in ("second", "third"):
        reader.type(text)
    reader.waits_for_line(2)
    reader.click("Remove: third")
    reader.waits_for_line(1)
    gate.open()
    reader.waits_until_idle(2)
    reader.sees("on the second")
    assert not reader.page.page.locator(".al-waiting").is_visible()


def test_an_edited_message_is_a_branch_and_the_arrows_go_between(open_page: OpenPage) -> None:
    gate = Gate()
    reader = Reader(open_page(), ["one"], ["two"], ["better"], ["slow", gate])
    page = reader.page.page
    editor = page.locator(".al-editor textarea").first
    for number, text in enumerate(("first", "second"), 1):
        reader.type(text)
        reader.waits_until_idle(number)
    reader.click("Edit")
    editor.press("Escape")
    assert not editor.is_visible()
    assert page.locator(".al-prompt-text").first.inner_text() == "first"
    reader.click("Edit")
    assert editor.input_value() == "first"
    editor.fill("first, edited")
    editor.press("Enter")
    reader.waits_until_idle(1)
    reader.sees("better", "2/2")
    reader.click("Show branch 1 of 2")
    reader.waits_until_idle(2)
    reader.sees("two", "1/2")
    assert "better" not in reader.page.text()
    assert page.get_by_role("button", name="Show branch 0 of 2").is_disabled()
    reader.click("Show branch 2 of 2")
    reader.sees("better")
    reader.type("slowly")
    reader.sees("slow")
    reader.click("Show branch 1 of 2")
    reader.sees("two")
    reader.click("An answer is under way on another branch: show it")
    reader.sees("slow")
    gate.open()
    reader.waits_until_idle(2)


def test_a_failure_is_shown_in_place_of_the_answer_and_sessions_keep_their_own(open_page: OpenPage) -> None:
    call = ToolCall("c1", "remove", '{"path": "/tmp/x"}')
    failing = ServerError("the provider is overloaded", status=529)
    reader = Reader(open_page(), [failing], ["Fine now."], [call], ["It is gone."], tools=[remove])
    reader.type("in the first")
    reader.waits_until_idle(1)
    reader.sees("failed: the provider is overloaded", "Not part of what later messages are sent with.")
    reader.click("Ask again, as a new branch")
    reader.sees("Fine now.", "2/2")
    reader.click("New chat")
    reader.waits_until_idle(0)
    reader.type("in the second")
    reader.sees("It deletes files.")
    reader.click("Approve remove")
    reader.sees("It is gone.", "removed /tmp/x")
    reader.waits_until_idle(1)
    reader.page.page.select_option(".al-sessions", label="in the first")
    reader.sees("Fine now.")
    assert reader.chat.conversation.title == "in the first"
    options = reader.page.page.locator(".al-sessions option").all_inner_texts()
    assert sorted(options) == ["in the first", "in the second"]


def test_what_is_refused_comes_back_into_the_box_with_the_reason(open_page: OpenPage) -> None:
    reader = Reader(open_page())

    def refuse(*_: object, **__: object) -> None:
        raise ValueError("not today")

    reader.chat.submit = refuse  # type: ignore[assignment, method-assign]
    reader.type("Hi")
    reader.sees("Not sent: ValueError: not today")
    assert reader.page.page.input_value(BOX) == "Hi"
    reader.page.page.locator(BOX).press("x")
    assert "Not sent" not in reader.page.text()


def test_every_view_of_a_conversation_shows_the_same_also_one_that_comes_late(open_page: OpenPage) -> None:
    gate = Gate()
    reader = Reader(open_page(), ["**grows** and ", gate, "ends"], ["again"])
    other = Chat(reader.chat.agent, conversation=reader.chat.conversation)
    page = reader.page
    page.show_again(reader.chat.widget)
    page.mount(other.widget)
    page.page.locator(BOX).last.fill("from the third view")
    page.page.locator(BOX).last.press("Enter")
    page.wait_for(SAME.format(text="grows and", views=3))
    late = Chat(reader.chat.agent, conversation=reader.chat.conversation)
    page.mount(late.widget)
    page.wait_for(SAME.format(text="grows and", views=4))
    gate.open()
    page.wait_for(SAME.format(text="grows and ends", views=4))
    other.submit("edited", at=1)
    page.wait_for(SAME.format(text="again", views=4))
    assert [chat.conversation.path[0].text for chat in (reader.chat, other, late)] == ["edited"] * 3


def test_a_view_that_lost_patches_asks_for_the_whole(open_page: OpenPage) -> None:
    gate = Gate()
    reader = Reader(open_page(), ["first ", "first ", gate, "second ", "second"])
    reader.type("go")
    reader.sees("first first")
    reader.page.page.evaluate(
        "() => { const carry = window.__carry; window.__lost = 0; window.__carry = (messages) => carry(messages.filter("
        "([, method, content]) => method !== 'custom' || content.type !== 'patch' || (window.__lost += 1) > 1)); }"
    )
    gate.open()
    reader.waits_until_idle(1)
    reader.sees("first first second second")
    assert reader.page.page.evaluate("window.__lost") > 1
    assert {"type": "resync"} in reader.page.sent


def test_hostile_text_in_every_place_is_text(open_page: OpenPage) -> None:
    gate = Gate()
    texts = [text for text in (*EXECUTING, *HOSTILE[::12]) if text.strip()]
    reader = Reader(open_page(), *([text] for text in texts), [gate])
    for text in texts:
        reader.chat.submit(text)
    reader.waits_until_idle(len(texts))
    reader.chat.submit("wait")
    for text in EXECUTING:
        reader.chat.submit(text)
    reader.waits_for_line(len(EXECUTING))
    reader.chat.report(EXECUTING[0])
    reader.chat.conversation.title = EXECUTING[1]
    reader.sees(EXECUTING[0])
    assert reader.page.page.evaluate("window.__ran") == 0
    assert [url for url in reader.page.requests if not url.startswith(("about:", "blob:"))] == []
    reader.chat.stop()
    reader.waits_until_idle(len(texts) + 1)


def test_a_long_conversation_is_painted_by_what_changed(open_page: OpenPage) -> None:
    gate = Gate()
    reader = Reader(open_page(), ["same"], ["grows ", gate, "on"])
    reader.type("first")
    reader.waits_until_idle(1)
    reader.page.page.evaluate(
        "() => { window.__changed = 0; new MutationObserver((found) => window.__changed += found.length).observe("
        "document.querySelector('.al-exchange'), { subtree: true, childList: true, characterData: true }); }"
    )
    reader.type("second")
    reader.sees("grows")
    gate.open()
    reader.waits_until_idle(2)
    assert reader.page.page.evaluate("window.__changed") == 0
