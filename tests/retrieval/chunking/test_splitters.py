"""Chunks hold every character, in order, within their size; and say where they stood."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import MissingExtra, UsageError
from agentlab.retrieval.chunking import RecursiveSplitter, SemanticSplitter, Splitter, split_documents
from agentlab.retrieval.documents import Document

TEXTS = st.text(alphabet="ab cé\n.😀#`-", max_size=300) | st.lists(
    st.sampled_from(
        ["word", "Wörter.", "\n\n", "\n", ". ", " ", "# Title\n", "```\ncode\n```\n", "😀", "x" * 30]
    )
).map("".join)
SIZES = st.integers(1, 60).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1)))


def words(text: str) -> int:
    return len(text.split())


def check(splitter: Splitter, text: str, size: int, overlap: int, measure: Any = len) -> None:
    spans = splitter.spans(text)
    covered = 0
    for place, (start, end) in enumerate(spans):
        assert start < end
        assert start <= covered, "nothing is left out"
        assert end > covered, "each chunk brings something new"
        assert measure(text[start:end]) <= size or end - start == 1
        if place:
            assert start > spans[place - 1].start
            assert measure(text[start:covered]) <= overlap
        covered = end
    assert covered == len(text)
    if not overlap:
        assert "".join(text[start:end] for start, end in spans) == text


@given(TEXTS, SIZES)
def test_recursive_chunks_are_lossless_within_size_and_overlap(text: str, sizes: tuple[int, int]) -> None:
    check(RecursiveSplitter(*sizes), text, *sizes)


@given(TEXTS, SIZES)
def test_recursive_chunks_may_be_measured_by_any_count(text: str, sizes: tuple[int, int]) -> None:
    check(RecursiveSplitter(*sizes, length=words), text, *sizes, words)


@given(TEXTS, SIZES, st.sampled_from(["text", "markdown"]))
def test_semantic_chunks_are_lossless_at_character_offsets(
    text: str, sizes: tuple[int, int], kind: Any
) -> None:
    size, _ = sizes
    spans = SemanticSplitter(size, kind=kind).spans(text)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(end - start <= size for start, end in spans if len(text[start:end].encode()) == end - start)


def test_cuts_are_made_at_the_strongest_separator() -> None:
    text = "One two. Three four.\n\nFive six. Seven.\nEight nine ten."
    assert [text[a:b] for a, b in RecursiveSplitter(25).spans(text)] == [
        "One two. Three four.\n\n",
        "Five six. Seven.\n",
        "Eight nine ten.",
    ]
    assert [text[a:b] for a, b in RecursiveSplitter(10).spans(text)] == [
        "One two. ",
        "Three ",
        "four.\n\n",
        "Five six. ",
        "Seven.\n",
        "Eight ",
        "nine ten.",
    ]


def test_an_overlap_begins_at_a_separator_where_there_is_one() -> None:
    text = "alpha beta gamma delta epsilon"
    chunks = [text[a:b] for a, b in RecursiveSplitter(16, overlap=7).spans(text)]
    assert chunks == ["alpha beta ", "beta gamma ", "gamma delta ", "delta epsilon"]


def test_a_text_without_separators_is_cut_between_characters_in_time() -> None:
    spans = RecursiveSplitter(1000).spans("x" * 10_000_000)
    assert len(spans) == 10_000


def test_an_empty_text_has_no_chunks() -> None:
    assert RecursiveSplitter().spans("") == []
    assert SemanticSplitter().spans("") == []


def test_chunks_of_documents_say_where_they_stood() -> None:
    document = Document("a.md", "First part.\n\n   \n\nSecond part.", {"path": "a.md", "page": 2})
    chunks = list(split_documents([document], RecursiveSplitter(14)))
    assert [chunk.id for chunk in chunks] == ["a.md#0", "a.md#1"]
    for chunk in chunks:
        start, end = chunk.metadata["start"], chunk.metadata["end"]
        assert isinstance(start, int)
        assert isinstance(end, int)
        assert document.text[start:end] == chunk.text
        assert (chunk.metadata["source"], chunk.metadata["page"]) == ("a.md", 2)
    assert all(chunk.text.strip() for chunk in chunks)


def test_code_is_cut_at_its_syntax() -> None:
    tree_sitter_python = pytest.importorskip("tree_sitter_python")
    code = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"
    spans = SemanticSplitter(30, kind="code", language=tree_sitter_python.language()).spans(code)
    pieces = [code[a:b] for a, b in spans]
    assert "".join(pieces) == code
    assert pieces[0].startswith("def one")
    assert pieces[-1].lstrip().startswith("def two")


def test_tokens_are_counted_by_a_function_or_a_tokenizer() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {"[UNK]": 0, "a": 1, "b": 2}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    text = "a b a b a b a"
    for tokens in (words, tokenizer):
        spans = SemanticSplitter(3, tokens=tokens).spans(text)
        assert [words(text[a:b]) for a, b in spans] == [3, 3, 1]


def test_sizes_that_fit_no_text_are_refused() -> None:
    for kind in (RecursiveSplitter, SemanticSplitter):
        with pytest.raises(UsageError, match="1 or more, not 0"):
            kind(0)
        with pytest.raises(UsageError, match="less than the size of 5, not 5"):
            kind(5, 5)
    with pytest.raises(UsageError, match="belong together"):
        SemanticSplitter(kind="code")
    nonsense: Any = "nonsense"
    with pytest.raises(UsageError, match="one of text, markdown, code"):
        SemanticSplitter(kind=nonsense)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "semantic_text_splitter", None)
    with pytest.raises(MissingExtra, match=r"agentlab\[chunking\]"):
        SemanticSplitter()
