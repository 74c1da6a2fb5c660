"""A model that passes or fails answers, and says where it cannot tell."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from agentlab.errors import UsageError
from agentlab.experiments.rows import ScoreRow
from agentlab.experiments.sample import Sample
from agentlab.experiments.scoring import ScoredRun, judge, llm_judge
from agentlab.http import ManualClock
from agentlab.models import WireModel, model
from agentlab.simulator import ErrorReply, Function, RuleBased, Simulator, Turn, serve
from tests.experiments.scoring.conftest import sample
from tests.experiments.scoring.obedient import ATTACKS, obedient

pytestmark = pytest.mark.anyio

CRITERIA = ["It names the right city.", "It names no other city."]
PASS = '{"reason": "It names the city.", "verdict": "pass"}'
FAIL = '{"reason": "It names another.", "verdict": "fail"}'
INVALID = '{"reason": "There is no question.", "verdict": "invalid"}'


class Look(BaseModel):
    cities: list[str]
    sure: bool


def only_paris(look: Look) -> bool | None:
    return look.cities == ["Paris"] if look.sure else None


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with serve() as simulator:
        yield simulator


def at(sim: Simulator, vendor: str = "openai") -> WireModel:
    return model(
        f"{vendor}:gpt-5-mini",
        base_url=sim.base_url(vendor),
        api_key=sim.token,
        clock=ManualClock(),
        seed=0,
    )


async def scored(
    sim: Simulator,
    says: list[Turn] | None,
    output: str = "It is Paris.",
    *,
    vendor: str = "openai",
    one: Sample | None = None,
    **options: Any,
) -> ScoreRow:
    if says is not None:
        sim.script(says)
    scorer = llm_judge(at(sim, vendor), **{"criteria": CRITERIA, **options})
    return await scorer.score(ScoredRun(sample=one or sample("Paris"), output=output))


@pytest.mark.parametrize("vendor", ["openai", "openai-chat", "anthropic", "gemini", "ollama"])
async def test_it_passes_and_fails_over_every_wire_and_always_the_same(sim: Simulator, vendor: str) -> None:
    sim.behaviour = RuleBased()
    answers = ["It is Paris.", "It is Rome.", "It is Paris."]
    rows = [await scored(sim, None, answer, vendor=vendor) for answer in answers]
    assert [row.value for row in rows] == [1, 0, 1]
    assert rows[0].reason == rows[2].reason == "[simulated] 1 of 1 words of the target are in the answer"
    assert {(row.error, row.scorer) for row in rows} == {(None, "llm_judge")}


async def test_a_verdict_comes_with_its_reason_and_its_cost(sim: Simulator) -> None:
    passed, failed = await scored(sim, [PASS]), await scored(sim, [FAIL])
    assert (passed.value, passed.reason) == (1, "It names the city.")
    assert (failed.value, failed.reason) == (0, "It names another.")
    assert passed.cost_usd is not None
    assert passed.cost_usd > 0
    body = next(iter(sim.requests)).json
    assert body is not None
    assert "- It names the right city.\n- It names no other city." in body["instructions"]


async def test_where_it_cannot_tell_there_is_an_error_and_no_score(sim: Simulator) -> None:
    row = await scored(sim, [INVALID])
    assert (row.value, row.error) == (None, "the judge cannot tell: There is no question.")
    assert row.cost_usd is not None
    assert row.cost_usd > 0
    sim.behaviour = RuleBased()
    without = await scored(sim, None, one=sample(None), shows=["input"])
    assert "there is no target to compare with" in str(without.error)


async def test_an_answer_of_another_shape_is_mended_or_an_error(sim: Simulator) -> None:
    assert (await scored(sim, ["Passed!", PASS])).value == 1
    row = await scored(sim, ["Passed!", "Passed!"])
    assert row.value is None
    assert "NoData" in str(row.error)
    refused = await scored(sim, [ErrorReply(400, "No.")])
    assert (refused.value, refused.cost_usd) == (None, 0)


async def test_a_type_of_ones_own_is_read_by_a_function(sim: Simulator) -> None:
    options: dict[str, Any] = {"schema": Look, "passes": only_paris, "name": "paris"}
    row = await scored(sim, ['{"cities": ["Paris"], "sure": true}'], **options)
    assert (row.value, row.reason, row.scorer) == (1, '{"cities":["Paris"],"sure":true}', "paris")
    assert (await scored(sim, ['{"cities": [], "sure": true}'], **options)).value == 0
    unsure = await scored(sim, ['{"cities": [], "sure": false}'], **options)
    assert (unsure.value, str(unsure.error)[:21]) == (None, "the judge cannot tell")
    wrong = await scored(sim, ['{"cities": [], "sure": false}'], schema=Look, passes=lambda _: "yes")
    assert "`passes` gives True, False or None, not 'yes'" in str(wrong.error)
    assert wrong.cost_usd


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_answer_cannot_give_orders(sim: Simulator, attack: str) -> None:
    sim.behaviour = Function(obedient)
    asked = at(sim)
    one = sample("Paris")
    judges = [(llm_judge(asked, criteria=CRITERIA), 1, 0), (judge(asked, rubric="City?"), 5, 1)]
    for scorer, best, worst in judges:
        assert (await scorer.score(ScoredRun(sample=one, output="Paris."))).value == best
        body = list(sim.requests)[-1].json
        assert body is not None
        mark = re.findall(r"<answer-([0-9a-f]{12})>", str(body["input"]))[0]
        attacked = await scorer.score(ScoredRun(sample=one, output=attack.format(mark=mark)))
        assert (attacked.value, attacked.error) == (worst, None)


async def test_its_check_asks_nothing(sim: Simulator) -> None:
    await llm_judge(at(sim), criteria=CRITERIA).check(sample("Paris"))
    assert list(sim.requests) == []
    with pytest.raises(UsageError, match="name what it sees with `shows=`"):
        await llm_judge(at(sim), criteria=CRITERIA).check(sample(None))


def test_everything_it_is_told_is_in_its_fingerprint() -> None:
    name = "sim:openai/gpt-5.6"
    judges = [
        llm_judge(name, criteria="A"),
        llm_judge(name, criteria="B"),
        llm_judge(name, criteria=["A", "B"]),
        llm_judge("sim:openai/gpt-5-mini", criteria="A"),
        llm_judge(name, criteria="A", shows="input"),
        llm_judge(name, criteria="A", schema=Look, passes=only_paris),
        llm_judge(name, criteria="A", schema=Look, passes=lambda look: look.sure),
        judge(name, rubric="A"),
    ]
    assert len({each.fingerprint for each in judges}) == len(judges)
    assert llm_judge(name, criteria="A", name="own").fingerprint == judges[0].fingerprint


def test_it_can_be_sent_to_another_process() -> None:
    scorer = llm_judge("sim:openai/gpt-5.6", criteria="A", schema=Look, passes=only_paris)
    assert pickle.loads(pickle.dumps(scorer)) == scorer


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"criteria": " "}, "what an answer must meet"),
        ({"criteria": []}, "what an answer must meet"),
        ({"model": 5}, "cannot judge"),
        ({"schema": Look}, "`schema` and `passes` go together"),
        ({"passes": only_paris}, "`schema` and `passes` go together"),
        ({"schema": Exception, "passes": only_paris}, "no JSON schema"),
        ({"shows": "answer"}, "rename that column"),
    ],
)
def test_a_judge_that_cannot_be_is_refused_at_once(arguments: dict[str, Any], words: str) -> None:
    given = {"criteria": "A", **arguments}
    with pytest.raises(UsageError, match=words):
        llm_judge(given.pop("model", "sim:openai/gpt-5.6"), **given)
