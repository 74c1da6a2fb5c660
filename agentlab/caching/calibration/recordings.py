"""Reads a folder of recorded provider traffic: the one place of the laboratory that touches a disk.

The form is one gzipped JSON line for each HTTP exchange (`<provider>.jsonl.gz`) and, under the same `id`, what the
provider's own SDK made of it (`expected_<provider>.jsonl.gz`). Any folder of that form will do.
"""

from __future__ import annotations

import gzip
from collections.abc import Collection, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from agentlab.caching.calibration.recorded_usage import recorded_at, recorded_model, recorded_usage
from agentlab.errors import UsageError
from agentlab.messages import Usage

__all__ = ["Exchange", "read_exchanges"]

_EXPECTED = "expected_"
_LINES = "*.jsonl.gz"


class Exchange(Struct, frozen=True):
    """One recorded call of a model that reported its tokens.

    Attributes:
        id: Its name in the recording.
        source: The cassette it stands in: exchanges of one cassette were made one after the other.
        index: Its place in the cassette.
        provider: Who served it.
        model: The provider's name of the model.
        api: The wire format, by the recording's name.
        body: The request; None where the recording has none.
        elided: Whether a part of the request was cut out of the recording.
        usage: What the provider reported.
        at: Unix time at which it was answered, in seconds; None where the response is not dated.
        server_tools: Tools the provider ran itself before it answered.
        served_model: The model's name in the response, which may be another than was asked for.
        native: The provider's own usage object.
    """

    id: str
    source: str
    index: int
    provider: str
    model: str
    api: str
    body: dict[str, Any] | None
    elided: bool
    usage: Usage
    at: float | None = None
    server_tools: int = 0
    served_model: str = ""
    native: dict[str, Any] = msgspec.field(default_factory=dict)


def read_exchanges(folder: str | Path, providers: Collection[str] | None = None) -> Iterator[Exchange]:
    """Every answered model call of a folder, provider by provider, in the order of the cassettes.

    Args:
        folder: A folder of recordings.
        providers: Only these; all of them where None.

    Raises:
        UsageError: There is no such folder, or nothing of that form in it.
    """
    found = sorted(path for path in Path(folder).glob(_LINES) if not path.name.startswith(_EXPECTED))
    if not found:
        raise UsageError(
            f"no recordings in {folder}: files named <provider>.jsonl.gz and expected_<provider>.jsonl.gz are needed"
        )
    for path in found:
        beside = path.with_name(_EXPECTED + path.name)
        if not beside.exists() or (providers is not None and path.name.split(".")[0] not in providers):
            continue
        expected = {line["id"]: line for line in _lines(beside)}
        read = (_exchange(line, expected[line["id"]]) for line in _lines(path) if line["id"] in expected)
        yield from sorted((each for each in read if each is not None), key=_place)


def _place(exchange: Exchange) -> tuple[str, int]:
    return exchange.source, exchange.index


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rb") as lines:
        for line in lines:
            yield msgspec.json.decode(line)


def _exchange(record: dict[str, Any], expected: dict[str, Any]) -> Exchange | None:
    """An exchange; None where it is no answered model call, or reports no tokens."""
    usage = recorded_usage(expected)
    if record["status"] >= 400 or usage is None:
        return None
    body = record.get("request_json")
    return Exchange(
        id=record["id"],
        source=f"{record.get('source_repo', '')}/{record['source_file']}",
        index=record["interaction_index"],
        provider=record["provider"],
        model=_model(record, body),
        api=record["api"],
        body=body if isinstance(body, dict) else None,
        elided=bool(record.get("request_elided")),
        usage=usage,
        at=recorded_at(record),
        server_tools=len(expected.get("server_tool_calls") or ()),
        served_model=recorded_model(record),
        native=expected.get("usage_native") or {},
    )


def _model(record: dict[str, Any], body: object) -> str:
    """The model's name from the request, or from a path such as `/models/<name>:generateContent`."""
    if isinstance(body, dict) and isinstance(body.get("model"), str):
        return str(body["model"])
    parts = str(record.get("path", "")).split("/")
    for before, name in pairwise(parts):
        if before in {"models", "model", "deployments"}:
            named = name.replace("%3A", ":").replace("%2F", "/")
            return named if before == "model" else named.partition(":")[0]
    return ""
