"""Which calls of tools run, are asked about or are refused: a policy, as data.

    policy = ApprovalPolicy(
        rules=(
            Rule("fetch", "allow", {"url": {"host": "docs.python.org"}}, "public documentation"),
            Rule("run_*", "deny", reason="nothing is run here"),
        ),
    )
    Agent("openai:gpt-5.6", tools=[...], approvals=policy)

A call is judged by its tool's name and its arguments as JSON, never by a text made of them. Tools that the provider runs on
its own side (its web search, its code interpreter) pass through no policy: what they read and send never comes by here.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final, get_args

from msgspec import Struct, field, structs

from agentlab.agent.approving.conditions import ABSENT, check_condition, check_glob, holds
from agentlab.errors import UsageError
from agentlab.messages import JudgedBy, Verdict
from agentlab.short_repr import ShortRepr
from agentlab.tools import Tool
from agentlab.tools.declared import Reach, reach_of

__all__ = ["DEFAULT_TABLE", "ApprovalPolicy", "Judgement", "Rule", "judgement_of"]

DEFAULT_TABLE: Final[Mapping[Reach, Verdict]] = {
    "read": "allow",
    "write": "allow",
    "write_outside": "ask",
    "network": "ask",
    "exec": "ask",
    "unknown": "ask",
}
"""What becomes of calls once a run is tainted, by what their tools do."""

_DOES: Final[Mapping[Reach, str]] = {
    "read": "reads",
    "write": "writes in the workspace",
    "write_outside": "may write outside the workspace",
    "network": "sends data elsewhere",
    "exec": "runs what it is given",
    "unknown": "does not say what it does",
}
_SEVERITY: Final[Mapping[Verdict, int]] = {"allow": 0, "ask": 1, "deny": 2}


class Judgement(ShortRepr, Struct, frozen=True, omit_defaults=True):
    """What is to become of a call.

    Attributes:
        verdict: `allow`, `ask` or `deny`.
        by: What decided: a `rule`, the `taint` of the run, the `tool` itself, or the `default`.
        reason: Why, in words; what a person is asked with, and what the model is told of a refusal.
    """

    verdict: Verdict
    by: JudgedBy = "default"
    reason: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether it lets a call run that nothing had to be said about."""
        return self.verdict == "allow" and self.by == "default"


