"""A simulated judge: it counts which words of the target are in the answer, and says so. It understands neither.

It answers requests for a score and a reason about a text between `<answer-...>` tags, with the target, where there is
one, between `<target-...>` tags: the form in which agentlab's own judge asks.
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
_NEEDED: Final = frozenset(["reason", "score"])


def judgement(request: SimRequest, text: str) -> dict[str, Any] | None:
    """The score and the reason a request asks for; None where it asks for something else.

    Args:
        request: The request.
        text: What the user wrote last.
    """
    schema = request.output_schema or {}
    tagged = {found["label"]: found["text"] for found in _TAGGED.finditer(text)}
    scale = _SCALE.search(request.preamble or "")
    if not ((schema.get("properties") or {}).keys() >= _NEEDED and "answer" in tagged and scale):
        return None
    low, high = float(scale[1]), float(scale[2])
    said = set(_WORD.findall(tagged["answer"].lower()))
    wanted = set(_WORD.findall(tagged.get("target", "").lower()))
    if not wanted:
        share, reason = 0.5, "there is no target to compare with"
    else:
        share = len(wanted & said) / len(wanted)
        reason = f"{len(wanted & said)} of {len(wanted)} words of the target are in the answer"
    return {"reason": f"[simulated] {reason}", "score": low + share * (high - low)}
