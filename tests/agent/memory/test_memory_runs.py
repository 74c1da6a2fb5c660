"""What a memory says of the cache before it acts is what the provider then bills; big rare cuts read more than sliding."""

from __future__ import annotations

import pytest

from agentlab.agent import Agent, Run, Trace
from agentlab.agent.memory.foresight import memory_plan
from agentlab.agent.memory.plan import MemoryPlan
from agentlab.agent.memory.policy import Memory
from agentlab.agent.memory.window import NoMemory, TokenWindow, Window
from agentlab.messages import CacheOptions, Message, Notice, Text, Usage, UserMessage
from agentlab.simulator import SimRequest, Turn, call, reply
from tests.agent.bench import Bench, add, assert_sendable, results_of

pytestmark = pytest.mark.anyio

CACHES = {"openai": None, "anthropic": CacheOptions(breakpoints=("preamble", "last"))}
TALK = "This is about the same as before, and a little more of it. " * 25


def talks(request: SimRequest) -> Turn:
    return reply(f"Answer to {len(request.messages)}: " + "so it is, " * 20)


def talker(bench: Bench, vendor: str, memory: Memory | None) -> Agent:
    preamble = "You are a patient agent. " * 300
    return bench.agent(vendor, talks, preamble=preamble, memory=memory, cache=CACHES[vendor])


async def conversation(agent: Agent, prompts: int) -> tuple[list[MemoryPlan], list[Usage], list[Trace]]:
    """Plans made by hand before each prompt, and what was billed for it."""
    history: list[Message] = []
    plans, usages, traces = [], [], []
    for number in range(prompts):
        prompt = f"Question {number}: {TALK}"
        if agent.settings.memory is not None:
            plans.append(memory_plan(agent, prompt, history))
        run = await agent.prompt(prompt, history=history)
        history += run.messages
        usages.append(run.usage)
        traces.append(run.trace)
    return plans, usages, traces


def read(usages: list[Usage]) -> int:
    return sum(usage.cache_read_tokens or 0 for usage in usages)


@pytest.mark.parametrize("vendor", list(CACHES))
@pytest.mark.parametrize(
    "memory", [Window(4, 2), Window(3, 3), TokenWindow(1600, 700), NoMemory()], ids=lambda each: each.name
)
async def test_what_is_foreseen_of_the_cache_is_what_is_billed(
    bench: Bench, vendor: str, memory: Memory
) -> None:
    plans, usages, traces = await conversation(talker(bench, vendor, memory), 9)
    assert any(plan.moves for plan in plans)
    for number, (plan, usage, trace) in enumerate(zip(plans, usages, traces, strict=True)):
        assert trace.memory is not None
        assert trace.memory.plan == plan
        assert trace.memory.done.dropped == plan.dropped_messages
        assert (plan.newly_dropped > 0) == (plan.moves is not None)
        (sent,) = trace.asked
        assert len(sent.messages) == plan.kept_messages + 1
        if plan.moves is None:
            before = usages[number - 1].input_tokens if number else 0
            assert (usage.cache_read_tokens or 0) >= 0.95 * (before or 0) or plan.kept_messages == 0
            continue
        assert plan.cache_read_tokens == pytest.approx(usage.cache_read_tokens, rel=0.02, abs=8)
        assert plan.input_tokens == pytest.approx(usage.input_tokens, rel=0.02)
        foregone = (usages[number - 1].input_tokens or 0) - (usage.cache_read_tokens or 0)
        assert plan.cache_read_lost_tokens == pytest.approx(foregone, rel=0.05, abs=20)
        assert plan.cost_delta_usd is not None
    assert bench.refused == []


@pytest.mark.parametrize("vendor", list(CACHES))
async def test_windows_cut_in_big_steps_read_more_than_one_that_slides(bench: Bench, vendor: str) -> None:
    shares = {}
    for memory in (Window(6, 6), Window(6, 3), Window(6, 1)):
        _, usages, _ = await conversation(talker(bench, vendor, memory), 16)
        shares[memory.keep] = read(usages) / sum(usage.input_tokens or 0 for usage in usages)
    assert shares[6] < shares[3] < shares[1]


