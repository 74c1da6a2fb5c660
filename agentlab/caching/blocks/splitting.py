"""Cuts request bodies, of any wire and any client, and neutral requests into blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import structs

from agentlab.caching.blocks.block import Block, BlockKind, PartName, lifetime, make_block, without_markers
from agentlab.errors import UsageError
from agentlab.messages import AssistantMessage, Message, Request, SystemMessage

__all__ = [
    "Block",
    "BlockKind",
    "Level",
    "PartName",
    "blocks_of",
    "decoded_body",
    "finished",
    "is_marker",
    "item_blocks",
    "level_blocks",
    "levels_of",
    "split",
    "split_object",
    "with_markers",
]

Level = tuple[BlockKind, str]
"""What a wire renders at one place of the prompt, and where its body keeps it."""

# Where each wire keeps what it renders, in render order; the conversation is last. A setting stands where its change
# starts to miss.
_LEVELS: Final[dict[str, tuple[Level, ...]]] = {
    "openai-chat": (
        ("setting", "response_format"),
        ("setting", "reasoning_effort"),
        ("setting", "verbosity"),
        ("tool", "tools"),
        ("message", "messages"),
    ),
    "openai-responses": (
        ("setting", "text"),
        ("setting", "reasoning.effort"),
        ("tool", "tools"),
        ("system", "instructions"),
        ("message", "input"),
    ),
    "anthropic-messages": (
        ("setting", "output_config.format"),
        ("tool", "tools"),
        ("system", "system"),
        ("setting", "tool_choice"),
        ("setting", "thinking"),
        ("setting", "output_config.effort"),
        ("message", "messages"),
    ),
    "gemini": (
        ("tool", "tools"),
        ("system", "systemInstruction"),
        ("system", "system_instruction"),
        ("message", "contents"),
    ),
    "ollama": (("tool", "tools"), ("message", "messages")),
    "cohere-chat": (
        ("setting", "response_format"),
        ("tool", "tools"),
        ("system", "documents"),
        ("message", "messages"),
    ),
    "bedrock-converse": (("tool", "toolConfig.tools"), ("system", "system"), ("message", "messages")),
}
_ALIASES: Final = {"anthropic": "anthropic-messages", "ollama-chat": "ollama"}
_PARTS_OF: Final[dict[BlockKind, PartName]] = {
    "tool": "tools",
    "system": "preamble",
    "setting": "settings",
    "message": "history",
}
_LISTS: Final = ("content", "parts")


def split(wire: str, body: str | bytes) -> tuple[Block, ...]:
    """Cut a request body into blocks.

    Args:
        wire: `openai-chat`, `openai-responses`, `anthropic-messages`, `gemini`, `ollama`, `cohere-chat` or
            `bedrock-converse`.
        body: The request's JSON body.

    Returns:
        The blocks in render order. Cache markers are taken out of their texts, because a marker that moves changes
        nothing the model sees, and stand in `Block.marker`.

    Raises:
        UsageError: The wire is not known, or the body is not a JSON object.
    """
    return split_object(wire, decoded_body(body))


def decoded_body(body: str | bytes) -> dict[str, Any]:
    """A body as an object.

    Raises:
        UsageError: It is not a JSON object.
    """
    try:
        parsed = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise UsageError(f"the body is not JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise UsageError("the body is not a JSON object")
    return parsed


def split_object(wire: str, body: dict[str, Any]) -> tuple[Block, ...]:
    """The same as `split` for a body already parsed."""
    cut = (block for level in levels_of(wire) for block in level_blocks(level, body))
    return finished(with_markers(cut), body)


def levels_of(wire: str) -> tuple[Level, ...]:
    """What a wire renders, in render order; the conversation is the last level.

    Raises:
        UsageError: The wire is not known.
    """
    name = wire.replace("_", "-")
    levels = _LEVELS.get(_ALIASES.get(name, name))
    if levels is None:
        raise UsageError(f"no render order is known for the wire {wire!r}; one of {sorted(_LEVELS)}")
    return levels


def blocks_of(request: Request) -> tuple[Block, ...]:
    """Cut a neutral request into blocks, rendered apart from any wire: settings, tools, preamble, documents, messages.

    Its parts are exact where the request still has them apart.
    """
    blocks: list[Block] = []
    if request.output_schema is not None:
        blocks.append(
            make_block(
                "setting", "output_schema", msgspec.to_builtins(request.output_schema), part="settings"
            )
        )
    if request.reasoning is not None:
        blocks.append(
            make_block("setting", "reasoning", msgspec.to_builtins(request.reasoning), part="settings")
        )
    for index, tool in enumerate(request.tools):
        blocks.append(
            make_block("tool", tool.name, msgspec.to_builtins(tool), path=f"tools[{index}]", part="tools")
        )
    if request.preamble:
        blocks.append(
            make_block("system", "system", request.preamble, role="system", path="preamble", part="preamble")
        )
    documents: list[Any] = [{"text": document.rendered()} for document in request.context]
    blocks += _pieces("user", documents, "context", -1, "documents") if documents else []
    for index, message in enumerate(request.messages):
        blocks += _message_blocks(message, index)
    return _with_prompt(blocks)


_MARK: Final = "\0marker"


def level_blocks(level: Level, body: dict[str, Any]) -> Iterator[Block]:
    """The blocks of one level of a body, before `with_markers` and `finished`."""
    kind, path = level
    value: Any = body
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is None or value == []:
        return
    if kind == "setting":
        yield make_block(kind, path, {path: value}, path=path, part=_PARTS_OF[kind])
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from item_blocks(kind, item, f"{path}[{index}]", index)
    else:
        yield from item_blocks(kind, value, path, 0)


def item_blocks(kind: BlockKind, item: Any, place: str, index: int) -> Iterator[Block]:
    """The blocks of one item of a level: of a tool, a system text or a message.

    Args:
        kind: What the level holds.
        item: The item.
        place: Where it stands in the body.
        index: Its number in the level.
    """
    if isinstance(item, dict) and set(item) == {"cachePoint"}:
        yield _mark(item)
    elif kind == "tool":
        yield from _tools(item, place)
    elif kind == "message" and isinstance(item, dict):
        yield from _message(item, place, index)
    else:
        role = "system" if kind == "system" else "user"
        said, marker = _plain(item)
        number = index if kind == "message" else None
        part = "documents" if place.startswith("documents[") else _PARTS_OF[kind]
        yield make_block(kind, role, said, role=role, path=place, marker=marker, message=number, part=part)


def with_markers(cut: Iterable[Block]) -> list[Block]:
    """The blocks, with Bedrock's markers, which are items of their own, on the block each of them follows.

    A marker with no block before it stays, for the blocks it will be put behind.
    """
    blocks: list[Block] = []
    for block in cut:
        if is_marker(block) and blocks and not is_marker(blocks[-1]):
            blocks[-1] = structs.replace(blocks[-1], marker=block.marker)
        else:
            blocks.append(block)
    return blocks


def is_marker(block: Block) -> bool:
    """Whether a block is no part of the prompt but one of Bedrock's markers."""
    return block.label == _MARK


