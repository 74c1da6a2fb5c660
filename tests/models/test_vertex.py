"""Vertex AI: its addresses, and that what is sent there is what Google's and Anthropic's own SDKs send."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import anthropic
import pytest
from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials
from msgspec import structs

from agentlab.errors import UsageError
from agentlab.messages import Request, SystemMessage, ToolDefinition, UserMessage
from agentlab.models import model, vendor
from agentlab.models.registry import wire_for
from agentlab.models.vendors import base_url_of
from agentlab.simulator import LoggedRequest, Simulator, serve
from tests.corpus.recordings import corpus_folder

pytestmark = pytest.mark.anyio

ASKED = Request(model="", preamble="Be brief.", messages=(UserMessage.of("hi"),), max_tokens=64)
TOOL = ToolDefinition("look", "Looks.", {"type": "object", "properties": {"at": {"type": "string"}}})
RECORDED = re.compile(r"/v1beta1/projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)(?P<rest>/.*)")


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with serve() as simulator:
        yield simulator


@pytest.mark.parametrize("name", ["vertex", "vertex-anthropic"])
@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
    ],
)
def test_project_and_location_make_the_address(name: str, location: str, host: str) -> None:
    version = "v1beta1" if name == "vertex" else "v1"
    expected = f"https://{host}/{version}/projects/lab/locations/{location}"
    assert (
        base_url_of(vendor(name), places={"project": "lab", "location": location}, environment={}) == expected
    )
    env = {"GOOGLE_CLOUD_PROJECT": "lab", "GOOGLE_CLOUD_LOCATION": location}
    assert base_url_of(vendor(name), environment=env) == expected


def test_the_vendors_own_variable_wins_and_the_location_is_global_where_nothing_says() -> None:
    env = {"GOOGLE_CLOUD_PROJECT": "other", "VERTEX_PROJECT": "lab"}
    assert base_url_of(vendor("vertex"), environment=env) == (
        "https://aiplatform.googleapis.com/v1beta1/projects/lab/locations/global"
    )


def test_a_project_that_is_missing_and_a_place_that_is_unknown_are_told() -> None:
    with pytest.raises(
        UsageError, match=r"VERTEX_PROJECT or GOOGLE_CLOUD_PROJECT.*places=\{'project': ...\}"
    ):
        base_url_of(vendor("vertex"), environment={})
    with pytest.raises(UsageError, match="no place called region"):
        base_url_of(vendor("vertex"), places={"region": "eu"}, environment={})


def test_our_address_is_that_of_every_recorded_request() -> None:
    path = corpus_folder() / "vertex.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"no recordings: {path} does not exist; name their folder with AGENTLAB_CORPUS")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        records = [record for record in map(json.loads, lines) if record["api"] == "gemini"]
    met = 0
    for record in records:
        found = RECORDED.fullmatch(record["path"])
        if found is None:  # the API's first version, from old clients
            continue
        places = {"project": found["project"], "location": found["location"]}
        name = re.search(r"models/([^/:]+):", record["path"])
        assert name is not None
        wire = wire_for("gemini")
        asked = structs.replace(ASKED, model=unquote(name[1]), stream=bool(record["streaming"]))
        sent = (
            base_url_of(vendor("vertex"), places=places, environment={})
            + wire.encode(asked, vendor("vertex")).path
        )
        location = found["location"]
        host = record["host"].replace(f"{location}-aiplatform", "aiplatform")
        query = f"?{record['query']}" if record["streaming"] else ""
        assert (
            sent.replace(f"{location}-aiplatform", "aiplatform") == f"https://{host}{record['path']}{query}"
        )
        met += 1
    assert met >= 0.9 * len(records) - 12 >= 50


def test_a_tuned_model_and_another_publishers_have_their_own_place() -> None:
    wire = wire_for("gemini")
    for name in ("endpoints/123", "publishers/meta/models/llama-4"):
        assert wire.encode(structs.replace(ASKED, model=name), vendor("vertex")).path.startswith(
            f"/{name}:stream"
        )


async def sent_by_us(sim: Simulator, name: str, request: Request) -> LoggedRequest:
    made = model(f"{name}", api_key=sim.token, base_url=sim.base_url(name.partition(":")[0]))
    await made.complete(structs.replace(request, model=made.model_id))
    return sim.requests[-1]


@pytest.mark.parametrize("stream", [False, True])
async def test_googles_sdk_sends_the_same_to_vertex(sim: Simulator, stream: bool) -> None:
    client = genai.Client(
        vertexai=True,
        project="sim",
        location="global",
        credentials=Credentials(token=sim.token),  # type: ignore[no-untyped-call]
        http_options=types.HttpOptions(base_url=sim.base_url("vertex", "")),
    )
    config = types.GenerateContentConfig(
        system_instruction="Be brief.",
        max_output_tokens=64,
        tools=[
            types.Tool(
                function_declarations=[
                    types.FunctionDeclaration(
                        name="look", description="Looks.", parameters_json_schema=TOOL.parameters
                    )
                ]
            )
        ],
    )
    with client:
        if stream:
            for _ in client.models.generate_content_stream(
                model="gemini-2.5-flash", contents="hi", config=config
            ):
                pass
        else:
            client.models.generate_content(model="gemini-2.5-flash", contents="hi", config=config)
    theirs = sim.requests[-1]
    ours = await sent_by_us(
        sim, "vertex:gemini-2.5-flash", structs.replace(ASKED, tools=(TOOL,), stream=stream)
    )
    assert theirs.path == ours.path
    assert plain(theirs.json) == plain(ours.json)


def plain(body: Any) -> Any:
    """A body without the role that the SDK writes into a system instruction, and the one name it writes otherwise."""
    told = json.loads(json.dumps(body).replace("parameters_json_schema", "parametersJsonSchema"))
    return {**told, "systemInstruction": {"parts": told["systemInstruction"]["parts"]}}


@pytest.mark.parametrize("stream", [False, True])
async def test_anthropics_sdk_sends_the_same_to_vertex(sim: Simulator, stream: bool) -> None:
    name = "claude-sonnet-4-5@20250929"
    client = anthropic.AnthropicVertex(
        region="global",
        project_id="sim",
        access_token=sim.token,
        base_url=f"{sim.base_url('vertex-anthropic', '')}/v1",
    )
    asked: dict[str, Any] = {
        "model": name,
        "max_tokens": 64,
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    }
    with client:
        if stream:
            for _ in client.messages.create(**asked, stream=True):
                pass
        else:
            client.messages.create(**asked)
    theirs = sim.requests[-1]
    ours = await sent_by_us(sim, f"vertex-anthropic:{name}", structs.replace(ASKED, stream=stream))
    assert unquote(theirs.path) == unquote(ours.path)
    assert shaped(theirs.json) == shaped(ours.json)


def shaped(body: Any) -> Any:
    """A body with every text as a list of blocks, and streaming off where nothing is said.

    The version is left out: the SDK sends the newest one of its own API, we the one that Google's guide names.
    """
    system = body["system"]
    return {
        **{name: value for name, value in body.items() if name != "anthropic_version"},
        "stream": body.get("stream", False),
        "system": [{"type": "text", "text": system}] if isinstance(system, str) else system,
    }


async def test_agents_of_both_cost_what_vertex_asks(sim: Simulator) -> None:
    for name in ("vertex:gemini-2.5-flash", "vertex-anthropic:claude-sonnet-4-5"):
        made = model(name, api_key=sim.token, base_url=sim.base_url(name.partition(":")[0]))
        request = structs.replace(ASKED, model=made.model_id, messages=(SystemMessage("s"), *ASKED.messages))
        turn = await made.complete(request)
        assert turn.cost_usd is not None
        assert turn.cost_usd > 0
