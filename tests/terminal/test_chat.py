"""Which chat a user gets."""

from __future__ import annotations

import io
import sys

import pytest

from agentlab.agent import Agent
from agentlab.errors import MissingExtra
from agentlab.terminal import chat, run_chat


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_plain_text(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("hello\n"))
    assert run_chat(Agent("sim:openai/gpt-5.6")) == 0
    assert capsys.readouterr().out == "[simulated] You said: hello\n"


def test_a_terminal_without_the_packages_is_told_which_extra_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", Tty())
    monkeypatch.setattr(sys, "stdout", Tty())
    monkeypatch.setattr(chat, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"agentlab\[terminal\]"):
        run_chat(Agent("sim:openai/gpt-5.6"))
