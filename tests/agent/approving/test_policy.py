"""A policy decides by its first rule that matches, the taint, the tool, and last its default; and is plain data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.agent import Agent
from agentlab.agent.approving import (
    DEFAULT_TABLE,
    ApprovalPolicy,
    Rule,
    policy_from_data,
    policy_from_json,
    policy_from_toml,
    read_policy,
)
from agentlab.agent.approving.files import policy_to_data, policy_to_json, policy_to_toml, write_policy
from agentlab.agent.approving.policy import judgement_of
from agentlab.errors import UsageError
from agentlab.messages import Verdict
from agentlab.tools import FunctionTool, Toolset, tool
from agentlab.tools.declared import Reach, reach_of, returns_untrusted
from tests.agent.approving.scripted import agent_of

EVIL = "https://evil.test/"


def judged(policy: ApprovalPolicy, name: str = "fetch", **options: Any) -> tuple[str, str]:
    arguments = options.pop("arguments", {})
    judgement = policy.judge(name, arguments, **{"reach": "network", **options})
    return judgement.verdict, judgement.by


def test_the_first_rule_that_matches_decides() -> None:
    policy = ApprovalPolicy(
        rules=(
            Rule("fetch", "allow", {"url": {"host": "docs.python.org"}}),
            Rule("fetch", "deny", {"url": "*secret*"}),
            Rule("f*", "ask"),
        ),
    )
    assert judged(policy, arguments={"url": "https://docs.python.org/secret"}) == ("allow", "rule")
    assert judged(policy, arguments={"url": "https://evil.test/secret"}) == ("deny", "rule")
    assert judged(policy, arguments={"url": EVIL}) == ("ask", "rule")
    assert judged(policy, "other") == ("allow", "default")
    assert judged(policy, arguments={"url": ["https://docs.python.org/"]}) == ("deny", "rule"), (
        "a form that no rule expects must not slip by one that denies"
    )


def test_behind_the_rules_come_the_taint_the_tool_and_the_default() -> None:
    policy = ApprovalPolicy(default="deny")
    assert judged(policy, taint="`read`", asks="why") == ("ask", "taint")
    assert judged(policy, taint="`read`", asks="why", reach="read") == ("ask", "tool")
    assert judged(policy, asks="why") == ("ask", "tool")
    assert judged(policy) == judged(policy, taint="`read`") == ("deny", "default")
    assert judged(ApprovalPolicy(), taint="`read`", reach="write") == ("allow", "default")
    allowing = ApprovalPolicy(rules=(Rule("fetch", "allow"),))
    assert judged(allowing, taint="`read`", asks="why") == ("allow", "rule")


@pytest.mark.parametrize("reach", DEFAULT_TABLE)
def test_an_untainted_run_asks_about_nothing_and_a_tainted_one_about_what_leaves(reach: Reach) -> None:
    assert judged(ApprovalPolicy(), reach=reach) == ("allow", "default")
    expected = "allow" if reach in {"read", "write"} else "ask"
    assert judged(ApprovalPolicy(), reach=reach, taint="x")[0] == expected
    assert judged(ApprovalPolicy(tainted={reach: "deny"}), reach=reach, taint="x") == ("deny", "taint")


def test_a_question_of_the_taint_says_what_tainted_and_what_the_tool_does() -> None:
    said = ApprovalPolicy().judge("fetch", {}, reach="network", taint="`read_mail`").reason
    assert "`fetch` sends data elsewhere" in said
    assert "`read_mail`" in said


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: Rule("", "allow"), "not empty"),
        (lambda: Rule("a[b", "allow"), "never closed"),
        (lambda: Rule("a", "alow"), "one of allow, ask, deny"),  # type: ignore[arg-type]
        (lambda: Rule("a", "allow", {"url": {"hst": "x"}}), "`url` in the rule for `a`"),
        (lambda: Rule("a", "allow", ["url"]), "an object"),  # type: ignore[arg-type]
        (lambda: Rule("a", "allow", reason=5), "a text"),  # type: ignore[arg-type]
        (lambda: ApprovalPolicy(rules=("a",)), "a tuple of `Rule`"),  # type: ignore[arg-type]
        (lambda: ApprovalPolicy(default="perhaps"), "default of a policy"),  # type: ignore[arg-type]
        (lambda: ApprovalPolicy(tainted={"netwrk": "ask"}), "did you mean `network`"),
        (lambda: ApprovalPolicy(tainted={"network": "no"}), "one of allow"),  # type: ignore[dict-item]
        (lambda: ApprovalPolicy(rules=(Rule("*", "ask"), Rule("a", "deny"))), "rule 2 .* can match no call"),
        (lambda: ApprovalPolicy(rules=(Rule("f*", "ask"), Rule("fetch", "deny"))), "can match no call"),
    ],
)
def test_a_policy_that_could_not_do_what_it_says_is_refused(build: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        build()


@tool(effect="network")
def fetch(url: str, attempts: int = 1) -> str:
    """Fetch."""
    return url + str(attempts)


def test_a_rule_about_an_argument_that_no_tool_has_is_refused_with_the_agent() -> None:
    policy = ApprovalPolicy(rules=(Rule("fetch", "deny", {"ulr": EVIL}),))
    with pytest.raises(UsageError, match="no argument `ulr`; did you mean `url`"):
        agent_of(tools=[fetch], approvals=policy)
    with pytest.raises(UsageError, match="no argument `ulr`"):
        agent_of(tools=[agent_of(name="inner", tools=[fetch]).as_tool()], approvals=policy)
    with pytest.raises(UsageError, match="no argument `ulr`"):
        agent_of(approvals=policy).with_tools(fetch)
    elsewhere = ApprovalPolicy(rules=(Rule("of_an_agent_inside", "deny", {"ulr": EVIL}),))
    assert agent_of(tools=[fetch], approvals=elsewhere).settings.approvals == elsewhere


def test_only_a_policy_is_one() -> None:
    with pytest.raises(UsageError, match="is no `ApprovalPolicy`"):
        Agent("sim:openai/gpt-5.6", approvals={"default": "ask"})  # type: ignore[arg-type]


def test_an_argument_that_was_not_given_counts_with_its_default() -> None:
    policy = ApprovalPolicy(rules=(Rule("fetch", "deny", {"attempts": {"at_most": 1}}),))
    assert judgement_of([policy], fetch, {"url": "x"}, taint="", asks=None).verdict == "deny"
    assert judgement_of([policy], fetch, {"url": "x", "attempts": 2}, taint="", asks=None).verdict == "allow"


def test_of_two_policies_the_stricter_verdict_stands() -> None:
    allow, ask = ApprovalPolicy(rules=(Rule("*", "allow", reason="mine"),)), ApprovalPolicy()
    deny = ApprovalPolicy(default="deny")
    for policies, verdict in [((allow, ask), "ask"), ((ask, allow), "ask"), ((allow, ask, deny), "deny")]:
        assert judgement_of(policies, fetch, {}, taint="x", asks=None).verdict == verdict
    assert judgement_of((ask, allow), fetch, {}, taint="", asks=None).reason == "mine"


def test_what_a_tool_declares() -> None:
    class Old:
        definition = fetch.definition

    assert (reach_of(Old()), returns_untrusted(Old())) == ("unknown", False)
    assert (reach_of(fetch), returns_untrusted(fetch)) == ("network", True)
    for options, reach, untrusted in [
        ({"effect": "read"}, "read", False),
        ({"effect": "read", "returns": "untrusted"}, "read", True),
        ({"effect": "network", "returns": "trusted"}, "network", False),
        ({"effect": "exec"}, "exec", True),
        ({"effect": "write"}, "write_outside", False),
        ({"effect": "write", "confined": True}, "write", False),
    ]:
        made = FunctionTool(fetch.function, **options)  # type: ignore[arg-type]
        assert (reach_of(made), returns_untrusted(made)) == (reach, untrusted)
    with pytest.raises(UsageError, match="`effect` of the tool `fetch`"):
        FunctionTool(fetch.function, effect="reads")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="`returns` of the tool `fetch`"):
        FunctionTool(fetch.function, returns="anything")  # type: ignore[arg-type]
    Old.effect, Old.returns = "everything", "lies"  # type: ignore[attr-defined]
    assert (reach_of(Old()), returns_untrusted(Old())) == ("unknown", True), (
        "what is no word counts as the worst"
    )


def test_a_tool_whose_schema_is_open_may_have_any_argument() -> None:
    class Open:
        definition = fetch.definition.__class__(
            "open", "Takes anything.", {"type": "object", "properties": {}}
        )
        timeout_s = None

        async def call(self, arguments: Any, context: Any) -> str:
            return ""

    ApprovalPolicy(rules=(Rule("open", "deny", {"ulr": "x"}),)).check(Toolset([Open()]))


# ---------------------------------------------------------------------- files

_NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="[*?"), min_size=1, max_size=12)
_JSON = (
    st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | _NAMES
)
_LEAVES = (
    _NAMES
    | st.builds(lambda globs: {"glob": globs}, st.lists(_NAMES, min_size=1, max_size=3))
    | st.builds(lambda value: {"equals": value}, _JSON)
    | st.builds(lambda values: {"one_of": values}, st.lists(_JSON, min_size=1, max_size=3))
    | st.builds(lambda low: {"at_least": low, "at_most": low + 1.5}, st.integers(-5, 5))
    | st.builds(lambda flag: {"present": flag}, st.booleans())
)
_CONDITIONS = st.recursive(
    _LEAVES,
    lambda inner: (
        st.builds(lambda key, each: {key: each}, st.sampled_from(["not", "any", "every"]), inner)
        | st.builds(lambda each: {"fields": each}, st.dictionaries(_NAMES, inner, min_size=1, max_size=2))
    ),
    max_leaves=3,
)
_VERDICTS: st.SearchStrategy[Verdict] = st.sampled_from(["allow", "ask", "deny"])
_RULES = st.builds(
    Rule,
    _NAMES,
    _VERDICTS,
    st.dictionaries(_NAMES, _CONDITIONS, min_size=1, max_size=2),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
_POLICIES = st.builds(
    ApprovalPolicy,
    st.lists(_RULES, max_size=3).map(tuple),
    st.dictionaries(st.sampled_from(list(DEFAULT_TABLE)), _VERDICTS),
    _VERDICTS,
)


@settings(max_examples=40)
@given(_POLICIES)
def test_a_policy_comes_back_from_data_json_and_toml_as_it_was(policy: ApprovalPolicy) -> None:
    assert policy_from_data(policy_to_data(policy)) == policy
    assert policy_from_json(policy_to_json(policy)) == policy
    assert policy_from_toml(policy_to_toml(policy)) == policy


def test_a_policy_is_a_file(tmp_path: Path) -> None:
    policy = ApprovalPolicy(
        rules=(Rule("fetch", "allow", {"url": {"host": "docs.python.org"}}, "public"), Rule("run_*", "deny")),
        tainted={"network": "deny"},
    )
    for name in ("policy.toml", "policy.json"):
        write_policy(policy, tmp_path / name)
        assert read_policy(tmp_path / name) == policy


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("p.yaml", "", "neither `.toml` nor `.json`"),
        ("p.toml", "default = ", "is no TOML"),
        ("p.json", "{", "is no JSON"),
        ("p.json", "[]", "cannot be read"),
        ("p.json", '{"rule": []}', "unknown field `rule`"),
        (
            "p.json",
            '{"rules": [{"tool": "a", "verdict": "deny", "argument": {}}]}',
            "unknown field `argument`",
        ),
        ("p.json", '{"rules": [{"tool": "a"}]}', "missing required field `verdict`"),
        ("p.toml", '[[rules]]\ntool = "a["\nverdict = "ask"', r"p.toml cannot be used: .* never closed"),
        ("p.toml", '[tainted]\nnetwork = "perhaps"', "perhaps"),
    ],
)
def test_a_file_that_is_no_policy_is_refused_by_its_name(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=said) as raised:
        read_policy(tmp_path / name)
    assert name in str(raised.value)


def test_a_file_that_is_not_there_and_what_toml_cannot_say_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_policy(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="TOML has no null"):
        policy_to_toml(ApprovalPolicy(rules=(Rule("a", "deny", {"b": {"equals": None}}),)))
    with pytest.raises(UsageError, match="neither"):
        write_policy(ApprovalPolicy(), tmp_path / "p.txt")
