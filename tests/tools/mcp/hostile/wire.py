"""A server by hand: JSON-RPC in lines, with the standard library alone, so that it can break every rule.

A scenario is a class that overrides what it does wrong. What a tool call reaches is written to a file, for the test to read.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

ADD = {
    "name": "add",
    "description": "Add two integers.",
    "inputSchema": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}},
}
OTHER = {"name": "other", "description": "Does nothing.", "inputSchema": {"type": "object"}}


class Server:
    """A well-behaved server, and what the test expects of a client that meets it.

    Attributes:
        expects: `answers`, `no start`, `call fails` or `disabled`.
        says: What the error, or the answer, must hold.
        limits: Options of the client.
    """

    expects = "answers"
    says = "3"
    limits: Mapping = MappingProxyType({})
    tools: tuple = (ADD,)

    def __init__(self, log: str) -> None:
        self.log = log
        self.calls = 0
        self.lists = 0

    # ------------------------------------------------------------------ out

    def note(self, text: str) -> None:
        with Path(self.log).open("a") as file:
            file.write(text + "\n")

    def raw(self, text: str) -> None:
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError:
            os._exit(0)

    def send(self, message: object) -> None:
        self.raw(json.dumps(message) + "\n")

    def reply(self, request: dict, result: object) -> None:
        self.send({"jsonrpc": "2.0", "id": request["id"], "result": result})

    def refuse(self, request: dict, code: int = -32601, text: str = "no such method") -> None:
        self.send({"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": text}})

    def tell(self, method: str, **params: object) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def tell_change(self) -> None:
        self.send({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})

    def text(self, request: dict, text: str) -> None:
        self.reply(request, {"content": [{"type": "text", "text": text}]})

    def hang(self) -> None:
        while True:
            time.sleep(1000)

    # ------------------------------------------------------------------- in

    def start(self) -> None:
        """Before the first line is read."""

    def on_initialize(self, request: dict) -> None:
        self.reply(
            request,
            {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {"listChanged": True}},
                "serverInfo": {"name": type(self).__name__, "version": "1"},
            },
        )

    def on_list(self, request: dict) -> None:
        self.lists += 1
        self.reply(request, {"tools": self.tools})

    def on_call(self, request: dict) -> None:
        self.calls += 1
        arguments = request["params"].get("arguments", {})
        self.note(f"call {request['params']['name']}")
        self.text(request, str(arguments.get("a", 0) + arguments.get("b", 0)))

    def on_answer(self, message: dict) -> None:
        self.note(f"answer {json.dumps(message.get('error') or message.get('result'))}")

    def on_notification(self, message: dict) -> None:
        self.note(f"told {message['method']}")

    def handle(self, message: dict) -> None:
        if "method" not in message:
            self.on_answer(message)
        elif "id" not in message:
            self.on_notification(message)
        elif message["method"] == "initialize":
            self.on_initialize(message)
        elif message["method"] == "tools/list":
            self.on_list(message)
        elif message["method"] == "tools/call":
            self.on_call(message)
        else:
            self.refuse(message)

    def run(self) -> None:
        self.note(f"pid {os.getpid()}")
        self.start()
        for line in sys.stdin:
            self.handle(json.loads(line))
