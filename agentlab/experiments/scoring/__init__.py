"""Scorers: what an answer is worth, by rule, by likeness, by a judging model, or by a function of one's own.

    scorers = [exact("target"), numeric("target", relative=0.01), judge("openai:gpt-5.6-mini", rubric="..."), my_function]

A scorer that cannot tell gives an error, never a score of 0: an error says nothing of the answer.
"""

from agentlab.experiments.scoring.functions import FunctionScorer, scorer_of
from agentlab.experiments.scoring.json_match import json_match
from agentlab.experiments.scoring.judge import judge
from agentlab.experiments.scoring.llm_judge import PassFail, llm_judge
from agentlab.experiments.scoring.numbers import numeric
from agentlab.experiments.scoring.preflight import preflight, scorers_of
from agentlab.experiments.scoring.scorer import (
    AsksModel,
    Meter,
    PinnedScorer,
    Rule,
    ScoredRun,
    Scorer,
    Verdict,
)
from agentlab.experiments.scoring.similarity import similarity
from agentlab.experiments.scoring.texts import contains, exact, regex

__all__ = [
    "AsksModel",
    "FunctionScorer",
    "Meter",
    "PassFail",
    "PinnedScorer",
    "Rule",
    "ScoredRun",
    "Scorer",
    "Verdict",
    "contains",
    "exact",
    "json_match",
    "judge",
    "llm_judge",
    "numeric",
    "preflight",
    "regex",
    "scorer_of",
    "scorers_of",
    "similarity",
]
