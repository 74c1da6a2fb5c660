"""Approval policies as files: TOML or JSON, read and written without loss.

default = "allow"

[[rules]]
tool = "fetch"
verdict = "allow"
reason = "public documentation"
arguments = {url = {host = "docs.python.org"}}

[tainted]
network = "deny"
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from agentlab.agent.approving.policy import ApprovalPolicy
from agentlab.errors import UsageError

__all__ = [
    "policy_from_data",
    "policy_from_json",
    "policy_from_toml",
    "policy_to_data",
    "policy_to_json",
    "policy_to_toml",
    "read_policy",
    "write_policy",
]

_DELETE: Final = "\x7f"


def policy_to_data(policy: ApprovalPolicy) -> dict[str, Any]:
    """A policy as plain data: mappings, lists, texts, numbers."""
    data: dict[str, Any] = msgspec.to_builtins(policy)
    return data


def policy_from_data(data: Mapping[str, Any], *, where: str = "the approval policy") -> ApprovalPolicy:
    """A policy of plain data.

    Args:
        data: What `policy_to_data` gave, or a file held.
        where: Where it comes from, for messages.

    Raises:
        UsageError: It is no policy, has a key that there is not, or could never do what it says.
    """
    try:
        return msgspec.convert(data, ApprovalPolicy)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where} cannot be read: {error}") from None
    except UsageError as error:
        raise UsageError(f"{where} cannot be used: {error}") from error


def policy_to_json(policy: ApprovalPolicy) -> str:
    """A policy as JSON."""
    return msgspec.json.format(msgspec.json.encode(policy)).decode()


def policy_from_json(text: str | bytes, *, where: str = "the approval policy") -> ApprovalPolicy:
    """A policy of JSON; raises as `policy_from_data`."""
    try:
        data = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise UsageError(f"{where} is no JSON: {error}") from None
    return policy_from_data(data, where=where)


def policy_to_toml(policy: ApprovalPolicy) -> str:
    """A policy as TOML.

    Raises:
        UsageError: A condition names null, which TOML does not have; write JSON then.
    """
    data = policy_to_data(policy)
    lines = [f"default = {_toml(policy.default)}"]
    for rule in data.get("rules", ()):
        lines += ["", "[[rules]]", *(f"{key} = {_toml(value)}" for key, value in rule.items())]
    if policy.tainted:
        lines += [
            "",
            "[tainted]",
            *(f"{reach} = {_toml(verdict)}" for reach, verdict in policy.tainted.items()),
        ]
    return "\n".join([*lines, ""])


def policy_from_toml(text: str, *, where: str = "the approval policy") -> ApprovalPolicy:
    """A policy of TOML; raises as `policy_from_data`."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{where} is no TOML: {error}") from None
    return policy_from_data(data, where=where)


def read_policy(path: str | Path) -> ApprovalPolicy:
    """A policy from a `.toml` or `.json` file.

    Raises:
        UsageError: It cannot be read, or is no policy; the message names the file.
    """
    file = Path(path)
    read = {".toml": policy_from_toml, ".json": policy_from_json}.get(file.suffix)
    if read is None:
        raise UsageError(f"{file} is neither `.toml` nor `.json`; a policy is one of them")
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from error
    return read(text, where=str(file))


def write_policy(policy: ApprovalPolicy, path: str | Path) -> None:
    """Write a policy to a `.toml` or `.json` file.

    Raises:
        UsageError: The file's name says neither, or TOML cannot say what it holds.
        OSError: It cannot be written.
    """
    file = Path(path)
    write = {".toml": policy_to_toml, ".json": policy_to_json}.get(file.suffix)
    if write is None:
        raise UsageError(f"{file} is neither `.toml` nor `.json`; a policy is one of them")
    file.write_text(write(policy), encoding="utf-8")


def _toml(value: Any) -> str:
    """A value as TOML writes it on one line; JSON's texts, numbers and lists are TOML's, but for the delete character."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_toml(str(key))} = {_toml(each)}' for key, each in value.items())}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(_toml(each) for each in value)}]"
    if value is None:
        raise UsageError("TOML has no null: write this policy as JSON")
    return json.dumps(value, ensure_ascii=False).replace(_DELETE, "\\u007F")
