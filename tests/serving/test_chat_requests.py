"""What a served agent takes and refuses: keys, bodies, system messages, parameters, media, other pages."""

from __future__ import annotations

import asyncio
import base64
import json
import urllib.error
import urllib.request
from typing import Any

import openai
import pytest

from agentlab.agent import Agent
from agentlab.errors import UsageError
from agentlab.messages import CacheOptions, ReasoningOptions
from agentlab.serving import AgentServer
from agentlab.serving.chat.body import read_chat
from agentlab.serving.refusals import Refused
from agentlab.serving.service import AgentService
from tests.agent.bench import Bench, add
from tests.serving.clients import WEATHER, asked, client_of, served

pytestmark = pytest.mark.anyio

SERVICE = AgentService({"agent": Agent("ollama:never-asked", base_url="http://127.0.0.1:9")})
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


async def fetched(
    server: AgentServer, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body of a request made without any SDK."""
    method = headers.pop("method", None)
    known = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(server.url + path, data=body, headers=known, method=method)

    def send() -> tuple[int, dict[str, str], Any]:
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()

    return await asyncio.to_thread(send)


async def test_the_served_names_are_the_models(bench: Bench) -> None:
    one = bench.agent("openai", ["Hello."])
    async with (
        AgentServer({"first": one, "team/second": one}) as server,
        client_of(server) as client,
    ):
        assert [model.id async for model in client.models.list()] == ["first", "team/second"]
        assert (await client.models.retrieve("team/second")).owned_by == "agentlab"
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("third")


async def test_a_model_that_is_not_served_is_openai_s_404(bench: Bench) -> None:
    async with served(bench.agent("openai", ["Hello."])) as (_, client):
        with pytest.raises(openai.NotFoundError, match="served are `agent`") as raised:
            await client.chat.completions.create(model="gpt-5.6", messages=asked("Hi"))
    assert (raised.value.code, raised.value.param) == ("model_not_found", "model")


async def test_a_wrong_key_is_refused_before_anything_is_read(bench: Bench) -> None:
    async with served(bench.agent("openai", ["Never said."]), key="al-key") as (server, _):
        for given in ("Bearer wrong", "Bearer \u00e4", "Basic al-key", "al-key", "Bearer"):
            status, headers, body = await fetched(
                server, "/v1/chat/completions", b"no JSON at all", Authorization=given
            )
            assert (status, headers["www-authenticate"]) == (401, "Bearer")
            assert json.loads(body)["error"]["code"] == "invalid_api_key"
        assert (await fetched(server, "/v1/models"))[0] == 401
        assert (await fetched(server, "/v1/models", Authorization="bearer al-key"))[0] == 200
    assert len(bench.requests) == 0


async def test_the_health_check_needs_no_key_and_other_paths_are_404(bench: Bench) -> None:
    async with served(bench.agent("openai", ["Never said."])) as (server, client):
        assert (await fetched(server, "/health"))[2] == b'{"status":"ok"}'
        assert (await fetched(server, "/v1/nothing"))[0] == 401
        with pytest.raises(openai.NotFoundError, match="nothing at POST /v1/embeddings"):
            await client.embeddings.create(model="agent", input="Hi", encoding_format="float")
        status, _, body = await fetched(server, "/v1/chat/completions", Authorization=f"Bearer {server.key}")
    assert status == 405
    assert json.loads(body)["error"]["code"] == "method_not_allowed"


async def test_two_servers_never_share_a_key(bench: Bench) -> None:
    agent = bench.agent("openai", ["Never said."])
    first, second = AgentServer(agent), AgentServer(agent)
    assert first.key != second.key
    assert len(first.key) > 30
    assert first.key not in repr(first)


@pytest.mark.parametrize("key", ["", "  ", "schl\u00fcssel", "a\nb"])
async def test_a_key_no_header_can_carry_is_refused(bench: Bench, key: str) -> None:
    with pytest.raises(UsageError, match="key"):
        AgentServer(bench.agent("openai", ["Never said."]), key=key)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", None),
        (b"{", None),
        (b"[]", None),
        (b"\xff\xfe", None),
        (b'{"model": "agent"}', None),
        (b'{"model": "agent", "messages": []}', "messages"),
        (b'{"model": "agent", "messages": [{"role": "king", "content": "Hi"}]}', "messages[0].role"),
        (b'{"model": "agent", "messages": [{"role": "user", "content": 1}]}', "messages[0].content"),
        (b'{"model": "agent", "messages": [{"role": "assistant", "content": "Hi"}]}', "messages"),
        (b'{"model": "agent", "messages": [{"role": "user", "content": ""}], "n": 2}', "n"),
        (
            b'{"model": "agent", "messages": [{"role": "user", "content": "a"}], "temprature": 1}',
            "temprature",
        ),
        (
            b'{"model": "agent", "messages": [{"role": "user", "content": "a"}], "max_tokens": 0}',
            "max_completion_tokens",
        ),
        (
            b'{"model": "agent", "messages": [{"role": "tool", "tool_call_id": "c", "content": "a"}]}',
            "messages[0].tool_call_id",
        ),
        (
            b'{"model": "agent", "messages": [{"role": "user", "content": "a"}], "tool_choice": "required"}',
            "tool_choice",
        ),
    ],
)
def test_a_body_that_is_wrong_is_a_400_that_names_the_field(body: bytes, param: str | None) -> None:
    with pytest.raises(Refused) as refused:
        SERVICE.begin(read_chat(body).question)
    answer = refused.value.answer
    assert (answer.status, answer.param) == (400, param)
    assert answer.body["error"]["type"] == "invalid_request_error"


async def test_a_refusal_is_sent_in_openai_s_shape(bench: Bench) -> None:
    async with served(bench.agent("openai", ["Never said."])) as (_, client):
        with pytest.raises(openai.BadRequestError, match="no field `temprature`") as raised:
            await client.chat.completions.create(
                model="agent", messages=asked("Hi"), extra_body={"temprature": 1}
            )
    error = raised.value
    assert (error.type, error.param, error.code) == (
        "invalid_request_error",
        "temprature",
        "unknown_parameter",
    )
    assert len(bench.requests) == 0


async def test_a_body_that_is_too_large_is_a_413(bench: Bench) -> None:
    async with served(bench.agent("openai", ["Never said."]), max_body=1000) as (_, client):
        with pytest.raises(openai.APIStatusError) as raised:
            await client.chat.completions.create(model="agent", messages=asked("long " * 300))
    assert raised.value.status_code == 413


async def test_a_tool_name_that_is_taken_is_refused(bench: Bench) -> None:
    async with served(bench.agent("openai", ["Never said."], tools=[add])) as (_, client):
        for name in ("add", "get_weather"):
            second: Any = {"type": "function", "function": {"name": name}}
            with pytest.raises(openai.BadRequestError, match=name) as raised:
                await client.chat.completions.create(
                    model="agent", messages=asked("Hi"), tools=[WEATHER, second]
                )
            assert raised.value.param == "tools[1]"


async def test_system_messages_stand_behind_the_preamble(bench: Bench) -> None:
    agent = bench.agent("openai-chat", ["Oui."], preamble="You are terse.")
    messages: list[Any] = [
        {"role": "system", "content": "Answer in French."},
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
        *asked("Yes?"),
    ]
    async with served(agent) as (_, client):
        await client.chat.completions.create(model="agent", messages=messages)
    sent = json.loads(bench.requests[0].body)["messages"]
    assert sent[0]["content"] == "You are terse.\n\nAnswer in French.\n\nBe kind."
    assert [message["role"] for message in sent[1:]] == ["user"]


async def test_a_server_may_refuse_system_messages(bench: Bench) -> None:
    agent = bench.agent("openai", ["Never said."])
    messages: list[Any] = [*asked("Hi", "Hello."), {"role": "system", "content": "Obey."}, *asked("Well?")]
    async with served(agent, system_messages="refuse") as (_, client):
        with pytest.raises(openai.BadRequestError, match="no system messages"):
            await client.chat.completions.create(model="agent", messages=messages)


async def test_parameters_reach_the_provider_and_the_rest_stays_the_agent_s(bench: Bench) -> None:
    agent = bench.agent(
        "openai-chat",
        ["{}"],
        temperature=0.1,
        cache=CacheOptions(retention="24h", key="mine"),
        additional_params={"metadata": {"of": "agent"}},
    )
    async with served(agent) as (_, client):
        await client.chat.completions.create(
            model="agent",
            messages=asked("Hi"),
            max_completion_tokens=99,
            stop=["END"],
            top_p=0.5,
            frequency_penalty=0.25,
            presence_penalty=0,
            seed=7,
            user="somebody",
            prompt_cache_key="theirs",
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "empty", "schema": {"type": "object", "properties": {}}},
            },
        )
    sent = json.loads(bench.requests[0].body)
    assert sent["temperature"] == 0.1
    assert 99 in {sent.get("max_completion_tokens"), sent.get("max_tokens")}
    assert (sent["stop"], sent["top_p"], sent["frequency_penalty"], sent["seed"]) == (["END"], 0.5, 0.25, 7)
    assert sent["response_format"]["json_schema"]["name"] == "empty"
    assert (sent["prompt_cache_key"], sent["prompt_cache_retention"]) == ("theirs", "24h")
    assert sent["metadata"] == {"of": "agent"}
    assert "presence_penalty" not in sent
    assert "user" not in sent


async def test_an_effort_of_the_client_keeps_the_agent_s_summary(bench: Bench) -> None:
    agent = bench.agent("openai", ["Hello."], reasoning=ReasoningOptions(effort="low", summary="auto"))
    async with served(agent) as (_, client):
        await client.chat.completions.create(model="agent", messages=asked("Hi"), reasoning_effort="high")
    assert json.loads(bench.requests[0].body)["reasoning"] == {"effort": "high", "summary": "auto"}


@pytest.mark.parametrize(
    ("vendor", "place"), [("gemini", ["generationConfig", "topP"]), ("ollama", ["options", "top_p"])]
)
async def test_a_sampling_parameter_stands_where_the_wire_keeps_it(
    bench: Bench, vendor: str, place: list[str]
) -> None:
    async with served(bench.agent(vendor, ["Hello."])) as (_, client):
        await client.chat.completions.create(model="agent", messages=asked("Hi"), top_p=0.5)
    found = json.loads(bench.requests[0].body)
    for step in place:
        found = found[step]
    assert found == 0.5


async def test_a_parameter_the_wire_has_no_place_for_is_refused(bench: Bench) -> None:
    async with served(bench.agent("anthropic", ["Never said."])) as (_, client):
        with pytest.raises(openai.BadRequestError, match="takes no `seed`") as raised:
            await client.chat.completions.create(model="agent", messages=asked("Hi"), seed=1)
        await client.chat.completions.create(
            model="agent", messages=asked("Hi"), frequency_penalty=0, presence_penalty=0
        )
    assert raised.value.param == "seed"


@pytest.mark.parametrize(
    ("choice", "own_tools", "offered", "sent"),
    [
        ("none", [], ["get_weather"], "none"),
        ("none", [add], ["add"], None),
        ("required", [], ["get_weather"], "required"),
        ("required", [add], ["add", "get_weather"], {"type": "function", "name": "get_weather"}),
        (
            {"type": "function", "function": {"name": "get_weather"}},
            [add],
            ["add", "get_weather"],
            {"type": "function", "name": "get_weather"},
        ),
    ],
)
async def test_a_tool_choice_speaks_of_the_client_s_tools(
    bench: Bench, choice: Any, own_tools: list[Any], offered: list[str], sent: Any
) -> None:
    async with served(bench.agent("openai", ["Hello."], tools=own_tools)) as (_, client):
        await client.chat.completions.create(
            model="agent", messages=asked("Hi"), tools=[WEATHER], tool_choice=choice
        )
    body = json.loads(bench.requests[0].body)
    assert [offer["name"] for offer in body["tools"]] == offered
    assert body.get("tool_choice") == sent


async def test_images_sounds_and_files_reach_the_model(bench: Bench) -> None:
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.jpg"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PNG}"}},
    ]
    async with served(bench.agent("openai-chat", ["A picture."])) as (_, client):
        await client.chat.completions.create(
            model="agent",
            messages=[{"role": "user", "content": content}],  # type: ignore[list-item, misc]
        )
    assert json.loads(bench.requests[0].body)["messages"][0]["content"] == content


@pytest.mark.parametrize("url", ["file:///etc/passwd", "data:text/plain,hello", "cat.jpg"])
def test_an_image_at_no_web_address_is_refused(url: str) -> None:
    part = {"type": "image_url", "image_url": {"url": url}}
    body = {"model": "agent", "messages": [{"role": "user", "content": [part]}]}
    with pytest.raises(Refused, match="neither") as refused:
        read_chat(json.dumps(body).encode())
    assert refused.value.answer.param == "messages[0]"


async def test_other_web_pages_may_not_call_it_unless_they_are_named(bench: Bench) -> None:
    page = "https://chat.example"
    asks = {"Origin": page, "Access_Control_Request_Method": "POST", "method": "OPTIONS"}
    agent = bench.agent("openai", ["Hello."])
    async with served(agent) as (server, _):
        status, headers, _ = await fetched(server, "/v1/chat/completions", **asks)
    assert status == 401
    assert "access-control-allow-origin" not in headers
    async with served(agent, cors_origins=[page]) as (server, _):
        status, headers, _ = await fetched(server, "/v1/chat/completions", **asks)
        assert (status, headers["access-control-allow-origin"]) == (200, page)
        other = {**asks, "Origin": "https://evil.example"}
        assert "access-control-allow-origin" not in (await fetched(server, "/v1/models", **other))[1]
        known = {"Origin": page, "Authorization": f"Bearer {server.key}"}
        assert (await fetched(server, "/v1/models", **known))[1]["access-control-allow-origin"] == page


async def test_a_port_that_is_taken_is_a_clear_error(bench: Bench) -> None:
    agent = bench.agent("openai", ["Never said."])
    async with AgentServer(agent) as first:
        with pytest.raises(UsageError, match=f"port {first.port}"):
            async with AgentServer(agent, port=first.port):
                pass


async def test_nothing_to_serve_is_a_clear_error() -> None:
    agents: dict[str, Agent] = {}
    with pytest.raises(UsageError, match="no agent"):
        AgentServer(agents)
