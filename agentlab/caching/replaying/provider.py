"""Who serves a model and how it caches, from a name; what cannot be asked of it is refused with a sentence."""

from __future__ import annotations

from msgspec import Struct

from agentlab.caching.calls import RecordedCall
from agentlab.caching.price_lists import vendor_hint
from agentlab.caching.profiles.registry import Profile, profile_for, profile_named
from agentlab.errors import UsageError

__all__ = ["Provider", "check_lifetime", "provider_of"]


class Provider(Struct, frozen=True):
    """Who serves a model, and how it caches.

    Attributes:
        vendor: Its name in `"vendor:model"`.
        model: The provider's name of the model.
        profile: Its cache.
    """

    vendor: str
    model: str
    profile: Profile

    @property
    def name(self) -> str:
        """`"vendor:model"`."""
        return f"{self.vendor}:{self.model}"

    @property
    def lifetimes(self) -> dict[str, float]:
        """The lifetimes a request can ask for, in seconds by name; empty where there is nothing to choose."""
        rows = [self.profile]
        if self.profile.with_markers is not None:
            rows.append(profile_named(self.profile.with_markers, self.model))
        return {name: seconds for row in rows for name, seconds in row.ttl.items() if name != "default"}


def provider_of(call: RecordedCall, name: str | None = None) -> Provider:
    """Who served a call, or another provider.

    Args:
        call: The call; what served it need not be known here.
        name: `"vendor:model"` of the other; None is the call's own.

    Raises:
        UsageError: The name is not of that form, or no vendor is called so.
    """
    if name is None:
        return Provider(call.vendor, call.model, profile_for(call.vendor, call.model))
    vendor, _, model = str(name).partition(":")
    if vendor == "sim":
        vendor, _, model = model.partition("/")
    if not (vendor and model):
        raise UsageError(
            f'a provider is named "vendor:model", such as "anthropic:claude-sonnet-4-5", not {name!r}'
        )
    hint = vendor_hint(vendor)
    if hint is not None and vendor != call.vendor:
        raise UsageError(hint)
    return Provider(vendor, model, profile_for(vendor, model))


def check_lifetime(provider: Provider, ttl: str | None) -> None:
    """Refuse a lifetime that a provider does not have.

    Raises:
        UsageError: It has others, or none to choose.
    """
    lifetimes = provider.lifetimes
    if ttl is None or ttl in lifetimes:
        return
    if lifetimes:
        raise UsageError(
            f"`{provider.name}` has no cache lifetime {ttl!r}; it has "
            + " and ".join(repr(name) for name in lifetimes)
        )
    said = (
        "has no prompt cache" if provider.profile.family == "none" else "lets nobody choose how long it keeps"
    )
    raise UsageError(f"`{provider.name}` {said}, so {ttl!r} cannot be asked of it; leave `ttl` out")
