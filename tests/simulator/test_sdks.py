"""The official SDKs, unchanged, understand the simulator: an outside witness for every dialect."""

from __future__ import annotations

import anthropic
import botocore.exceptions
import ollama
import openai
import pytest
from google import genai
from google.genai import errors as genai_errors
from google.genai import types as genai_types

from agentlab.simulator import ErrorReply, call, reply, serve
from tests.simulator.event_sdk_clients import ALL_SDKS as SDKS

LONG = "The quick brown fox jumps over the lazy dog. " * 200
LISBON = call("get_weather", city="Lisbon")
OSLO = call("get_weather", city="Oslo")


@pytest.fixture(scope="module")
def sim():
    with serve() as running:
        yield running


@pytest.fixture(scope="module")
def clients(sim):
    opened = {name: make(sim) for name, make in SDKS.items()}
    yield opened
    for client in opened.values():
        client.close()


@pytest.fixture(params=SDKS)
def client(request, clients):
    return clients[request.param]


@pytest.fixture(params=[False, True], ids=["whole", "stream"])
def stream(request):
    return request.param


def test_a_text_answer_arrives_with_its_usage_and_reason(sim, client, stream):
    sim.script([reply("Grüße, 世界 🌍 - done.", usage=None)])
    heard = client.ask([client.user("Hello")], stream=stream)
    assert heard.text == "Grüße, 世界 🌍 - done."
    assert heard.calls == []
    assert heard.finish == client.finishes["stop"]
    entry = sim.requests[-1]
    assert heard.input_tokens == entry.usage.input_tokens > 0
    assert heard.output_tokens == entry.usage.output_tokens > 0


def test_one_tool_call_arrives_whole(sim, client, stream):
    sim.script([reply("Let me look.", calls=[LISBON])])
    heard = client.ask([client.user("Weather?")], stream=stream, tools=True)
    assert heard.text == "Let me look."
    assert [(name, arguments) for _, name, arguments in heard.calls] == [("get_weather", {"city": "Lisbon"})]
    assert heard.finish == client.finishes["tool_calls"]


def test_parallel_tool_calls_arrive_in_order_with_ids_of_their_own(sim, client, stream):
    sim.script([reply(calls=[LISBON, OSLO])])
    heard = client.ask([client.user("Weather?")], stream=stream, tools=True)
    assert [arguments for _, _, arguments in heard.calls] == [{"city": "Lisbon"}, {"city": "Oslo"}]
    ids = [given for given, _, _ in heard.calls]
    assert ids == [None, None] or len(set(ids)) == 2


def test_a_call_without_arguments_is_an_empty_object(sim, client, stream):
    sim.script([call("get_weather")])
    heard = client.ask([client.user("Weather?")], stream=stream, tools=True)
    assert [arguments for _, _, arguments in heard.calls] == [{}]


def test_tool_results_follow_the_calls_and_the_model_goes_on(sim, client, stream):
    sim.script([reply(reasoning="Two cities.", calls=[LISBON, OSLO]), reply("Sun and snow.")])
    history = [client.user("Weather?")]
    first = client.ask(history, stream=stream, tools=True, think=True)
    history += [*first.turn, *client.results(first, ["sun", "snow"])]
    second = client.ask(history, stream=stream, tools=True, think=True)
    assert second.text == "Sun and snow."
    assert second.finish == client.finishes["stop"]


def test_what_the_sdk_sends_back_is_understood_as_what_was_said(sim, client, stream):
    asked = []

    def answer(request):
        asked.append(request)
        return reply(reasoning="Hm.", text="Looking.", calls=[LISBON]) if len(asked) == 1 else reply("Sun.")

    sim.behaviour = answer
    history = [client.user("Weather?")]
    first = client.ask(history, stream=stream, tools=True, think=True)
    client.ask(
        [*history, *first.turn, *client.results(first, ["bright sun"])], stream=stream, tools=True, think=True
    )
    user, assistant, results = asked[1].messages
    assert user.text == "Weather?"
    assert assistant.text == "Looking."
    assert [(one.name, one.arguments) for one in assistant.tool_calls] == [
        ("get_weather", {"city": "Lisbon"})
    ]
    assert [one.call_id for one in results.tool_results] == [assistant.tool_calls[0].id]
    assert results.tool_results[0].name == "get_weather"
    assert "bright sun" in results.tool_results[0].text
    assert [tool.name for tool in asked[1].tools] == ["get_weather"]


def test_reasoning_is_told_apart_from_the_answer(sim, client, stream):
    sim.script([reply("42.", reasoning="Six times seven.\nThat is it.")])
    heard = client.ask([client.user("6 x 7?")], stream=stream, think=True)
    assert heard.text == "42."
    assert heard.reasoning == "Six times seven.\nThat is it."
    if heard.reasoning_tokens is not None:
        assert heard.reasoning_tokens == sim.requests[-1].usage.reasoning_tokens > 0
        assert heard.output_tokens > heard.reasoning_tokens