def finished(blocks: list[Block], body: Mapping[str, Any]) -> tuple[Block, ...]:
    """The blocks of a whole body, with what is only known of the whole: the automatic marker, and which is the prompt.

    Args:
        blocks: The blocks in render order; changed.
        body: The body; of its fields only the request-wide marker is read.
    """
    while blocks and is_marker(blocks[0]):
        del blocks[0]
    automatic = body.get("cache_control")  # Anthropic: for the last block that can carry it
    if blocks and automatic is not None and blocks[-1].marker is None:
        blocks[-1] = structs.replace(blocks[-1], marker=lifetime(automatic))
    return _with_prompt(blocks)


def _plain(piece: Any) -> tuple[Any, str | None]:
    """A part without its marker; a part that is only text is that text, because both are rendered the same."""
    bare, marker = without_markers(piece)
    if isinstance(bare, dict) and set(bare) <= {"type", "text"} and isinstance(bare.get("text"), str):
        return bare["text"], marker
    return bare, marker


def _mark(item: dict[str, Any]) -> Block:
    return Block("message", _MARK, "null", 0, marker=lifetime(item["cachePoint"]))


def _tools(item: Any, place: str) -> Iterator[Block]:
    """One block a tool; Gemini's tools are lists of declarations inside a list."""
    declarations = None
    if isinstance(item, dict):
        declarations = item.get("functionDeclarations") or item.get("function_declarations")
    if isinstance(declarations, list):
        for index, declaration in enumerate(declarations):
            yield make_block(
                "tool", _tool_name(declaration), declaration, path=f"{place}[{index}]", part="tools"
            )
    else:
        yield make_block("tool", _tool_name(item), item, path=place, part="tools")


