"""One attempt at the network: its deadline, and its failures in our own words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from agentlab.errors import ConnectionFailed, ModelError, ProtocolError, ResponseTimeout
from agentlab.http.retry import Failure
from agentlab.http.secret import Secret, redact
from agentlab.http.timeouts import Timeouts

__all__ = ["Attempt"]

_Result = TypeVar("_Result")

# By name, because the client may be one of httpx or of its continuation httpx2, whose classes are not related.
_FAILURES = {
    "ConnectTimeout": Failure.CONNECT_TIMEOUT,
    "ReadTimeout": Failure.READ_TIMEOUT,
    "WriteTimeout": Failure.WRITE_TIMEOUT,
    "PoolTimeout": Failure.POOL_TIMEOUT,
    "ConnectError": Failure.CONNECT,
    "ProxyError": Failure.CONNECT,
    "NetworkError": Failure.BROKEN,
    "RemoteProtocolError": Failure.BROKEN,
    "RequestError": Failure.MALFORMED,
    "InvalidURL": Failure.MALFORMED,
}
_PACKAGES = frozenset({"httpx", "httpx2"})


class Attempt:
    """Runs the operations of one request, so that nothing but errors of this library leaves them.

    The errors of HTTP libraries, and the frames of their tracebacks, hold the request's headers and so the key. Here
    an error is replaced by one of ours outside of its `except` block, which leaves neither cause nor context behind.
    A cancellation passes through as it is, without those frames.

    Args:
        host: Where the request goes, for messages.
        timeouts: What the request may wait for.
        secrets: Masked in every message.
    """

    def __init__(self, host: str, timeouts: Timeouts, secrets: tuple[Secret, ...]) -> None:
        self._host = host
        self._timeouts = timeouts
        self._secrets = secrets
        self._deadline: float | None = None
        if timeouts.wall_clock is not None:
            self._deadline = asyncio.get_running_loop().time() + timeouts.wall_clock

    async def run(self, operation: Callable[[], Awaitable[_Result]], *, bounded: bool = True) -> _Result:
        """Run one operation of the HTTP library.

        Args:
            operation: What to await.
            bounded: Whether the wall clock ends it. Closing must come to its end however late it is.

        Raises:
            ConnectionFailed: No connection, or it broke.
            ResponseTimeout: A timeout passed; the message says which.
            ProtocolError: What was sent or received is no valid HTTP.
        """
        failure: BaseException
        if bounded and self._late():  # bytes already at hand would not give the timeout below a turn
            raise self._error(Failure.WALL_CLOCK, "")
        try:
            if self._deadline is None or not bounded:
                return await operation()
            async with asyncio.timeout_at(self._deadline):
                return await operation()
        except BaseException as error:  # noqa: BLE001 - whatever it is, its traceback shows the key
            failure = self._told(error, bounded=bounded)
        raise failure

    async def pull(self, body: AsyncIterator[bytes]) -> bytes:
        """The next piece of a body; what `run` does, at less cost where no wall clock ends it.

        Raises:
            StopAsyncIteration: There is none.
        """
        failure: BaseException
        if self._deadline is not None:
            chunk = await self.run(lambda: anext(body, None))
            if chunk is None:
                raise StopAsyncIteration
            return chunk
        try:
            return await anext(body)
        except StopAsyncIteration:
            raise
        except BaseException as error:  # noqa: BLE001 - as above
            failure = self._told(error, bounded=False)
        raise failure

    def _told(self, error: BaseException, *, bounded: bool) -> BaseException:
        """What is raised in the place of an error."""
        if not isinstance(error, Exception):
            return _bare(error)
        kind = _failure_of(error)
        if self._deadline is not None and bounded and isinstance(error, TimeoutError):
            kind = Failure.WALL_CLOCK
        return _bare(error) if kind is None else self._error(kind, str(error).rstrip("."))

    def _late(self) -> bool:
        return self._deadline is not None and asyncio.get_running_loop().time() >= self._deadline

    def _error(self, kind: Failure, detail: str) -> ModelError:
        """Tell of a failure in one sentence, with the library's own words where it has any."""
        waits = self._timeouts
        match kind:
            case Failure.CONNECT_TIMEOUT:
                text = f"No connection to {self._host} within {_seconds(waits.connect)} (connect timeout)."
            case Failure.READ_TIMEOUT:
                text = f"{self._host} was silent for {_seconds(waits.event_gap)} (event gap timeout)."
            case Failure.WRITE_TIMEOUT:
                text = (
                    f"{self._host} did not take the request within {_seconds(waits.write)} (write timeout)."
                )
            case Failure.POOL_TIMEOUT:
                text = f"No free connection to {self._host} within {_seconds(waits.pool)} (pool timeout)."
            case Failure.WALL_CLOCK:
                text = (
                    f"{self._host} did not finish within {_seconds(waits.wall_clock)} (wall clock timeout)."
                )
            case Failure.CONNECT:
                text = f"No connection to {self._host}: {detail or 'refused'}."
            case Failure.BROKEN:
                text = f"The connection to {self._host} broke: {detail or 'closed by the other side'}."
            case Failure.MALFORMED:
                text = f"The exchange with {self._host} is not valid HTTP: {detail}."
        return _CLASSES[kind](redact(text, self._secrets), code=kind.value)


_CLASSES: dict[Failure, type[ModelError]] = {
    Failure.CONNECT: ConnectionFailed,
    Failure.BROKEN: ConnectionFailed,
    Failure.CONNECT_TIMEOUT: ResponseTimeout,
    Failure.READ_TIMEOUT: ResponseTimeout,
    Failure.WRITE_TIMEOUT: ResponseTimeout,
    Failure.POOL_TIMEOUT: ResponseTimeout,
    Failure.WALL_CLOCK: ResponseTimeout,
    Failure.MALFORMED: ProtocolError,
}


def _seconds(wait: float | None) -> str:
    return "the time allowed" if wait is None else f"{wait:g} s"


def _failure_of(error: Exception) -> Failure | None:
    """Name the failure behind an error of an HTTP library; None for an error of another origin."""
    for kind in type(error).__mro__:
        if kind.__module__.partition(".")[0] in _PACKAGES and kind.__name__ in _FAILURES:
            return _FAILURES[kind.__name__]
    return None


def _bare(error: BaseException) -> BaseException:
    """Take the frames and the errors of the HTTP library off an error that passes through."""
    error.__context__ = None
    error.__cause__ = None
    return error.with_traceback(None)
