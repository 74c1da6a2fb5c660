"""Splitting by the library `semantic-text-splitter`: text, Markdown or code, by characters or tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from agentlab.errors import MissingExtra, UsageError
from agentlab.retrieval.chunking.splitter import Span, check_sizes

__all__ = ["SemanticSplitter"]


@dataclass(frozen=True)
class SemanticSplitter:
    """Cuts a text at the largest units of meaning that fit: sections, paragraphs, sentences, words; or a syntax tree.

    Needs `pip install agentlab[chunking]`.

    Args:
        size: Largest size of a chunk, in characters, or in tokens where `tokens` is given.
        overlap: Largest size of what a chunk repeats of the one before it.
        kind: What the text is. `"code"` needs `language`.
        language: A tree-sitter language, such as `tree_sitter_python.language()`.
        tokens: Counts tokens: a `tokenizers.Tokenizer`, or a function from text to a number.

    Raises:
        UsageError: The sizes fit no text, or `language` is missing, or given for no code.
        MissingExtra: The library is not installed.
    """

    size: int = 1000
    overlap: int = 0
    kind: Literal["text", "markdown", "code"] = "text"
    language: Any = None
    tokens: Any = None

    def __post_init__(self) -> None:
        check_sizes(self.size, self.overlap)
        if (self.kind == "code") != (self.language is not None):
            raise UsageError(
                '`kind="code"` and `language` belong together: `language=tree_sitter_python.language()`'
            )
        self._splitter()

    def spans(self, text: str) -> list[Span]:
        """The chunks of a text, in order."""
        found = self._splitter().chunk_indices(text)
        return [Span(start, start + len(chunk)) for start, chunk in found if chunk]

    def _splitter(self) -> Any:
        try:
            import semantic_text_splitter as library  # noqa: PLC0415 - optional
        except ImportError:
            raise MissingExtra(
                "`SemanticSplitter` needs a library: pip install 'agentlab[chunking]'; `RecursiveSplitter` needs none"
            ) from None
        kinds = {
            "text": library.TextSplitter,
            "markdown": library.MarkdownSplitter,
            "code": library.CodeSplitter,
        }
        if self.kind not in kinds:
            raise UsageError(f"`kind` is one of {', '.join(kinds)}, not {self.kind!r}")
        make: Callable[..., Any] = kinds[self.kind]
        counted: tuple[Any, ...] = ()
        if self.tokens is not None:
            plain_function = callable(self.tokens) and not hasattr(self.tokens, "encode")
            name = "from_callback" if plain_function else "from_huggingface_tokenizer"
            make, counted = getattr(make, name), (self.tokens,)
        language = () if self.language is None else (self.language,)
        return make(*language, *counted, self.size, overlap=self.overlap, trim=False)
