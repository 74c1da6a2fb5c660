"""Ids are safe as file names, and nothing else passes for one."""

from __future__ import annotations

import pytest

from agentlab.errors import UsageError
from agentlab.sessions.ids import checked_id, new_id


def test_a_fresh_id_is_short_passes_the_check_and_is_not_given_twice() -> None:
    ids = {new_id() for _ in range(500)}
    assert len(ids) == 500
    assert all(len(checked_id(id_)) == 8 for id_ in ids)


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "..", "../up", "a/b", "a\\b", "/etc/passwd", "a.sqlite", "A", "é", "a\n", "a\x00", " a", "-a", "_a",
        "a" * 65, "con", "nul", "com1", "lpt9", "~", "a b", "\u202ea",
    ],
)  # fmt: skip
def test_what_could_leave_the_folder_or_confuse_is_no_id(text: str) -> None:
    with pytest.raises(UsageError, match="is no id of a session"):
        checked_id(text)


@pytest.mark.parametrize("text", ["a", "0", "my-research_2", "console", "a" * 64])
def test_names_of_lower_case_letters_are_ids(text: str) -> None:
    assert checked_id(text) == text
