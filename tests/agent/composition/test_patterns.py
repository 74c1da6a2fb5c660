"""The known patterns of several agents, each in a few lines of what there is: no framework of its own for any of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from agentlab.agent import Agent
from agentlab.agent.composition.pipeline import pipeline
from agentlab.agent.current_run import current_run
from agentlab.simulator import SimRequest, call, reply
from agentlab.tools import tool
from tests.agent.bench import Bench, results_of
from tests.agent.composition.asking import cast, one_of

pytestmark = pytest.mark.anyio


# --------------------------------------------------------- orchestrator-workers


async def test_an_orchestrator_hands_parts_of_a_task_to_workers_and_puts_them_together(bench: Bench) -> None:
    def orchestrates(request: SimRequest) -> Any:
        results = results_of([request.messages[-1]])
        if results:
            return reply("Report: " + " ".join(result.text for result in results))
        parts = [
            call("researcher", prompt="rivers"),
            call("researcher", prompt="lakes"),
            call("critic", prompt="?"),
        ]
        return reply("I hand out three parts.", calls=parts)

    cast(
        bench,
        orchestrator=orchestrates,
        researcher=lambda request: reply(f"All about {request.messages[-1].text}."),  # type: ignore[union-attr]
        critic=lambda _: reply("Sources are missing."),
    )
    workers = [one_of(bench, name).as_tool() for name in ("researcher", "critic")]
    run = await one_of(bench, "orchestrator", tools=workers).prompt("Write about water.")
    assert run.text == "Report: All about rivers. All about lakes. Sources are missing."
    assert sorted(child.agent_name for child in run.trace.children) == ["critic", "researcher", "researcher"]
    assert run.total_usage.input_tokens == run.trace.tree["input_tokens"].sum()


# ---------------------------------------------------------- evaluator-optimizer


@dataclass
class Verdict:
    """What an evaluator says of a draft."""

    good: bool
    advice: str


async def improved(writer: Agent, evaluator: Agent, task: str, *, rounds: int = 3) -> str:
    """Let one agent write and another one judge, until the draft is good or the rounds are over."""
    history: list[Any] = []
    draft = (await writer.chat(task, history)).text
    for _ in range(rounds):
        verdict = await evaluator.prompt_typed(f"Task: {task}\n\nDraft: {draft}", Verdict)
        if verdict.good:
            break
        draft = (await writer.chat(f"Make it better: {verdict.advice}", history)).text
    return draft


async def test_an_evaluator_sends_a_draft_back_until_it_is_good(bench: Bench) -> None:
    drafts = iter(["A poem.", "A longer poem.", "A poem that rhymes all the time."])

    def judges(request: SimRequest) -> Any:
        good = "rhymes" in request.messages[-1].text  # type: ignore[union-attr]
        return reply(f'{{"good": {str(good).lower()}, "advice": "let it rhyme"}}')

    cast(bench, writer=lambda _: reply(next(drafts)), evaluator=judges)
    writer, evaluator = one_of(bench, "writer"), one_of(bench, "evaluator")
    pipe = pipeline(str).then(lambda task: improved(writer, evaluator, task))
    run = await pipe.run("Write a poem")
    assert run.value == "A poem that rhymes all the time."
    assert [child.agent_name for child in run.trace.children] == ["writer", "evaluator"] * 3
    assert current_run() is None


# ------------------------------------------------ chaining, voting, translation


async def test_prompts_are_chained_with_a_gate_between_them(bench: Bench) -> None:
    cast(bench, outliner=lambda _: reply("1. a 2. b"), writer=lambda _: reply("A text of a and b."))

    def gate(outline: str) -> bool:
        return "2." in outline

    chain = (
        pipeline(str)
        .prompt(one_of(bench, "outliner"))
        .conditional(
            gate,
            {
                True: pipeline(str).prompt(one_of(bench, "writer")),
                False: pipeline(str).map(lambda _: "too short"),
            },
        )
    )
    assert await chain.call("Write!") == "A text of a and b."


async def test_several_answers_are_put_to_a_vote(bench: Bench) -> None:
    answers = iter(["yes", "no", "yes"])
    cast(bench, voter=lambda _: reply(next(answers)))
    voter = one_of(bench, "voter")

    def majority(votes: list[str]) -> str:
        return max(set(votes), key=votes.count)

    vote = (
        pipeline(str)
        .map(lambda question: [question] * 3)
        .batch_call(pipeline(str).prompt(voter))
        .map(majority)
    )
    assert await vote.call("Is it so?") == "yes"


async def test_a_translator_is_a_tool_like_any_other(bench: Bench) -> None:
    def speaks(request: SimRequest) -> Any:
        results = results_of([request.messages[-1]])
        return reply(results[0].text) if results else reply("", calls=[call("translator", prompt="good day")])

    cast(bench, guide=speaks, translator=lambda _: reply("guten Tag"))
    guide = one_of(bench, "guide", tools=[one_of(bench, "translator").as_tool(description="To German.")])
    assert (await guide.prompt("Greet me in German.")).text == "guten Tag"


async def test_two_agents_debate_and_a_third_decides(bench: Bench) -> None:
    cast(
        bench,
        pro=lambda request: reply(f"for ({len(request.messages)})"),
        contra=lambda request: reply(f"against ({len(request.messages)})"),
        judge=lambda request: reply(f"decided on: {request.messages[-1].text}"),  # type: ignore[union-attr]
    )
    sides = {name: one_of(bench, name) for name in ("pro", "contra")}
    heard: dict[str, list[Any]] = {name: [] for name in sides}
    said = "Should we?"
    for _ in range(2):
        for name, agent in sides.items():
            said = (await agent.chat(said, heard[name])).text
    verdict = await one_of(bench, "judge").prompt(said)
    assert verdict.text == "decided on: against (3)"


async def test_a_run_that_is_stopped_in_the_middle_of_a_pattern_stops_all_of_it(bench: Bench) -> None:
    ended: list[str] = []

    @tool
    async def hang() -> str:
        """Hang."""
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("hang")
        return "never"

    cast(bench, one=lambda _: reply("", calls=[call("hang")]))
    pipe = pipeline(str).parallel(*[pipeline(str).prompt(one_of(bench, "one", tools=[hang]))] * 2)
    task = asyncio.ensure_future(pipe.call("go"))
    while len([each for each in asyncio.all_tasks() if each.get_name() == "tool hang"]) < 2:
        await asyncio.wait([task], timeout=0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["hang", "hang"]
