"""Writes a small folder of recordings, in the form the laboratory reads, with invented bodies."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

LONG = "The archive of the harbour keeps one ledger for each ship and each year. " * 400


class Recorder:
    """Collects exchanges and writes them as one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records: dict[str, list[dict[str, Any]]] = {}
        self.expected: dict[str, list[dict[str, Any]]] = {}

    def add(
        self,
        body: dict[str, Any] | None,
        *,
        provider: str = "openai",
        api: str = "openai-chat",
        source: str = "one.yaml",
        tokens: int = 4000,
        read: int = 0,
        write: int = 0,
        output: int = 10,
        native: dict[str, Any] | None = None,
        response: dict[str, Any] | None = None,
        created: int | None = None,
        headers: dict[str, str] | None = None,
        server_tools: tuple[str, ...] = (),
        status: int = 200,
        path: str = "/v1/chat/completions",
        reported: bool = True,
    ) -> str:
        lines = self.records.setdefault(provider, [])
        answer = {"model": (body or {}).get("model", ""), **(response or {})}
        if created is not None:
            answer["created"] = created
        name = f"{provider}-{len(lines)}"
        lines.append(
            {
                "id": name,
                "source_repo": "invented/folder",
                "source_file": source,
                "interaction_index": sum(line["source_file"] == source for line in lines),
                "n_interactions": 9,
                "provider": provider,
                "api": api,
                "path": path,
                "request_json": body,
                "request_elided": False,
                "status": status,
                "response_headers": headers or {},
                "response_body": json.dumps(answer),
            }
        )
        usage = {
            "input_total": tokens,
            "cache_read": read,
            "cache_write": write,
            "output_total": output,
            "reasoning": 0,
            "total_reported": tokens + output,
        }
        self.expected.setdefault(provider, []).append(
            {
                "id": name,
                "usage": usage if reported else None,
                "usage_native": native,
                "server_tool_calls": list(server_tools),
            }
        )
        return name

    def write(self) -> Path:
        for provider, lines in self.records.items():
            _write(self.folder / f"{provider}.jsonl.gz", lines)
            _write(self.folder / f"expected_{provider}.jsonl.gz", self.expected[provider])
        return self.folder


def _write(path: Path, lines: list[dict[str, Any]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def chat(*texts: str, model: str = "gpt-4o-mini", system: str = LONG) -> dict[str, Any]:
    """A chat request: a long system message, then the texts, user and assistant in turns."""
    roles = ("user", "assistant")
    messages = [{"role": roles[index % 2], "content": text} for index, text in enumerate(texts)]
    return {"model": model, "messages": [{"role": "system", "content": system}, *messages]}


def marked(*texts: str, model: str = "claude-sonnet-4-5") -> dict[str, Any]:
    """A Messages request whose last block carries a cache marker."""
    roles = ("user", "assistant")
    messages = [
        {"role": roles[index % 2], "content": [{"type": "text", "text": text}]}
        for index, text in enumerate(texts)
    ]
    messages[-1]["content"][-1]["cache_control"] = {"type": "ephemeral"}
    return {"model": model, "max_tokens": 9, "system": [{"type": "text", "text": LONG}], "messages": messages}
