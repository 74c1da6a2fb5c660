"""Hostile servers behind an address: each ends in an error, and none in a hung call."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from agentlab.errors import ToolError, ToolServerFailed
from agentlab.tools.mcp import McpClient
from tests.tools.mcp.hostile.wire import ADD
from tests.tools.mcp.raw_servers import LONGEST_S

pytest.importorskip("mcp")
pytestmark = pytest.mark.anyio


class Handler(BaseHTTPRequestHandler):
    """A server of one tool, whose answers to calls are the test's."""

    protocol_version = "HTTP/1.1"
    answer: Callable[[Handler, dict[str, Any]], None]
    released: threading.Event

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if message.get("method") == "initialize":
            capabilities = {"tools": {"listChanged": True}}
            info = {"name": "raw", "version": "1"}
            self.reply(
                message, {"protocolVersion": "2025-06-18", "capabilities": capabilities, "serverInfo": info}
            )
        elif message.get("method") == "tools/list":
            self.reply(message, {"tools": [ADD]})
        elif message.get("method") == "tools/call":
            type(self).answer(self, message)
        elif "id" in message:
            self.send(
                200, {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no"}}
            )
        else:
            self.send(202)

    def do_GET(self) -> None:
        self.send(405)

    def do_DELETE(self) -> None:
        self.send(405)

    def reply(self, message: dict[str, Any], result: object) -> None:
        self.send(200, {"jsonrpc": "2.0", "id": message["id"], "result": result})

    def send(self, status: int, body: object = None, kind: str = "application/json") -> None:
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def open_stream(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True

    def log_message(self, *_args: Any) -> None:
        """Nothing is printed."""


def answers(handler: Handler, message: dict[str, Any]) -> None:
    handler.reply(message, {"content": [{"type": "text", "text": "3"}]})


def hangs(handler: Handler, message: dict[str, Any]) -> None:
    handler.released.wait()
    handler.close_connection = True


def sends_too_much(handler: Handler, message: dict[str, Any]) -> None:
    handler.open_stream("application/json")
    try:
        while True:
            handler.wfile.write(b" " * 65_536)
    except OSError:
        pass


def sends_one_endless_event(handler: Handler, message: dict[str, Any]) -> None:
    handler.open_stream("text/event-stream")
    try:
        handler.wfile.write(b"data: ")
        while True:
            handler.wfile.write(b"x" * 65_536)
    except OSError:
        pass


def breaks_off(handler: Handler, message: dict[str, Any]) -> None:
    handler.open_stream("text/event-stream")
    handler.wfile.write(b'data: {"jsonrpc":"2.0","id"')


def floods(handler: Handler, message: dict[str, Any]) -> None:
    handler.open_stream("text/event-stream")
    told = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}}
    try:
        while True:
            handler.wfile.write(b"data: " + json.dumps(told).encode() + b"\n\n")
    except OSError:
        pass


SCENARIOS: dict[str, tuple[Callable[[Handler, dict[str, Any]], None], str]] = {
    "answers": (answers, "^3$"),
    "hangs": (hangs, "did not answer the call of `add` within 0.5 s"),
    "sends too much": (sends_too_much, "the response is longer than 1,000,000 bytes"),
    "sends one endless event": (sends_one_endless_event, "SSE stream failed|longer"),
    "breaks off": (breaks_off, "SSE stream ended without a response"),
    "floods": (floods, "2,000 notifications within 10 s"),
    "is no JSON": (lambda handler, _: handler.send(200, b"<html>"), "Failed to parse JSON response"),
    "is no MCP": (lambda handler, _: handler.send(200, b"hello", "text/plain"), "Unexpected content type"),
    "fails": (lambda handler, _: handler.send(500), "HTTP 500|error response"),
    "accepts and says nothing": (lambda handler, _: handler.send(202), "202"),
}


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_hostile_address_hangs_no_call(name: str) -> None:
    answer, says = SCENARIOS[name]
    handler = type("Answering", (Handler,), {"answer": staticmethod(answer), "released": threading.Event()})
    limit = 0.5 if name == "hangs" else LONGEST_S
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/mcp"
        client = McpClient(url, timeout_s=limit, connect_timeout_s=LONGEST_S, max_message_bytes=1_000_000)
        async with asyncio.timeout(2 * LONGEST_S), client:
            try:
                said = (await client.call_tool("add", {"a": 1, "b": 2})).text
            except ToolError as error:
                said = str(error)
        handler.released.set()
        server.shutdown()
    assert re.search(says, said), said


async def test_an_address_that_never_answers_ends_in_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/mcp"
        with pytest.raises(ToolServerFailed, match=r"did not shake hands within 0.5 s"):
            await McpClient(url, connect_timeout_s=0.5).open()
