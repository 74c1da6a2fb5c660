"""A model from plain data: names, places, addresses and fallbacks, and never a key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from agentlab.agent import Agent
from agentlab.errors import MissingKey, UsageError
from agentlab.http import ManualClock, Retry
from agentlab.messages import Notice
from agentlab.models import FallbackModel, WireModel
from agentlab.models.configured import ModelConfig, PlacedModel, model_config, model_from_config
from agentlab.models.interface import address_of
from agentlab.simulator import ErrorReply, Simulator, reply, serve
from tests.http.leaking import CANARY, shown_of


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"):
        monkeypatch.setenv(name, "k")


def made_of(config: Any) -> list[tuple[str, str]]:
    made = model_from_config(config)
    models = made.models if isinstance(made, FallbackModel) else (made,)
    return [(each.name, address_of(each)) for each in models]


HOME = "https://api.openai.com/v1"


@pytest.mark.parametrize(
    "config", ["openai:gpt-5.6", "openai", {"model": "openai"}, ModelConfig(model="openai")]
)
def test_a_name_is_a_model(config: Any) -> None:
    made = model_from_config(config)
    assert isinstance(made, WireModel)
    assert (made.name, made.base_url) == ("openai:gpt-5.6", HOME)


def test_address_places_and_fallbacks_are_taken_in_order() -> None:
    bedrock = "bedrock:anthropic.claude-sonnet-5"
    assert made_of(
        {
            "model": bedrock,
            "places": [{"region": "eu-central-1"}, {"region": "eu-west-1"}],
            "fallbacks": [
                "anthropic",
                {"model": "openai:gpt-5.6", "base_url": "https://g.example/v1"},
                {"model": bedrock, "places": {"region": "us-east-1"}},
            ],
        }
    ) == [
        (bedrock, "https://bedrock-runtime.eu-central-1.amazonaws.com"),
        (bedrock, "https://bedrock-runtime.eu-west-1.amazonaws.com"),
        ("anthropic:claude-opus-5-5", "https://api.anthropic.com"),
        ("openai:gpt-5.6", "https://g.example/v1"),
        (bedrock, "https://bedrock-runtime.us-east-1.amazonaws.com"),
    ]
    assert made_of({"model": "openai", "base_url": "https://g.example/v1"}) == [
        ("openai:gpt-5.6", "https://g.example/v1")
    ]


def test_a_configuration_survives_json() -> None:
    config = model_config(
        {"model": "openai", "fallbacks": ["anthropic", {"model": "ollama", "base_url": "http://gpu:11434"}]}
    )
    data = json.loads(msgspec.json.encode(config))
    assert data == {
        "model": "openai",
        "fallbacks": ["anthropic", {"model": "ollama", "base_url": "http://gpu:11434"}],
    }
    assert model_config(data) == config
    assert isinstance(config.fallbacks[1], PlacedModel)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "missing required field `model`"),
        ({"model": 7}, "Expected `str`, got `int`"),
        ({"model": "openai", "fallback": []}, "unknown field `fallback`"),
        ({"model": "openai", "fallbacks": "anthropic"}, "fallbacks"),
        ({"model": "openai", "places": [{"region": 1}]}, "places"),
        (
            {"model": "openai", "fallbacks": [{"model": "ollama", "fallbacks": []}]},
            "unknown field `fallbacks`",
        ),
        ({"model": "openia"}, "did you mean `openai"),
        ({"model": "azure"}, "no default model"),
        ({"model": "openai", "places": {"region": "eu"}}, "no place called region"),
        ({"model": "openai", "fallbacks": ["openai:gpt-5.6"]}, "each once"),
    ],
)
def test_wrong_data_says_what_and_where(config: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        model_from_config(config)


@pytest.mark.parametrize("name", ["api_key", "API-KEY", "key", "token", "password"])
@pytest.mark.parametrize("nested", [False, True])
def test_a_key_in_a_configuration_is_refused_and_not_shown(name: str, *, nested: bool) -> None:
    config: dict[str, Any] = {"model": "ollama", name: CANARY}
    if nested:
        config = {"model": "openai", "fallbacks": [config]}
    with pytest.raises(UsageError, match=rf"holds `{name}`.*agentlab login") as refused:
        model_from_config(config)
    assert CANARY not in str(refused.value) + repr(refused.value)
    with pytest.raises(UsageError) as refused:
        model_config(config)
    del config
    assert CANARY not in shown_of(refused.value)


def test_a_missing_key_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with pytest.raises(MissingKey, match="agentlab login anthropic"):
        model_from_config({"model": "openai", "fallbacks": ["anthropic"]})


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with serve() as made:
        monkeypatch.setenv("OPENAI_API_KEY", made.token)
        monkeypatch.setenv("ANTHROPIC_API_KEY", made.token)
        yield made


@pytest.mark.anyio
async def test_a_configured_model_falls_back_and_tells_why(sim: Simulator) -> None:
    sim.behaviour = lambda asked: (
        ErrorReply(529, "Overloaded") if asked.vendor == "openai" else reply("Claude here.")
    )
    made = model_from_config(
        {
            "model": "openai",
            "base_url": sim.base_url("openai"),
            "fallbacks": [{"model": "anthropic", "base_url": sim.base_url("anthropic")}],
            "cooldown_s": 5.0,
        },
        retry=Retry(attempts=2),
        clock=ManualClock(),
        seed=0,
    )
    run = await Agent(made).prompt("Hi")
    assert run.text == "Claude here."
    (notice,) = run.trace.of(Notice)
    assert notice.text.startswith("ServerError, HTTP 529, 2 attempts: ")
    assert run.trace.turns[0].model == "anthropic:claude-opus-5-5"
