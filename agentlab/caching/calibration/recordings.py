"""Reads a folder of recorded provider traffic: the one place of the laboratory that touches a disk.

The form is one gzipped JSON line for each HTTP exchange (`<provider>.jsonl.gz`) and, under the same `id`, what the
provider's own SDK made of it (`expected_<provider>.jsonl.gz`). Any folder of that form will do.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Collection, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from agentlab.caching.calibration.recorded_usage import recorded_at, recorded_model, recorded_usage
from agentlab.errors import UsageError
from agentlab.messages import Usage
from agentlab.short_repr import ShortRepr

__all__ = ["Exchange", "read_exchanges"]

_EXPECTED = "expected_"
_LINES = "*.jsonl.gz"
_NEEDED = ("status", "source_file", "interaction_index", "provider", "api")


class Exchange(ShortRepr, Struct, frozen=True):
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
        UsageError: There is no such folder, nothing of that form in it, none of these providers, or a broken record; the
            sentence names the file and the line.
    """
    pairs = _pairs(Path(folder))
    if providers is not None:
        unknown = sorted(set(providers) - pairs.keys())
        if unknown:
            raise UsageError(
                f"{folder} holds no recordings of {', '.join(unknown)}; it has {', '.join(pairs)}"
            )
        pairs = {name: pair for name, pair in pairs.items() if name in providers}
    for path, beside in pairs.values():
        expected = {line["id"]: line for _, line in _lines(beside)}
        read = (
            _exchange(line, expected[line["id"]], f"{path} line {number}")
            for number, line in _lines(path)
            if line["id"] in expected
        )
        yield from sorted((each for each in read if each is not None), key=_place)


def _pairs(folder: Path) -> dict[str, tuple[Path, Path]]:
    """The recordings of each provider, with what is expected of them."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    found = [path for path in sorted(folder.glob(_LINES)) if not path.name.startswith(_EXPECTED)]
    pairs = {path.name.split(".")[0]: (path, path.with_name(_EXPECTED + path.name)) for path in found}
    whole = {name: pair for name, pair in pairs.items() if pair[1].exists()}
    if not whole:
        lacking = f"; {found[0].name} is there without {_EXPECTED}{found[0].name}" if found else ""
        raise UsageError(
            f"no recordings in {folder}: files named <provider>.jsonl.gz and expected_<provider>.jsonl.gz are needed"
            + lacking
        )
    return whole


def _place(exchange: Exchange) -> tuple[str, int]:
    return exchange.source, exchange.index


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The records of a file, with their lines from 1."""
    number = 0
    try:
        with gzip.open(path, "rb") as lines:
            for number, line in enumerate(lines, 1):
                record = msgspec.json.decode(line)
                if not isinstance(record, dict) or not isinstance(record.get("id"), str):
                    raise UsageError(
                        f"{path} line {number} is no record: a JSON object with an `id` is needed"
                    )
                yield number, record
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} line {number} is no record: {error}") from None
    except (EOFError, OSError, zlib.error) as error:
        raise UsageError(f"{path} cannot be read past line {number}: {error}") from None


def _exchange(record: dict[str, Any], expected: dict[str, Any], place: str) -> Exchange | None:
    """An exchange; None where it is no answered model call, or reports no tokens."""
    for name in _NEEDED:
        if name not in record:
            raise UsageError(f"{place} is no whole record: it has no `{name}`")
    try:
        return _read(record, expected)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{place} is no record of the form that is needed: {error}") from None


def _read(record: dict[str, Any], expected: dict[str, Any]) -> Exchange | None:
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
