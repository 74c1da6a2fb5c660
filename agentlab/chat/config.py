"""What an assistant is made of, as plain data: kept in the session, shown in the transcript's front matter."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from agentlab.chat.events import Mode
from agentlab.errors import UsageError
from agentlab.messages import CacheOptions, Effort
from agentlab.short_repr import ShortRepr

__all__ = ["AgentConfig"]

_LEAST: Final = {"max_turns": 1, "attachment_tokens": 0, "history_tokens": 1, "result_chars": 1_000}


class AgentConfig(
    ShortRepr, Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """Who answers in a chat, and within which bounds.

    Attributes:
        model: `"vendor:model"`, `"sim:vendor/model"`, or a vendor alone for its default model.
        fallbacks: Models asked where that one cannot answer: names, or objects with `model`, `base_url`, `places`.
        base_url: Another address for the model.
        places: What stands in the places of the vendor's address, such as its region.
        persona: Name of a persona that comes with the library, or the path of one.
        mode: The mode a new session begins in.
        temperature: Sampling temperature.
        max_tokens: Limit of generated tokens a call.
        reasoning: How much to think.
        max_turns: Exact number of model calls an answer may take.
        attachment_tokens: Estimated tokens that attachments may take.
        history_tokens: Estimated tokens of history at most; when there are more, old results are shortened and then old
            exchanges left out.
        result_chars: Characters of a tool's result that the model is shown; what is longer is shortened, and kept whole in
            the session.
        cache: Cache controls; None for markers behind the preamble and the last message, and one key for all sessions of
            the persona.
    """

    model: str
    fallbacks: tuple[str | dict[str, Any], ...] = ()
    base_url: str | None = None
    places: dict[str, str] = {}
    persona: str = "assistant"
    mode: Mode = "build"
    temperature: float | None = None
    max_tokens: int | None = None
    reasoning: Effort | None = None
    max_turns: int = 50
    attachment_tokens: int = 4_000
    history_tokens: int = 120_000
    result_chars: int = 16_000
    cache: CacheOptions | None = None

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise UsageError(f"`{name}` is {least} or more, not {getattr(self, name)}")

    def with_(self, **fields: Any) -> AgentConfig:
        """The same with other fields.

        Raises:
            UsageError: There is no such field, or its value is of the wrong kind.
        """
        return self.from_plain({**self.to_plain(), **fields})

    def to_plain(self) -> dict[str, Any]:
        """Names and values, as JSON and YAML write them; what has its default is left out."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> AgentConfig:
        """Read it back.

        Raises:
            UsageError: A field is unknown, missing or of the wrong kind; the message names it.
        """
        try:
            return msgspec.convert(plain, cls)
        except msgspec.ValidationError as error:
            raise UsageError(f"this is no configuration of an agent: {error}") from None

    @property
    def model_config(self) -> dict[str, Any]:
        """What a model is made of, as `agentlab.models.model_from_config` reads it."""
        plain = {"model": self.model, "fallbacks": list(self.fallbacks)}
        return plain | {name: each for name in ("base_url", "places") if (each := getattr(self, name))}
