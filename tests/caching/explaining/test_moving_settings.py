"""The table of settings that move a prefix is whole, and speaks the vendors' own words."""

from __future__ import annotations

import random

import msgspec
import pytest

from agentlab.caching.blocks.sent_blocks import SentBlocks
from agentlab.caching.blocks.splitting import split_object
from agentlab.caching.explaining.moving_settings import home_vendor, moved_settings, setting_name, vocabulary
from agentlab.caching.profiles.registry import profile_for
from agentlab.models.registry import WIRES
from tests.caching.mutations import MUTATIONS, VENDORS, appended, base_request, encoded


@pytest.mark.parametrize("wire", list(WIRES))
def test_every_wire_has_its_settings(wire: str) -> None:
    (moved,) = moved_settings(wire, {"model": "a", "temperature": 0}, {"model": "b", "temperature": 1})
    assert (moved.setting.name, moved.before, moved.after) == ("model", '"a"', '"b"')
    assert split_object(wire, {}) == ()


@pytest.mark.parametrize(("vendor", "model"), [("anthropic", "claude-sonnet-5"), ("openai", "gpt-5.6")])
def test_the_words_are_those_of_the_vendors_diagnosis(vendor: str, model: str) -> None:
    words = vocabulary(None, vendor)
    assert words is not None
    spoken = {words.tools, words.system, words.messages} | ({words.compaction} if words.compaction else set())
    assert spoken <= set(profile_for(vendor, model).diagnostics)


@pytest.mark.parametrize("vendor", ["anthropic", "openai"])
def test_every_reason_in_the_table_is_such_a_word(vendor: str) -> None:
    wire = {"anthropic": "anthropic-messages", "openai": "openai-responses"}[vendor]
    known = set(profile_for(vendor, VENDORS[vendor]).diagnostics)
    paths = [
        "model",
        "service_tier",
        "prompt_cache_key",
        "tool_choice",
        "speed",
        "output_format",
        "thinking",
        "context_management",
    ]
    before = dict.fromkeys(paths, "a")
    after = dict.fromkeys(paths, "b")
    reasons = {moved.setting.reason for moved in moved_settings(wire, before, after)} - {None}
    assert len(reasons) >= 3
    assert reasons <= known


def test_a_vendor_without_a_diagnosis_has_no_words() -> None:
    assert vocabulary("openai-chat", "groq") is None
    assert vocabulary("openai-chat", None) is None
    assert vocabulary("anthropic-messages", None) is not None
    assert home_vendor("openai-responses") == "openai"
    assert home_vendor("gemini") is None
    assert setting_name("output_config.format") == "output schema"
    assert setting_name("unheard.of") == "unheard.of"


@pytest.mark.parametrize("vendor_name", VENDORS)
def test_blocks_cut_while_growing_are_the_blocks_of_the_body(vendor_name: str) -> None:

    cut = SentBlocks()
    draw = random.Random(vendor_name)
    request = base_request(draw, vendor_name)
    for name in ("message_edit", "preamble", "tool_added", "message_edit"):
        for each in (request, appended(draw, request)):
            call = encoded(each, vendor_name)
            body = msgspec.json.decode(call.body)
            assert cut.read(call.wire, call.body).blocks == split_object(call.wire, body)
        request, _ = MUTATIONS[name](draw, request, vendor_name)
