"""OpenAI's SDK, unchanged, against a served agent: whole answers, streams, tools on both sides."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import openai
import pytest

from agentlab.messages import ToolCall
from agentlab.serving import AgentServer
from agentlab.simulator import ErrorReply, Fault, SimRequest, call, reply
from agentlab.tools import tool
from tests.agent.bench import VENDORS, Bench, add
from tests.serving.clients import WEATHER, asked, client_of, served

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_whole_answer_has_the_text_the_finish_and_the_usage_of_all_turns(
    bench: Bench, vendor: str
) -> None:
    agent = bench.agent(vendor, [call("add", a=2, b=3), "It is 5."], tools=[add], name="calculator")
    async with served(agent) as (_, client):
        answer = await client.chat.completions.create(model="calculator", messages=asked("2 + 3?"))
    choice = answer.choices[0]
    assert (choice.message.role, choice.message.content, choice.finish_reason) == (
        "assistant",
        "It is 5.",
        "stop",
    )
    assert choice.message.tool_calls is None
    assert answer.model == "calculator"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert len(bench.requests) == 2
    assert bench.refused == []


async def test_a_stream_adds_up_to_the_answer_and_ends_with_its_usage(bench: Bench) -> None:
    said = reply("Let me see.", "I should add.", [call("add", a=2, b=3)])
    agent = bench.agent("anthropic", [said, "It is 5."], tools=[add])
    async with served(agent) as (_, client):
        stream = await client.chat.completions.create(
            model="agent", messages=asked("2 + 3?"), stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == "Let me see.\n\nIt is 5."
    assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == "I should add."
    reasons = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
    assert [reason for reason in reasons if reason] == ["stop"]
    assert len({chunk.id for chunk in chunks}) == 1
    assert [chunk.usage is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens > 0


async def test_no_usage_is_streamed_where_none_was_asked_for(bench: Bench) -> None:
    async with served(bench.agent("openai", ["Hello."])) as (_, client):
        stream = await client.chat.completions.create(model="agent", messages=asked("Hi"), stream=True)
        assert all(chunk.choices and chunk.usage is None for chunk in [chunk async for chunk in stream])


async def test_tokens_read_from_the_cache_are_reported(bench: Bench) -> None:
    agent = bench.agent("openai", ["One.", "Two."], preamble="Be brief. " * 800)
    async with served(agent) as (_, client):
        await client.chat.completions.create(model="agent", messages=asked("Hi"))
        answer = await client.chat.completions.create(model="agent", messages=asked("Hi", "One.", "Again"))
    assert answer.usage is not None
    assert answer.usage.prompt_tokens_details is not None
    assert (answer.usage.prompt_tokens_details.cached_tokens or 0) > 1000


@pytest.mark.parametrize(("vendor", "remember"), [*((vendor, 256) for vendor in VENDORS), ("anthropic", 0)])
async def test_a_client_s_tool_comes_back_to_it_and_its_result_goes_on(
    bench: Bench, vendor: str, remember: int
) -> None:
    agent = bench.agent(
        vendor, [reply("Let me look.", calls=[call("get_weather", city="Paris")]), "It rains."]
    )
    async with served(agent, remember=remember) as (_, client):
        first = await client.chat.completions.create(model="agent", messages=asked("Paris?"), tools=[WEATHER])
        choice = first.choices[0]
        assert choice.finish_reason == "tool_calls"
        assert choice.message.content == "Let me look."
        assert choice.message.tool_calls is not None
        made = choice.message.tool_calls[0]
        assert made.type == "function"
        assert (made.function.name, json.loads(made.function.arguments)) == (
            "get_weather",
            {"city": "Paris"},
        )
        answered = [
            *asked("Paris?"),
            choice.message,
            {"role": "tool", "tool_call_id": made.id, "content": "rain"},
        ]
        second = await client.chat.completions.create(model="agent", messages=answered, tools=[WEATHER])
    assert second.choices[0].message.content == "It rains."
    assert second.choices[0].finish_reason == "stop"
    assert "rain" in bench.requests[1].body.decode()
    assert bench.refused == []


async def test_tools_of_both_sides_in_one_turn_are_each_run_where_they_belong(bench: Bench) -> None:
    both = reply(calls=[call("add", a=2, b=3), call("get_weather", city="Paris")])
    agent = bench.agent("anthropic", [both, "5, and rain."], tools=[add])
    async with served(agent) as (_, client):
        async with client.chat.completions.stream(
            model="agent", messages=asked("Both?"), tools=[WEATHER]
        ) as stream:
            async for _event in stream:
                pass
            message = (await stream.get_final_completion()).choices[0].message
        assert message.tool_calls is not None
        assert [made.function.name for made in message.tool_calls] == ["get_weather"]
        result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "rain"}
        back = {"role": "assistant", "tool_calls": [made.model_dump() for made in message.tool_calls]}
        for made in back["tool_calls"]:
            made["function"].pop("parsed_arguments", None)
        answer = await client.chat.completions.create(
            model="agent", messages=[*asked("Both?"), back, result], tools=[WEATHER]
        )
    assert answer.choices[0].message.content == "5, and rain."
    first, second = (json.loads(request.body) for request in bench.requests)
    assert second["messages"][: len(first["messages"])] == first["messages"]
    results = [
        block["content"] for block in second["messages"][-1]["content"] if block["type"] == "tool_result"
    ]
    assert len(results) == 2
    assert bench.refused == []


async def test_the_usage_of_a_run_that_goes_on_counts_only_its_new_turns(bench: Bench) -> None:
    agent = bench.agent("openai-chat", [call("get_weather", city="Paris"), "It rains."])
    async with served(agent) as (_, client):
        first = await client.chat.completions.create(model="agent", messages=asked("Paris?"), tools=[WEATHER])
        message = first.choices[0].message
        assert message.tool_calls is not None
        result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "rain"}
        second = await client.chat.completions.create(
            model="agent", messages=[*asked("Paris?"), message, result], tools=[WEATHER]
        )
    assert first.usage is not None
    assert second.usage is not None
    assert second.usage.prompt_tokens < 2 * first.usage.prompt_tokens


async def test_a_word_after_the_results_is_a_new_prompt(bench: Bench) -> None:
    agent = bench.agent("openai-chat", [call("get_weather", city="Paris"), "Rain, in short."])
    async with served(agent) as (_, client):
        first = await client.chat.completions.create(model="agent", messages=asked("Paris?"), tools=[WEATHER])
        message = first.choices[0].message
        assert message.tool_calls is not None
        result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "rain"}
        answer = await client.chat.completions.create(
            model="agent",
            messages=[*asked("Paris?"), message, result, *asked("Be short.")],
            tools=[WEATHER],
        )
    assert answer.choices[0].message.content == "Rain, in short."
    assert bench.refused == []


async def test_calls_that_the_client_leaves_open_are_refused(bench: Bench) -> None:
    two = reply(calls=[call("get_weather", city="Paris"), call("get_weather", city="Rome")])
    async with served(bench.agent("openai", [two])) as (_, client):
        first = await client.chat.completions.create(model="agent", messages=asked("Both?"), tools=[WEATHER])
        message = first.choices[0].message
        assert message.tool_calls is not None
        result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "rain"}
        with pytest.raises(openai.BadRequestError, match=message.tool_calls[1].id):
            await client.chat.completions.create(
                model="agent", messages=[*asked("Both?"), message, result], tools=[WEATHER]
            )


async def test_the_next_question_is_sent_with_what_the_client_never_saw(bench: Bench) -> None:
    agent = bench.agent("anthropic", [call("add", a=2, b=3), "It is 5.", "Five, as I said."], tools=[add])
    async with served(agent) as (_, client):
        first = await client.chat.completions.create(model="agent", messages=asked("2 + 3?"))
        told = first.choices[0].message.content
        assert told is not None
        await client.chat.completions.create(model="agent", messages=asked("2 + 3?", f"{told} \n", "Sure?"))
    second, third = (json.loads(request.body) for request in bench.requests[1:])
    assert third["messages"][: len(second["messages"])] == second["messages"]


async def test_an_edited_conversation_is_taken_as_the_client_tells_it(bench: Bench) -> None:
    agent = bench.agent("openai-chat", [call("add", a=2, b=3), "It is 5.", "Six then."], tools=[add])
    async with served(agent) as (_, client):
        await client.chat.completions.create(model="agent", messages=asked("2 + 3?"))
        await client.chat.completions.create(model="agent", messages=asked("2 + 3?", "It is 6.", "Sure?"))
    messages = json.loads(bench.requests[2].body)["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]


async def test_eight_clients_at_once_each_get_their_own_answer(bench: Bench) -> None:
    def says(request: SimRequest) -> str:
        return f"You said {request.messages[-1].text}."  # type: ignore[union-attr]

    async with served(bench.agent("openai", says), max_runs=3) as (_, client):
        answers = await asyncio.gather(
            *(
                client.chat.completions.create(model="agent", messages=asked(f"number {number}"))
                for number in range(8)
            )
        )
    assert [answer.choices[0].message.content for answer in answers] == [
        f"You said number {number}." for number in range(8)
    ]


class Held:
    """A tool that waits, and says when it began and how it ended."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.tool = tool(self.hold)

    async def hold(self) -> str:
        """Hold on."""
        self.began.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return "held"


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_goes_away_ends_the_run(bench: Bench, *, stream: bool) -> None:
    held = Held()
    agent = bench.agent("openai", [reply("Wait.", calls=[call("hold")]), "Never said."], tools=[held.tool])
    async with served(agent) as (_, client):
        asking = asyncio.create_task(_read(client, stream=stream))
        await held.began.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        async with asyncio.timeout(10):
            await held.cancelled.wait()
    assert len(bench.requests) == 1


