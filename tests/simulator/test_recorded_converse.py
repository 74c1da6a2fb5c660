"""Requests that other clients sent to Cohere and Bedrock are understood by the dialects as they were by the providers."""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest

from agentlab.simulator.dialects import BedrockConverse, CohereChat, Rejected, bedrock_converse_contents

FOLDER = Path(os.environ.get("AGENTLAB_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
DIALECTS = {
    "bedrock-converse": BedrockConverse(),
    "bedrock-converse-stream": BedrockConverse(),
    "cohere-chat-v2": CohereChat(),
}


@pytest.fixture(scope="module")
def recorded():
    """Requests with a body; names in them that were masked by whoever recorded them are left out."""
    if not FOLDER.is_dir():
        pytest.skip(f"no recordings: {FOLDER} does not exist; name their folder with AGENTLAB_CORPUS")
    found = []
    for provider in ("bedrock", "cohere"):
        with gzip.open(FOLDER / f"{provider}.jsonl.gz", "rt", encoding="utf-8") as file:
            records = map(json.loads, file)
            found += [each for each in records if each["api"] in DIALECTS and each["request_json"]]
    return [each for each in found if '"name": "document-REDACTED' not in json.dumps(each["request_json"])]


@pytest.fixture(autouse=True)
def _signatures_of_others_are_accepted(monkeypatch):
    monkeypatch.setattr(bedrock_converse_contents, "_check_reasoning", lambda where, value: None)


def understood(record):
    body = json.dumps(record["request_json"]).encode()
    path = unquote(record["path"])
    return DIALECTS[record["api"]].parse(record["provider"], path, {}, {}, body)


def refused(record):
    try:
        understood(record)
    except Rejected as rejected:
        return rejected.reply.message
    return None


def test_what_was_accepted_is_accepted(recorded):
    accepted = [record for record in recorded if record["status"] == 200]
    assert len(accepted) > 280
    assert {record["id"]: told for record in accepted if (told := refused(record)) is not None} == {}


def test_models_tools_and_roles_of_recorded_requests_are_read(recorded):
    seen = Counter()
    for record in recorded:
        request, body = understood(record), record["request_json"]
        assert request.model == body.get("model", request.model)
        assert request.model in unquote(record["path"]) or "model" in body
        offered = body.get("tools") or (body.get("toolConfig") or {}).get("tools") or ()
        assert len(request.tools) == sum(
            "systemTool" not in tool and "cachePoint" not in tool for tool in offered
        )
        calls = json.dumps(body["messages"]).count('"toolUseId"') + json.dumps(body["messages"]).count(
            '"tool_call_id"'
        )
        read = sum(len(getattr(message, "tool_results", ())) for message in request.messages)
        assert read <= calls
        seen["results"] += read
        seen["tools"] += len(request.tools)
    assert seen["results"] > 60
    assert seen["tools"] > 150
