"""Plan mode and build mode: what may be written in each, and what the model is told when one begins.

A mode never changes the preamble or the tools. They stand first in the cached prefix, so all of the session would have to be
written to the cache anew. What changes is said at the end of the conversation, where the next message goes anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agentlab.chat.events import Mode
from agentlab.chat.persona import Persona

__all__ = ["PLAN_FOLDER", "PLAN_SUFFIX", "is_plan", "mode_text", "write_guard"]

PLAN_FOLDER: Final = "plans"
PLAN_SUFFIX: Final = ".plan"
GUARD_TEXT: Final = (
    "System is in Plan Mode. You can only modify the plan. Switch to Build Mode to apply changes. "
    f"(A plan is a file `{PLAN_FOLDER}/<name>{PLAN_SUFFIX}`.)"
)
PLAN_TITLE: Final = "## APPROVED EXECUTION PLAN"


def is_plan(path: str) -> bool:
    """Whether a path of the workspace is where plans are: `plans/<name>.plan`."""
    parts = [part for part in path.split("/") if part not in {"", "."}]
    return len(parts) >= 2 and parts[0] == PLAN_FOLDER and parts[-1].endswith(PLAN_SUFFIX)


def write_guard(mode: Callable[[], Mode]) -> Callable[[str], str | None]:
    """What the tools ask before they change a path.

    Args:
        mode: Gives the mode at that moment.

    Returns:
        A function that gives the reason why a path may not be written, or None.
    """

    def guard(path: str) -> str | None:
        if mode() == "build" or is_plan(path) or path.strip("/") == PLAN_FOLDER:
            return None
        return GUARD_TEXT

    return guard


def mode_text(persona: Persona, mode: Mode, *, plan: str | None = None, plan_text: str | None = None) -> str:
    """What the model is told when a mode begins.

    Args:
        persona: Who the assistant is.
        mode: The mode.
        plan: Path of the approved plan; None where there is none.
        plan_text: What stands in it.
    """
    told = [f'<mode name="{mode}">', persona.told_in(mode) or f"You are in {mode} mode."]
    if plan is not None:
        told += ["", f"{PLAN_TITLE} ({plan})", "", (plan_text or "").strip()]
    return "\n".join([*told, "</mode>"])
