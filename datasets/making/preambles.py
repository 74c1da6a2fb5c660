"""`preamble_variants`: system prompts that ask for the same in different ways."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["rows"]

_TERSE: Final = "Answer with the result only."
_PLAIN: Final = "You are a careful assistant. Use the tools and documents you have, and answer the question in one sentence."
_COT: Final = (
    "You are a careful assistant. Think step by step: say what is asked, find what is needed, work it out one step at a "
    "time, and check it. End with a line of its own: `Answer: ` and the result."
)
_EXAMPLES: Final = (
    ("What is 12 + 30?", "12 + 30 = 42. Answer: 42"),
    ("Multiply 6 by 7, then add 8 to the result.", "6 x 7 = 42, and 42 + 8 = 50. Answer: 50"),
    (
        "A shelf holds 14 books. 5 are taken and 3 put back. How many are on it?",
        "14 - 5 = 9, and 9 + 3 = 12. Answer: 12",
    ),
    ("In which year was the mill built, if it was 40 years old in 1890?", "1890 - 40 = 1850. Answer: 1850"),
)
_TOPICS: Final = {
    "sources": "a document that was given, a tool that was called, and a fact that was learnt elsewhere",
    "numbers": "whole numbers, decimals, percentages, and amounts of money",
    "units": "metres, kilometres, kilograms, tonnes, degrees, and the units the question itself uses",
    "dates": "years, months, days of the week, and spans of time",
    "names": "people, places, ships, instruments, and the spelling their documents use",
    "tables": "rows, columns, totals, and cells that are empty",
    "tools": "which tool fits, what it is given, and what to do when it fails",
    "doubt": "questions that can be read in two ways, sources that disagree, and answers that are not there",
    "style": "the length of an answer, its order, its tone, and its punctuation",
    "privacy": "names of living people, addresses, and anything a user may not want repeated",
}
_RULES: Final = (
    "Before you answer, ask yourself whether the question is about {topic}; if it is, this section holds.",
    "Prefer what the user gave you over what you remember, and say so in half a sentence where the two differ.",
    "Copy figures and spellings exactly as they stand in the source, and convert nothing unless you are asked to.",
    "If two passages bear on the question, read both to the end before you decide which of them answers it.",
    "Give the result first and the reason after it, unless the user asked to see the working.",
    "Never fill a gap with a guess: say what is missing and where you looked for it.",
    "Keep to the language of the question, and to the words its author uses for things.",
)


def rows() -> list[dict[str, Any]]:
    """The variants, shortest first; `with_clock` has a place for the time of day."""
    texts = {
        "terse": (_TERSE, "as short as it gets"),
        "plain": (_PLAIN, "the usual two sentences"),
        "cot": (_COT, "asks for steps before the answer"),
        "few_shot": (_few_shot(), "worked examples in the text"),
        "with_clock": (
            f"It is {{now}}.\n\n{_verbose()}",
            "the time of day ahead of the handbook: no cache survives it",
        ),
        "verbose": (_verbose(), "a handbook, long enough for every provider's cache"),
    }
    return [
        {"sample_id": name, "input": text, "target": None, "cluster_id": name, "note": note}
        for name, (text, note) in texts.items()
    ]


def _few_shot() -> str:
    shown = "\n\n".join(f"Question: {question}\n{answer}" for question, answer in _EXAMPLES)
    return f"{_PLAIN} Work as in these examples.\n\n{shown}"


def _verbose() -> str:
    sections = [
        f"## {name.capitalize()}\n\nThis section is about {topic}.\n"
        + "\n".join(f"- {rule.format(topic=name)}" for rule in _RULES)
        for name, topic in _TOPICS.items()
    ]
    return "\n\n".join(["You are a careful assistant. This is your handbook; keep to it.", *sections])
