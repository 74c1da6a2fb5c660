"""Where the blocks of a prompt end, in the provider's tokens.

One rule for the simulator, which bills by it, and for the calibration, which fits it to the lengths that were recorded:
what both know of a prompt leads both to the same place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from agentlab.caching.blocks.block import Block
from agentlab.caching.policies.policy import Prompt
from agentlab.short_repr import ShortRepr

__all__ = ["TokenCounts", "ends_in_tool_results", "with_tail"]

_TAIL: Final = "the start of the answer"
_TOOL_RESULTS: Final = ('"tool_result"', '"toolResult"', '"function_call_output"')
_FORCED: Final = frozenset(["any", "tool", "required", "function"])


class TokenCounts(ShortRepr, Struct, frozen=True):
    """How a provider counts, relative to the estimate of `agentlab.caching.tokens`.

    Attributes:
        per_estimate: Its tokens for one estimated token.
        tools: Tokens it adds where there is a tool at all.
        message: Tokens it adds for each message.
        tool_prompt: The part of `tools` that stands ahead of the first message, not with the tools.
        forced_tool_prompt: Tokens it adds there where the request forces a call.
        thinking: Tokens it adds at the start of a prompt with thinking turned on.
        thinking_prompt: Tokens it adds ahead of the first message then.
        tail: Tokens past the last block, which begin the answer: no marker can reach them.
        tail_after_tools: The same where the last block is a tool's result; None where that makes no difference.
        forced_tool_tail: Tokens by which a forced call lengthens the tail.
    """

    per_estimate: float = 1.0
    tools: int = 0
    message: int = 0
    tool_prompt: int = 0
    forced_tool_prompt: int = 0
    thinking: int = 0
    thinking_prompt: int = 0
    tail: int = 0
    tail_after_tools: int | None = None
    forced_tool_tail: int = 0

    def ends(self, prompt: Prompt) -> tuple[int, ...]:
        """Tokens of the first 0, 1, ... blocks of a prompt; the last is the whole prompt.

        Where the provider counted the prompt itself, its count is met exactly, and the blocks are scaled to it. Else a
        prefix has the same length in every prompt that begins with it.
        """
        if prompt.ends is not None:
            return prompt.ends
        if prompt.total is None:
            return tuple(accumulate(self.sizes(prompt.blocks, prompt.body), initial=0))
        sizes = list(accumulate((block.tokens for block in prompt.blocks), initial=0))
        whole = sizes[-1]
        if not whole:
            return (*sizes[:-1], prompt.total) if prompt.blocks else (prompt.total,)
        return tuple(round(prompt.total * size / whole) for size in sizes)

    def sizes(self, blocks: Sequence[Block], body: Mapping[str, Any]) -> tuple[int, ...]:
        """The length of each block, with what the vendor adds to it: whole tokens, so that they add up exactly."""
        sizes = [self._size(block) for block in blocks]
        kinds = [block.kind for block in blocks]
        if "tool" in kinds:
            sizes[kinds.index("tool")] += self.tools - self.tool_prompt
        if "message" in kinds:
            sizes[kinds.index("message")] += self._ahead_of_messages("tool" in kinds, body)
        if sizes and _thinks(body):
            sizes[0] += self.thinking
        return tuple(max(0, size) for size in sizes)

    def tail_of(self, blocks: Sequence[Block], body: Mapping[str, Any], told: int | None = None) -> int:
        """Tokens past the last block.

        Args:
            blocks: The prompt.
            body: The request.
            told: The tail of such a prompt that forces no call, where a response told it.
        """
        after_tools = ends_in_tool_results(blocks)
        usual = self.tail if not after_tools or self.tail_after_tools is None else self.tail_after_tools
        return (usual if told is None else told) + self.forced_tail(blocks, body)

    def forced_tail(self, blocks: Sequence[Block], body: Mapping[str, Any]) -> int:
        """Tokens by which a forced call lengthens the tail of this prompt; 0 where none is forced."""
        return self.forced_tool_tail if _forces(body) and any(block.kind == "tool" for block in blocks) else 0

    def counted(self, prompt: Prompt) -> Prompt:
        """A prompt with the ends of its blocks and its tail, as the provider would count them."""
        ends = tuple(accumulate(self.sizes(prompt.blocks, prompt.body), initial=0))
        return with_tail(prompt, ends, self.tail_of(prompt.blocks, prompt.body))

    def _size(self, block: Block) -> int:
        """A block's tokens. Settings are no text but for schemas."""
        if block.kind == "setting" and "schema" not in block.text:
            return 0
        frame = self.message if block.kind == "message" and block.ends_message else 0
        return round(block.tokens * self.per_estimate) + frame

    def _ahead_of_messages(self, has_tools: bool, body: Mapping[str, Any]) -> int:
        tool_prompt = self.tool_prompt + (self.forced_tool_prompt if _forces(body) else 0)
        return (tool_prompt if has_tools else 0) + (self.thinking_prompt if _thinks(body) else 0)


def with_tail(prompt: Prompt, ends: tuple[int, ...], tail: int) -> Prompt:
    """A prompt whose blocks end where they are said to, and so many tokens that begin the answer behind them."""
    if not tail:
        return structs.replace(prompt, total=ends[-1], ends=ends)
    total = ends[-1] + tail
    blocks = (*prompt.blocks, _answer_start(tail))
    return structs.replace(prompt, blocks=blocks, total=total, ends=(*ends, total))


@lru_cache(maxsize=256)
def _answer_start(tokens: int) -> Block:
    """The block of the tokens that begin an answer: one for all prompts, so that its digest is computed once."""
    return Block("setting", _TAIL, msgspec.json.encode(_TAIL).decode(), tokens)


def ends_in_tool_results(blocks: Sequence[Block]) -> bool:
    """Whether the last block of a prompt is what a tool gave back."""
    if not blocks:
        return False
    last = blocks[-1]
    return last.role == "tool" or any(name in last.text for name in _TOOL_RESULTS)


def _forces(body: Mapping[str, Any]) -> bool:
    """Whether a request leaves the model no choice but to call a tool; on the wires of Anthropic, OpenAI and Bedrock."""
    config = body.get("toolConfig")
    choice = config.get("toolChoice") if isinstance(config, Mapping) else body.get("tool_choice")
    if isinstance(choice, Mapping):
        return choice.get("type") in _FORCED or bool({"any", "tool"} & choice.keys())
    return choice in _FORCED


def _thinks(body: Mapping[str, Any]) -> bool:
    """Whether a request turns thinking on with a budget; on the wires of Anthropic and Bedrock."""
    fields = body.get("additionalModelRequestFields")
    thinking = fields.get("thinking") if isinstance(fields, Mapping) else body.get("thinking")
    return isinstance(thinking, Mapping) and thinking.get("type") == "enabled"
