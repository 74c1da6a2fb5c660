"""A document under way: its sections, and the questions its facts answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

__all__ = ["Written"]

_REMARKS = 5


@dataclass
class Written:
    """A Markdown document and its questions.

    Attributes:
        title: Its heading.
        pieces: Its parts so far.
        questions: Question, answer, and where the answer stands: in `prose` or in a `table`.
    """

    title: str
    pieces: list[str] = field(default_factory=list)
    questions: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The whole document."""
        return "\n\n".join([f"# {self.title}", *self.pieces]) + "\n"

    def paragraph(self, *sentences: str) -> None:
        """Add a paragraph."""
        self.pieces.append(" ".join(sentences))

    def section(
        self, draw: Random, heading: str, facts: Mapping[str, tuple[str, str, str]], remarks: Sequence[str]
    ) -> None:
        """Add a section that tells facts, with remarks between them.

        Args:
            draw: Decides the order and which remarks are made.
            heading: What it is about.
            facts: Per fact the sentence that tells it, the question it answers, and the answer.
            remarks: Sentences without a fact in them; some are taken.
        """
        told = [sentence for sentence, _, _ in facts.values()]
        draw.shuffle(told)
        sentences = [*told]
        for remark in draw.sample(list(remarks), _REMARKS):
            sentences.insert(draw.randrange(1, len(sentences) + 1), remark)
        half = (len(sentences) + 1) // 2
        self.pieces.append(f"## {heading}")
        self.paragraph(*sentences[:half])
        self.paragraph(*sentences[half:])
        self.questions += [(question, answer, "prose") for _, question, answer in facts.values()]

    def table(self, heading: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Add a table."""
        lines = [columns, ["---"] * len(columns), *rows]
        self.pieces.append(f"## {heading}")
        self.pieces.append("\n".join(f"| {' | '.join(map(str, line))} |" for line in lines))