async def _read(client: openai.AsyncOpenAI, *, stream: bool) -> str:
    if not stream:
        answer = await client.chat.completions.create(model="agent", messages=asked("Hi"))
        return answer.choices[0].message.content or ""
    said = ""
    async for chunk in await client.chat.completions.create(model="agent", messages=asked("Hi"), stream=True):
        said += chunk.choices[0].delta.content or ""
    return said


async def test_a_server_that_stops_finishes_what_it_began(bench: Bench) -> None:
    held = Held()
    agent = bench.agent("openai", [reply("Wait.", calls=[call("hold")]), "Done."], tools=[held.tool])
    async with served(agent) as (server, client):
        asking = asyncio.create_task(_read(client, stream=True))
        await held.began.wait()
        server.stop()
        await _until_refused(server)
        held.go_on.set()
        assert await asking == "Wait.\n\nDone."


@pytest.mark.parametrize("stream", [True, False])
async def test_what_takes_too_long_for_a_server_that_stops_is_told_so(bench: Bench, *, stream: bool) -> None:
    held = Held()
    agent = bench.agent("openai", [reply("Wait.", calls=[call("hold")])], tools=[held.tool])
    async with AgentServer(agent, shutdown_s=1) as server:
        client = client_of(server)
        asking = asyncio.create_task(_read(client, stream=stream))
        await held.began.wait()
    with pytest.raises(openai.APIError, match="the server is stopping"):
        await asking
    await client.close()
    assert held.cancelled.is_set()


