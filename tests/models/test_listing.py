"""Lists of models: every recorded one is read, pages are followed to their end, and the simulator's are served."""

from __future__ import annotations

import gzip
import json
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import AuthenticationFailed, ProtocolError, UsageError
from agentlab.models.listing import ModelInfo, ModelList, list_models, next_page, read_page
from agentlab.models.listing_table import listing_of
from agentlab.models.vendors import vendor, vendors
from agentlab.simulator import Simulator, serve
from tests.corpus.recordings import corpus_folder
from tests.http.loopback import Peer, response
from tests.http.loopback import serve as listen

pytestmark = pytest.mark.anyio

JSON = "content-type: application/json"
RECORDED_AS = {"openai": "openai", "gemini": "gemini", "anthropic": "anthropic"}


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with serve() as simulator:
        yield simulator


def recorded() -> list[dict[str, Any]]:
    folder = corpus_folder()
    if not folder.is_dir():
        pytest.skip(f"no recordings: {folder} does not exist; name their folder with AGENTLAB_CORPUS")
    found = []
    for path in sorted(folder.glob("*.jsonl.gz")):
        if not path.name.startswith("expected_"):
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                found += [record for record in map(json.loads, lines) if record["api"] == "models"]
    return found


def test_every_recorded_list_is_read_whole() -> None:
    lengths, outputs, times = set(), set(), set()
    for record in recorded():
        if record["status"] >= 400:
            continue
        provider = record["provider"]
        row = listing_of(vendor(provider))
        page = json.loads(record["response_body"])
        models = read_page(row, page, provider)
        items = page[row.items]
        assert len(models) == len(items) > 0
        assert [each.id for each in models] == [str(item[row.id]).removeprefix("models/") for item in items]
        assert (next_page(row, page) is not None) == bool(page.get("nextPageToken"))
        lengths |= {provider for each in models if each.context_window}
        outputs |= {provider for each in models if each.max_output_tokens}
        times |= {provider for each in models if each.created}
    assert lengths >= {
        "anthropic",
        "gemini",
        "groq",
        "huggingface",
        "llamacpp",
        "mistral",
        "openrouter",
        "venice",
    }
    assert outputs >= {"anthropic", "gemini", "groq", "openrouter", "venice"}
    assert times >= {"anthropic", "bedrock-mantle", "huggingface", "mistral", "openai", "openrouter"}


def test_the_path_is_that_of_every_recorded_list() -> None:
    for record in recorded():
        row = vendor(record["provider"])
        base = row.base_url.partition("://")[2].partition("/")[2]
        path = f"{'/' if base else ''}{base}{listing_of(row).path}"
        if row.name not in {"deepseek", "perplexity", "llamacpp"}:
            assert record["path"] == path


def test_every_vendor_has_a_row_or_says_it_has_no_list() -> None:
    text = resources.files("agentlab.models").joinpath("listings.toml").read_text(encoding="utf-8")
    assert set(tomllib.loads(text)["vendors"]) <= set(vendors())
    for row in vendors().values():
        listing = listing_of(row)
        assert not listing.path or (listing.items and listing.id)
        assert not listing.one or "{model}" in listing.one
        assert bool(listing.next) == bool(listing.next_param)
        assert listing.public or not listing.check


async def test_pages_are_followed_to_the_end() -> None:
    pages = {
        None: {"data": [{"id": "a"}, {"id": "b"}], "has_more": True, "last_id": "b"},
        "b": {"data": [{"id": "c"}], "has_more": True, "last_id": "c"},
        "c": {"data": [], "has_more": False, "last_id": None},
    }

    async def script(peer: Peer) -> None:
        query = peer.head.split(b" ")[1].decode()
        after = query.partition("after_id=")[2].partition("&")[0] or None
        await peer.send(response(json.dumps(pages[after]).encode(), "200 OK", JSON))

    async with listen(script) as server:
        models = await list_models("anthropic", api_key="k", base_url=server.url)
    assert models.ids == ("a", "b", "c")
    assert len(server.peers) == 3


