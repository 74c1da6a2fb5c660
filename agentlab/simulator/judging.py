"""A simulated judge: it counts which words of the target are in the answer, and says so. It understands neither.

It answers requests for a score or a verdict, with a reason, about a text between `<answer-...>` tags, with the target,
where there is one, between `<target-...>` tags: the form in which agentlab's own judges ask.
"""

from __future__ import annotations

import re
from typing import Any, Final

from agentlab.simulator.exchange import SimRequest

__all__ = ["judgement"]

_TAGGED: Final = re.compile(
    r"^<(?P<label>\w+)-(?P<mark>[0-9a-f]{12})>\n(?P<text>.*?)\n</(?P=label)-(?P=mark)>$",
    re.DOTALL | re.MULTILINE,
)
_SCALE: Final = re.compile(r"score from (-?[\d.]+) to (-?[\d.]+)[:\s]")
_WORD: Final = re.compile(r"\w+(?:[.,]\d+)*")
_SCORED: Final = frozenset(["reason", "score"])
_PASSED: Final = frozenset(["reason", "verdict"])


def judgement(request: SimRequest, text: str) -> dict[str, Any] | None:
    """The score or the verdict, and the reason, that a request asks for; None where it asks for something else.

    Args:
        request: The request.
        text: What the user wrote last.
    """
    schema = request.output_schema or {}
    tagged = {found["label"]: found["text"] for found in _TAGGED.finditer(text)}
    asked = (schema.get("properties") or {}).keys()
    scale = _SCALE.search(request.preamble or "") if asked >= _SCORED else None
    if "answer" not in tagged or not (scale or asked >= _PASSED):
        return None
    said = set(_WORD.findall(tagged["answer"].lower()))
    wanted = set(_WORD.findall(tagged.get("target", "").lower()))
    if not wanted:
        share, reason = None, "there is no target to compare with"
    else:
        share = len(wanted & said) / len(wanted)
        reason = f"{len(wanted & said)} of {len(wanted)} words of the target are in the answer"
    reason = f"[simulated] {reason}"
    if scale is None:
        return {"reason": reason, "verdict": "invalid" if share is None else "pass" if share == 1 else "fail"}
    low, high = float(scale[1]), float(scale[2])
    return {"reason": reason, "score": low + (0.5 if share is None else share) * (high - low)}
