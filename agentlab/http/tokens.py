"""Tokens that are renewed: short-lived credentials in the place of a key."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from agentlab.errors import AgentlabError, AuthenticationFailed, UsageError
from agentlab.http.clock import Clock, SystemClock
from agentlab.http.secret import Secret, redact

__all__ = ["AccessToken", "RenewedToken", "TokenSource"]

_MARGIN_S: Final = 300.0
_MARGIN_SHARE: Final = 0.2
_MASKED: Final = 4


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token and how long it holds.

    Attributes:
        secret: The token.
        expires_at: Unix time at which it ends; None where that is not known.
    """

    secret: Secret
    expires_at: float | None = None


_Given = AccessToken | Secret | str
TokenSource = Callable[[], _Given | Awaitable[_Given]]
"""A function, plain or async, that gives a token. A plain one runs in a thread, so it may wait for the network."""


class RenewedToken:
    """A token that is fetched when it is first needed, and again before it ends or after it was refused.

    It is sent as `authorization: Bearer ...`, whatever header the vendor's keys go in. A token whose end is known is
    kept until shortly before (five minutes, or a fifth of its life where that is less). A source that gives bare texts
    is asked before every attempt: such functions keep their token themselves.

    Args:
        source: Where tokens come from.
        name: What the source is called in errors.
        clock: Time; for tests.
    """

    def __init__(
        self, source: TokenSource, *, name: str = "the token function", clock: Clock | None = None
    ) -> None:
        if not callable(source):
            raise UsageError(f"a source of tokens is a function that gives one, not {type(source).__name__}")
        self.name = name
        self._source = source
        self._clock = clock or SystemClock()
        self._token: AccessToken | None = None
        self._renew_at = 0.0
        self._seen: deque[Secret] = deque(maxlen=_MASKED)
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    def __repr__(self) -> str:
        return f"RenewedToken({self.name!r})"

    @property
    def seen(self) -> tuple[Secret, ...]:
        """The tokens given lately, to be masked wherever a text is shown."""
        return tuple(self._seen)

    async def secret(self) -> Secret:
        """The token to send now. Calls that need a new one at the same time wait for one fetch.

        Raises:
            AuthenticationFailed: The source gave none; the message has its words.
        """
        async with self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            if self._token is None or self._clock.time() >= self._renew_at:
                self._token = await self._fetched()
            return self._token.secret

    async def replaces(self, refused: Secret) -> bool:
        """Whether there is another token than the one the vendor refused; it is fetched at once."""
        if self._token is not None and self._token.secret == refused:
            self._token = None
        return await self.secret() != refused

    async def _fetched(self) -> AccessToken:
        failure: AgentlabError
        try:
            given = await asyncio.to_thread(self._source)
            token = _token_of(await given if inspect.isawaitable(given) else given)
        except AgentlabError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - whatever a source raises is its failure to give a token
            said = redact(f"{type(error).__name__}: {error}", self._seen)
            failure = AuthenticationFailed(f"{self.name} gave no token: {said}")
        else:
            self._seen.append(token.secret)
            self._renew_at = self._ends(token)
            return token
        raise failure.with_traceback(None)

    def _ends(self, token: AccessToken) -> float:
        """When to fetch the next one."""
        now = self._clock.time()
        if token.expires_at is None:
            return now
        return token.expires_at - min(_MARGIN_S, max(0.0, token.expires_at - now) * _MARGIN_SHARE)


def _token_of(given: object) -> AccessToken:
    if isinstance(given, AccessToken):
        return given
    if isinstance(given, Secret | str):
        return AccessToken(Secret(given))
    raise UsageError(f"a token is a text or an `AccessToken`, not {type(given).__name__}")
