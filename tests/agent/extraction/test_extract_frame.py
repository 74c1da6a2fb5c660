"""Many texts into a DataFrame: one row each, in their order, whatever befalls one of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Literal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from agentlab.agent.extraction.extract_frame import FrameExtraction
from agentlab.agent.extraction.extractor import Extractor
from agentlab.agent.extraction.text_budget import TextBudget
from agentlab.errors import AuthenticationFailed, UsageError
from agentlab.messages import Text, UserMessage
from agentlab.simulator import ErrorReply, SimRequest, Turn, call, reply
from tests.agent.bench import Bench, add

pytestmark = pytest.mark.anyio

BOOKKEEPING = [
    "status",
    "error_type",
    "error",
    "warning",
    "attempts",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_usd",
    "duration_s",
]


class Address(BaseModel):
    town: str
    number: int | None = None


class Person(BaseModel):
    name: str
    age: int | None = None
    address: Address | None = None
    tags: list[str] = []


def asked(request: SimRequest) -> str:
    """What the user said first."""
    message = next(each for each in request.messages if isinstance(each, UserMessage))
    return "".join(part.text for part in message.content if isinstance(part, Text))


def named(request: SimRequest) -> Turn:
    """A person whose name is the text."""
    text = asked(request)
    if text.startswith("bad"):
        return reply('{"age":1}')
    if text.startswith("filtered"):
        return ErrorReply(400, "No.")
    return reply(f'{{"name":"{text}","age":{len(text)}}}')


def people(bench: Bench, says: Any = named, output: Any = Person, **options: Any) -> Extractor[Any]:
    return Extractor(bench.agent("openai-chat", says).model, output, **options)


async def test_rows_are_in_the_order_of_the_texts_and_one_bad_text_is_one_bad_row(bench: Bench) -> None:
    texts = ["Ada", "bad", "Bob", None, "filtered", "Carol", "  ", float("nan")]
    frame = await people(bench).extract_frame(texts, concurrency=3, progress=False)
    assert list(frame.index) == list(range(8))
    assert frame["name"].dropna().to_dict() == {0: "Ada", 2: "Bob", 5: "Carol"}
    assert list(frame["status"]) == ["ok", "error", "ok", "error", "error", "ok", "error", "error"]
    assert frame["error_type"].dropna().to_dict() == {
        1: "OutputInvalid",
        3: "UsageError",
        4: "BadRequest",
        6: "UsageError",
        7: "UsageError",
    }
    assert list(frame["attempts"]) == [1, 2, 1, 0, 0, 1, 0, 0]
    assert frame["input_tokens"].isna().tolist() == [False, False, False, True, True, False, True, True]
    assert frame["input_tokens"][1] > 1.9 * frame["input_tokens"][0]
    assert (frame.loc[[3, 4, 6, 7], "cost_usd"] == 0).all()
    assert (frame.loc[[0, 1, 2, 5], "cost_usd"] > 0).all()
    assert len(bench.requests) == 6


async def test_nested_fields_are_columns_of_pandas_own_types(bench: Bench) -> None:
    said = '{"name":"Ada","age":36,"address":{"town":"London","number":7},"tags":["a"]}'
    frame = await people(bench, lambda _: reply(said)).extract_frame(["x"], progress=False)
    assert list(frame.columns) == ["name", "age", "address.town", "address.number", "tags", *BOOKKEEPING]
    assert frame.loc[0, ["name", "age", "address.town", "address.number", "tags"]].tolist() == [
        "Ada",
        36,
        "London",
        7,
        ["a"],
    ]
    types = frame.dtypes.astype(str)
    assert types[["name", "age", "address.number", "tags", "status", "attempts", "cost_usd"]].tolist() == [
        "str",
        "Int64",
        "Int64",
        "object",
        "str",
        "Int64",
        "Float64",
    ]
    empty = await people(bench).extract_frame([], progress=False)
    assert (list(empty.columns), len(empty)) == (list(frame.columns), 0)
    assert empty.dtypes.astype(str).tolist() == types.tolist()


async def test_a_column_of_a_frame_keeps_its_index(bench: Bench) -> None:
    given_frame = pd.DataFrame({"id": [7, 8], "text": ["Ada", "Bob"]}, index=pd.Index(["x", "y"], name="key"))
    extractor = people(bench)
    frame = await extractor.extract_frame(given_frame, column="text", progress=False)
    assert frame.index.equals(given_frame.index)
    assert given_frame.join(frame)["name"].to_dict() == {"x": "Ada", "y": "Bob"}
    series = await extractor.extract_frame(given_frame["text"], progress=False)
    pd.testing.assert_frame_equal(series.drop(columns="duration_s"), frame.drop(columns="duration_s"))
    alone = await extractor.extract_frame(given_frame[["text"]], progress=False)
    assert alone["name"].tolist() == ["Ada", "Bob"]


async def test_a_type_without_fields_is_one_column(bench: Bench) -> None:
    extractor = people(bench, lambda _: reply('{"result":[{"name":"Ada"}]}'), output=list[Person])
    frame = await extractor.extract_frame(["x"], progress=False)
    assert frame["value"][0] == [{"name": "Ada", "age": None, "address": None, "tags": []}]
    assert list(frame.columns) == ["value", *BOOKKEEPING]


class Mood(Enum):
    GOOD = "good"
    BAD = "bad"


@dataclass
class Everything:
    mood: Mood
    size: Literal["s", "m"]
    day: date
    moment: datetime
    local: datetime
    share: float
    either: int | float
    big: int
    sure: bool
    pet: Person | Address
    node: Node | None = None


class Node(BaseModel):
    name: str
    next: Node | None = None


async def test_every_kind_of_field_has_its_type(bench: Bench) -> None:
    said = (
        '{"mood":"bad","size":"m","day":"2026-01-02","moment":"2026-01-02T03:04:05+01:00","local":"2026-01-02T03:04:05",'
        f'"share":0.5,"either":1,"big":{2**70},"sure":true,"pet":{{"town":"Rome"}},'
        '"node":{"name":"a","next":{"name":"b"}}}'
    )
    extractor = people(bench, lambda _: reply(said), output=Everything)
    frame = await extractor.extract_frame(["x", None], progress=False)
    own = frame.drop(columns=BOOKKEEPING)
    assert own.dtypes.astype(str).to_dict() == {
        "mood": "category",
        "size": "category",
        "day": "datetime64[us]",
        "moment": "datetime64[us, UTC]",
        "local": "datetime64[us]",
        "share": "Float64",
        "either": "Float64",
        "big": "object",
        "sure": "boolean",
        "pet": "object",
        "node.name": "str",
        "node.next": "object",
    }
    assert list(own["mood"].cat.categories) == ["good", "bad"]
    assert own["moment"][0] == pd.Timestamp(datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC))
    assert own["big"][0] == 2**70
    assert own["pet"][0] == {"town": "Rome", "number": None}
    assert own["node.next"][0] == {"name": "b", "next": None}
    assert own.loc[1].isna().all()


# ------------------------------------------------------------------------ going on


async def test_cancelling_keeps_what_is_done_and_the_job_goes_on(bench: Bench) -> None:
    loop = asyncio.get_running_loop()
    cancelled: list[str] = []

    def says(request: SimRequest) -> Turn:
        if asked(request) == "slow" and not cancelled:
            cancelled.append("slow")
            loop.call_soon_threadsafe(running.cancel)
        return named(request)

    job = people(bench, says).extract_frame(["Ada", "Bob", "slow", "Carol"], concurrency=1, progress=False)
    assert repr(job).startswith("FrameExtraction(0/4 texts")
    running = asyncio.ensure_future(job.run())
    await asyncio.sleep(0)
    with pytest.raises(UsageError, match="running already"):
        await job
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (job.done, len(job)) == (2, 4)
    assert job.frame["status"].tolist() == ["ok", "ok", "pending", "pending"]
    frame = await job
    assert frame["name"].tolist() == ["Ada", "Bob", "slow", "Carol"]
    asked_for = [request.body.decode() for request in bench.requests]
    assert sum('"Ada"' in body for body in asked_for) == 1
    assert job.cost_usd == pytest.approx(frame["cost_usd"].sum())
    assert (await job).equals(frame)
    assert len(bench.requests) == len(asked_for)


def test_it_runs_without_await(bench: Bench) -> None:
    assert people(bench).extract_frame(["Ada"], progress=False).run_sync()["name"].tolist() == ["Ada"]


async def test_texts_are_asked_about_at_the_same_time_and_no_more_than_so_many(bench: Bench) -> None:
    now, most = 0, 0
    extractor = people(bench)
    original = extractor.finish

    async def counted(run: Any, stream: Any) -> Any:
        nonlocal now, most
        now += 1
        most = max(most, now)
        try:
            return await original(run, stream)
        finally:
            now -= 1

    extractor.finish = counted  # type: ignore[method-assign]
    await extractor.extract_frame(list("abcdefghi"), concurrency=3, progress=False)
    assert most == 3


async def test_a_bar_counts_the_texts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("agentlab.progress._SILENT_S", 0.0)
    await people(bench).extract_frame(["Ada", "bad", None], progress=True)
    shown = capsys.readouterr().err.split("\r")
    assert any("extracting" in line and "0/3" in line for line in shown)
    await people(bench).extract_frame(["Ada"], progress=False)
    assert capsys.readouterr().err == ""


async def test_a_key_that_is_refused_ends_the_job_at_once(bench: Bench) -> None:
    extractor = people(bench, lambda _: ErrorReply(401, "No."))
    job = extractor.extract_frame(list("abcdef"), concurrency=1, progress=False)
    with pytest.raises(AuthenticationFailed):
        await job
    assert len(bench.requests) == 1
    assert job.frame["status"].tolist() == ["pending"] * 6


async def test_a_refusal_after_a_success_is_one_bad_row(bench: Bench) -> None:
    turns = ['{"name":"Ada"}', ErrorReply(403, "Not this text."), '{"name":"Carol"}']
    frame = await people(bench, turns).extract_frame(list("abc"), concurrency=1, progress=False)
    assert frame["status"].tolist() == ["ok", "error", "ok"]


async def test_a_hook_that_raises_is_one_bad_row(bench: Bench) -> None:
    def facts() -> str:
        raise ValueError("no facts")

    frame = await people(bench, volatile=facts).extract_frame(["a"], progress=False)
    assert frame.loc[0, ["status", "error_type", "error"]].tolist() == ["error", "ValueError", "no facts"]


async def test_calls_beside_an_answer_are_told_in_the_row(bench: Bench) -> None:
    both = reply(calls=[call("add", a=1, b=2), call("final_result", name="Ada")])
    agent = bench.agent("openai-chat", [both], tools=[add])
    frame = await Extractor(agent, Person, mode="tool").extract_frame(["Ada"], progress=False)
    assert frame["warning"].tolist() == ["calls beside the answer were not run: add"]


# --------------------------------------------------------------------------- money


async def test_no_text_is_begun_that_the_budget_has_no_room_for(bench: Bench) -> None:
    extractor = people(bench)
    one = (await extractor.extract_frame(["a"], progress=False))["cost_usd"][0]
    before = len(bench.requests)
    job = extractor.extract_frame(list("abcdefgh"), budget_usd=3.5 * one, progress=False)
    frame = await job
    assert frame["status"].tolist() == ["ok"] * 3 + ["pending"] * 5
    assert frame["error_type"].tolist()[3:] == ["BudgetSpent"] * 5
    assert len(bench.requests) == before + 3
    assert job.cost_usd is not None
    assert job.cost_usd <= 3.5 * one


async def test_a_budget_for_a_model_without_a_price_is_refused(bench: Bench) -> None:
    extractor = Extractor(bench.agent("ollama", []).model, Person)
    with pytest.raises(UsageError, match="no price for it; leave the budget out"):
        await extractor.extract_frame(["a"], budget_usd=1, progress=False)
    assert bench.requests == []


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=12), st.floats(0.1, 5), st.integers(1, 4))
def test_a_budget_is_exceeded_only_by_texts_dearer_than_all_before(
    costs: list[float], limit: float, concurrency: int
) -> None:
    budget = TextBudget(limit)
    under_way: list[float] = []
    todo = list(costs)
    dearest = 0.0
    while todo or under_way:
        answer = budget.may_begin() if todo and len(under_way) < concurrency else "wait"
        assert answer != "wait" or under_way
        if answer == "yes":
            if dearest:
                assert budget.spent_usd + (len(under_way) + 1) * dearest <= limit
            else:
                assert not under_way
            under_way.append(todo.pop(0))
            budget.begin()
        elif answer == "wait":
            cost = under_way.pop(0)
            dearest = max(dearest, cost)
            budget.end(cost)
        else:
            todo.clear()
    if len(set(costs)) == 1 and costs[0] <= limit:
        assert budget.spent_usd <= limit * (1 + 1e-9)


# ------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("texts", "options", "words"),
    [
        ("Ada", {}, "for one text use `extract`"),
        (["a"], {"column": "text"}, "the texts are none"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), {}, "say which column holds the texts"),
        (pd.DataFrame({"text": ["x"]}), {"column": "texts"}, "did you mean `text`"),
        (["a", 7], {}, "text 1 is no text but int: 7"),
        (["a"], {"concurrency": 0}, "`concurrency` is a number"),
        (["a"], {"budget_usd": 0}, "`budget_usd` is an amount above 0"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    bench: Bench, texts: Any, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        people(bench).extract_frame(texts, **options)
    assert bench.requests == []


class Report(BaseModel):
    status: str
    error: str | None = None


async def test_a_field_named_as_another_column_needs_a_prefix(bench: Bench) -> None:
    extractor = people(bench, lambda _: reply('{"status":"fine"}'), output=Report)
    with pytest.raises(UsageError, match=r"a field `status`.*pass `prefix=`"):
        extractor.extract_frame(["x"])
    job: FrameExtraction[Any] = extractor.extract_frame(["x"], prefix="report_", progress=False)
    frame = await job
    assert frame.loc[0, ["report_status", "status"]].tolist() == ["fine", "ok"]