async def test_a_list_that_says_the_same_page_again_ends() -> None:
    async def script(peer: Peer) -> None:
        await peer.send(response(b'{"models": [{"name": "models/a"}], "nextPageToken": "t"}', "200 OK", JSON))

    async with listen(script) as server:
        models = await list_models("gemini", api_key="k", base_url=server.url)
    assert models.ids == ("a", "a")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": 1}', "no list called `data`"),
        (b'{"data": [{"name": "x"}]}', "has no `id`"),
        (b'{"data": ["x"]}', "has no `id`"),
        (b"<html>", "not JSON"),
    ],
)
async def test_what_is_no_list_is_a_protocol_error(body: bytes, said: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.send(response(body, "200 OK", JSON))

    async with listen(script) as server:
        with pytest.raises(ProtocolError, match=said):
            await list_models("openai", api_key="k", base_url=server.url)


async def test_a_bare_array_is_a_list_too() -> None:
    async def script(peer: Peer) -> None:
        await peer.send(response(b'[{"id": "a/b", "context_length": 8, "created": 0}]', "200 OK", JSON))

    async with listen(script) as server:
        models = await list_models("together", api_key="k", base_url=server.url)
    assert [(each.id, each.context_window, each.created) for each in models] == [("a/b", 8, None)]


async def test_a_vendor_without_a_list_says_so() -> None:
    with pytest.raises(UsageError, match="`snowflake` has no list"):
        await list_models("snowflake", api_key="k", base_url="http://127.0.0.1:9")


# One vendor of each way to list.
LISTED = sorted(
    {
        (row.wire, repr(listing_of(row))): row.name for row in vendors().values() if listing_of(row).path
    }.values()
)


@pytest.mark.parametrize("name", LISTED)
async def test_the_simulator_serves_the_list_of_every_vendor(sim: Simulator, name: str) -> None:
    models = await list_models(name, api_key=sim.token, base_url=sim.base_url(name))
    assert models.ids == ("sim-large", "sim-small")
    assert models[0].name == f"{name}:sim-large"
    with pytest.raises(AuthenticationFailed):
        await list_models(name, api_key="wrong-key-123", base_url=sim.base_url(name))


def test_the_vendors_own_sdks_read_the_simulators_lists(sim: Simulator) -> None:
    with openai.OpenAI(api_key=sim.token, base_url=sim.base_url("openai")) as client:
        assert [each.id for each in client.models.list()] == ["sim-large", "sim-small"]
        assert client.models.retrieve("gpt-5").id == "gpt-5"
    with anthropic.Anthropic(api_key=sim.token, base_url=sim.base_url("anthropic")) as claude:
        assert [each.id for each in claude.models.list()] == ["sim-large", "sim-small"]
        assert claude.models.retrieve("claude-sonnet-5").id == "claude-sonnet-5"
    options = genai.types.HttpOptions(base_url=sim.base_url("gemini", ""), api_version="v1beta")
    with genai.Client(api_key=sim.token, http_options=options) as google:
        assert [each.name for each in google.models.list()] == ["models/sim-large", "models/sim-small"]
        assert google.models.get(model="gemini-2.5-flash").name == "models/gemini-2.5-flash"


def test_a_list_is_a_sequence_and_a_frame() -> None:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    models = ModelList(
        [ModelInfo(vendor="v", id="a", context_window=8, created=made), ModelInfo(vendor="v", id="b")]
    )
    assert models[0].name == "v:a"
    assert models[1:].ids == ("b",)
    frame = models.frame
    assert list(frame.columns) == [
        "vendor",
        "model",
        "title",
        "context_window",
        "max_output_tokens",
        "created",
    ]
    assert frame["context_window"].dtype == "Int64"
    assert frame["created"][0] == made
    assert repr(models) == "ModelList(2: a, b)"
    assert "<table" in models._repr_html_()
    assert len(ModelList([]).frame) == 0


@given(
    st.dictionaries(
        st.sampled_from(["created", "context_length", "providers", "meta", "name"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["context_length", "n_ctx"]), inner, max_size=2)
            ),
            max_leaves=5,
        ),
    )
)
def test_whatever_a_model_is_said_to_be_it_is_read(item: dict[str, Any]) -> None:
    row = listing_of(vendor("openai"))
    found = read_page(row, {"data": [{**item, "id": "m"}]}, "v")[0]
    assert found.id == "m"
    assert found.context_window is None or found.context_window > 0
    assert found.created is None or found.created.tzinfo is not None
