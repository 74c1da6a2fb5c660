"""The command line, as a user's shell runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import nbformat
import pytest

import agentlab
from agentlab.cli import main

COMMAND = [sys.executable, "-m", "agentlab.cli"]


def test_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"agentlab {agentlab.__version__}\n"


@pytest.mark.parametrize("name", ["anthropic/claude-sonnet-4-6", "openai/gpt-5.6", "ollama/qwen3:4b"])
def test_demo_prints_the_answer_and_what_each_turn_cost(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--model", f"sim:{name}"]) == 0
    out = capsys.readouterr().out
    assert "6912" in out
    assert "cache_read_tokens" in out


def test_a_notebook_that_is_not_there_is_a_sentence_and_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--notebook", "nowhere.ipynb"]) == 1
    assert "there is no notebook nowhere.ipynb" in capsys.readouterr().err


def test_demo_executes_a_notebook_and_prints_its_tagged_cells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "import os; print('shown', os.environ['AGENTLAB_DISPLAY'])"
    tagged = nbformat.v4.new_code_cell(said, metadata={"tags": ["demo"]})
    plain = nbformat.v4.new_code_cell("print('not shown')")
    path = tmp_path / "small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[plain, tagged]), path)
    before, environment = path.read_bytes(), dict(os.environ)
    assert main(["demo", "--notebook", str(path), "--html", str(tmp_path / "out" / "small.html")]) == 0
    out = capsys.readouterr().out
    assert "shown static" in out
    assert "not shown" not in out
    assert "shown" in (tmp_path / "out" / "small.html").read_text(encoding="utf-8")
    assert path.read_bytes() == before
    assert dict(os.environ) == environment


def test_a_reader_that_leaves_early_gets_no_traceback() -> None:
    demo = subprocess.Popen([*COMMAND, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    assert demo.stderr is not None
    demo.stdout.close()
    with demo.stderr as errors:
        assert errors.read() == ""
    demo.wait(timeout=60)


def test_simulate_serves_until_it_is_interrupted() -> None:
    with subprocess.Popen(
        [*COMMAND, "simulate"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().rsplit(" ", 1)[-1].strip()
        with urllib.request.urlopen(url) as answer:
            assert answer.status == 200
        for line in server.stdout:
            if line.startswith("press Ctrl-C"):
                break
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=30) == 130


def test_a_port_that_does_not_exist_is_a_sentence_and_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--port", "99999"]) == 1
    assert "99999" in capsys.readouterr().err


def test_chat_keeps_the_conversation_and_ends_with_exit() -> None:
    said = "What do you say?\nexit\n"
    chat = subprocess.run(
        [*COMMAND, "chat", "sim:openai/gpt-5.6"],
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "[simulated]" in chat.stdout
    assert chat.stderr == ""


def test_a_wrong_model_name_is_a_sentence_and_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat", "opnai:gpt-5.6"]) == 1
    assert "did you mean `openai`" in capsys.readouterr().err
