"""A chat of an assistant: asked, edited, decided on and questioned, and the same when its session is opened again."""

from __future__ import annotations

import pytest

from agentlab.chat import Chunk
from agentlab.errors import ModelError, UsageError
from agentlab.messages import UserMessage, validate
from agentlab.notebook.chat.chat import Chat
from agentlab.notebook.chat.reader_requests import ReaderRequests
from agentlab.notebook.chat.static_view import mimebundle
from agentlab.sessions import Session, UserSaid
from agentlab.simulator import ErrorReply, Fault, call, reply
from tests.chat.desk import Desk
from tests.notebook.chat.seated import asked, assistant, ended, pictured, results, shown_texts, until
from tests.notebook.javascript.replaying import painted, replaying

pytestmark = pytest.mark.anyio

LOOK = reply("I look.", reasoning="Where is it?", calls=[call("read", path="notes.txt")])
COLOUR = {
    "name": "colour",
    "question": "Which colour?",
    "schema": {"enum": ["red", "blue"]},
    "buttons": [{"label": "Red!", "value": "red"}, {"label": "Blue!", "value": "blue"}],
}


async def test_a_session_opened_again_looks_as_it_did(desk: Desk) -> None:
    stalls = Fault("stall", at_event=6)
    half = reply("one two three four five six seven eight", fault=stalls)
    desk.says(
        [LOOK, "Buy milk.", reply(calls=[call("send", text="a")]), "Sent.", ErrorReply(400, "no"), half]
    )
    with assistant(desk) as kept:
        chat = Chat(kept)
        await chat.send("What is to do?")
        kept.attach("notes.txt")
        kept.set_mode("plan")
        assert chat.widget is not None
        sending = chat.submit("Send it.")
        await asked(chat)
        assert chat.decide(chat.conversation.path[-1].state.asking[0].call_id, True)
        await ended(sending)
        with pytest.raises(ModelError):
            await chat.send("Fail.")
        counting = chat.submit("Count.")
        await until(chat, lambda: "one" in chat.conversation.path[-1].state.text)
        chat.stop()
        await ended(counting)
        before, text, tokens = pictured(chat), str(chat), chat.turns["output_tokens"].tolist()
        validate([*chat.history, UserMessage.of("next")])
        chat.freeze()
    with assistant(desk) as kept:
        again = Chat(kept)
        assert pictured(again) == before
        assert again.turns["output_tokens"].tolist() == tokens
        assert again.conversation.path[1].lead == ("attached notes.txt", "plan mode")
        assert "* attached notes.txt" in text
        html = mimebundle(again.conversation, deterministic=True)["text/html"]
        for piece in ("What is to do?", "Where is it?", "Buy milk.", "sent a", "plan mode"):
            assert piece in html
        assert again.history == kept.history


async def test_branches_of_the_conversation_are_branches_of_the_session(desk: Desk) -> None:
    desk.says(["One.", "Two.", "Other two.", "Three."])
    with assistant(desk) as kept:
        chat = Chat(kept)
        for text in ("first", "second"):
            await chat.send(text)
        await chat.send("second, edited", at=2)
        assert [each.name for each in kept.session.branches] == ["main", "branch-1"]
        assert shown_texts(chat) == ["first", "One.", "second, edited", "Other two."]
        chat.show(2)
        assert kept.session.branch == "main"
        assert chat.history == kept.history
        await chat.send("third")
        assert len(kept.session.branches) == 2
        assert shown_texts(chat) == ["first", "One.", "second", "Two.", "third", "Three."]
        assert chat.turns["is_shown"].tolist() == [True, True, False, True]
        sent = desk.sim.requests[-1].json or {}
        assert "edited" not in str(sent["messages"])
        before = [[one.text for one in chat.conversation.exchanges], pictured(chat)]
    with assistant(desk) as kept:
        again = Chat(kept)
        assert [[one.text for one in again.conversation.exchanges], pictured(again)] == before
        assert again.conversation.branches(2) == (2, 3)
        again.show(3)
        assert kept.session.branch == "branch-1"


async def test_the_first_prompt_can_be_edited_and_what_was_attached_before_it_stays(desk: Desk) -> None:
    desk.says(["One.", "Uno."])
    with assistant(desk) as kept:
        kept.attach("notes.txt")
        chat = Chat(kept)
        assert chat.conversation.path == ()
        await chat.send("first")
        await chat.send("uno", at=1)
        assert shown_texts(chat) == ["uno", "Uno."]
        assert "notes.txt" in kept.state.attached
        assert chat.conversation.path[0].lead == ("attached notes.txt",)
    with assistant(desk) as kept:
        assert shown_texts(Chat(kept)) == ["uno", "Uno."]


