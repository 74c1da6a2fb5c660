"""What a tool declares of itself: what its calls do, and whose words its results are.

Both are optional attributes of a tool, as `approval` is, so a tool that declares neither still works. Policies of approval
read them here.
"""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

from agentlab.errors import UsageError

__all__ = ["Effect", "Reach", "Returns", "check_declared", "effect_of", "reach_of", "returns_untrusted"]

Effect = Literal["read", "write", "network", "exec"]
"""What a call does: looks, changes files or other state, sends data elsewhere, or runs what it is given."""

Returns = Literal["trusted", "untrusted"]
"""Whose words the results are: the program's own, or those of anybody (a page, a mail, a file, another program)."""

Reach = Literal["read", "write", "write_outside", "network", "exec", "unknown"]
"""An effect as a policy sees it: a write of a tool that is not `confined` may go anywhere."""

_BRINGS_IN: Final = frozenset({"network", "exec"})


def check_declared(name: str, effect: object, returns: object) -> None:
    """Check what a tool is about to declare.

    Args:
        name: Name of the tool, for the message.
        effect: Its effect; None where it does not say.
        returns: Whose words it returns; None where it does not say.

    Raises:
        UsageError: One of them is no such word.
    """
    for what, given, known in (("effect", effect, get_args(Effect)), ("returns", returns, get_args(Returns))):
        if given is not None and given not in known:
            raise UsageError(
                f"`{what}` of the tool `{name}` is one of {', '.join(known)}, or None, not {given!r}"
            )


def effect_of(tool: object) -> Effect | None:
    """What calls of a tool do; None where it does not say, or says what is no effect."""
    declared: Any = getattr(tool, "effect", None)
    return declared if declared in get_args(Effect) else None


def reach_of(tool: object) -> Reach:
    """How far calls of a tool reach; `unknown` where it does not say."""
    effect = effect_of(tool)
    if effect is None:
        return "unknown"
    return "write_outside" if effect == "write" and getattr(tool, "confined", False) is not True else effect


def returns_untrusted(tool: object) -> bool:
    """Whether the results of a tool may be anybody's words.

    A tool that does not say returns the program's own, unless its effect is one that brings in what others wrote: network
    and exec.
    """
    declared = getattr(tool, "returns", None)
    if declared is None:
        return effect_of(tool) in _BRINGS_IN
    return bool(declared != "trusted")
