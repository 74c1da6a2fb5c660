"""A model from plain data: what an agent's configuration says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from agentlab.errors import UsageError
from agentlab.http import Clock, HttpClient, Retry
from agentlab.models.fallback import FallbackModel, in_place
from agentlab.models.interface import Model
from agentlab.short_repr import ShortRepr

__all__ = ["ModelConfig", "PlacedModel", "model_config", "model_from_config"]

_COOLDOWN_S: Final = 30.0
_SECRETS: Final = frozenset({"api_key", "apikey", "key", "token", "secret", "password"})


class PlacedModel(
    ShortRepr, Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A model, and where it is reached.

    Attributes:
        model: `"vendor:model"`, or a vendor alone for its default model.
        base_url: Another address than the vendor's; None where that holds.
        places: What stands in the places of the vendor's address, `{"region": "eu-central-1"}`; several of them, a list,
            are asked one after the other.
    """

    model: str
    base_url: str | None = None
    places: dict[str, str] | tuple[dict[str, str], ...] = ()

    @property
    def wheres(self) -> tuple[dict[str, str], ...]:
        """All the places, each with the address."""
        places = (self.places,) if isinstance(self.places, dict) else self.places or ({},)
        address = {} if self.base_url is None else {"base_url": self.base_url}
        return tuple({**address, **place} for place in places)


class ModelConfig(PlacedModel, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A model and those that are asked where it cannot answer.

    Attributes:
        fallbacks: Names of models, or models with their own places, in the order they are asked.
        cooldown_s: Seconds for which a model that failed is asked last.
    """

    fallbacks: tuple[str | PlacedModel, ...] = ()
    cooldown_s: float = _COOLDOWN_S


def model_config(config: str | Mapping[str, Any] | ModelConfig) -> ModelConfig:
    """Read what plain data says of a model, and check its form; no vendor is looked up, and no key.

    Args:
        config: A model's name, or an object with the fields of `ModelConfig`, as JSON, YAML or TOML hold it.

    Raises:
        UsageError: It is of another form, or holds a key: keys are no configuration.
    """
    if isinstance(config, ModelConfig):
        return config
    if isinstance(config, str):
        return ModelConfig(model=config)
    named = _secret_in(config)
    if named:
        del config  # a traceback that shows locals would show it
        raise UsageError(
            f"a model's configuration holds `{named}`; keys are no configuration: `agentlab login VENDOR` stores one"
        )
    try:
        return msgspec.convert(config, ModelConfig, strict=True)
    except msgspec.ValidationError as error:
        raise UsageError(f"a model's configuration is wrong: {error}") from None


def model_from_config(
    config: str | Mapping[str, Any] | ModelConfig,
    *,
    http: HttpClient | None = None,
    retry: Retry | None = None,
    clock: Clock | None = None,
    seed: int | None = None,
) -> Model:
    """The model that plain data describes.

        model_from_config({
            "model": "bedrock:anthropic.claude-sonnet-5",
            "places": [{"region": "eu-central-1"}, {"region": "eu-west-1"}],
            "fallbacks": ["anthropic:claude-sonnet-5"],
        })

    Keys are looked up as in `model`: the environment, the keyring, the file of `agentlab login`.

    Args:
        config: As in `model_config`.
        http: A client for all of the models, as in `model`; likewise the others.
        retry: When a failed call is sent again.
        clock: Time; for tests.
        seed: Seed of the retries' jitter.

    Returns:
        One model; a `FallbackModel` where there are several places or fallbacks.

    Raises:
        UsageError: The data is of another form, no vendor is called so, its address has no such place, or a model is
            there twice.
        MissingKey: A vendor needs a key and there is none.
    """
    read = model_config(config)
    placed = [read, *(PlacedModel(model=each) if isinstance(each, str) else each for each in read.fallbacks)]
    made = [
        in_place(each.model, where, http=http, retry=retry, clock=clock, seed=seed)
        for each in placed
        for where in each.wheres
    ]
    return made[0] if len(made) == 1 else FallbackModel(made, cooldown_s=read.cooldown_s, clock=clock)


def _secret_in(config: object) -> str:
    """The name of a field that looks like a key's, wherever it stands; empty where there is none."""
    if isinstance(config, Mapping):
        for name, value in config.items():
            if str(name).lower().replace("-", "_") in _SECRETS:
                return f"{name:.40}"
            if found := _secret_in(value):
                return found
    if isinstance(config, list | tuple):
        return next(filter(None, map(_secret_in, config)), "")
    return ""