async def _until_refused(server: AgentServer) -> None:
    """Ask until the server takes no more requests."""
    with suppress(openai.APIConnectionError):
        async with client_of(server) as other, asyncio.timeout(10):
            while True:
                await other.models.list()


async def test_a_stream_that_says_nothing_is_kept_alive(bench: Bench) -> None:
    held = Held()
    agent = bench.agent("openai", [call("hold"), "Done."], tools=[held.tool])
    async with (
        served(agent, beat_s=0.01) as (_, client),
        client.chat.completions.with_streaming_response.create(
            model="agent", messages=asked("Hi"), stream=True
        ) as response,
    ):
        lines = response.iter_lines()
        assert await anext(lines) == ": keep-alive"
        held.go_on.set()
        assert [line async for line in lines][-2] == "data: [DONE]"


async def test_a_busy_server_says_when_to_come_back(bench: Bench) -> None:
    held = Held()
    agent = bench.agent("openai", [call("hold"), "Done."], tools=[held.tool])
    async with served(agent, max_runs=1, max_waiting=0) as (_, client):
        asking = asyncio.create_task(_read(client, stream=False))
        await held.began.wait()
        with pytest.raises(openai.RateLimitError) as refused:
            await _read(client, stream=True)
        held.go_on.set()
        assert await asking == "Done."
    assert refused.value.response.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("status", "kind", "code", "stream"),
    [
        (429, openai.RateLimitError, 429, True),
        (401, openai.InternalServerError, 502, False),
        (400, openai.BadRequestError, 400, True),
        (503, openai.InternalServerError, 503, False),
    ],
)
async def test_a_provider_s_error_has_a_status_that_says_whose_it_is(
    bench: Bench, status: int, kind: type[openai.APIStatusError], code: int, stream: bool
) -> None:
    agent = bench.agent("openai", lambda _: reply("Never said."))
    bench.sim.behaviour = lambda _: ErrorReply(status, "It went wrong.")
    async with served(agent) as (_, client):
        with pytest.raises(kind) as raised:
            await _read(client, stream=stream)
    assert raised.value.status_code == code
    assert "It went wrong." in raised.value.message
    assert bench.sim.token not in str(raised.value.body)


