"""Judges the calls of one run: by its agent's policy and those of the runs around it, and by what tainted it.

Every verdict but a plain allow is kept in the run before anything comes of it, then told as an event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from agentlab.agent.approvals import Approvals, Told, reason_to_ask
from agentlab.agent.approving.policy import ApprovalPolicy, Judgement, judgement_of
from agentlab.agent.records import Decision
from agentlab.agent.telemetry import RunSpans
from agentlab.messages import Judged, ToolCall, ToolResult, Verdict
from agentlab.tools import Tool
from agentlab.tools.declared import returns_untrusted

if TYPE_CHECKING:
    from agentlab.agent.current_run import RunScope
    from agentlab.agent.run import Run
    from agentlab.agent.settings import AgentSettings

__all__ = ["Around", "Judge"]

_FROM_AROUND: Final = "the run around it"
_TWICE: Final = "two calls of one turn have the same id, so what is decided of one would hold for the other"


@dataclass(frozen=True)
class Around:
    """What a run takes over from the one it is inside of, and gives back to it.

    Attributes:
        policies: The policies that hold there.
        is_tainted: Whether that run is tainted by now.
        heard: Told each verdict of the run inside, from any thread.
        runs: The runs inside one call of it.
    """

    policies: tuple[ApprovalPolicy, ...]
    is_tainted: Callable[[], bool]
    heard: Callable[[Judged], None]
    runs: list[Run] = field(default_factory=list)

    def brought(self) -> list[str]:
        """What tainted the runs inside the call, but for this run itself."""
        return [source for run in self.runs for source in run.tainted if source != _FROM_AROUND]


class Judge:
    """Judges the calls of one run.

    Args:
        run: The run; its taint and its verdicts are kept there.
        settings: The agent, whose policy holds with those around it.
        approvals: Asks where the verdict is to ask.
        around: What it takes over from the run it is inside of; None where it is inside of none.
        spans: Telemetry of the run.

    Attributes:
        approvals: See above.
    """

    def __init__(
        self,
        run: Run,
        settings: AgentSettings,
        approvals: Approvals,
        around: Around | None,
        spans: RunSpans,
    ) -> None:
        self._run = run
        self.approvals = approvals
        self._around = around
        self._spans = spans
        own = () if settings.approvals is None else (settings.approvals,)
        self._policies = own if around is None else (*own, *around.policies)
        self._calls: dict[tuple[int, str], ToolCall] = {}
        if around is not None:
            around.runs.append(run)
        self._is_tainted()

    # ---------------------------------------------------------- the verdict

    def judgement(
        self, call: ToolCall, tool: Tool | None, arguments: Mapping[str, Any], tell: Callable[[Told], None]
    ) -> Judgement:
        """What is to become of a call now; kept and told, unless it is a plain allow or no policy holds.

        Args:
            call: The call.
            tool: Its tool; None where there is none of the name, so that nothing can run.
            arguments: What the tool would be called with.
            tell: Given the verdict as an event.
        """
        if tool is None:
            return Judgement("allow")
        asks = reason_to_ask(tool, arguments)
        if not self._policies:
            return Judgement("allow") if asks is None else Judgement("ask", "tool", asks)
        taint = ", ".join(self._run.tainted) if self._is_tainted() else ""
        judged = judgement_of(self._policies, tool, arguments, taint=taint, asks=asks)
        if self._calls.setdefault((self._run.turns_made, call.id), call) is not call:
            judged = Judgement("deny", "default", _TWICE)
        if not judged.is_plain and not (judged.verdict == "ask" and call.id in self._run.decisions):
            self._keep(Judged(call.id, call.name, judged.verdict, judged.by, judged.reason), tell)
        return judged

    async def decision(self, call: ToolCall, reason: str, tell: Callable[[Told], None]) -> Decision:
        """The answer to a call that is to be asked about; arguments and errors as in `Approvals.decision`."""
        decided = await self.approvals.decision(call, reason, tell)
        if self._policies:
            verdict: Verdict = "allow" if decided.approved else "deny"
            self._keep(Judged(call.id, call.name, verdict, decided.by, decided.note), tell)
        return decided

    def _keep(self, judged: Judged, tell: Callable[[Told], None]) -> None:
        self._run.judged.append(judged)
        self._spans.judged(judged)
        tell(judged)
        if self._around is not None:
            self._around.heard(judged)

    # ------------------------------------------------------------ the taint

    def _is_tainted(self) -> bool:
        """Whether the run is tainted by now, itself or by the one around it."""
        if not self._run.tainted and self._around is not None and self._around.is_tainted():
            self._run.taint(_FROM_AROUND)
        return bool(self._run.tainted)

    def seen(self, result: ToolResult, tool: Tool | None, inside: Around | None) -> ToolResult:
        """Take note of what a call brought in, before any further call is judged; gives the result marked with it.

        Args:
            result: The result of a tool that was run, however it ended.
            tool: The tool.
            inside: What the runs inside the call were given; None where they were given nothing.
        """
        brought = (
            [f"{source} in `{result.name}`" for source in inside.brought()] if inside is not None else []
        )
        if tool is not None and returns_untrusted(tool):
            brought.insert(0, f"`{result.name}`")
        if not brought:
            return result
        self._run.taint(*brought)
        return structs.replace(result, untrusted=True)

    # ----------------------------------------------------------- runs inside

    def over(self, scope: RunScope) -> RunScope:
        """The scope of this run for runs inside it that belong to no call: a memory's, say."""
        return replace(scope, approving=Around(self._policies, self._is_tainted, lambda _judged: None))

    def around(self, call: ToolCall, tell: Callable[[Told], None]) -> Around:
        """What runs inside a call take over.

        Args:
            call: The call.
            tell: Given their verdicts as events, from any thread.
        """

        def heard(judged: Judged) -> None:
            outer = structs.replace(judged, within=call.id)
            self._run.judged.append(outer)
            tell(outer)
            if self._around is not None:
                self._around.heard(judged)

        return Around(self._policies, self._is_tainted, heard)
