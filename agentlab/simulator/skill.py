"""How often the rules slip, so that comparisons of simulated models find what was planted, and nothing where nothing was.

The rules themselves are always right or always wrong. Where they answer from documents or in their head, they slip at a
known rate instead, as models do. Answers from tools' results are never touched.

| what | rate of slips |
|---|---|
| a model whose name says it is small (`mini`, `nano`, `small`, `lite`, `flash`, `haiku`, `tiny`, `8b` and below) | 0.35 |
| any other model | 0.10 |
| with `step by step` in the preamble | half of that |

Nothing else moves the rate: not the vendor, not the length or the order of the prompt, not any other word of the
preamble. Differences between such arms are null.

Whether one answer slips is drawn from a hash, half of it of the question alone: hard questions are hard for all arms, so
paired comparisons gain what they gain in life. Equal requests get equal answers; a `seed`, a `user` or a salted preamble
draws anew.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

import msgspec

from agentlab.simulator.exchange import SimRequest

__all__ = ["slip_rate", "slips"]

SMALL_RATE: Final = 0.35
LARGE_RATE: Final = 0.10
_SMALL: Final = re.compile(r"(?<![a-z0-9])(?:mini|nano|small|lite|flash|haiku|tiny|[1-8]b)(?![a-z0-9])")
_DRAWN_ANEW: Final = ("seed", "user", "metadata")


def slip_rate(model: str, preamble: str | None) -> float:
    """The share of answers that slip.

    Args:
        model: The model's name.
        preamble: Its system prompt.
    """
    rate = SMALL_RATE if _SMALL.search(model.lower()) else LARGE_RATE
    return rate / 2 if "step by step" in (preamble or "").lower() else rate


def slips(request: SimRequest, question: str) -> bool:
    """Whether the answer to a request slips; the same each time.

    Args:
        request: The request.
        question: What is asked in it.
    """
    drawn = [request.json.get(name) for name in _DRAWN_ANEW]
    own = msgspec.json.encode([question, request.vendor, request.model, request.preamble, drawn])
    mean = (_uniform(question.encode()) + _uniform(own)) / 2
    # The mean of two uniform draws is not uniform: its distribution function makes it so again.
    uniform = 2 * mean**2 if mean < 0.5 else 1 - 2 * (1 - mean) ** 2
    return uniform < slip_rate(request.model, request.preamble)


def _uniform(content: bytes) -> float:
    return int.from_bytes(hashlib.sha256(content).digest()[:7]) / 2**56
