"""No key is ever in a saved notebook: not in outputs, errors, tracebacks or widget state."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import nbclient
import nbformat
import pytest

from agentlab.simulator import ErrorReply, Fault, Simulator, reply, serve

CELLS = [
    """
import logging, os, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
logging.getLogger("asyncio").setLevel(logging.WARNING)
import agentlab as al
KEY, URL, CLOSED = (os.environ.pop(name) for name in ("CANARY", "CANARY_URL", "CANARY_CLOSED"))
def agent(key=KEY, url=URL):
    return al.Agent("openai-chat:gpt-5.6", api_key=key, base_url=url)
""",
    'run = await agent().show("hello"); run',
    "agent().model, vars(agent().model).keys(), agent(), agent().settings",
    'await agent().show("401")',
    'await agent().prompt("400")',
    'await agent(url=CLOSED).prompt("refused")',
    "agent(key=KEY + '\\nx')",
    "agent(key=KEY + 'é')",
    'await agent().show("cut")',
    "%xmode Verbose",
    'await agent().prompt("401")',
    'await agent().prompt("cut")',
    "print(run.trace.to_json()); print(run.run.to_json()); run.turns",
]


def answer(simulator: Simulator) -> None:
    """Echo the key in every way a provider might."""

    def behaviour(request: object) -> object:
        text = str(request.messages[-1].text)  # type: ignore[attr-defined]
        if text == "401":
            return ErrorReply(401, f"Incorrect API key provided: {simulator.token}.")
        if text == "400":
            return ErrorReply(400, f"bad header Authorization: Bearer {simulator.token}")
        if text == "cut":
            return reply("this answer is cut off", fault=Fault("truncate", at_event=3))
        return reply("fine")

    simulator.behaviour = behaviour  # type: ignore[assignment]


@pytest.mark.parametrize("display", ["live", "static"])
def test_saved_notebook_holds_no_key(display: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve() as simulator:
        answer(simulator)
        monkeypatch.setenv("CANARY", simulator.token)
        monkeypatch.setenv("CANARY_URL", simulator.base_url("openai-chat"))
        monkeypatch.setenv("CANARY_CLOSED", "http://127.0.0.1:9")
        monkeypatch.setenv("AGENTLAB_DISPLAY", display)
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS])
        arguments = ["--IPKernelApp.log_level=ERROR"]
        nbclient.NotebookClient(notebook, timeout=60, allow_errors=True, extra_arguments=arguments).execute()
        path = tmp_path / "saved.ipynb"
        nbformat.write(notebook, path)
        saved, key = path.read_text(encoding="utf-8"), simulator.token
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    errors = [output.ename for output in outputs if output.output_type == "error"]
    assert errors == [
        "AuthenticationFailed",
        "BadRequest",
        "ConnectionFailed",
        "UsageError",
        "UsageError",
        "StreamInterrupted",
        "AuthenticationFailed",
        "StreamInterrupted",
    ]
    assert "fine" in saved
    assert len(key) > 16
    forms = [
        key,
        quote(key, safe=""),
        json.dumps(key)[1:-1],
        base64.b64encode(key.encode()).decode().rstrip("="),
    ]
    assert [form for form in forms if form in saved] == []