def _tool_name(item: Any) -> str:
    if not isinstance(item, dict):
        return "tool"
    named = next((item[key] for key in ("function", "toolSpec") if isinstance(item.get(key), dict)), item)
    return str(named.get("name") or item.get("type") or next(iter(item), "tool"))


def _message(item: dict[str, Any], place: str, index: int) -> Iterator[Block]:
    """One block for each part of a message, for each of its tool calls, and for what else it holds."""
    role = str(item.get("role") or item.get("type") or "message")
    key = next((name for name in _LISTS if name in item), None)
    content = item.get(key) if key else None
    pieces: list[tuple[str, Any]] = []
    if isinstance(content, list):
        pieces += [(f"{place}.{key}[{number}]", piece) for number, piece in enumerate(content)]
    elif content is not None:
        pieces.append((f"{place}.{key}", content))
    # Bedrock renders documents ahead of a message's texts. Recorded: a marker before the last of them covers them all.
    pieces.sort(key=lambda piece: not (isinstance(piece[1], dict) and set(piece[1]) == {"document"}))
    calls = item.get("tool_calls")
    if isinstance(calls, list):
        pieces += [(f"{place}.tool_calls[{number}]", call) for number, call in enumerate(calls)]
    rest = {
        name: value
        for name, value in item.items()
        if name not in {"role", "tool_calls", key} and value is not None
    }
    kind: BlockKind = "system" if role in {"system", "developer"} else "message"
    if not pieces or set(rest) - {"type", "id", "status"}:
        pieces.insert(0, (place, rest))
    spoken = [
        piece for piece in pieces if not (isinstance(piece[1], dict) and set(piece[1]) == {"cachePoint"})
    ]
    for number, (path, piece) in enumerate(pieces):
        if (path, piece) not in spoken:
            yield _mark(piece)
            continue
        first, last = (path, piece) == spoken[0], (path, piece) == spoken[-1]
        said, marker = _plain(piece)
        framed = {"role": role, "content": said} if first or number == 0 else {"content": said}
        yield make_block(
            kind,
            "system" if kind == "system" else role,
            framed,
            role=role,
            path=path,
            marker=marker,
            message=index,
            ends_message=last,
            part=_PARTS_OF[kind],
        )


def _pieces(role: str, contents: list[Any], path: str, index: int, part: PartName) -> list[Block]:
    kind: BlockKind = "system" if role == "system" else "message"
    return [
        make_block(
            kind,
            role,
            {"role": role, "content": content} if number == 0 else {"content": content},
            role=role,
            path=f"{path}[{number}]",
            message=index,
            ends_message=number == len(contents) - 1,
            part=part,
        )
        for number, content in enumerate(contents)
    ]


def _message_blocks(message: Message, index: int) -> list[Block]:
    path = f"messages[{index}]"
    if isinstance(message, SystemMessage):
        return _pieces("system", [message.content], path, index, "preamble")
    role = "assistant" if isinstance(message, AssistantMessage) else "user"
    contents = [msgspec.to_builtins(part) for part in message.content]
    return _pieces(role, contents or [""], f"{path}.content", index, "history")


def _with_prompt(blocks: list[Block]) -> tuple[Block, ...]:
    """Name the newest user message the prompt; tool results are history."""
    newest = next((block.message for block in reversed(blocks) if block.message is not None), None)
    for number in range(len(blocks) - 1, -1, -1):
        block = blocks[number]
        if newest is None or block.message != newest:
            break
        if block.role == "user" and block.part == "history" and not _is_result(block.text):
            blocks[number] = structs.replace(block, part="prompt")
    return tuple(blocks)


def _is_result(text: str) -> bool:
    return any(
        f'"{name}"' in text[:200]
        for name in ("tool_result", "functionResponse", "toolResult", "tool_call_id")
    )
