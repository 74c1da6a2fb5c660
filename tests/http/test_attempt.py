from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from types import ModuleType

import httpx
import httpx2
import pytest

from agentlab.errors import ConnectionFailed, ModelError, ProtocolError, ResponseTimeout
from agentlab.http import Failure, Secret, Timeouts
from agentlab.http.attempt import Attempt

pytestmark = pytest.mark.anyio

KEY = Secret("sk-CANARY-0123456789abcdef")
WAITS = Timeouts(connect=1, event_gap=2, write=3, pool=4)


async def failing(error: BaseException, waits: Timeouts = WAITS) -> BaseException:
    """What leaves an attempt whose operation raises the error."""

    async def operation() -> None:
        try:
            float(KEY.reveal())
        except ValueError:
            raise error  # noqa: B904 - with a context, as HTTP libraries raise theirs

    with pytest.raises(BaseException, match=r"^") as left:
        await Attempt("host", waits, (KEY,)).run(operation)
    assert left.value.__context__ is None
    assert left.value.__cause__ is None
    return left.value


@pytest.mark.parametrize("package", [httpx, httpx2], ids=["httpx", "httpx2"])
@pytest.mark.parametrize(
    ("name", "kind", "failure", "text"),
    [
        ("ConnectTimeout", ResponseTimeout, Failure.CONNECT_TIMEOUT, "within 1 s (connect timeout)"),
        ("ReadTimeout", ResponseTimeout, Failure.READ_TIMEOUT, "silent for 2 s (event gap timeout)"),
        ("WriteTimeout", ResponseTimeout, Failure.WRITE_TIMEOUT, "within 3 s (write timeout)"),
        ("PoolTimeout", ResponseTimeout, Failure.POOL_TIMEOUT, "within 4 s (pool timeout)"),
        ("ConnectError", ConnectionFailed, Failure.CONNECT, "No connection to host: said [redacted]."),
        ("ProxyError", ConnectionFailed, Failure.CONNECT, "No connection to host"),
        ("ReadError", ConnectionFailed, Failure.BROKEN, "broke: said [redacted]."),
        ("WriteError", ConnectionFailed, Failure.BROKEN, "broke"),
        ("CloseError", ConnectionFailed, Failure.BROKEN, "broke"),
        ("RemoteProtocolError", ConnectionFailed, Failure.BROKEN, "broke"),
        ("LocalProtocolError", ProtocolError, Failure.MALFORMED, "not valid HTTP: said [redacted]."),
        ("UnsupportedProtocol", ProtocolError, Failure.MALFORMED, "not valid HTTP"),
        ("DecodingError", ProtocolError, Failure.MALFORMED, "not valid HTTP"),
        ("TooManyRedirects", ProtocolError, Failure.MALFORMED, "not valid HTTP"),
        ("InvalidURL", ProtocolError, Failure.MALFORMED, "not valid HTTP"),
    ],
)
async def test_each_error_of_the_library_becomes_one_of_ours(
    package: ModuleType, name: str, kind: type[ModelError], failure: Failure, text: str
) -> None:
    error = await failing(getattr(package, name)(f"said {KEY.reveal()}."))
    assert type(error) is kind
    assert Failure.of(error) is failure
    assert text in str(error)
    assert KEY.reveal() not in str(error)


@pytest.mark.parametrize("package", [httpx, httpx2], ids=["httpx", "httpx2"])
async def test_no_request_error_of_the_library_is_forgotten(package: ModuleType) -> None:
    kinds = [
        kind
        for _, kind in inspect.getmembers(package, inspect.isclass)
        if issubclass(kind, package.RequestError)
    ]
    assert len(kinds) >= 15
    for kind in kinds:
        assert isinstance(await failing(kind("x")), ModelError)


@pytest.mark.parametrize("name", ["ConnectTimeout", "ReadTimeout", "WriteTimeout", "PoolTimeout"])
async def test_a_timeout_without_a_number_is_still_told(name: str) -> None:
    error = await failing(getattr(httpx, name)("x"), Timeouts(None, None, None, None))
    assert "the time allowed" in str(error)


@pytest.mark.parametrize(
    "error", [ValueError("x"), TimeoutError("x"), asyncio.CancelledError(), KeyboardInterrupt()]
)
async def test_another_error_passes_as_it_is_but_bare(error: BaseException) -> None:
    assert await failing(error) is error


async def test_the_wall_clock_does_not_cut_the_closing() -> None:
    attempt = Attempt("host", Timeouts(wall_clock=0), ())
    turns = 0

    async def closing() -> str:
        nonlocal turns
        for _ in range(5):
            await asyncio.sleep(0)
            turns += 1
        return "closed"

    with pytest.raises(ResponseTimeout, match="within 0 s"):
        await attempt.run(closing)
    turns = 0
    assert await attempt.run(closing, bounded=False) == "closed"
    assert turns == 5


async def pieces(*given: bytes | BaseException) -> AsyncIterator[bytes]:
    """A body that ends in an error where one is given."""
    for piece in given:
        if isinstance(piece, BaseException):
            raise piece
        yield piece


@pytest.mark.parametrize("wall_clock", [None, 60.0])
async def test_a_body_is_pulled_with_the_errors_of_any_operation(wall_clock: float | None) -> None:
    attempt = Attempt("host", Timeouts(event_gap=2, wall_clock=wall_clock), (KEY,))
    broken = httpx.ReadError(f"said {KEY.reveal()}")
    broken.__cause__ = ValueError(KEY.reveal())
    body = pieces(b"one", b"", b"two", broken)
    assert [await attempt.pull(body) for _ in range(3)] == [b"one", b"", b"two"]
    with pytest.raises(ConnectionFailed, match=r"broke: said \[redacted\]") as left:
        await attempt.pull(body)
    assert left.value.__context__ is left.value.__cause__ is None
    for _ in range(2):
        with pytest.raises(StopAsyncIteration):
            await attempt.pull(body)
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await attempt.pull(pieces(asyncio.CancelledError()))
    assert "pieces" not in {entry.name for entry in cancelled.traceback}
