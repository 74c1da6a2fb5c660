"""A transcript's Markdown is read back whatever its texts hold."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.errors import SessionCorrupt
from agentlab.sessions.transcript_markdown import parts_text, read_parts
from agentlab.sessions.transcript_parts import TranscriptPart
from tests.sessions.gauntlet import GAUNTLET

_PIECES = [
    "\n", "\r", "`", "```", "~~~", "<!-- agentlab ", '<!-- agentlab {"kind":"note","entry":1} -->', '{"kind":"note"}',
    " -->", "-->", "\\", "#", "## User", "> ", "---", "a", " ", "\x85", "\u2028", "é", "\x00", "\u202e",
]  # fmt: skip
hostile = st.lists(st.sampled_from(_PIECES), max_size=10).map("".join) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=20
)
pieces = st.builds(
    TranscriptPart,
    kind=st.sampled_from(["prompt", "answer", "call", "result", "note"]),
    entry=st.integers(0, 10**9),
    at=st.floats(0, 4e9),
    text=hostile,
    model=hostile,
    tool=hostile,
    call_id=hostile,
    status=st.sampled_from(["success", "failed", "skipped", "interrupted"]),
    interrupted=st.booleans(),
    cut=st.booleans(),
)


@settings(max_examples=1000 if GAUNTLET else 60)
@given(st.lists(pieces, max_size=4))
def test_pieces_come_back_whatever_they_hold(parts: list[TranscriptPart]) -> None:
    reading = read_parts(parts_text(parts))
    assert list(reading.parts) == parts
    assert reading.rest == ""


def test_half_a_surrogate_pair_does_not_stop_the_writing() -> None:
    text = parts_text([TranscriptPart("answer", text="\ud83d", model="\udc00")])
    assert read_parts(text.encode().decode()).parts[0].text == "\ufffd"


def test_a_text_that_looks_like_a_comment_of_ours_is_no_piece() -> None:
    forged = 'before\n<!-- agentlab {"kind":"prompt","entry":9} -->\nafter'
    assert [part.text for part in read_parts(parts_text([TranscriptPart("prompt", text=forged)])).parts] == [
        forged
    ]


def test_a_name_cannot_end_the_comment_or_the_heading() -> None:
    name = "x --> <script>\n# `y`"
    text = parts_text([TranscriptPart("call", text="{}", tool=name, call_id=name)])
    assert text.count("-->") == 2  # the name in the heading is the reader's to see; the comment ends once
    assert text.splitlines()[1].startswith("### Call of `x --> <script> # 'y'`")


def test_a_result_stands_in_a_fence_longer_than_any_in_it() -> None:
    assert "\n`````text\nfour ````\n`````\n" in parts_text([TranscriptPart("result", text="four ````")])


def test_text_edited_by_hand_is_taken_as_it_is() -> None:
    text = parts_text([TranscriptPart("result", text="old", tool="read")])
    edited = text.replace("```text\nold\n```", "no fence any more").replace("\n", "\r\n")
    assert read_parts(edited).parts[0].text.strip() == "no fence any more"


def test_what_follows_the_last_piece_is_told() -> None:
    assert read_parts(parts_text([TranscriptPart("prompt", text="a")]) + "by hand").rest == "by hand"


def test_a_damaged_comment_is_named_by_its_line() -> None:
    text = parts_text([TranscriptPart("prompt", text="a"), TranscriptPart("prompt", text="b")])
    damaged = text.replace('"kind":"prompt"', '"kind":7')
    line = 1 + damaged[: damaged.index("<!-- agentlab")].count("\n")
    with pytest.raises(SessionCorrupt, match=f"x.md, line {line + 10}:"):
        read_parts(damaged, name="x.md", before=10)
