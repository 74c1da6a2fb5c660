"""The dialects are as strict as the providers: recorded requests are accepted or refused as they were.

Signatures and encrypted reasoning of the real providers cannot be checked here, so that one check is left out.
"""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from agentlab.simulator.dialects import (
    DIALECTS,
    Rejected,
    anthropic_history,
    gemini_contents,
    openai_responses_input,
)

WIRES = {
    "anthropic-messages": "anthropic",
    "openai-chat": "openai_chat",
    "openai-responses": "openai_responses",
    "gemini": "gemini",
    "ollama-chat": "ollama",
}
PROVIDERS = ("anthropic", "azure", "openai", "gemini", "vertex", "ollama")
STATE = ("previous_response_id", "conversation", "cachedContent")
FOLDER = Path(os.environ.get("AGENTLAB_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))


@pytest.fixture(scope="module")
def recorded():
    """Requests to the makers of our wires, none that refers to something kept at the provider."""
    if not FOLDER.is_dir():
        pytest.skip(f"no recordings: {FOLDER} does not exist; name their folder with AGENTLAB_CORPUS")
    found = []
    for provider in PROVIDERS:
        with gzip.open(FOLDER / f"{provider}.jsonl.gz", "rt", encoding="utf-8") as file:
            for line in file:
                record = json.loads(line)
                body = record["request_json"]
                own = not record["api"].startswith("openai") or provider in {"openai", "azure"}
                kept = body and any(body.get(name) for name in STATE)
                if record["api"] in WIRES and body and own and not kept:
                    found.append(record)
    return found


@pytest.fixture(autouse=True)
def _seals_of_others_are_accepted(monkeypatch):
    monkeypatch.setattr(gemini_contents, "_check_signature", lambda signature, name: None)
    monkeypatch.setattr(anthropic_history, "_is_signed", lambda block: True)
    for module in (anthropic_history, openai_responses_input):
        monkeypatch.setattr(module, "unseal", lambda purpose, blob, head=b"": "")


def refused(record):
    dialect = {each.wire: each for each in DIALECTS}[WIRES[record["api"]]]
    body = json.dumps(record["request_json"]).encode()
    headers = {"anthropic-version": "2023-06-01"}
    try:
        dialect.parse(record["provider"], record["path"], {}, headers, body)
    except Rejected as rejected:
        return json.loads(dialect.error(rejected.reply))["error"]
    return None


def test_what_a_provider_accepted_is_accepted(recorded):
    accepted = [record for record in recorded if record["status"] == 200]
    assert len(accepted) > 3000
    wrong = {record["id"]: told for record in accepted if (told := refused(record)) is not None}
    assert wrong == {}


def test_what_is_refused_was_refused_in_the_same_words(recorded):
    failed = [record for record in recorded if record["status"] == 400]
    compared = 0
    for record in failed:
        told = refused(record)
        if told is not None:
            real = json.loads(record["response_body"])["error"]
            assert told.items() <= real.items(), record["id"]
            compared += 1
    assert compared >= 10