async def test_a_prompt_is_what_was_typed_without_what_was_told_with_it(desk: Desk) -> None:
    desk.says(["One.", "Two."])
    with assistant(desk, mode="plan") as kept:
        await Chat(kept).send("first\nline")
        said = next(s.entry for s in kept.session.entries() if isinstance(s.entry, UserSaid))
        assert len(said.message.content) > 1
    with assistant(desk, mode="plan") as kept:
        chat = Chat(kept)
        assert chat.conversation.exchange(1).prompt == UserMessage.of("first\nline")


async def test_what_is_asked_from_python_is_shown_too_and_the_next_prompt_follows_it(desk: Desk) -> None:
    desk.says(["One.", "Two.", "Three."])
    with assistant(desk) as kept:
        chat = Chat(kept)
        await chat.send("first")
        await kept.prompt("by code")
        await until(chat, lambda: len(chat.conversation.path) == 2)
        await chat.send("third")
        assert shown_texts(chat) == ["first", "One.", "by code", "Two.", "third", "Three."]
        assert [each.name for each in kept.session.branches] == ["main"]


async def test_a_branch_that_is_gone_on_with_from_python_is_shown(desk: Desk) -> None:
    desk.says(["One.", "Two.", "Else."])
    with assistant(desk) as kept:
        chat = Chat(kept)
        await chat.send("first")
        at = kept.session.entries()[-1].id
        await chat.send("second")
        kept.branch(at, "other")
        await kept.prompt("else")
        await until(chat, lambda: shown_texts(chat)[-1:] == ["Else."])
        assert shown_texts(chat) == ["first", "One.", "else", "Else."]
        kept.switch("main")
        await until(chat, lambda: shown_texts(chat)[-1:] == ["Two."])
        kept.branch(0, "anew")
    with assistant(desk) as kept:
        assert Chat(kept).conversation.path == ()


async def test_while_an_answer_is_given_elsewhere_a_prompt_is_refused_in_words(desk: Desk) -> None:
    desk.says([reply("one two three four five six", fault=Fault("stall", at_event=4)), "Two."])
    with assistant(desk) as kept:
        chat = Chat(kept)
        elsewhere = kept.stream("by code")
        async for event in elsewhere:
            if isinstance(event, Chunk):
                break
        with pytest.raises(UsageError, match="asked for elsewhere"):
            await chat.send("typed")
        elsewhere.stop()
        await elsewhere
        assert (await chat.send("typed again")).text == "Two."
        said = [s.entry.text for s in kept.session.entries() if isinstance(s.entry, UserSaid)]
        assert said == ["by code", "typed again"]


async def test_decisions_can_be_made_after_a_restart_and_the_answer_goes_on_in_its_place(desk: Desk) -> None:
    desk.says([reply("I ask.", calls=[call("send", text="a"), call("send", text="b")]), "Done."])
    with assistant(desk) as kept:
        chat = Chat(kept)
        run = await chat.send("Send them.")
        assert run.stop_reason is None
        [exchange] = chat.conversation.path
        assert exchange.stands_still
        assert len(exchange.state.asking) == 2
        assert not chat.is_running
        assert chat._document.document()["running"] is None
        before = pictured(chat)
    with assistant(desk) as kept:
        chat = Chat(kept)
        assert pictured(chat) == before
        [exchange] = chat.conversation.path
        first, second = [card.call_id for card in exchange.state.asking]
        ReaderRequests(chat).take({"type": "decide", "call_id": first, "approved": True})
        assert chat._document.problem == ""
        assert [card.call_id for card in exchange.state.asking] == [second]
    with assistant(desk) as kept:
        chat = Chat(kept)
        [exchange] = chat.conversation.path
        assert chat.decide(second, False, "not that one")
        await until(chat, lambda: exchange.state.status == "done")
        assert exchange.state.text == "Done."
        assert results(chat)[0] == "sent a"
        assert "not that one" in results(chat)[1]
        await until(chat, lambda: not chat.is_running)
        before = pictured(chat)
    with assistant(desk) as kept:
        assert pictured(Chat(kept)) == before
        assert len(kept.session.branches) == 1


async def test_a_prompt_in_place_of_a_decision_ends_the_answer_that_waited(desk: Desk) -> None:
    desk.says([reply(calls=[call("send", text="a")]), "Fine."])
    with assistant(desk) as kept:
        chat = Chat(kept)
        await chat.send("Send it.")
        await chat.send("Never mind.")
        assert [one.state.status for one in chat.conversation.path] == ["cancelled", "done"]
        assert not chat.conversation.path[0].stands_still
        assert "left for another prompt" in (chat.conversation.path[0].state.detail or "")


