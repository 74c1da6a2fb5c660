"""The lists of models, and the descriptions of single ones, from the server's side.

A description is asked for by name, and any name is a model here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from agentlab.simulator.dialects import Dialect

__all__ = ["model_list", "wire_of_list"]

_MODELS: Final = ("sim-large", "sim-small")
_LISTS: Final = {"/api/tags": "ollama", "/foundation-models": "bedrock_converse"}
_ROUTE: Final = re.compile(r"(?P<before>.*)/models(?:/(?P<model>[^:]+))?")
_OF_A_KEY: Final = re.compile(r".*/(?:key|api_keys/rate_limits)")
_PUBLISHER: Final = re.compile(r"/publishers/[^/]+$")


def wire_of_list(path: str, headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    """The wire whose list or description, or page on a key, a `GET` asks for; None where it asks for none.

    Args:
        path: Without the vendor.
        headers: Names in lower case.
        query: Parameters of the URL.
    """
    if path in _LISTS:
        return _LISTS[path]
    if _OF_A_KEY.fullmatch(path):
        return "openai_chat"
    route = _ROUTE.fullmatch(path)
    if route is None:
        return None
    if "anthropic-version" in headers or route["before"].endswith("/publishers/anthropic"):
        return "anthropic"
    if route["before"] == "/v1beta" or _PUBLISHER.search(route["before"]):
        return "gemini"
    return "cohere_chat" if "endpoint" in query else "openai_chat"


def model_list(dialect: Dialect, path: str) -> bytes:
    """The body of the answer to such a `GET`."""
    if _OF_A_KEY.fullmatch(path):
        return msgspec.json.encode({"data": {"label": "simulated"}})
    route = _ROUTE.fullmatch(path)
    name = route["model"] if route is not None else None
    publisher = _PUBLISHER.search(route["before"]) if route is not None else None
    if publisher is not None:
        rows = [
            {"name": f"{publisher[0][1:]}/models/{each}", "versionId": "default"}
            for each in ([name] if name else _MODELS)
        ]
        return msgspec.json.encode(rows[0] if name else {"publisherModels": rows})
    if name is None:
        return dialect.models(_MODELS)
    described: dict[str, Any] = msgspec.json.decode(dialect.models((name,)))
    return msgspec.json.encode(next(value[0] for value in described.values() if isinstance(value, list)))