class Rule(ShortRepr, Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What becomes of some calls.

    Attributes:
        tool: Glob of tool names; case counts.
        verdict: `allow`, `ask` or `deny`.
        arguments: Conditions by argument, which must all hold; see `agentlab.agent.approving.conditions`. An argument that
            was not given counts with its default. A rule that asks or denies also takes calls of which a condition cannot
            say, so that nothing slips by in a form that is not expected.
        reason: Why; shown to the person asked, and told to the model with a refusal.

    Raises:
        UsageError: It can match no call.
    """

    tool: str
    verdict: Verdict
    arguments: dict[str, Any] = field(default_factory=dict)
    reason: str = ""

    def __post_init__(self) -> None:
        check_glob(self.tool, "the tool of a rule")
        _check_verdict(self.verdict, f"the verdict of the rule for `{self.tool}`")
        if not isinstance(self.arguments, Mapping):
            raise UsageError(
                f"the arguments of the rule for `{self.tool}` are an object of names and conditions, "
                f"not {self.arguments!r}"
            )
        if not isinstance(self.reason, str):
            raise UsageError(f"the reason of the rule for `{self.tool}` is a text, not {self.reason!r}")
        for name, condition in self.arguments.items():
            check_condition(condition, f"the condition on `{name}` in the rule for `{self.tool}`")

    def matches(self, tool: str, arguments: Mapping[str, Any]) -> bool:
        """Whether a call is one of those it is about.

        Args:
            tool: The tool's name.
            arguments: The call's arguments, with the defaults of those that were not given.
        """
        if not fnmatchcase(tool, self.tool):
            return False
        answers = [holds(each, arguments.get(name, ABSENT)) for name, each in self.arguments.items()]
        return all(answers) if self.verdict == "allow" else False not in answers

    def covers(self, later: Rule) -> bool:
        """Whether no call is left for a rule behind this one."""
        if self.arguments:
            return False
        return self.tool in {"*", later.tool} or (
            not _is_pattern(later.tool) and fnmatchcase(later.tool, self.tool)
        )


class ApprovalPolicy(ShortRepr, Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which calls run, are asked about, or are refused.

    What decides, in this order: the first rule that matches; where the run is tainted, the table by what the tool does; the
    tool's own `approval`; the default. The table never loosens anything: what it allows, the tool may still ask
    about, and what it asks about, the default may refuse.

    A run is tainted from the first result on that a tool gave which returns `"untrusted"`, or from its start where the caller
    says so, and stays it. The policy and the taint hold in all runs inside it too: agents that its tools ask, and pipelines
    and routers in them; of two policies the stricter verdict stands.

    Attributes:
        rules: The rules.
        tainted: Verdicts by what a tool does (`read`, `write` inside the workspace, `write_outside`, `network`, `exec`,
            `unknown`), laid over `DEFAULT_TABLE`.
        default: What becomes of calls that nothing else decides.

    Raises:
        UsageError: A verdict or an effect is none, or a rule can never be reached.
    """

    rules: tuple[Rule, ...] = ()
    tainted: dict[str, Verdict] = field(default_factory=dict)
    default: Verdict = "allow"

    def __post_init__(self) -> None:
        given: Any = self.rules
        if not isinstance(given, tuple | list) or not all(isinstance(rule, Rule) for rule in given):
            raise UsageError(f"the rules of a policy are a tuple of `Rule`, not {given!r}")
        structs.force_setattr(self, "rules", tuple(given))
        if not isinstance(self.tainted, Mapping):
            raise UsageError(
                f"`tainted` of a policy is an object of effects and verdicts, not {self.tainted!r}"
            )
        for reach, verdict in self.tainted.items():
            if reach not in DEFAULT_TABLE:
                near = difflib.get_close_matches(str(reach), DEFAULT_TABLE, n=1)
                hint = f"; did you mean `{near[0]}`?" if near else f"; there are {', '.join(DEFAULT_TABLE)}"
                raise UsageError(f"`tainted` of a policy has no `{reach}`{hint}")
            _check_verdict(verdict, f"`{reach}` in `tainted` of a policy")
        _check_verdict(self.default, "the default of a policy")
        for place, rule in enumerate(self.rules):
            before = next((each for each in self.rules[:place] if each.covers(rule)), None)
            if before is not None:
                raise UsageError(
                    f"rule {place + 1} of the policy, for `{rule.tool}`, can match no call: the rule for "
                    f"`{before.tool}` before it takes them all; put it first"
                )

    def judge(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        reach: Reach,
        taint: str = "",
        asks: str | None = None,
    ) -> Judgement:
        """What is to become of a call. Pure.

        Args:
            name: The tool's name.
            arguments: The call's arguments, with the defaults of those that were not given.
            reach: What the tool does.
            taint: What tainted the run; empty where nothing did.
            asks: Why the tool itself asks; None where it does not.
        """
        for rule in self.rules:
            if rule.matches(name, arguments):
                reason = rule.reason or f"a rule of the approval policy for `{rule.tool}`"
                return Judgement(rule.verdict, "rule", reason)
        reason = "" if self.default == "allow" else "the approval policy's default"
        plain = Judgement(self.default, "default", reason) if asks is None else Judgement("ask", "tool", asks)
        return _strictest((self._by_taint(name, reach, taint), plain)) if taint else plain

    def _by_taint(self, name: str, reach: Reach, taint: str) -> Judgement:
        verdict = self.tainted.get(reach, DEFAULT_TABLE[reach])
        if verdict == "allow":
            return Judgement("allow")
        seen = f"this run has seen what anybody may have written: {taint}"
        return Judgement(verdict, "taint", f"`{name}` {_DOES[reach]}, and {seen}")

    def check(self, tools: Iterable[Tool]) -> None:
        """Refuse rules about arguments that none of the tools they are for has.

        A rule for tools that are not among these is left alone: agents inside may have them.

        Args:
            tools: The tools of an agent.

        Raises:
            UsageError: There is such a rule; the message names the arguments there are.
        """
        schemas = {tool.definition.name: tool.definition.parameters for tool in tools}
        for rule in self.rules:
            matched = [schema for name, schema in schemas.items() if fnmatchcase(name, rule.tool)]
            if not matched or any(_is_open(schema) for schema in matched):
                continue
            known = sorted({name for schema in matched for name in schema.get("properties", {})})
            for argument in rule.arguments:
                if argument not in known:
                    near = difflib.get_close_matches(argument, known, n=1)
                    hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(known) or 'none'}"
                    raise UsageError(
                        f"the rule for `{rule.tool}` can match no call: its tools have no argument `{argument}`; {hint}"
                    )


def judgement_of(
    policies: Iterable[ApprovalPolicy],
    tool: Tool,
    arguments: Mapping[str, Any],
    *,
    taint: str,
    asks: str | None,
) -> Judgement:
    """What policies that all hold say of a call; arguments as in `ApprovalPolicy.judge`."""
    name, given, reach = tool.definition.name, _with_defaults(tool, arguments), reach_of(tool)
    return _strictest(policy.judge(name, given, reach=reach, taint=taint, asks=asks) for policy in policies)


def _strictest(judgements: Iterable[Judgement]) -> Judgement:
    """Of several policies' judgements the one that stands: the strictest, of equal ones the first that has a reason."""
    return max(judgements, key=lambda judgement: (_SEVERITY[judgement.verdict], not judgement.is_plain))


def _with_defaults(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call with the defaults that the tool's schema tells."""
    properties = tool.definition.parameters.get("properties")
    described = properties.items() if isinstance(properties, Mapping) else ()
    defaults = {
        name: schema["default"]
        for name, schema in described
        if isinstance(schema, Mapping) and "default" in schema
    }
    return {**defaults, **arguments}


def _check_verdict(verdict: object, where: str) -> None:
    if verdict not in get_args(Verdict):
        raise UsageError(f"{where} is one of {', '.join(get_args(Verdict))}, not {verdict!r}")


def _is_pattern(glob: str) -> bool:
    return any(mark in glob for mark in "*?[")


def _is_open(schema: Mapping[str, Any]) -> bool:
    """Whether a tool may take arguments that its schema does not name."""
    return "properties" not in schema or schema.get("additionalProperties", True) is not False
