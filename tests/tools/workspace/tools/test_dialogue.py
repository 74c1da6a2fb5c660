"""Questions reach the user checked, a plan is there before it is shown, and without anybody a tool says so."""

import pytest

from agentlab.errors import InvalidToolArguments, ToolError
from agentlab.tools.workspace import MemoryWorkspace
from agentlab.tools.workspace.dialogue import AnswersQuestions, SwitchesMode
from tests.tools.workspace.tools.calling import Caller

NAME = {"name": "colour", "question": "Which?", "schema": {"type": "string", "enum": ["red", "blue"]}}


class Asker:
    def __init__(self):
        self.asked = []

    def ask(self, questions):
        self.asked += questions
        return {"status": "question_pending", "question_id": "q1"}


class LateAsker(Asker):
    async def ask(self, questions):
        return {"colour": "red"}


class Switch:
    async def exit_plan(self, plan_path):
        if plan_path == "plans/refused.plan":
            raise ToolError("the user wants changes: smaller steps")
        return {"mode": "build", "plan": plan_path}


def test_the_questions_arrive_as_plain_json_and_the_answer_goes_back():
    asker = Asker()
    question = NAME | {"buttons": [{"label": "Red", "value": "red"}]}
    answer = Caller(MemoryWorkspace({}), None, asker)("ask_user", questions=[question])
    assert answer == {"status": "question_pending", "question_id": "q1"}
    assert asker.asked == [question]


def test_an_answer_may_take_its_time():
    assert Caller(MemoryWorkspace({}), None, LateAsker())("ask_user", questions=[NAME]) == {"colour": "red"}


@pytest.mark.parametrize(
    ("questions", "why"),
    [
        ([], "at least 1"),
        ([{"name": "a", "question": "?"}], "schema"),
        ([NAME, NAME], "two questions have one name"),
        ([NAME | {"name": "no spaces"}], "pattern"),
        ([NAME | {"schema": {"type": "colour"}}], "no JSON Schema"),
        ([NAME | {"buttons": [{"label": "Green", "value": "green"}]}], "button `Green` does not fit"),
        ([NAME | {"buttons": ["red"]}], "dictionary"),
        ([NAME] * 11, "at most 10"),
    ],
)
def test_questions_that_no_answer_can_be_checked_against_are_refused(questions, why):
    asker = Asker()
    assert why in Caller(MemoryWorkspace({}), None, asker).error("ask_user", questions=questions)
    assert not asker.asked


def test_without_anybody_to_ask_the_model_is_told():
    call = Caller(MemoryWorkspace({"plans/a.plan": "x"}))
    assert "nobody here to ask the user" in call.error("ask_user", questions=[NAME])
    assert "no `SwitchesMode`" in call.error("exit_plan_mode", plan="plans/a.plan")


def test_plan_mode_is_left_with_a_plan_that_is_there():
    call = Caller(MemoryWorkspace({"plans/a.plan": "# Steps"}), None, Switch())
    assert call("exit_plan_mode", plan="/plans/a.plan") == {"mode": "build", "plan": "plans/a.plan"}


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        ("plans/missing.plan", "nothing at that path"),
        ("plans/empty.plan", "is empty"),
        ("plans/binary.plan", "not text"),
        ("notes.md", "is no plan"),
        ("plans/notes.md", "is no plan"),
        ("plans", "is no plan"),
        ("plans/refused.plan", "smaller steps"),
    ],
)
def test_plan_mode_is_not_left_without_one(plan, why):
    workspace = MemoryWorkspace({"plans/empty.plan": " \n", "notes.md": "x", "plans/notes.md": "x"})
    workspace.write("plans/refused.plan", b"# Big steps")
    workspace.write("plans/binary.plan", b"\x00")
    assert why in Caller(workspace, None, Switch()).error("exit_plan_mode", plan=plan)


def test_the_protocols_are_recognised_by_what_they_can_do():
    assert isinstance(Asker(), AnswersQuestions)
    assert isinstance(Switch(), SwitchesMode)
    assert not isinstance(Switch(), AnswersQuestions)


def test_invalid_arguments_are_told_as_such():
    with pytest.raises(InvalidToolArguments):
        Caller(MemoryWorkspace({}))("read", path=3)
