"""OpenAI's SDK, unchanged, against a served agent through the Responses interface."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from agentlab.serving.refusals import Refused
from agentlab.serving.responses.body import ResponsesReader
from agentlab.simulator import Fault, call, reply
from tests.agent.bench import Bench, add
from tests.serving.clients import served
from tests.serving.test_chat_requests import PNG, SERVICE

pytestmark = pytest.mark.anyio

WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}


@pytest.mark.parametrize("vendor", ["openai", "gemini"])
async def test_a_whole_response_has_the_text_and_the_usage(bench: Bench, vendor: str) -> None:
    agent = bench.agent(vendor, [call("add", a=2, b=3), "It is 5."], tools=[add])
    async with served(agent) as (_, client):
        answer = await client.responses.create(
            model="agent", input="2 + 3?", instructions="Be terse.", metadata={"of": "test"}
        )
    assert (answer.output_text, answer.status) == ("It is 5.", "completed")
    assert [item.type for item in answer.output] == ["message"]
    assert (answer.instructions, answer.metadata) == ("Be terse.", {"of": "test"})
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert bench.refused == []


async def test_a_stream_s_events_add_up_to_its_response(bench: Bench) -> None:
    said = reply("Let me see.", "I should add.", [call("add", a=2, b=3)])
    agent = bench.agent("anthropic", [said, "It is 5."], tools=[add])
    async with (
        served(agent) as (_, client),
        client.responses.stream(model="agent", input="2 + 3?") as stream,
    ):
        events = [event async for event in stream]
        final = await stream.get_final_response()
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events[:2]] == ["response.created", "response.in_progress"]
    assert events[-1].type == "response.completed"
    assert [item.type for item in final.output] == ["reasoning", "message"]
    assert final.output_text == "Let me see.\n\nIt is 5."
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == final.output_text
    thought = final.output[0]
    assert thought.type == "reasoning"
    assert thought.summary[0].text == "I should add."
    assert final.usage is not None
    assert final.usage.output_tokens > 0


@pytest.mark.parametrize(("by_id", "stream"), [(True, False), (False, True)])
async def test_a_client_s_tool_comes_back_and_its_output_goes_on(
    bench: Bench, by_id: bool, stream: bool
) -> None:
    both = reply("Let me look.", calls=[call("add", a=2, b=3), call("get_weather", city="Paris")])
    agent = bench.agent("anthropic", [both, "5, and rain."], tools=[add])
    async with served(agent) as (_, client):
        question: list[Any] = [{"role": "user", "content": "Both?"}]
        if stream:
            async with client.responses.stream(model="agent", input=question, tools=[WEATHER]) as events:
                async for _event in events:
                    pass
                first: Any = await events.get_final_response()
        else:
            first = await client.responses.create(model="agent", input=question, tools=[WEATHER])
        made = first.output[-1]
        assert made.type == "function_call"
        assert (made.name, json.loads(made.arguments)) == ("get_weather", {"city": "Paris"})
        output: dict[str, Any] = {"type": "function_call_output", "call_id": made.call_id, "output": "rain"}
        if by_id:
            second = await client.responses.create(
                model="agent", input=[output], tools=[WEATHER], previous_response_id=first.id
            )
        else:
            said = [item.model_dump(exclude={"parsed_arguments"}) for item in first.output]
            second = await client.responses.create(
                model="agent", input=[*question, *said, output], tools=[WEATHER]
            )
    assert second.output_text == "5, and rain."
    before, after = (json.loads(request.body)["messages"] for request in bench.requests)
    assert after[: len(before)] == before
    assert len([block for block in after[-1]["content"] if block["type"] == "tool_result"]) == 2
    assert bench.refused == []


async def test_a_conversation_goes_on_by_the_id_of_its_last_response(bench: Bench) -> None:
    agent = bench.agent("openai-chat", ["I am Ada.", "Ada, as I said."])
    async with served(agent) as (_, client):
        first = await client.responses.create(model="agent", input="Who are you?")
        second = await client.responses.create(
            model="agent", input="Again?", previous_response_id=first.id, store=False
        )
        assert second.previous_response_id == first.id
        with pytest.raises(openai.BadRequestError) as raised:
            await client.responses.create(model="agent", input="More?", previous_response_id=second.id)
    assert raised.value.code == "previous_response_not_found"
    messages = json.loads(bench.requests[1].body)["messages"]
    assert [message["content"] for message in messages] == ["Who are you?", "I am Ada.", "Again?"]


async def test_an_answer_that_is_cut_is_incomplete(bench: Bench) -> None:
    agent = bench.agent("openai-chat", [reply("It is", finish_reason="length")])
    async with served(agent) as (_, client):
        answer = await client.responses.create(model="agent", input="2 + 3?", max_output_tokens=20)
    assert (answer.status, answer.output_text) == ("incomplete", "It is")
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "max_output_tokens"


async def test_a_shape_the_client_asks_for_reaches_the_model(bench: Bench) -> None:
    class Person(BaseModel):
        name: str

    async with served(bench.agent("openai", ['{"name": "Ada"}'])) as (_, client):
        answer = await client.responses.parse(model="agent", input="Who?", text_format=Person)
    assert answer.output_parsed == Person(name="Ada")
    assert json.loads(bench.requests[0].body)["text"]["format"]["type"] == "json_schema"


async def test_images_and_files_reach_the_model(bench: Bench) -> None:
    content: list[Any] = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "low"},
        {"type": "input_image", "image_url": "https://example.com/cat.jpg", "detail": "auto"},
        {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PNG}"},
    ]
    async with served(bench.agent("openai", ["A picture."])) as (_, client):
        await client.responses.create(model="agent", input=[{"role": "user", "content": content}])
    assert json.loads(bench.requests[0].body)["input"][-1]["content"] == content


async def test_an_answer_that_breaks_off_raises_in_the_stream(bench: Bench) -> None:
    agent = bench.agent("openai-chat", ["A long answer that never comes to its end."])
    bench.sim.faults.add(Fault("rst", at_event=4))
    async with served(agent) as (_, client):
        stream = await client.responses.create(model="agent", input="Hi", stream=True)
        with pytest.raises(openai.APIError) as raised:
            await _read(stream)
    assert raised.value.code == "upstream_error"


async def _read(stream: openai.AsyncStream[Any]) -> None:
    async for _ in stream:
        pass


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": [{"type": "web_search_call", "id": "x"}]}, "input[0].type"),
        ({"input": [{"role": "king", "content": "Hi"}]}, "input[0].role"),
        (
            {"input": [{"type": "function_call_output", "call_id": "c", "output": "o"}]},
            "input[0].call_id",
        ),
        ({"input": "Hi", "tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"input": "Hi", "background": True}, "background"),
        ({"input": "Hi", "max_output_tokens": 0}, "max_output_tokens"),
        ({"input": "Hi", "temprature": 1}, "temprature"),
        ({"input": []}, "input"),
    ],
)
def test_what_is_wrong_is_a_400_that_names_the_field(fields: dict[str, Any], param: str) -> None:
    body = json.dumps({"model": "agent", **fields}).encode()
    with pytest.raises(Refused) as refused:
        SERVICE.begin(ResponsesReader(9).read(body).question)
    assert (refused.value.answer.status, refused.value.answer.param) == (400, param)