async def test_an_answer_that_a_crash_cut_off_can_be_resumed(desk: Desk) -> None:
    desk.says([LOOK, "Buy milk.", "Buy milk, then."])
    with assistant(desk) as kept:
        await Chat(kept).send("What is to do?")
        rows = kept.session.entries()
    cut = 1 + [row.kind for row in rows].index("tool")
    Session.restore(desk.folder / "cut.sqlite", rows[:cut]).close()
    with assistant(desk, "cut") as kept:
        chat = Chat(kept)
        [exchange] = chat.conversation.path
        assert (exchange.state.status, exchange.is_resumable) == ("cancelled", True)
        assert "cut off" in (exchange.state.detail or "")
        ReaderRequests(chat).take({"type": "resume", "id": 1})
        await until(chat, lambda: exchange.state.status == "done")
        assert exchange.state.text == "Buy milk, then."
        assert [turn.number for turn in exchange.state.turns] == [1, 2]
        with pytest.raises(UsageError, match="nothing to go on with"):
            chat.resume()


def test_what_a_page_is_told_bit_by_bit_adds_up_to_the_document(desk: Desk) -> None:
    ask = reply(calls=[call("ask_user", questions=[COLOUR])])
    desk.says([LOOK, "Buy milk.", ask, "Red it is.", "Again."])
    with assistant(desk) as kept, replaying() as replay:
        chat = Chat(kept)
        start, patches = chat._document.document(), []
        for act in (
            lambda: chat.send_sync("What is to do?"),
            lambda: kept.set_mode("plan"),
            lambda: kept.attach("notes.txt"),
            lambda: chat.send_sync("Paint it."),
            lambda: chat.answer({"colour": "red"}).result.result(20),
            lambda: chat.send_sync("And now?", at=1),
        ):
            act()
            patches.append(chat._document.patch())
        patches.append(chat._document.patch())
        assert painted(replay(start, patches)) == painted(chat._document.document())


async def test_a_question_is_answered_by_its_buttons_and_by_what_is_typed(desk: Desk) -> None:
    ask = reply(calls=[call("ask_user", questions=[COLOUR])])
    desk.says([ask, "Red it is.", ask, "Green, then."])
    with assistant(desk) as kept:
        chat = Chat(kept)
        await chat.send("Paint it.")
    with assistant(desk) as kept:
        chat = Chat(kept)
        shown = chat._document.document()["question"]
        assert shown["questions"] == [
            {"name": "colour", "text": "Which colour?", "buttons": ["Red!", "Blue!"]}
        ]
        requests = ReaderRequests(chat)
        requests.take({"type": "answer", "question": "other", "chosen": {"colour": 0}})
        assert "answered already" in chat._document.problem
        requests.take({"type": "answer", "question": shown["id"], "chosen": {"colour": 7}})
        assert "no such button" in chat._document.problem
        requests.take({"type": "answer", "question": shown["id"], "chosen": {"colour": 0}})
        await until(chat, lambda: chat.conversation.path[-1].state.status == "done")
        assert shown_texts(chat)[-2:] == ["Which colour? red", "Red it is."]
        await until(chat, lambda: not chat.is_running)
        assert chat._document.document()["question"] is None
        await chat.send("And that?")
        assert (await chat.send("green")).text == "Green, then."
        said = [s.entry for s in kept.session.entries() if isinstance(s.entry, UserSaid)]
        assert [entry.question_id is not None for entry in said] == [False, True, False, True]
        with pytest.raises(UsageError, match="no question waits"):
            chat.answer({"colour": "red"})


async def test_an_approved_plan_goes_over_to_build_mode_and_says_so_in_its_place(desk: Desk) -> None:
    plan = "plans/job.plan"
    desk.says(
        [
            reply(calls=[call("plan_write", title="job", content="1. write it")]),
            reply(calls=[call("exit_plan_mode", plan=plan)]),
            "Built.",
        ]
    )
    with assistant(desk, mode="plan") as kept:
        kept.set_mode("plan")
        chat = Chat(kept)
        assert chat.widget is not None
        sending = chat.submit("Plan it and do it.")
        await asked(chat)
        [card] = chat.conversation.path[0].state.asking
        assert "1. write it" in card.reason
        assert chat.decide(card.call_id, True)
        await ended(sending)
        assert chat.conversation.path[0].changes == (f"build mode, to carry out {plan}",)
        assert chat._document.document()["mode"] == "build"
        before = pictured(chat)
        chat.freeze()
    with assistant(desk, mode="plan") as kept:
        assert pictured(Chat(kept)) == before


async def test_the_mode_is_in_the_head_and_its_change_before_the_next_prompt(desk: Desk) -> None:
    desk.says(["One."])
    with assistant(desk) as kept:
        chat = Chat(kept)
        assert chat._document.document()["mode"] == "build"
        ReaderRequests(chat).take({"type": "mode", "mode": "plan"})
        ReaderRequests(chat).take({"type": "mode", "mode": "nonsense"})
        assert "no mode 'nonsense'" in chat._document.problem
        await until(chat, lambda: chat._document.document()["changes"] == ["plan mode"])
        assert kept.mode == chat._document.document()["mode"] == "plan"
        await chat.send("first")
        document = chat._document.document()
        assert (document["changes"], document["runs"][0]["about"]["lead"]) == ([], ["plan mode"])
