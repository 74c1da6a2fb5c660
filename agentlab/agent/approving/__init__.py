"""Whether a tool may run on a call: policies as data, the taint of a run, and judging by both."""

from agentlab.agent.approving.files import (
    policy_from_data,
    policy_from_json,
    policy_from_toml,
    policy_to_data,
    policy_to_json,
    policy_to_toml,
    read_policy,
    write_policy,
)
from agentlab.agent.approving.policy import DEFAULT_TABLE, ApprovalPolicy, Judgement, Rule

__all__ = [
    "DEFAULT_TABLE",
    "ApprovalPolicy",
    "Judgement",
    "Rule",
    "policy_from_data",
    "policy_from_json",
    "policy_from_toml",
    "policy_to_data",
    "policy_to_json",
    "policy_to_toml",
    "read_policy",
    "write_policy",
]
