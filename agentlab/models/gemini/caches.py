"""Gemini's explicit caches: resources that hold an agent's static part, made, read, prolonged, deleted and used.

A resource is read whole by every request that names it, at the price of cached tokens, and storing it costs by the
hour, so it pays from a number of requests that `plan` tells. The same on Vertex AI.

Sources: https://ai.google.dev/api/caching, https://ai.google.dev/gemini-api/docs/caching
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, Protocol

import anyio
import msgspec
from msgspec import Struct

from agentlab.errors import AuthenticationFailed, ModelError, NotFound, ProtocolError, UsageError
from agentlab.messages import CacheOptions, Request
from agentlab.models.asking import ask
from agentlab.models.gemini.cache_plan import CachePlan, plan_cache
from agentlab.models.gemini.static_part import StaticPart
from agentlab.models.interface import Model
from agentlab.models.model import WireModel
from agentlab.short_repr import ShortRepr

__all__ = ["CachedContent", "GeminiCaches", "HasStaticPart"]

_PATH: Final = "/cachedContents"
_PAGE: Final = 100
_DELETE_PATIENCE_S: Final = 20.0


class HasStaticPart(Protocol):
    """What a cache is made from: an agent, or anything that tells the request it would make."""

    def completion(self, prompt: str, /) -> Request:
        """The request that a prompt would make."""
        ...


class CachedContent(ShortRepr, Struct, frozen=True, kw_only=True):
    """A cache resource as the API describes it.

    Attributes:
        name: What requests call it.
        model: The provider's name of the model it is for; another model cannot use it.
        tokens: Its length.
        created: Unix time.
        updated: Unix time.
        expires: Unix time at which it ends.
        display_name: A name for people.
        parts: What it holds, with digests; empty where it was not made here.
    """

    name: str
    model: str
    tokens: int
    created: float
    updated: float
    expires: float
    display_name: str = ""
    parts: tuple[str, ...] = ()

    @property
    def options(self) -> CacheOptions:
        """What an agent needs to use it: `agent.with_(cache=cache.options)`. Requests leave out what it holds."""
        return CacheOptions(cached_content=self.name, cached_parts=self.parts)


class GeminiCaches:
    """The cache resources of an account, for one model.

        caches = GeminiCaches(agent.model)
        async with caches.holding(agent, ttl_s=600) as cache:
            run = await agent.with_(cache=cache.options).prompt("What does chapter 2 say?")

    Args:
        model: A Gemini model, of the Gemini API, of Vertex AI, or simulated.

    Raises:
        UsageError: The model speaks another wire.
    """

    def __init__(self, model: Model) -> None:
        if not isinstance(model, WireModel) or model.wire.name != "gemini":
            raise UsageError(
                f"cache resources are Gemini's; {getattr(model, 'name', model)!r} speaks another wire"
            )
        self._model = model

    def __repr__(self) -> str:
        return f"GeminiCaches({self._model.name!r})"

    async def create(
        self,
        static: HasStaticPart | Request,
        *,
        ttl_s: float | None = None,
        expires: datetime | None = None,
        display_name: str = "",
    ) -> CachedContent:
        """Make a resource of an agent's tools, preamble, static context and choice of tools.

        Args:
            static: The agent, or a request.
            ttl_s: Seconds it lives; an hour where nothing is said.
            expires: When it ends, in the place of `ttl_s`, with a time zone.
            display_name: A name for people.

        Raises:
            UsageError: There is nothing to hold, or both `ttl_s` and `expires` were given.
            BadRequest: It holds too few tokens for a cache.
            ModelError: It could not be made.
        """
        part = _static_part(static)
        held = part.resource()
        if not held:
            raise UsageError("there is nothing to cache: no tools, no preamble, no static context")
        body = {"model": self._resource_name(), **held, **_lifetime(ttl_s, expires)}
        if display_name:
            body["displayName"] = display_name
        made = _read(await ask(self._model, _PATH, method="POST", body=body))
        return msgspec.structs.replace(made, parts=part.parts)

    async def get(self, name: str) -> CachedContent:
        """A resource by its name.

        Raises:
            AuthenticationFailed: There is none, or it is over: the API does not tell the two from a refused key.
        """
        return _read(await ask(self._model, _path(name)))

    async def list(self) -> tuple[CachedContent, ...]:
        """All resources of the account that live, for any model."""
        found: list[CachedContent] = []
        query = {"pageSize": str(_PAGE)}
        while True:
            page = await ask(self._model, _PATH, query=query)
            found += map(_read, page.get("cachedContents", ()))
            if not page.get("nextPageToken"):
                return tuple(found)
            query = {**query, "pageToken": str(page["nextPageToken"])}

    async def update(
        self, cache: CachedContent | str, *, ttl_s: float | None = None, expires: datetime | None = None
    ) -> CachedContent:
        """Set when a resource ends, from now on; nothing else of it can be changed.

        Raises:
            UsageError: Neither `ttl_s` nor `expires` was given, or both.
        """
        change = _lifetime(ttl_s, expires)
        if not change:
            raise UsageError("say when the cache is to end: `ttl_s=` in seconds from now, or `expires=`")
        name = cache if isinstance(cache, str) else cache.name
        query = {"updateMask": next(iter(change))}
        changed = _read(await ask(self._model, _path(name), method="PATCH", query=query, body=change))
        return msgspec.structs.replace(changed, parts=() if isinstance(cache, str) else cache.parts)

    async def delete(self, cache: CachedContent | str) -> None:
        """End a resource, and what it costs."""
        await ask(self._model, _path(cache if isinstance(cache, str) else cache.name), method="DELETE")

    @asynccontextmanager
    async def holding(
        self, static: HasStaticPart | Request, *, ttl_s: float | None = None, display_name: str = ""
    ) -> AsyncGenerator[CachedContent, None]:
        """A resource for the length of a block; it is deleted at its end, also after an error or a cancellation.

        Arguments and errors as in `create`. A resource that is over by then is no error.
        """
        cache = await self.create(static, ttl_s=ttl_s, display_name=display_name)
        try:
            yield cache
        except BaseException as error:
            failure = await self._ended(cache)
            if failure is not None:
                error.add_note(
                    f"the cache `{cache.name}` could not be deleted, and ends by itself: {failure}"
                )
            raise
        failure = await self._ended(cache)
        if failure is not None:
            raise failure

    def plan(
        self,
        static: HasStaticPart | Request,
        *,
        requests: int,
        ttl_s: float = 3600.0,
        at: float | None = None,
    ) -> CachePlan:
        """What a resource would cost and save, before it is made; nothing is sent.

        Args:
            static: The agent, or a request.
            requests: How many requests will use it.
            ttl_s: Seconds it would live.
            at: Unix time whose prices hold; now where None.
        """
        held = _static_part(static).resource()
        return plan_cache(
            self._model.vendor.name, self._model.model_id, held, requests=requests, ttl_s=ttl_s, at=at
        )

    async def _ended(self, cache: CachedContent) -> ModelError | None:
        """Delete it, whatever else is being cancelled; gives why it could not be."""
        with anyio.move_on_after(_DELETE_PATIENCE_S, shield=True):
            try:
                await self.delete(cache)
            except (AuthenticationFailed, NotFound) as error:
                return None if error.status in {403, 404} else error
            except ModelError as error:
                return error
        return None

    def _resource_name(self) -> str:
        """The model as resources name it: `models/...`, or with project and location on Vertex AI."""
        folder = self._model.vendor.dialect.get("model_path", "models")
        model_id = self._model.model_id
        name = model_id if "/" in model_id else f"{folder}/{model_id}"
        _, projects, place = self._model.base_url.partition("/projects/")
        return f"projects/{place}/{name}" if projects else name


def _static_part(static: HasStaticPart | Request) -> StaticPart:
    request = static if isinstance(static, Request) else static.completion("-")
    return StaticPart.of(request)


def _path(name: str) -> str:
    return f"{_PATH}/{name.rpartition('/')[2]}"


def _lifetime(ttl_s: float | None, expires: datetime | None) -> dict[str, str]:
    if ttl_s is not None and expires is not None:
        raise UsageError("give `ttl_s` or `expires`, not both")
    if ttl_s is not None:
        return {"ttl": f"{ttl_s:.9f}".rstrip("0").rstrip(".") + "s"}
    if expires is None:
        return {}
    if expires.tzinfo is None:
        raise UsageError("`expires` needs a time zone, such as `datetime.now(UTC) + timedelta(hours=1)`")
    return {"expireTime": expires.isoformat()}


def _read(described: dict[str, Any]) -> CachedContent:
    try:
        return CachedContent(
            name=described["name"],
            model=str(described["model"]).rpartition("/")[2],
            tokens=int(described.get("usageMetadata", {}).get("totalTokenCount", 0)),
            created=_time(described["createTime"]),
            updated=_time(described["updateTime"]),
            expires=_time(described["expireTime"]),
            display_name=described.get("displayName", ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProtocolError(
            f"this is no cache resource: {error!r}", body=msgspec.json.encode(described).decode()[:2000]
        ) from None


def _time(written: str) -> float:
    return datetime.fromisoformat(written).timestamp()