async def test_the_block_that_moves_first_is_named_and_the_sentence_says_what_it_costs(bench: Bench) -> None:
    plans, _, traces = await conversation(talker(bench, "openai", Window(2, 1)), 4)
    last = plans[-1]
    assert last.moves == "messages[0].content[0] (user)"
    assert "The cached prefix moves at messages[0].content[0] (user)" in str(last)
    assert "dearer" in str(last) or "cheaper" in str(last)
    assert "the cached prefix stays" in str(plans[1])
    (notice,) = traces[-1].of(Notice)
    assert notice.kind == "memory"
    assert notice.text == "window of 2 turns: 4 earlier messages left out"
    assert list(traces[0].of(Notice)) == []


async def test_a_memory_can_be_compared_without_an_agent_that_has_it(bench: Bench) -> None:
    agent = talker(bench, "openai", None)
    history: list[Message] = []
    for number in range(5):
        history += (await agent.prompt(f"Question {number}: {TALK}", history=history)).messages
    count = len(bench.requests)
    slides, steps = (memory_plan(agent, "And?", history, memory=Window(4, keep)) for keep in (4, 1))
    assert (slides.kept_messages, steps.kept_messages) == (8, 2)
    assert slides.cache_read_lost_tokens > 0
    assert len(bench.requests) == count


async def test_the_history_stays_whole_and_tools_work_behind_a_cut(bench: Bench) -> None:
    def adds(request: SimRequest) -> Turn:
        results = results_of([request.messages[-1]])
        return reply(results[0].text) if results else reply("Let me.", calls=[call("add", a=1, b=2)])

    agent = bench.agent("anthropic", adds, tools=[add], memory=Window(1))
    history: list[Message] = []
    for _ in range(4):
        run = await agent.chat("1 + 2?", history)
    assert len(history) == 16
    assert run.all_messages == tuple(history)
    assert [len(sent.messages) for sent in run.trace.asked] == [5, 7]
    assert_sendable(history)
    assert bench.refused == []


async def test_a_run_read_back_in_mid_way_sends_the_same_part_of_its_history(bench: Bench) -> None:
    def adds(request: SimRequest) -> Turn:
        results = results_of([request.messages[-1]])
        return reply(results[0].text) if results else reply("Let me.", calls=[call("add", a=1, b=2)])

    agent = bench.agent("openai", adds, tools=[add], memory=Window(1))
    history: list[Message] = []
    for _ in range(2):
        await agent.chat("1 + 2?", history)
    stream = agent.stream_prompt("1 + 2?", history=history)
    async for event in stream:
        if isinstance(event, Notice):
            break
    await stream.aclose()
    whole = await agent.prompt("1 + 2?", history=history)
    again = Run.from_json(whole.run.to_json())
    assert again.facts == whole.run.facts
    assert again.facts is not None
    assert again.facts.memory is not None
    assert again.facts.memory.dropped == 4
    assert Trace.from_json(whole.trace.to_json()).memory == whole.trace.memory


async def test_facts_that_are_true_now_stay_with_the_prompt_they_were_told_with(bench: Bench) -> None:
    times = iter(f"It is {hour} o'clock." for hour in range(9))
    agent = bench.agent("openai", talks, memory=Window(2, 1), volatile=lambda: next(times))
    history: list[Message] = []
    for number in range(4):
        run = await agent.chat(f"Question {number}", history)
    told = [
        [part.text for part in message.content if isinstance(part, Text)]
        for message in history
        if isinstance(message, UserMessage)
    ]
    assert [texts[0] for texts in told] == [f"It is {hour} o'clock." for hour in range(4)]
    assert run.trace.memory is not None
    assert run.trace.memory.plan.moves is not None
    assert len(run.trace.asked[0].messages) == 3
