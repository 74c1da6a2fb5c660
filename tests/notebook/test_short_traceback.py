"""Errors in a notebook: short, at the user's own line, with what to do, and no key in them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import nbclient
import nbformat
import pytest

from agentlab.errors import (
    AgentlabError,
    AuthenticationFailed,
    ModelError,
    RateLimited,
    StreamInterrupted,
    UsageError,
)
from agentlab.messages import AssistantMessage
from agentlab.notebook.short_traceback import short_traceback

KEY = "sk-canary1234567890abcdef"
CELLS: Mapping[str, str] = {
    "import": "import agentlab as al, sys",
    "wrong name": "al.Agent('nonsense')",
    "in a function": f"def ask(text):\n    agent = al.Agent('openai-chat:m', api_key='{KEY}\\n\\n.')\n    return agent\nask('x')",
    "refused": f"await al.Agent('openai-chat:m', api_key='{KEY}', base_url='http://127.0.0.1:9').prompt('x')",
    "blocking": "al.Agent('sim:openai/gpt-5.6', max_turns=0).prompt_sync('x')",
    "whole": "%tb",
    "again": "raise sys.last_value",
    "plain": "1 / 0",
    "from": "try:\n    {}['a']\nexcept KeyError as error:\n    raise al.errors.UsageError('no a') from error",
    "while": "try:\n    {}['a']\nexcept KeyError:\n    al.model('nope:x')",
    "from none": "try:\n    {}['a']\nexcept KeyError:\n    raise al.errors.UsageError('no a') from None",
    "group": "raise ExceptionGroup('several', [al.errors.UsageError('one')])",
    "verbose": "%xmode Verbose",
    "wrong name, verbose": "al.Agent('nonsense')",
}


@pytest.fixture(scope="module")
def printed() -> Mapping[str, str]:
    """What each cell printed as its error, without colours."""
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    arguments = ["--IPKernelApp.log_level=ERROR"]
    nbclient.NotebookClient(notebook, timeout=120, allow_errors=True, extra_arguments=arguments).execute()
    texts = (
        "\n".join("\n".join(output.get("traceback", [])) or output.get("text", "") for output in cell.outputs)
        for cell in notebook.cells
    )
    return dict(zip(CELLS, (re.sub(r"\x1b\[[\d;]*m", "", text) for text in texts), strict=True))


def test_an_error_of_ours_is_a_few_lines_at_the_users_own_line(printed: Mapping[str, str]) -> None:
    said = printed["wrong name"]
    assert said.startswith("UsageError: a model is named")
    assert "at cell [2], line 1:  al.Agent('nonsense')" in said
    assert "agentlab/" not in said
    assert len(said.splitlines()) == 3


def test_every_line_of_the_user_it_came_through_is_named_and_no_key_is_shown(
    printed: Mapping[str, str],
) -> None:
    said = printed["in a function"]
    assert "at cell [3], line 4:  ask('x')" in said
    assert "at cell [3], line 2:  agent = al.Agent('openai-chat:m', api_key='…')" in said
    assert "canary" not in "".join(printed[name] for name in ("in a function", "refused"))


def test_what_to_do_and_the_facts_of_a_failed_call_are_said(printed: Mapping[str, str]) -> None:
    said = printed["refused"]
    assert said.startswith("ConnectionFailed")
    assert "Check the network" in said
    assert "`history`" in said


def test_the_whole_traceback_is_there_when_it_is_asked_for(printed: Mapping[str, str]) -> None:
    assert "`%tb` shows the whole traceback" in printed["blocking"]
    assert "agentlab/agent/portal.py" in printed["whole"]
    assert printed["again"].startswith("MaxTurnsReached: ")
    assert "agentlab/agent/agent.py" in printed["wrong name, verbose"]


def test_errors_of_python_and_groups_are_printed_as_ever(printed: Mapping[str, str]) -> None:
    assert "Traceback (most recent call last)" in printed["plain"]
    assert "ExceptionGroup" in printed["group"]
    assert "%tb" not in printed["plain"] + printed["group"]


def test_what_an_error_came_from_is_one_line(printed: Mapping[str, str]) -> None:
    assert "caused by KeyError: 'a' at cell [9], line 2:  {}['a']" in printed["from"]
    assert "caused by KeyError" in printed["while"]
    assert "caused by" not in printed["from none"]


def caught(error: AgentlabError) -> str:
    """The lines of an error that was raised here, outside of a notebook."""
    try:
        raise error
    except AgentlabError as raised:
        return "\n".join(short_traceback(raised))


def test_numbers_and_parts_of_a_failed_call_are_named() -> None:
    refused = RateLimited(
        "slow down", status=429, code="rate_limit", request_id="req_1", retry_after=2.5, attempts=3
    )
    said = caught(refused)
    assert "HTTP status 429, code rate_limit, request id req_1, retry after 2.5 s, attempts 3" in said
    assert "`partial`" in caught(StreamInterrupted("cut", partial=AssistantMessage.of("half")))
    assert "al.vendors()" in caught(AuthenticationFailed("no"))


@pytest.mark.parametrize(
    "leak", [f"Bearer {KEY}", f"key={KEY}", f'{{"api_key": "{KEY}"}}', f"Incorrect API key: {KEY}", KEY]
)
def test_no_key_is_in_the_lines_wherever_it_stands(leak: str) -> None:
    error = ModelError(leak, code=leak, request_id=leak, body=leak)
    error.__cause__ = UsageError(leak)
    assert KEY not in caught(error)


def test_a_hostile_message_is_bounded_and_acts_on_no_terminal() -> None:
    said = caught(UsageError("\x1b]0;title\x07\x1b[2J\u202e" + "x" * 50_000))
    assert len(said) < 3_000
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_an_error_without_a_traceback_and_one_that_causes_itself_are_printed_too() -> None:
    error = UsageError("alone")
    error.__cause__ = error
    assert short_traceback(error)[0] == "UsageError: alone"
    assert error._render_traceback_() == short_traceback(error)