async def test_an_answer_that_breaks_off_is_an_error_in_the_stream(bench: Bench) -> None:
    agent = bench.agent("openai-chat", ["A long answer that never comes to its end."])
    bench.sim.faults.add(Fault("rst", at_event=4))
    async with served(agent) as (_, client):
        stream = await client.chat.completions.create(model="agent", messages=asked("Hi"), stream=True)
        said: list[str] = []
        with pytest.raises(openai.APIError) as raised:
            await _collect(stream, said)
    assert "".join(said)
    assert raised.value.code == "upstream_error"


async def _collect(stream: openai.AsyncStream[Any], said: list[str]) -> None:
    async for chunk in stream:
        said.append(chunk.choices[0].delta.content or "")


async def test_a_run_out_of_turns_is_an_error_and_not_sent_again(bench: Bench) -> None:
    agent = bench.agent("openai", lambda _: call("add", a=1, b=1), tools=[add], max_turns=2)
    async with served(agent) as (server, _), client_of(server, max_retries=2) as client:
        with pytest.raises(openai.InternalServerError, match="2 model calls"):
            await _read(client, stream=False)
    assert len(bench.requests) == 2


async def test_an_answer_cut_before_it_began_has_the_finish_reason_length(bench: Bench) -> None:
    agent = bench.agent("openai-chat", [reply("", finish_reason="length")])
    async with served(agent) as (_, client):
        answer = await client.chat.completions.create(model="agent", messages=asked("Hi"), max_tokens=1)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("", "length")


async def test_a_tool_that_asks_and_finds_nobody_is_an_error(bench: Bench) -> None:
    @tool(approval=True)
    def risky() -> str:
        """Do it."""
        return "done"

    agent = bench.agent("openai", [call("risky")], tools=[risky])
    async with served(agent) as (_, client):
        with pytest.raises(openai.InternalServerError, match="approver"):
            await client.chat.completions.create(model="agent", messages=asked("Do"), tools=[WEATHER])


async def test_the_agent_s_own_approver_is_asked_beside_client_tools(bench: Bench) -> None:
    @tool(approval=True)
    def risky() -> str:
        """Do it."""
        return "done"

    judged: list[ToolCall] = []

    async def approve(made: ToolCall, _reason: str) -> bool:
        judged.append(made)
        return True

    agent = bench.agent("openai", [call("risky"), "Done."], tools=[risky], approver=approve)
    async with served(agent) as (_, client):
        answer = await client.chat.completions.create(model="agent", messages=asked("Do"), tools=[WEATHER])
    assert answer.choices[0].message.content == "Done."
    assert [made.name for made in judged] == ["risky"]
