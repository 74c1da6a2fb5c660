"""A vendor alone is its default model, and the table tells which that is."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from agentlab.agent import Agent
from agentlab.caching.prices import rates
from agentlab.commands.known_models import known_vendors
from agentlab.errors import UsageError
from agentlab.models import model, vendor, vendors
from agentlab.models.vendors import with_default_model

DEFAULTS = {row.name: row.default_model for row in vendors().values() if row.default_model}
WANTED = [
    "openai",
    "anthropic",
    "gemini",
    "ollama",
    "openrouter",
    "deepseek",
    "mistral",
    "xai",
    "groq",
    "cohere",
]


@pytest.mark.parametrize("name", WANTED)
def test_the_vendors_that_are_known_best_have_a_default(name: str) -> None:
    assert vendor(name).default_model


@pytest.mark.parametrize("name", list(DEFAULTS))
def test_a_vendor_alone_is_its_default_model(name: str) -> None:
    made = model(name, api_key="k")
    assert made.model_id == DEFAULTS[name]
    assert made.name == f"{name}:{DEFAULTS[name]}"
    simulated = model(f"sim:{name}")
    assert simulated.model_id == DEFAULTS[name]
    assert simulated.name == f"sim:{name}/{DEFAULTS[name]}"


@pytest.mark.parametrize("name", [name for name in DEFAULTS if name not in {"ollama", "openrouter"}])
def test_the_price_of_a_default_model_is_known(name: str) -> None:
    assert rates(name, DEFAULTS[name] or "").output > 0


def test_every_default_names_its_source_and_when_it_was_read() -> None:
    text = resources.files("agentlab.models").joinpath("vendors.toml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("default_model")]
    assert len(lines) == len(DEFAULTS)
    assert all("(2026-" in line or "as `" in line for line in lines)
    assert len(tomllib.loads(text)) == len(vendors())


@pytest.mark.parametrize(("name", "form"), [("azure", "azure:..."), ("sim:azure", "sim:azure/...")])
def test_a_vendor_without_a_default_says_how_to_name_a_model(name: str, form: str) -> None:
    with pytest.raises(UsageError, match=rf"`azure` has no default model; name one as \"{form}\""):
        model(name)


@pytest.mark.parametrize(
    "name", ["openai:gpt-5", "ollama:qwen3:4b", "sim:openai/gpt-5", "openia", "", "sim:"]
)
def test_other_names_are_left_as_they_are(name: str) -> None:
    assert with_default_model(name) == name


@pytest.mark.anyio
async def test_an_agent_takes_a_vendor_alone() -> None:
    run = await Agent("sim:openai").prompt("Hi")
    assert run.turns["model"].tolist() == [DEFAULTS["openai"]]


def test_the_table_the_frame_the_html_and_the_command_show_it() -> None:
    frame = vendors().frame.set_index("vendor")
    assert frame.loc["openai", "default_model"] == DEFAULTS["openai"]
    assert frame["key_required"].sum() == sum(row.key_required for row in vendors().values())
    assert frame.loc["ollama", "base_url_env"] == "OLLAMA_API_BASE_URL"
    html = vendors()._repr_html_()
    assert "default model" in html
    assert "OPENAI_BASE_URL" in html
    assert "none needed, else OLLAMA_API_KEY" in html
    rows = {row.vendor: row for row in known_vendors({})}
    assert rows["openai"].default_model == DEFAULTS["openai"]
    assert (rows["ollama"].key_required, rows["openai"].key_required) == (False, True)
    assert rows["openai"].address == "OPENAI_BASE_URL"