def test_a_cut_answer_says_so(sim, client, stream):
    sim.script([reply("Once upon a", finish_reason="length")])
    heard = client.ask([client.user("A story")], stream=stream)
    assert heard.text == "Once upon a"
    assert heard.finish == client.finishes["length"]


def test_the_same_prefix_is_read_from_the_cache_the_second_time(sim, client, stream):
    sim.script(["First.", "Second."])
    history = [client.user(f"{type(client).__name__} {stream}: {LONG}")]
    first = client.ask(history, stream=stream)
    second = client.ask([*history, *first.turn, client.user("And now?")], stream=stream)
    assert second.text == "Second."
    if first.cached_tokens is None:  # Ollama has no field for it: the count is always of the whole prompt
        assert second.input_tokens > first.input_tokens > len(LONG) / 6
        return
    assert first.cached_tokens < 120  # Cohere's own template, about 112 tokens, is always there
    assert second.cached_tokens == sim.requests[-1].usage.cache_read_tokens
    assert len(LONG) / 6 < second.cached_tokens <= second.input_tokens


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_an_error_is_the_sdks_own_exception_with_status_and_sentence(sim, client, stream, status):
    sim.script([ErrorReply(status, "The simulated sentence.", retry_after=2.0 if status == 429 else None)])
    with pytest.raises(client.errors) as caught:
        client.ask([client.user("Hello")], stream=stream)
    assert "The simulated sentence." in str(caught.value)
    assert _status(caught.value) == status


@pytest.mark.parametrize("name", SDKS)
def test_a_wrong_key_is_refused(sim, name, stream):
    client = SDKS[name](sim, key="wrong")
    try:
        with pytest.raises(client.errors) as caught:
            client.ask([client.user("Hello")], stream=stream)
    finally:
        client.close()
    assert _status(caught.value) == {"google-genai": 400, "boto3": 403}.get(name, 401)


def test_openai_and_anthropic_raise_the_class_of_the_status(sim, clients, stream):
    classes = {
        400: "BadRequestError",
        401: "AuthenticationError",
        403: "PermissionDeniedError",
        404: "NotFoundError",
        429: "RateLimitError",
        500: "InternalServerError",
    }
    for name, library in (("openai-chat", openai), ("openai-responses", openai), ("anthropic", anthropic)):
        client = clients[name]
        for status, class_name in classes.items():
            sim.script([ErrorReply(status, "No.")])
            with pytest.raises(getattr(library, class_name)):
                client.ask([client.user("Hello")], stream=stream)


def test_genai_tells_client_from_server_errors(sim, clients):
    client = clients["google-genai"]
    for status, kind in ((429, genai_errors.ClientError), (503, genai_errors.ServerError)):
        sim.script([ErrorReply(status, "No.")])
        with pytest.raises(kind):
            client.ask([client.user("Hello")], stream=False)


def _status(error):
    if isinstance(error, botocore.exceptions.ClientError):
        return error.response["ResponseMetadata"]["HTTPStatusCode"]
    return getattr(error, "status_code", None) or error.code


@pytest.mark.anyio
async def test_the_async_openai_client_streams_both_wires(sim):
    sim.script([reply("One two."), reply("Three four.")])
    async with openai.AsyncOpenAI(base_url=sim.base_url("openai"), api_key=sim.token, max_retries=0) as sdk:
        stream = await sdk.chat.completions.create(
            model="gpt-5.6", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        chat = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        stream = await sdk.responses.create(model="gpt-5.6", input="Hi", stream=True)
        events = [event async for event in stream]
    assert "".join(chat) == "One two."
    assert (
        "".join(event.delta for event in events if event.type == "response.output_text.delta")
        == "Three four."
    )
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].type == "response.completed"


@pytest.mark.anyio
async def test_the_async_anthropic_client_streams(sim):
    sim.script([reply("One two.", reasoning="Hm.")])
    async with anthropic.AsyncAnthropic(
        base_url=sim.base_url("anthropic"), api_key=sim.token, max_retries=0
    ) as sdk:
        stream = await sdk.messages.create(
            model="claude-sonnet-5",
            max_tokens=100,
            messages=[{"role": "user", "content": "Hi"}],
            stream=True,
        )
        kinds = [event.type async for event in stream]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 2


@pytest.mark.anyio
async def test_the_async_genai_client_streams(sim):
    sim.script([reply("One two.")])
    options = genai_types.HttpOptions(base_url=sim.base_url("gemini", ""))
    async with genai.Client(api_key=sim.token, http_options=options).aio as sdk:
        stream = await sdk.models.generate_content_stream(model="gemini-2.5-flash", contents="Hi")
        texts = [chunk.text or "" async for chunk in stream]
    assert "".join(texts) == "One two."


@pytest.mark.anyio
async def test_the_async_ollama_client_streams(sim):
    sim.script([reply("One two.")])
    sdk = ollama.AsyncClient(host=sim.base_url("ollama"), headers={"Authorization": f"Bearer {sim.token}"})
    stream = await sdk.chat(model="qwen3", messages=[{"role": "user", "content": "Hi"}], stream=True)
    texts = [part.message.content or "" async for part in stream]
    await sdk.close()
    assert "".join(texts) == "One two."
