"""Gemini's cache resources, from the server's side: `cachedContents` made, read, prolonged, deleted and used.

Bodies, their keys and the refusals are those of recorded traffic (https://ai.google.dev/api/caching).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from agentlab.caching import Prompt, split_object
from agentlab.caching.policies.policy import CacheOutcome, CacheRefused
from agentlab.caching.policies.resource import Resources
from agentlab.caching.profiles.registry import profile_named
from agentlab.simulator.dialects import Rejected
from agentlab.simulator.dialects.base import json_object

__all__ = ["CachedContents"]

_ROUTE: Final = re.compile(
    r"^/(?:v1(?:beta1?)?/)?(?P<all>(?:projects/[^/]+/locations/[^/]+/)?cachedContents)(?P<one>/[\w-]+)?$"
)
_TTL: Final = re.compile(r"^(-?\d+(?:\.\d+)?)s$")
_PAGE: Final = 1000
_HOLDS: Final = ("contents", "systemInstruction", "tools", "toolConfig")
_BESIDE: Final = ("systemInstruction", "tools", "toolConfig")


class _Kept(Struct):
    """A resource as the API describes it; `named` is the model as its maker named it."""

    model: str
    named: str
    display_name: str
    created: float
    updated: float
    place: int


class CachedContents:
    """The resources of every vendor of one server.

    Args:
        timestamp: The time in seconds since 1970.
    """

    def __init__(self, timestamp: Callable[[], float] = lambda: 0.0) -> None:
        self._timestamp = timestamp
        self._resources: dict[tuple[str, str], Resources] = {}
        self._kept: dict[tuple[str, str], _Kept] = {}

    @staticmethod
    def matches(method: str, path: str) -> bool:
        """Whether a request is for a resource; `path` is without the vendor."""
        route = _ROUTE.match(path)
        named = route is not None and route["one"] is not None
        return route is not None and method in ({"GET", "PATCH", "DELETE"} if named else {"GET", "POST"})

    def answer(self, vendor: str, method: str, path: str, query: Mapping[str, str], body: bytes) -> bytes:
        """Do what is asked, and say what the API says: a body of JSON.

        Raises:
            Rejected: The provider would refuse it.
        """
        route = _ROUTE.match(path)
        assert route is not None
        name = route["all"] + (route["one"] or "")
        try:
            if method == "POST":
                shown = self._create(vendor, route["all"], json_object(body))
            elif route["one"] is None:
                shown = self._page(vendor, query)
            elif method == "GET":
                shown = self._shown(vendor, name)
            elif method == "PATCH":
                shown = self._patch(vendor, name, json_object(body))
            else:
                self._owner(vendor, name).delete(name, self._timestamp())
                shown = {}
        except CacheRefused as refused:
            raise Rejected.because(str(refused), status=refused.status) from None
        return msgspec.json.format(msgspec.json.encode(shown), indent=2) + b"\n"

    def check(self, vendor: str, model: str, body: Mapping[str, Any]) -> None:
        """Refuse a request that names a resource it may not use.

        Raises:
            CacheRefused: There is none of that name (403), it is another model's, or the request has a system prompt or
                tools beside it (400).
        """
        name = body.get("cachedContent")
        if not isinstance(name, str):
            return
        self._owner(vendor, name).get(name, self._timestamp())
        if any(body.get(field) for field in _BESIDE):
            raise CacheRefused(
                "CachedContent can not be used with GenerateContent request setting system_instruction, tools or "
                "tool_config.\n\nProposed fix: move those values to CachedContent from GenerateContent request."
            )
        owner = self._kept[vendor, name].model
        if owner != model:
            raise CacheRefused(
                f"Model used by GenerateContent request (models/{model}) and CachedContent (models/{owner}) has to be "
                "the same."
            )

    def account(self, prompt: Prompt) -> CacheOutcome:
        """What a request that uses a resource reads."""
        vendor, model, *_ = prompt.scope
        return self._of(vendor, model).account(prompt, self._timestamp())

    def storage_usd(self, vendor: str) -> float:
        """What keeping the resources of a vendor has cost so far, in US dollars."""
        now = self._timestamp()
        return sum(kept.storage_usd(now) for (owner, _), kept in self._resources.items() if owner == vendor)

    def _of(self, vendor: str, model: str) -> Resources:
        key = (vendor, model)
        if key not in self._resources:
            self._resources[key] = Resources(profile_named("gemini-explicit", model))
        return self._resources[key]

    def _owner(self, vendor: str, name: str) -> Resources:
        kept = self._kept.get((vendor, name))
        if kept is None:
            raise CacheRefused("CachedContent not found (or permission denied)", status=403)
        return self._of(vendor, kept.model)

    def _create(self, vendor: str, folder: str, body: dict[str, Any]) -> dict[str, Any]:
        named = body.get("model")
        if not isinstance(named, str) or not named:
            raise Rejected.because("* CreateCachedContentRequest.model: model is required\n")
        model = named.rpartition("/")[2]
        blocks = split_object("gemini", {field: body[field] for field in _HOLDS if field in body})
        now, place = self._timestamp(), len(self._kept)
        name = f"{folder}/sim{place:012x}"
        lives = self._lives(body, now)
        self._of(vendor, model).create(name, blocks, now, scope=(vendor, model), ttl_s=lives)
        self._kept[vendor, name] = _Kept(model, named, str(body.get("displayName") or ""), now, now, place)
        return self._shown(vendor, name, ended=True)

    def _patch(self, vendor: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        now = self._timestamp()
        lives = self._lives(body, now)
        if lives is None:
            raise Rejected.because("* UpdateCachedContentRequest: only ttl and expire_time can be updated\n")
        self._owner(vendor, name).prolong(name, now + lives, now)
        self._kept[vendor, name].updated = now
        return self._shown(vendor, name, ended=True)

    def _page(self, vendor: str, query: Mapping[str, str]) -> dict[str, Any]:
        """The newest first, so many at a time; the token of a page is the place of its first."""
        now = self._timestamp()
        living = [
            name
            for (owner, name), kept in reversed(self._kept.items())
            if owner == vendor and any(each.name == name for each in self._of(owner, kept.model).listed(now))
        ]
        size = int(query["pageSize"]) if query.get("pageSize", "").isdigit() else _PAGE
        start = int(query["pageToken"]) if query.get("pageToken", "").isdigit() else 0
        shown = [self._shown(vendor, name) for name in living[start : start + size]]
        if not shown:
            return {}
        more = {"nextPageToken": str(start + size)} if start + size < len(living) else {}
        return {"cachedContents": shown, **more}

    def _shown(self, vendor: str, name: str, *, ended: bool = False) -> dict[str, Any]:
        """A resource as the API shows it; one just made or changed is shown even where it is over."""
        now = self._timestamp()
        owner = self._owner(vendor, name)
        found = owner.get(name, -float("inf") if ended else now)
        kept = self._kept[vendor, name]
        return {
            "name": name,
            "model": kept.named if "/" in kept.named else f"models/{kept.named}",
            "createTime": _written(kept.created),
            "updateTime": _written(kept.updated),
            "expireTime": _written(found.expires),
            "displayName": kept.display_name,
            "usageMetadata": {"totalTokenCount": found.tokens},
        }

    def _lives(self, body: Mapping[str, Any], now: float) -> float | None:
        """Seconds a resource is to live, from now on; None where nothing is said."""
        ttl, until = body.get("ttl"), body.get("expireTime")
        if isinstance(ttl, str):
            found = _TTL.match(ttl)
            if found is None:
                raise Rejected.because(
                    "Invalid value at 'cached_content.ttl' (type.googleapis.com/google.protobuf.Duration)"
                )
            return float(found[1])
        if isinstance(until, str):
            try:
                return datetime.fromisoformat(until).timestamp() - now
            except ValueError:
                raise Rejected.because(
                    "Invalid value at 'cached_content.expire_time' (type.googleapis.com/google.protobuf.Timestamp)"
                ) from None
        return None


def _written(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
