"""The table of vendors and how it is looked up."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from agentlab.errors import UsageError
from agentlab.models.anthropic.wire import AnthropicMessages
from agentlab.models.openai_chat.dialect import ChatDialect, dialect_of
from agentlab.models.registry import WIRES
from agentlab.models.vendors import base_url_of, split_name, vendor, vendors
from agentlab.models.wire import Vendor

ALL = list(vendors().values())
CHAT = [row for row in ALL if row.wire == "openai-chat"]


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.name)
def test_every_row_names_a_known_wire_and_is_whole(row: Vendor) -> None:
    assert row.wire in WIRES
    assert row.title
    assert row.base_url == row.base_url.rstrip("/")
    assert row.base_url.startswith(("https://", "http://localhost", "{"))
    assert row.key_env
    assert len(set(row.lacks)) == len(row.lacks)


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.name)
def test_only_local_servers_need_no_key_and_only_they_speak_plain_http(row: Vendor) -> None:
    local = "localhost" in row.base_url
    assert local == row.base_url.startswith("http://")
    assert row.key_required != local


@pytest.mark.parametrize("row", CHAT, ids=lambda row: row.name)
def test_every_chat_dialect_has_only_known_flags(row: Vendor) -> None:
    dialect = dialect_of(row.dialect, row.name)
    assert isinstance(dialect, ChatDialect)
    assert dialect.path.startswith("/")


@pytest.mark.parametrize("row", CHAT, ids=lambda row: row.name)
def test_a_chat_row_does_not_lack_what_its_dialect_can_do(row: Vendor) -> None:
    dialect = dialect_of(row.dialect, row.name)
    lacks = set(row.lacks)
    assert not (dialect.video and "video" in lacks)
    assert not (dialect.documents != "none" and "documents" in lacks)
    assert dialect.image_tool_results != ("image_tool_results" in lacks) or row.name == "lmstudio"


def test_no_row_has_a_field_that_nothing_reads() -> None:
    text = resources.files("agentlab.models").joinpath("vendors.toml").read_text(encoding="utf-8")
    fields = set(Vendor.__struct_fields__) - {"name"}
    assert {name: set(row) - fields for name, row in tomllib.loads(text).items() if set(row) - fields} == {}


def test_a_wrong_flag_is_an_error_that_names_it_and_the_vendor() -> None:
    with pytest.raises(UsageError, match=r"`mine` is wrong.*steam_options"):
        dialect_of({"steam_options": False}, "mine")
    with pytest.raises(UsageError, match="terminal"):
        dialect_of({"terminal": "later"}, "mine")


def test_the_table_is_read_only_and_read_once() -> None:
    assert vendors() is vendors()
    assert vendor("openai") is vendor("openai")
    with pytest.raises(TypeError):
        vendors()["mine"] = vendor("openai")  # type: ignore[index]


def test_an_unknown_vendor_names_those_that_are_near() -> None:
    with pytest.raises(UsageError, match="did you mean `openrouter`"):
        vendor("openruoter")
    with pytest.raises(UsageError, match=r"known are openai, .* and \d+ more, see `agentlab.vendors\(\)`"):
        vendor("zzzzzz")


def test_a_name_is_split_at_the_first_colon_only() -> None:
    assert split_name("openai:gpt-5.6") == ("openai", "gpt-5.6")
    assert split_name("ollama:qwen3:4b") == ("ollama", "qwen3:4b")
    assert split_name("sim:openai/gpt-5.6") == ("sim", "openai/gpt-5.6")


@pytest.mark.parametrize("name", ["gpt-5.6", ":gpt-5.6", "openai:", "", ":"])
def test_a_name_without_vendor_or_model_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="vendor:model"):
        split_name(name)


def test_a_vendor_without_colon_is_hinted_at() -> None:
    with pytest.raises(UsageError, match="`openai`"):
        split_name("openia")


def test_the_argument_beats_the_environment_which_beats_the_table() -> None:
    row = vendor("openai")
    env = {"OPENAI_BASE_URL": "https://proxy.example/v1/"}
    assert base_url_of(row, environment={}) == "https://api.openai.com/v1"
    assert base_url_of(row, environment=env) == "https://proxy.example/v1"
    assert base_url_of(row, "http://localhost:9/", environment=env) == "http://localhost:9"


def test_places_are_filled_from_the_argument_or_the_vendors_own_variable() -> None:
    row = vendor("azure")
    env = {"AZURE_RESOURCE": "lab"}
    assert base_url_of(row, environment=env) == "https://lab.openai.azure.com/openai/v1"
    assert base_url_of(row, places={"resource": "mine"}, environment=env) == (
        "https://mine.openai.azure.com/openai/v1"
    )
    assert base_url_of(vendor("cloudflare"), environment={"CLOUDFLARE_ACCOUNT_ID": "a1"}) == (
        "https://api.cloudflare.com/client/v4/accounts/a1/ai/v1"
    )


def test_the_environment_of_the_process_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", "https://my.cloud.databricks.com/")
    monkeypatch.delenv("DATABRICKS_BASE_URL", raising=False)
    assert base_url_of(vendor("databricks")) == "https://my.cloud.databricks.com/serving-endpoints"


def test_a_place_without_value_names_the_variable_to_set() -> None:
    with pytest.raises(UsageError, match="BEDROCK_MANTLE_REGION"):
        base_url_of(vendor("bedrock-mantle"), environment={})


@pytest.mark.parametrize("name", ["perplexity", "hyperbolic", "mira"])
def test_vendors_without_tools_say_so(name: str) -> None:
    assert "tools" in vendor(name).lacks


def test_anthropics_path_and_base_url_do_not_both_hold_the_version() -> None:
    assert not vendor("anthropic").base_url.endswith("/v1")
    assert AnthropicMessages.name == vendor("anthropic").wire
