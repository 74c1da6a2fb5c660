"""Tokens as a small bar and the numbers beside it."""

from __future__ import annotations

from agentlab.messages import Usage
from agentlab.notebook.objects.panel import grid, panel
from agentlab.notebook.run.token_bar import SEGMENTS, TokenBar
from agentlab.notebook.safety.safe_html import SafeHTML, element, escape, join

__all__ = ["usage_bar", "usage_html", "usage_table"]


def usage_html(usage: Usage) -> SafeHTML:
    """The tokens of a call, or of several together.

    Args:
        usage: As the provider reported it.
    """
    total = usage.total_tokens
    said = "not reported" if total is None else f"{total:,} tokens"
    return panel("Usage", said, usage_bar(usage), usage_table(usage))


def usage_bar(usage: Usage) -> SafeHTML:
    """The tokens as a stacked bar; empty where none were reported."""
    bar = TokenBar.of(usage)
    lengths = bar.lengths()
    if not lengths:
        return escape("")
    pieces = (
        element(
            "span",
            title=f"{segment.label} {lengths[segment.name]:,}",
            style=f"flex: {lengths[segment.name]} 0 0; min-width: 2px; background: {segment.color}",
        )
        for segment in SEGMENTS
        if segment.name in lengths
    )
    spoken = ", ".join(
        f"{segment.label} {lengths[segment.name]:,}" for segment in SEGMENTS if segment.name in lengths
    )
    style = "display: flex; height: 8px; max-width: 32em; margin: 6px 0; border-radius: 4px; overflow: hidden"
    return element("div", join(pieces), role="img", style=style, **{"aria-label": f"tokens: {spoken}"})


def usage_table(usage: Usage) -> SafeHTML:
    """What was reported, a row each, with its share of the prompt or of the output."""
    counts = TokenBar.of(usage).counts()
    rows: list[tuple[SafeHTML | str, str, str]] = []
    for segment in SEGMENTS:
        if segment.name in counts:
            label = join([element("span", "■ ", style=f"color: {segment.color}"), escape(segment.label)])
            whole = usage.output_tokens if segment.name in {"output", "reasoning"} else usage.input_tokens
            rows.append((label, f"{counts[segment.name]:,}", _share(counts[segment.name], whole)))
    if usage.input_tokens is not None:
        rows.append(("whole prompt", f"{usage.input_tokens:,}", ""))
    if usage.tool_use_prompt_tokens is not None:
        rows.append(("prompts of server-side tools", f"{usage.tool_use_prompt_tokens:,}", ""))
    if usage.reported_cost_usd is not None:
        rows.append(("cost, as reported", f"${usage.reported_cost_usd:,.6f}", ""))
    return grid(("", "tokens", "share"), rows, numbers_from=1) if rows else escape("")


def _share(part: int, whole: int | None) -> str:
    return f"{part / whole:.0%}" if whole else ""
