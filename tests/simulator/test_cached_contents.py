"""Gemini's cache resources, by Google's own SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from agentlab.simulator import Simulator

MODEL = "gemini-2.5-flash"
LONG = "hello " * 6_000


@pytest.fixture
def client(sim: Simulator) -> Iterator[genai.Client]:
    options = types.HttpOptions(base_url=sim.base_url("gemini", ""), api_version="v1beta")
    made = genai.Client(api_key=sim.token, http_options=options)
    yield made
    made.close()


def created(client: genai.Client, **config: Any) -> types.CachedContent:
    config = {"system_instruction": LONG, **config}
    return client.caches.create(model=MODEL, config=types.CreateCachedContentConfig(**config))


def used(client: genai.Client, name: str | None, **config: Any) -> Any:
    answer = client.models.generate_content(
        model=config.pop("model", MODEL),
        contents="hi",
        config=types.GenerateContentConfig(cached_content=name, **config),
    )
    return answer.usage_metadata


def test_a_resource_is_read_whole_by_every_request_that_names_it(client: genai.Client) -> None:
    cache = created(client, display_name="book")
    assert cache.usage_metadata is not None
    for _ in range(2):
        usage = used(client, cache.name)
        assert usage.cached_content_token_count == cache.usage_metadata.total_token_count
        assert usage.prompt_token_count > usage.cached_content_token_count
    assert cache.name is not None
    again = client.caches.get(name=cache.name)
    assert (again.display_name, again.expire_time) == ("book", cache.expire_time)
    assert [each.name for each in client.caches.list()] == [cache.name]


def test_one_too_small_is_refused(client: genai.Client) -> None:
    with pytest.raises(
        errors.ClientError, match=r"Cached content is too small\. total_token_count="
    ) as refused:
        created(client, system_instruction="short")
    assert refused.value.code == 400
    assert refused.value.status == "INVALID_ARGUMENT"


def test_one_that_is_over_is_refused(client: genai.Client, sim: Simulator) -> None:
    name = created(client, ttl="60s").name
    used(client, name)
    sim.advance("2m")
    with pytest.raises(errors.ClientError, match="CachedContent not found") as refused:
        used(client, name)
    assert refused.value.code == 403
    assert list(client.caches.list()) == []


def test_one_may_be_prolonged_and_deleted(client: genai.Client, sim: Simulator) -> None:
    name = created(client, ttl="60s").name
    assert name is not None
    client.caches.update(name=name, config=types.UpdateCachedContentConfig(ttl="600s"))
    sim.advance("5m")
    used(client, name)
    client.caches.delete(name=name)
    for call in (client.caches.get, client.caches.delete):
        with pytest.raises(errors.ClientError, match="403"):
            call(name=name)
    assert sim.cached_contents.storage_usd("gemini") > 0


def test_one_in_the_past_is_made_and_never_used(client: genai.Client) -> None:
    cache = created(client, expire_time="2020-01-01T00:00:00Z")
    assert cache.expire_time is not None
    assert cache.expire_time.year == 2020
    with pytest.raises(errors.ClientError, match="403"):
        used(client, cache.name)


def test_no_system_prompt_goes_beside_one_and_no_other_model_may_use_it(client: genai.Client) -> None:
    name = created(client).name
    with pytest.raises(errors.ClientError, match="can not be used with GenerateContent request setting"):
        used(client, name, system_instruction="more")
    with pytest.raises(errors.ClientError, match="has to be the same"):
        used(client, name, model="gemini-2.5-pro")


def test_the_list_comes_in_pages_newest_first(client: genai.Client, sim: Simulator) -> None:
    names = []
    for _ in range(3):
        sim.advance("1s")
        names.append(created(client).name)
    config = types.ListCachedContentsConfig(page_size=2)
    assert [each.name for each in client.caches.list(config=config)] == names[::-1]
