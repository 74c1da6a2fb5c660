"""Servers that misbehave while a tool is called."""

from __future__ import annotations

import json
import os
import signal
import sys

from tests.tools.mcp.hostile.wire import Server

SOON = {"timeout_s": 0.5}


class NeverAnswersACall(Server):
    expects, says, limits = "call fails", "did not answer the call of `add` within 0.5 s", SOON

    def on_call(self, request):
        pass


class StopsReading(Server):
    expects, says, limits = "call fails", "did not answer the call of `add` within 0.5 s", SOON

    def on_call(self, request):
        self.hang()


class DiesInACall(Server):
    expects, says = "call fails", "exited with code 9.*segmentation fault"

    def on_call(self, request):
        sys.stderr.write("segmentation fault\n")
        sys.stderr.flush()
        os._exit(9)


class IsKilledInACall(Server):
    expects, says = "call fails", "ended by signal 9"

    def on_call(self, request):
        os.kill(os.getpid(), signal.SIGKILL)


class ClosesItsOutputInACall(Server):
    expects, says = "call fails", "closed the connection"

    def on_call(self, request):
        os.close(1)
        self.hang()


class AnswersACallUnderAnotherId(Server):
    expects, says, limits = "call fails", "did not answer", SOON

    def on_call(self, request):
        self.text({"id": request["id"] + 1000}, "3")


class AnswersWithTheIdAsText(Server):
    def on_call(self, request):
        self.text({"id": str(request["id"])}, "3")


class AnswersHalfAMessage(Server):
    expects, says, limits = "call fails", "did not answer", SOON

    def on_call(self, request):
        self.raw(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": {"content": ["x"]}})[:-6])


class AnswersNoJson(Server):
    expects, says, limits = "call fails", "did not answer", SOON

    def on_call(self, request):
        self.raw("Traceback (most recent call last):\n  ZeroDivisionError\n")


class AnswersWithTextForContent(Server):
    expects, says = "call fails", "not as the protocol says.*content"

    def on_call(self, request):
        self.reply(request, {"content": "3"})


class AnswersWithAnUnknownBlock(Server):
    expects, says = "call fails", "not as the protocol says"

    def on_call(self, request):
        self.reply(request, {"content": [{"type": "hologram", "data": 3}]})


class AnswersNothing(Server):
    expects, says = "call fails", "not as the protocol says.*content"

    def on_call(self, request):
        self.reply(request, {})


class AnswersAndRefuses(Server):
    expects, says = "any", ""
    limits = SOON

    def on_call(self, request):
        self.send(
            {
                "jsonrpc": "2.0",
                "id": request["id"],
                "result": {"content": []},
                "error": {"code": 1, "message": "no"},
            }
        )


class AnswersTwice(Server):
    def on_call(self, request):
        self.text(request, "3")
        self.text(request, "4")


class AnswersMegabytes(Server):
    expects, says = "call fails", "longer than 1,000,000 bytes"

    def on_call(self, request):
        self.text(request, "x" * 2_000_000)


class AnswersMoreThanAModelReads(Server):
    says = "480,000 more characters"

    def on_call(self, request):
        self.text(request, "x" * 500_000)


class AnswersThousandsOfParts(Server):
    says = "4,936 more parts"

    def on_call(self, request):
        self.reply(request, {"content": [{"type": "text", "text": "3"}] * 5_000})


class AnswersABrokenImage(Server):
    says = "image image/png, whose data cannot be read"

    def on_call(self, request):
        self.reply(request, {"content": [{"type": "image", "data": "not base64!", "mimeType": "image/png"}]})


class AnswersAScriptAsImage(Server):
    says = "image image/svg\\+xml"

    def on_call(self, request):
        self.reply(request, {"content": [{"type": "image", "data": "PHN2Zy8+", "mimeType": "image/svg+xml"}]})


class SaysItFailed(Server):
    expects, says = "call fails", "disk full"

    def on_call(self, request):
        self.reply(request, {"content": [{"type": "text", "text": "disk full"}], "isError": True})


class RefusesACall(Server):
    expects, says = "call fails", "refused the call: quota spent"

    def on_call(self, request):
        self.refuse(request, -32000, "quota spent")


class CancelsTheCallItself(Server):
    expects, says, limits = "call fails", "did not answer", SOON

    def on_call(self, request):
        self.tell("notifications/cancelled", requestId=request["id"], reason="no")


class LeavesAChildBehind(Server):
    """The child holds the pipes open, and is deaf to polite signals."""

    def start(self):
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            self.hang()
        self.note(f"pid {child}")


class DiesAndLeavesAChildBehind(LeavesAChildBehind):
    expects, says, limits = "call fails", "did not answer|closed the connection|exited", SOON

    def on_call(self, request):
        os._exit(1)
