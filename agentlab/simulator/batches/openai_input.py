"""Checks the input file of an OpenAI batch, line by line, with the codes the API reports in `errors`.

A file that fails is no refused request: the batch is made and goes to `failed` (see the codes at
https://learn.microsoft.com/azure/foundry/openai/how-to/batch).
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from agentlab.simulator.batches.work import Item

__all__ = ["InputError", "read_input"]

_MOST_REQUESTS: Final = 50_000


class InputError(Struct, frozen=True):
    """What is wrong with a line, or with the whole file where `line` is None."""

    code: str | None
    message: str
    param: str | None = None
    line: int | None = None


class _Line(Struct, frozen=True):
    """A line as the API wants it."""

    custom_id: str
    method: str
    url: str
    body: dict[str, Any]


def read_input(content: bytes | None, endpoint: str) -> tuple[list[Item], list[InputError], str | None]:
    """Read an input file.

    Args:
        content: The file; None where there is no batch file of that id.
        endpoint: The endpoint of the batch, which every line must name.

    Returns:
        The requests, what is wrong with the file, and the model they are all for.
    """
    if content is None:
        return [], [InputError(None, "No such File object.", "input_file_id")], None
    lines = content.splitlines()
    if not lines:
        said = "The input file is empty. Please ensure that the batch contains at least one request."
        return [], [InputError("empty_file", said)], None
    if len(lines) > _MOST_REQUESTS:
        said = f"The batch input file contains more than the maximum of {_MOST_REQUESTS} requests."
        return [], [InputError("too_many_tasks", said)], None
    items: list[Item] = []
    errors: list[InputError] = []
    seen: set[str] = set()
    model: str | None = None
    for number, text in enumerate(lines, start=1):
        found = _read_line(text, number)
        if isinstance(found, InputError):
            errors.append(found)
            continue
        named = found.body.get("model")
        model = model if model is not None else named if isinstance(named, str) else None
        error = _line_error(found, number, endpoint, seen, model)
        seen.add(found.custom_id)
        if error is not None:
            errors.append(error)
        else:
            items.append(Item(found.custom_id, msgspec.json.encode(found.body)))
    return items, errors, model


def _read_line(text: bytes, number: int) -> _Line | InputError:
    try:
        parsed = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return InputError("invalid_json_line", "This line is not parseable as valid JSON.", line=number)
    fields = parsed if isinstance(parsed, dict) else {}
    for name in ("custom_id", "method", "url", "body"):
        if name not in fields:
            said = f"Missing required parameter: '{name}'."
            return InputError("missing_required_parameter", said, name, number)
    try:
        return msgspec.convert(fields, _Line)
    except msgspec.ValidationError as error:
        return InputError("invalid_request", str(error), line=number)


def _line_error(
    found: _Line, number: int, endpoint: str, seen: set[str], model: str | None
) -> InputError | None:
    if found.custom_id in seen:
        said = (
            f"The custom_id '{found.custom_id}' for this request is a duplicate of another request. "
            "The custom_id parameter must be unique for each request in a batch."
        )
        return InputError("duplicate_custom_id", said, "custom_id", number)
    if found.method != "POST":
        return InputError("invalid_method", "The only supported method is 'POST'.", "method", number)
    if found.url != endpoint:
        said = f"The URL '{found.url}' does not match the batch's endpoint '{endpoint}'."
        return InputError("url_mismatch", said, "url", number)
    if found.body.get("model") != model:
        said = "The model of this request does not match that of the other requests of the batch."
        return InputError("model_mismatch", said, "body.model", number)
    return None
