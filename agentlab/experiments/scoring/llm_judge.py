"""A model as a judge without degrees: an answer passes, fails, or cannot be judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel, TypeAdapter

from agentlab.agent import Agent
from agentlab.agent.typed.output_type import OutputType
from agentlab.errors import UsageError
from agentlab.experiments.fingerprint import fingerprint_of
from agentlab.experiments.scoring.model_judge import DATA_RULES, ModelJudge, check_model, shown_columns
from agentlab.experiments.scoring.scorer import Verdict
from agentlab.models import Model

__all__ = ["LLMJudge", "PassFail", "llm_judge"]

Passes = Callable[[Any], bool | None]
"""Whether an answer of the judge lets the judged answer pass; None where it cannot be told."""

_SAID: Final = 300
_INSTRUCTIONS: Final = (
    """You judge the answer that another system gave. It passes if it meets every one of these criteria, and fails if it
does not:

{criteria}

"""
    + DATA_RULES
)
_HOW_TO_SAY_IT: Final = (
    " First write your reason in at most three sentences, then the verdict: `pass`, `fail`, or `invalid` where what you "
    "are shown does not let you tell."
)


class PassFail(BaseModel):
    """What a judge says; the reason first, so that the verdict follows from it."""

    reason: str
    verdict: Literal["pass", "fail", "invalid"]


@dataclass(frozen=True, kw_only=True, repr=False)
class LLMJudge(ModelJudge):
    """Passes or fails with a model; see `llm_judge`."""

    criteria: tuple[str, ...]
    schema: Any = PassFail
    passes: Passes | None = None

    @property
    def instructions(self) -> str:
        """The criteria, and how to say the verdict."""
        told = _INSTRUCTIONS.format(criteria="\n".join(f"- {each}" for each in self.criteria))
        return told + _HOW_TO_SAY_IT if self.schema is PassFail else told

    @property
    def answer_type(self) -> Any:
        """A reason and a verdict, or the type that was given."""
        return self.schema

    @property
    def fingerprint(self) -> str:
        """Hash of the model, what it is told, the type it answers with and the function that reads it."""
        shape = OutputType(self.schema).schema
        return fingerprint_of(
            "llm_judge", self.model_parts, self.instructions, self.shows, self.temperature, shape, self.passes
        )

    def verdict(self, said: Any) -> Verdict:
        """1 where the answer passes, 0 where it fails.

        Raises:
            UsageError: The judge cannot tell.
        """
        reason = _reason(said)
        passed = {"pass": True, "fail": False}.get(said.verdict) if self.passes is None else self.passes(said)
        if passed is None:
            raise UsageError(f"the judge cannot tell: {reason}")
        if not isinstance(passed, bool):
            raise UsageError(f"`passes` gives True, False or None, not {passed!r}")
        return Verdict(float(passed), reason)


def llm_judge(
    model: str | Model | Agent,
    *,
    criteria: str | Sequence[str],
    schema: Any = PassFail,
    passes: Passes | None = None,
    shows: Sequence[str] = ("input", "target"),
    temperature: float | None = 0.0,
    name: str | None = None,
) -> LLMJudge:
    """Let a model say whether an answer passes.

    An answer that passes scores 1, one that fails 0. Where the judge cannot tell, does not answer in its shape, or its
    call fails, there is an error and no score: that says nothing of the answer. For degrees take `judge`.

        llm_judge("openai:gpt-5.6-mini", criteria=["It names the town.", "It gives no other town."])

    Args:
        model: `"vendor:model"`, a model, or an agent, whose preamble then goes before the judge's instructions.
        criteria: What an answer must meet, all of it; each in a sentence.
        schema: The type the judge answers with, where a reason and a verdict are not enough: its fields, and their
            descriptions, say what to look at.
        passes: Whether an answer of that type lets the judged one pass: a function that gives True, False, or None where it
            cannot be told. Needed with a `schema` of your own.
        shows: The dataset's columns the judge sees beside the answer; `("input",)` where there is no target.
        temperature: As for `judge`.
        name: Names the column of the score; `llm_judge` where None.

    Raises:
        UsageError: There are no criteria, `schema` has no JSON schema or comes without `passes`, or `model` is no model.
    """
    told = (criteria,) if isinstance(criteria, str) else tuple(criteria)
    if not told or not all(each.strip() for each in told):
        raise UsageError("`criteria` says in a sentence or several what an answer must meet to pass")
    check_model(model)
    if (passes is None) != (schema is PassFail):
        raise UsageError(
            "`schema` and `passes` go together: the type the judge answers with, and a function that reads from it "
            "whether the answer passes"
        )
    OutputType(schema)
    return LLMJudge(
        model=model,
        criteria=tuple(each.strip() for each in told),
        schema=schema,
        passes=passes,
        shows=shown_columns(shows),
        temperature=temperature,
        name=name or "llm_judge",
    )


def _reason(said: Any) -> str:
    """The reason a judge gives, or else all it says."""
    reason = getattr(said, "reason", None)
    if isinstance(reason, str):
        return reason
    return TypeAdapter[Any](Any).dump_json(said).decode()[:_SAID]
