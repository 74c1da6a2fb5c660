"""The estimate of tokens and the cut into tokens."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.caching.tokens import count_tokens, estimate_tokens, pieces, tokenize
from agentlab.errors import MissingExtra


@given(st.text())
def test_pieces_joined_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


@given(st.text())
def test_estimate_and_token_ids_agree_on_the_count(text: str) -> None:
    assert estimate_tokens(text) == len(tokenize(text)) == len(pieces(text))


def test_token_ids_are_the_same_in_another_process() -> None:
    code = "from agentlab.caching import tokenize; print(tokenize('Stable ids, 123 times.'))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == str(tokenize("Stable ids, 123 times."))


def test_english_prose_is_estimated_close_to_a_token_a_word() -> None:
    # o200k_base gives 28 tokens for this sentence.
    text = "Prompt caches match a prefix of the rendered prompt, so one changed word near the start makes everything after it new again, at full price."
    assert 24 <= estimate_tokens(text) <= 32


def test_a_long_run_of_spaces_takes_linear_time() -> None:
    assert estimate_tokens(" " * 1_000_000 + "x") < 10
    assert estimate_tokens("\u00a0 " * 200_000) > 0


@given(st.text(), st.text())
def test_a_text_shares_all_but_its_last_token_with_its_extension_by_a_new_line(text: str, more: str) -> None:
    whole = tokenize(text + "\n\nZ" + more)
    assert whole[: max(0, len(tokenize(text)) - 2)] == tokenize(text)[: max(0, len(tokenize(text)) - 2)]


def test_exact_counts_are_those_of_the_vocabulary() -> None:
    pytest.importorskip("bpe_openai")
    # By the vocabularies in bpe-openai 0.1.4.
    assert count_tokens("hello world") == 2
    assert count_tokens("Prompt caches match a prefix of the rendered prompt.") == 10
    assert count_tokens("hello world", "cl100k_base") == 2
    assert count_tokens("") == 0


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bpe_openai", None)
    with pytest.raises(MissingExtra, match=r"agentlab\[tokens\]"):
        count_tokens("hello")
