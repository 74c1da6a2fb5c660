"""`agentlab serve`, as a user's shell runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from agentlab.cli import main

COMMAND = [sys.executable, "-m", "agentlab.cli", "serve", "--port", "0"]


@contextmanager
def serving(*words: str, **environment: str) -> Iterator[tuple[str, str, subprocess.Popen[str]]]:
    """A server in a process of its own: what it greets with, where it is, and the process."""
    with subprocess.Popen(
        [*COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        assert process.stdout is not None
        greeting = ""
        for line in process.stdout:
            greeting += line
            if line.startswith("press Ctrl-C"):
                break
        try:
            yield greeting, re.findall(r"http://\S+?(?=[\s\"])", greeting)[0], process
        finally:
            process.kill()


def test_a_model_is_served_as_the_greeting_says_and_stops_in_order() -> None:
    words = [
        "--model",
        "sim:openai/gpt-5.6",
        "--preamble",
        "Be terse.",
        "--tool",
        "tests.serving.offered:add",
    ]
    with serving(*words) as (greeting, url, process):
        key = re.search(r"^key: (\S+)$", greeting, re.MULTILINE)
        assert key is not None
        with openai.OpenAI(base_url=url, api_key=key[1]) as client:
            answer = client.chat.completions.create(
                model="sim:openai/gpt-5.6", messages=[{"role": "user", "content": "add 12 and 30"}]
            )
        example = [line.strip() for line in greeting.splitlines() if "client" in line]
        assert len(example) == 2
        names: dict[str, Any] = {"openai": openai}
        exec("\n".join(example), names)
        names["client"].close()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert "42" in (answer.choices[0].message.content or "")


def test_agents_of_a_module_are_served_under_their_names_and_a_given_key_is_not_printed() -> None:
    key = "a-key-of-mine"
    with serving("tests.serving.offered:agents", AGENTLAB_SERVE_KEY=key) as (greeting, url, process):
        with openai.OpenAI(base_url=url, api_key=key) as client:
            assert [model.id for model in client.models.list()] == ["first", "second"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert key not in greeting


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name what is to be served"),
        (["nowhere.at.all:agent"], "no module `nowhere`"),
        (["tests.serving.offered"], "module:name"),
        (["tests.serving.offered:nobody"], "has no `nobody`"),
        (["tests.serving.offered:add"], "is no agent"),
        (["tests.serving.offered:calculator", "tests.serving.offered:calculator"], "two agents"),
        (["--preamble", "Hi", "tests.serving.offered:calculator"], "belong to `--model`"),
        (["--model", "opnai:gpt-5.6"], "did you mean `openai`"),
        (["--port", "99999", "tests.serving.offered:calculator"], "99999"),
        (["--key", " ", "tests.serving.offered:calculator"], "key is empty"),
        (["--mcp", "tests.serving.offered:PIXEL"], "no tool"),
    ],
)
def test_what_cannot_be_served_is_a_sentence_and_status_1(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *words]) == 1
    assert said in capsys.readouterr().err


def test_a_module_of_the_working_folder_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "only_here.py").write_text("import not_installed_at_all\n", encoding="utf-8")
    (tmp_path / "one_more.py").write_text("agent = 3\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert main(["serve", "one_more:agent"]) == 1
    assert "3 is no agent" in capsys.readouterr().err
    with pytest.raises(ModuleNotFoundError, match="not_installed_at_all"):
        main(["serve", "only_here:agent"])


@pytest.mark.parametrize(
    ("missing", "words", "extra"),
    [
        ("starlette.applications", [], "serve"),
        ("uvicorn", [], "serve"),
        ("mcp.server", ["--mcp"], "mcp"),
        ("mcp.server", ["--mcp-http"], "mcp"),
    ],
)
def test_a_package_that_is_not_installed_is_told_with_its_extra(
    missing: str,
    words: list[str],
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(["serve", "--port", "0", "tests.serving.offered:calculator", *words]) == 1
    assert f"pip install 'agentlab[{extra}]'" in capsys.readouterr().err
