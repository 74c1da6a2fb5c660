"""The server as an ASGI application: routes, the key, and who may call it from a browser."""

from __future__ import annotations

import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from agentlab.errors import MissingExtra
from agentlab.http import Secret
from agentlab.serving.chat.body import read_chat
from agentlab.serving.endpoint import Endpoint
from agentlab.serving.refusals import ErrorAnswer, Refused
from agentlab.serving.responses.body import ResponsesReader
from agentlab.serving.running import Receive, RunSlots
from agentlab.serving.service import AgentService
from agentlab.serving.transport import Send, send_error

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse

__all__ = ["BearerAuth", "missing_serve", "openai_application"]

Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_OPEN: Final = frozenset({"/health"})


def missing_serve(package: str) -> MissingExtra:
    """What is raised where the packages of the server are not installed."""
    return MissingExtra(f"the server needs the package `{package}`: pip install 'agentlab[serve]'")


class BearerAuth:
    """Lets only requests with the key through; all but the health check need it.

    Args:
        application: What is guarded.
        key: The key.
    """

    def __init__(self, application: Application, key: Secret) -> None:
        self._application = application
        self._key = key

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] != "http" or scope["path"] in _OPEN or self._is_known(scope):
            await self._application(scope, receive, send)
            return
        message = "the key is wrong or missing; send it as `Authorization: Bearer <key>`"
        challenge = {"www-authenticate": "Bearer"}
        await send_error(send, Refused(ErrorAnswer(401, message, "invalid_api_key", headers=challenge)))

    def _is_known(self, scope: MutableMapping[str, Any]) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(given) != 1:
            return False
        scheme, _, token = given[0].partition(b" ")
        matches = hmac.compare_digest(token.strip(), self._key.reveal().encode("ascii"))
        return matches and scheme.lower() == b"bearer"


def openai_application(
    service: AgentService,
    key: Secret,
    *,
    cors_origins: Sequence[str] = (),
    max_body: int,
    max_runs: int,
    max_waiting: int,
    beat_s: float,
) -> Starlette:
    """An ASGI application that answers as OpenAI does; mount it, or serve it with `AgentServer`.

    Args:
        service: The agents.
        key: What clients must send.
        cors_origins: Origins of web pages that may call it; `*` lets all. None may where it is empty.
        max_body: Bytes a request's body may have.
        max_runs: Runs that may go on at the same time.
        max_waiting: Further requests that may wait for one; others are answered 429.
        beat_s: Seconds of silence after which a stream is kept alive.

    Raises:
        MissingExtra: starlette is not installed.
    """
    try:
        from starlette.applications import Starlette  # noqa: PLC0415 - of the extra `serve`
        from starlette.middleware import Middleware  # noqa: PLC0415
        from starlette.middleware.cors import CORSMiddleware  # noqa: PLC0415
        from starlette.routing import Route  # noqa: PLC0415
    except ImportError:
        raise missing_serve("starlette") from None
    slots = RunSlots(max_runs, max_waiting)
    chat = Endpoint(read_chat, service, slots, max_body=max_body, beat_s=beat_s)
    reader = ResponsesReader(service.remembered)
    responses = Endpoint(reader.read, service, slots, max_body=max_body, beat_s=beat_s)
    models = _ModelList(service)
    guards: list[Any] = [Middleware(BearerAuth, key=key)]
    if cors_origins:
        # Outside the key: a browser asks without it whether it may ask at all.
        cors = Middleware(
            CORSMiddleware,
            allow_origins=list(cors_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
        )
        guards.insert(0, cors)
    return Starlette(
        routes=[
            Route("/health", _health),
            Route("/v1/models", models.all),
            Route("/v1/models/{name:path}", models.one),
            Route("/v1/chat/completions", chat, methods=["POST"]),
            Route("/v1/responses", responses, methods=["POST"]),
        ],
        middleware=guards,
        exception_handlers={404: _not_found, 405: _wrong_method},
        lifespan=lambda _: _connections(service),
    )


class _ModelList:
    """`GET /v1/models`: the served names."""

    def __init__(self, service: AgentService) -> None:
        self._service = service
        self._created = int(time.time())

    async def all(self, request: Request) -> JSONResponse:  # noqa: ARG002 - starlette's
        return _json({"object": "list", "data": [self._entry(name) for name in self._service.agents]})

    async def one(self, request: Request) -> JSONResponse:
        name = request.path_params["name"]
        if name not in self._service.agents:
            answer = ErrorAnswer(404, f"the model `{name}` does not exist", "model_not_found", "model")
            return _json(answer.body, 404)
        return _json(self._entry(name))

    def _entry(self, name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": self._created, "owned_by": "agentlab"}


@asynccontextmanager
async def _connections(service: AgentService) -> AsyncIterator[None]:
    """Keeps the connections to the providers open from request to request."""
    async with AsyncExitStack() as stack:
        for model in {id(agent.model): agent.model for agent in service.agents.values()}.values():
            await stack.enter_async_context(model.session())
        yield


async def _health(request: Request) -> JSONResponse:  # noqa: ARG001 - starlette's
    return _json({"status": "ok"})


async def _not_found(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001 - starlette's
    message = f"there is nothing at {request.method} {request.url.path}"
    return _json(ErrorAnswer(404, message, "unknown_url").body, 404)


async def _wrong_method(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001 - starlette's
    message = f"{request.url.path} does not take {request.method}"
    return _json(ErrorAnswer(405, message, "method_not_allowed").body, 405)


def _json(value: Any, status: int = 200) -> JSONResponse:
    from starlette.responses import JSONResponse  # noqa: PLC0415 - of the extra `serve`

    return JSONResponse(value, status)
