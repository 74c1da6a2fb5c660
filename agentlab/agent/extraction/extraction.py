"""A finished extraction, as it is handed to the user."""

from __future__ import annotations

from collections import Counter
from typing import Generic, TypeVar

from agentlab.agent.result import RunResult
from agentlab.agent.run import Run
from agentlab.agent.trace import Trace
from agentlab.messages import TurnFinished, UserMessage

__all__ = ["Extraction", "answers_in"]

Output = TypeVar("Output")


class Extraction(RunResult, Generic[Output]):
    """What came of a text: the value, and the run it came from.

    Args:
        run: The run.
        trace: Its record, every attempt included.
        value: What was extracted.
    """

    def __init__(self, run: Run, trace: Trace, value: Output) -> None:
        super().__init__(run, trace)
        self.value = value

    @property
    def attempts(self) -> int:
        """How many answers the model gave; 1 where the first one fitted. Its usage and cost are those of all."""
        return answers_in(self.run)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the model said beside the answer that was not used."""
        last = list(self.trace.of(TurnFinished))[-1:]
        calls = Counter(call.name for turn in last for call in turn.message.tool_calls)
        answers = calls.pop(self.run.output_tool or "", 0)
        said = [f"the model gave {answers} answers in one turn; the first was taken"] if answers > 1 else []
        if answers and calls:
            said.append(f"calls beside the answer were not run: {', '.join(calls)}")
        return tuple(said)

    def __repr__(self) -> str:
        shown = repr(self.value)
        shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
        return f"Extraction({shown}, attempts={self.attempts})"


def answers_in(run: Run) -> int:
    """How many answers a run gave so far: one, and one more for each word about one that did not fit."""
    if not run.turns_made:
        return 0
    said = [message for message in run.messages[1:] if isinstance(message, UserMessage)]
    return 1 + sum(1 for message in said if len(message.tool_results) < len(message.content))
