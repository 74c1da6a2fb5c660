"""What the chat says in one line, and where it keeps prompts."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentlab.messages import (
    Audio,
    Image,
    Retrieved,
    RetrievedHit,
    Text,
    ToolCall,
    ToolResult,
    UrlSource,
    Usage,
)
from agentlab.terminal.lines import (
    call_line,
    cost_words,
    media_line,
    result_words,
    retrieved_line,
    usage_words,
)
from agentlab.terminal.reading import history_file_of


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ('{"a": 1, "b": "x y"}', 'add(a=1, b="x y")'),
        ("", "add()"),
        ('{"a": ', 'add({"a":)'),
        ("[1]", "add([1])"),
        ('{"a": "' + "x" * 500 + '"}', f'add(a="{"x" * 77}…)'),
        ('{"a": "\\u001b[2J"}', 'add(a="\\u001b[2J")'),
        ("\x1b[2J{\n}", "add({ })"),
    ],
)
def test_a_call_is_one_bounded_line_whatever_its_arguments(arguments: str, line: str) -> None:
    assert call_line(ToolCall("1", "add", arguments)) == line


def test_a_result_is_told_in_few_words() -> None:
    assert result_words(ToolResult("1", "t", (Text("one\ntwo"),))) == "one two"
    assert result_words(ToolResult("1", "t", (Text("no"),), "failed")) == "failed: no"
    assert result_words(ToolResult("1", "t")) == "nothing"
    assert "image/png" in result_words(ToolResult("1", "t", (Image.from_bytes(b"x"),)))
    assert len(result_words(ToolResult("1", "t", (Text("\x1b]0;x\x07" + "y" * 9_999),)))) < 110


def test_what_was_found_and_made_is_named() -> None:
    hits = tuple(RetrievedHit(f"page\x1b[2J {number}", 0.5, 10, "-") for number in range(5))
    assert (
        retrieved_line(Retrieved(0, "documents", "book", "q", hits))
        == "book: page 0, page 1, page 2 and 2 more"
    )
    assert retrieved_line(Retrieved(0, "tools", "t", "q")) == "t: no tools found"
    assert media_line(Image.from_bytes(b"x", "image/png\x1b[2J")) == "[image image/png]"
    assert media_line(Audio(UrlSource("https://a.invalid"))) == "[audio]"


def test_what_is_not_reported_is_left_out() -> None:
    assert usage_words(Usage()) == "no usage reported"
    assert usage_words(Usage(input_tokens=1234, output_tokens=5)) == "1,234 in · 5 out"
    full = Usage(
        input_tokens=10, cache_read_tokens=7, cache_write_tokens=0, output_tokens=5, reasoning_tokens=4
    )
    assert usage_words(full) == "10 in · 7 read · 0 written · 5 out (4 reasoning)"
    assert (cost_words(None), cost_words(0.00123), cost_words(12.345)) == (
        "price unknown",
        "$0.0012",
        "$12.35",
    )


def test_the_history_is_in_the_folder_the_system_has_for_it() -> None:
    state = "/state" if Path("/state").is_absolute() else "C:/state"
    assert history_file_of({"XDG_STATE_HOME": state}, "linux") == Path(state) / "agentlab" / "chat_history"
    home = Path.home()
    assert history_file_of({}, "linux") == home / ".local" / "state" / "agentlab" / "chat_history"
    assert history_file_of({"XDG_STATE_HOME": "relative"}, "linux").is_relative_to(home)
    assert history_file_of({}, "darwin").is_relative_to(home / "Library")
    assert history_file_of({"LOCALAPPDATA": "/local"}, "win32") == Path("/local/agentlab/chat_history")
