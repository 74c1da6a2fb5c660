"""Servers that do not come to their first call, or come to it by an odd way."""

from __future__ import annotations

import json
import os
import signal
import sys
from types import MappingProxyType

from tests.tools.mcp.hostile.wire import ADD, OTHER, Server

PATTERN = {"type": "string", "pattern": "^(a+)+$"}
SOON = {"connect_timeout_s": 0.7}


class ExitsAtOnce(Server):
    expects, says = "no start", "exited with code 3.*no configuration found"

    def start(self):
        sys.stderr.write("no configuration found\n")
        sys.exit(3)


class Silent(Server):
    expects, says, limits = "no start", "did not shake hands within 0.7 s", SOON

    def start(self):
        self.hang()


class SilentAndDeafToSignals(Server):
    expects, says, limits = "no start", "did not shake hands within 0.7 s", SOON

    def start(self):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.hang()


class NeverInitializes(Server):
    expects, says, limits = "no start", "did not shake hands within 0.7 s", SOON

    def on_initialize(self, request):
        pass


class ClosesItsOutput(Server):
    expects, says = "no start", "closed the connection"

    def start(self):
        os.close(1)
        self.hang()


class ClosesItsInput(Server):
    expects, says, limits = "no start", "did not shake hands|closed the connection", SOON

    def start(self):
        os.close(0)
        self.hang()


class RefusesToInitialize(Server):
    expects, says = "no start", "licence expired"

    def on_initialize(self, request):
        self.refuse(request, -32000, "licence expired")


class SpeaksAnUnknownVersion(Server):
    expects, says = "no start", "1999-01-01"

    def on_initialize(self, request):
        self.reply(
            request,
            {
                "protocolVersion": "1999-01-01",
                "capabilities": {},
                "serverInfo": {"name": "old", "version": "0"},
            },
        )


class InitializesWithAString(Server):
    expects, says, limits = "no start", "did not shake hands", SOON

    def on_initialize(self, request):
        self.reply(request, "hello")


class InitializesWithAnEmptyObject(Server):
    expects, says = "no start", "could not shake hands.*protocolVersion"

    def on_initialize(self, request):
        self.reply(request, {})


class AnswersAnotherId(Server):
    expects, says, limits = "no start", "did not shake hands within", SOON

    def on_initialize(self, request):
        self.reply({"id": 999}, {})


class AnswersNoId(Server):
    expects, says, limits = "no start", "did not shake hands within", SOON

    def on_initialize(self, request):
        self.reply({"id": None}, {})


class AnswersAnObjectAsId(Server):
    expects, says, limits = "no start", "did not shake hands within", SOON

    def on_initialize(self, request):
        self.reply({"id": {"a": 1}}, {})


class PrintsForEver(Server):
    expects, says = "no start", "are no JSON-RPC: 'loading"

    def start(self):
        while True:
            self.raw("loading model\n")


class PrintsOneEndlessLine(Server):
    expects, says = "no start", "longer than 1,000,000 bytes"

    def start(self):
        while True:
            self.raw("x" * 65536)


class PrintsABannerFirst(Server):
    def start(self):
        self.raw("".join(f"welcome, line {number}\n" for number in range(50)))


class PrintsZeroBytes(Server):
    def start(self):
        self.raw("\0\0\0\n\n\n{}\n[]\nnull\n")


class PrintsWhatIsNoText(Server):
    def start(self):
        sys.stdout.buffer.write(b"\xff\xfe\xc3\x28\n")
        sys.stdout.buffer.flush()


class AnswersBeforeItIsAsked(Server):
    def start(self):
        for number in range(50):
            self.reply({"id": 100 + number}, {"content": []})


class FloodsItsErrorOutput(Server):
    def start(self):
        for _ in range(200):
            sys.stderr.write("x" * 10_000 + "\n")


class NeverListsItsTools(Server):
    expects, says, limits = "no start", "did not list its tools within 0.4 s", {"refresh_timeout_s": 0.4}

    def on_list(self, request):
        pass


class NeverListsItsToolsAtAll(NeverListsItsTools):
    says, limits = "did not list its tools within 1.5 s", MappingProxyType({"connect_timeout_s": 1.5})


class RefusesToList(Server):
    expects, says = "no start", "could not list its tools: database is down"

    def on_list(self, request):
        self.refuse(request, -32000, "database is down")


class ListsNoList(Server):
    expects, says = "no start", "could not list its tools.*protocol"

    def on_list(self, request):
        self.reply(request, {"tools": "none"})


class DiesWhileListing(Server):
    expects, says = "no start", "exited with code 7"

    def on_list(self, request):
        sys.exit(7)


class ListsPagesForEver(Server):
    says = "3"

    def on_list(self, request):
        self.lists += 1
        self.reply(request, {"tools": [ADD] if self.lists == 1 else [], "nextCursor": str(self.lists)})


class ListsInACircle(Server):
    def on_list(self, request):
        self.reply(request, {"tools": [ADD], "nextCursor": "again"})


class ListsAMillionTools(Server):
    expects, says = "no start", "longer than 1,000,000 bytes"

    def on_list(self, request):
        self.raw(f'{{"jsonrpc":"2.0","id":{request["id"]},"result":{{"tools":[')
        for _ in range(1_000_000):
            self.raw(json.dumps(OTHER) + ",")


class ListsThousandsOfTools(Server):
    def on_list(self, request):
        more = [{**OTHER, "name": f"other{number}"} for number in range(3_000)]
        self.reply(request, {"tools": [ADD, *more]})


class ListsAToolTwice(Server):
    tools = ({**ADD, "description": "Not this one."}, OTHER, ADD)


class NamesToolsAsNoProviderTakes(Server):
    tools = (
        ADD,
        *({**OTHER, "name": name} for name in ("", "a b", "🙂", "x" * 200, "../../etc", "a\u202eb", "add ")),
    )


class NamesToolsAlike(Server):
    tools = ({**OTHER, "name": "a.d.d"}, {**OTHER, "name": "a_d_d"}, {**OTHER, "name": "a d d"}, ADD)


class ListsAHugeSchema(Server):
    tools = (
        ADD,
        {
            **OTHER,
            "inputSchema": {
                "type": "object",
                "properties": {f"p{n}": {"enum": ["x" * 100]} for n in range(2000)},
            },
        },
    )


class ListsADeepSchema(Server):
    def on_list(self, request):
        deep = {}
        for _ in range(90):
            deep = {"properties": {"a": deep}}
        self.reply(
            request, {"tools": [ADD, {"name": "deep", "inputSchema": {"type": "object", "not": deep}}]}
        )


class HidesTextInItsDescription(Server):
    tools = ({**ADD, "description": "Add.\u200b\u202e\x1b[2J\U000e0041\U000e0042" + "long " * 10_000},)


class AsksForAPatternThatNeverEnds(Server):
    tools = (
        {
            **ADD,
            "inputSchema": {"type": "object", "properties": {"a": {"type": "integer"}, "s": PATTERN}},
            "outputSchema": {"type": "object", "properties": {"s": PATTERN}},
        },
    )

    def on_call(self, request):
        self.reply(
            request,
            {
                "content": [{"type": "text", "text": "3"}],
                "structuredContent": {"s": "a" * 60 + "!", "sum": 3},
            },
        )
