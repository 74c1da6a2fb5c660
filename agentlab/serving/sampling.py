"""Sampling parameters of OpenAI's interface that an agent has no option for, and where each wire keeps them.

They are merged into the body of the request. A value that changes nothing is dropped, since many front ends send all of
them with every request; one that would change the answer, on a wire that has no place for it, is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from agentlab.serving.refusals import invalid

__all__ = ["SAMPLING", "sampling_params"]

SAMPLING: Final[dict[str, dict[str, str]]] = {
    "top_p": {
        "openai-chat": "top_p",
        "openai-responses": "top_p",
        "anthropic-messages": "top_p",
        "gemini": "generationConfig.topP",
        "ollama": "options.top_p",
    },
    "seed": {"openai-chat": "seed", "gemini": "generationConfig.seed", "ollama": "options.seed"},
    "presence_penalty": {
        "openai-chat": "presence_penalty",
        "gemini": "generationConfig.presencePenalty",
        "ollama": "options.presence_penalty",
    },
    "frequency_penalty": {
        "openai-chat": "frequency_penalty",
        "gemini": "generationConfig.frequencyPenalty",
        "ollama": "options.frequency_penalty",
    },
}
"""Parameter to wire to the path of the field in the wire's body."""

_NEUTRAL: Final[dict[str, float]] = {"top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}


def sampling_params(given: Mapping[str, Any], wire: str | None) -> dict[str, Any]:
    """The parameters as `additional_params` of an agent.

    Args:
        given: Values by OpenAI's name; None is not given.
        wire: The wire the served model speaks; None where it speaks none.

    Raises:
        Refused: The wire has no place for a parameter.
    """
    params: dict[str, Any] = {}
    for name, value in given.items():
        if value is None or (name in _NEUTRAL and value == _NEUTRAL[name]):
            continue
        path = SAMPLING[name].get(wire or "")
        if path is None:
            raise invalid(f"the model served here takes no `{name}`; leave it out", name, code="unsupported")
        place = params
        *above, last = path.split(".")
        for step in above:
            place = place.setdefault(step, {})
        place[last] = value
    return params
