"""Summaries fit, say what they leave out, stay JSON, and are their own summaries."""

import json
import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from agentlab.errors import UsageError
from agentlab.tools.workspace.shrinking import as_json
from agentlab.tools.workspace.summaries import summary_of_arguments, summary_of_result

SIZES = st.integers(200, 2_000)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=400),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=60), inner, max_size=8),
    max_leaves=20,
)


@given(st.text() | JSON.map(json.dumps), SIZES, st.sampled_from(["grep", "read", "ls", "other"]))
@example('"' + "\\u0001" * 300 + '"', 200, "other")
@example(json.dumps({"k" * 500: 1}), 200, "other")
@example(json.dumps([[["x" * 500]]]), 200, "ls")
@example(json.dumps({str(n): n for n in range(300)}), 200, "ls")
@example("[" * 100_000, 200, "ls")
def test_a_summary_fits_is_its_own_summary_and_stays_json(text, most, tool):
    short = summary_of_result(tool, text, most)
    assert len(short) <= most
    assert summary_of_result(tool, short, most) == short
    if len(text) <= most:
        assert short == text
    elif _is_json(text):
        json.loads(short)


def _is_json(text):
    try:
        return isinstance(json.loads(text), dict | list | str)
    except (ValueError, RecursionError):
        return False


@given(st.integers(1, 40), st.integers(30, 200), SIZES)
def test_listings_are_cut_between_entries(length, count, most):
    entries = [('é"/x' * length)[:length] + str(number) for number in range(count)]
    full = as_json({"path": "/", "entries": entries, "more": "7 more entries"})
    assume(len(full) > most)
    short = json.loads(summary_of_result("ls", full, most))
    assert short["path"] == "/"
    assert short["more"] == "7 more entries"
    *kept, remark = short["entries"]
    assert kept == entries[: len(kept)]
    assert kept
    assert remark == f"[{len(entries) - len(kept)} more left out]"


def test_a_pair_is_an_entry():
    full = json.dumps({"path": "/", "found": [[f"file{n}.py", n] for n in range(200)]})
    *kept, remark = json.loads(summary_of_result("find", full, 300))["found"]
    assert kept == [[f"file{n}.py", n] for n in range(len(kept))]
    assert remark == f"[{200 - len(kept)} more left out]"


GREP = "\n".join(
    [
        "9 matching lines in 2 of 3 files",
        "== a.py",
        *("2-before", "3:match one", "4-after", "--", "8-before", "9:match two", "10-after"),
        "== b.py",
        *(f"{n}:match in a file without lines around" for n in range(1, 8)),
    ]
)


@given(st.integers(200, len(GREP)))
def test_grep_is_cut_between_matches(most):
    short = summary_of_result("grep", GREP, most)
    if short == GREP:
        return
    *kept, remark = short.split("\n")
    assert kept == GREP.split("\n")[: len(kept)]
    assert kept[-1] != "--"
    assert not kept[-1].startswith("==")
    assert not kept[-1].endswith("before")
    assert kept[-1] != "3:match one"
    matches = [line for line in kept if re.match(r"\d+:", line)]
    assert remark == f"[{9 - len(matches)} matches left out]"


@given(st.integers(1, 300), st.integers(60, 100), st.integers(250, 800))
def test_of_other_text_head_and_tail_are_kept_and_the_rest_counted(length, count, most):
    text = "\n".join("x" * (number % length) for number in range(count))
    assume(len(text) > most)
    short = summary_of_result("read", text, most)
    head, left, tail = re.fullmatch(r"(.*)\n\[(\d+) characters left out\]\n(.*)", short, re.DOTALL).groups()
    assert text.startswith(head)
    assert text.endswith(tail)
    assert len(head) + int(left) + len(tail) == len(text)
    assert len(short) > most // 2


def test_contents_of_writes_and_edits_are_shortened_and_the_rest_of_the_arguments_kept():
    arguments = {"path": "a/b.py", "old_string": "x" * 3_000, "new_string": "y" * 10, "replace_all": True}
    short = json.loads(summary_of_arguments("edit", arguments, 400))
    assert short["path"] == "a/b.py"
    assert short["new_string"] == "y" * 10
    assert short["replace_all"] is True
    kept, left, tail = re.fullmatch(r"(x+)\[(\d+) characters left out\](x+)", short["old_string"]).groups()
    assert len(kept) + int(left) + len(tail) == 3_000


def test_arguments_as_the_model_wrote_them_come_back_as_they_were_where_they_are_short():
    assert summary_of_arguments("write", '{ "path" : "a" }', 200) == '{ "path" : "a" }'
    assert summary_of_arguments("write", '{"path": "a"' + "x" * 500, 200).startswith('{"path": "a"x')


@pytest.mark.parametrize("most", [199, 0, -1])
def test_a_summary_too_short_to_say_anything_is_a_usage_error(most):
    with pytest.raises(UsageError):
        summary_of_result("ls", "x", most)
