"""The chat wire held against recorded traffic: it accepts what providers accepted and says nothing they never said."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentlab.caching import split
from agentlab.messages import Usage
from agentlab.simulator import SimRequest, call, reply
from agentlab.simulator.dialects import Ids, OpenAIChat, Rejected
from agentlab.simulator.exchange import ErrorReply

FOLDER = Path(os.environ.get("AGENTLAB_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no recorded traffic (AGENTLAB_CORPUS)")


def recordings(provider: str = "*") -> Iterator[dict[str, Any]]:
    for path in sorted(FOLDER.glob(f"{provider}.jsonl.gz")):
        if path.name.startswith("expected_"):
            continue
        with gzip.open(path, "rt") as lines:
            for line in lines:
                if '"api": "openai-chat"' in line:
                    yield json.loads(line)


def paths(value: Any, at: str = "") -> Iterator[str]:
    """Every key with the way to it; items of a list share one way."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{at}.{key}"
            yield from paths(inner, f"{at}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{at}[]")


def payloads(body: bytes) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in body.decode().splitlines() if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


def spoken() -> tuple[bytes, bytes]:
    """A stream and a unary answer that use all the wire has."""
    body = {"stream_options": {"include_usage": True}}
    request = SimRequest(vendor="openai", wire="openai_chat", model="m", stream=True, json=body)
    said = reply("text", calls=[call("f", x=1), call("g", y=2)])
    usage, ids = Usage(input_tokens=5, cache_read_tokens=2, output_tokens=3), Ids(0, 0, 0.0)
    return b"".join(OpenAIChat().stream(request, said, usage, ids)), OpenAIChat().unary(
        request, said, usage, ids
    )


def test_every_request_a_provider_accepted_is_accepted_and_can_be_split() -> None:
    accepted = 0
    for record in recordings():
        if record["status"] != 200 or not record["request_json"]:
            continue
        body = json.dumps(record["request_json"]).encode()
        try:
            OpenAIChat().parse(record["provider"], record["path"], {}, {}, body)
        except Rejected as refused:
            pytest.fail(f"{record['id']} of {record['provider']}: {refused}")
        assert split("openai_chat", body)
        accepted += 1
    assert accepted > 1000


def test_a_stream_has_no_field_that_openai_never_sent_and_all_that_it_always_sends() -> None:
    seen: set[str] = set()
    always: set[str] | None = None
    for record in recordings("openai"):
        if not record["streaming"] or record["status"] != 200:
            continue
        for payload in payloads(record["response_body"].encode()):
            found = set(paths(payload))
            seen |= found
            always = found if always is None else always & found
    assert always is not None
    ours = [set(paths(payload)) for payload in payloads(spoken()[0])]
    assert set.union(*ours) <= seen
    for found in ours:
        assert always - {".obfuscation", ".usage"} <= found


def test_a_unary_answer_has_no_field_that_openai_never_sent_and_all_that_it_always_sends() -> None:
    seen: set[str] = set()
    always: set[str] | None = None
    for record in recordings("openai"):
        if (
            record["streaming"]
            or record["status"] != 200
            or '"chat.completion"' not in record["response_body"]
        ):
            continue
        found = set(paths(json.loads(record["response_body"])))
        seen |= found
        always = found if always is None else always & found
    assert always is not None
    ours = set(paths(json.loads(spoken()[1])))
    assert ours <= seen
    assert always <= ours


def test_an_error_has_the_fields_of_openais_errors() -> None:
    ours = set(paths(json.loads(OpenAIChat().error(ErrorReply(400, "no")))))
    errors = [record for record in recordings("openai") if record["status"] >= 400]
    assert errors
    for record in errors:
        assert set(paths(json.loads(record["response_body"]))) == ours
