"""The protocol's public conformance suite, for clients: every scenario, with its result."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.mcp.public_servers import package, suitable_node
from tests.tools.mcp.raw_servers import ROOT

pytest.importorskip("mcp")

CLIENT = f"{sys.executable} -m tests.tools.mcp.conformance_client"

# Checks passed, of the suite's version 0.1.16, as measured.
PASSED = {
    "initialize": 1,
    "tools_call": 1,
    "elicitation-sep1034-client-defaults": 5,
    "sse-retry": 3,
    "auth/metadata-default": 14,
    "auth/metadata-var1": 14,
    "auth/metadata-var2": 14,
    "auth/metadata-var3": 14,
    "auth/basic-cimd": 14,
    "auth/scope-from-www-authenticate": 15,
    "auth/scope-from-scopes-supported": 15,
    "auth/scope-omitted-when-undefined": 15,
    "auth/scope-step-up": 21,
    "auth/scope-retry-limit": 16,
    "auth/token-endpoint-auth-basic": 19,
    "auth/token-endpoint-auth-post": 19,
    "auth/token-endpoint-auth-none": 19,
    "auth/pre-registration": 14,
    "auth/2025-03-26-oauth-endpoint-fallback": 8,
    "auth/resource-mismatch": 2,
    "auth/offline-access-scope": 14,
    "auth/offline-access-not-supported": 15,
    "auth/client-credentials-jwt": 9,
    "auth/client-credentials-basic": 9,
    "auth/cross-app-access-complete-flow": 10,
}

# The suite's server names an issuer that is not the address its metadata came from. The SDK refuses such metadata, as
# RFC 8414 section 3.3 says it must, so the flow ends there.
REFUSED = {"auth/2025-03-26-oauth-metadata-backcompat": "issuer mismatch"}

GAUNTLET = os.environ.get("AGENTLAB_GAUNTLET") == "1"
SAMPLE = "tools_call"
long = pytest.mark.skipif(not GAUNTLET, reason="the whole suite runs in `make gauntlet`")


def suite(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [suitable_node(), package("conformance"), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)


def passed(scenario: str, folder: Path) -> int:
    """How many checks of a scenario pass; none fails or warns."""
    ran = suite("client", "--command", CLIENT, "--scenario", scenario, "-o", str(folder))
    counted = re.search(r"Passed: (\d+)/(\d+), (\d+) failed, (\d+) warnings", ran.stdout + ran.stderr)
    assert counted is not None, ran.stdout + ran.stderr
    well, all_of_them, failed, warned = map(int, counted.groups())
    assert (well, failed, warned) == (all_of_them, 0, 0), ran.stdout
    return well


def test_a_tool_is_called_as_the_suite_wants_it(tmp_path: Path) -> None:
    assert passed(SAMPLE, tmp_path) >= PASSED[SAMPLE]


@pytest.mark.gauntlet
@long
@pytest.mark.parametrize("scenario", [name for name in PASSED if name != SAMPLE])
def test_every_other_scenario_passes(scenario: str, tmp_path: Path) -> None:
    assert passed(scenario, tmp_path) >= PASSED[scenario]


@pytest.mark.gauntlet
@long
@pytest.mark.parametrize(("scenario", "reason"), REFUSED.items())
def test_a_scenario_whose_server_breaks_a_rule_is_refused_for_it(
    scenario: str, reason: str, tmp_path: Path
) -> None:
    ran = suite("client", "--command", CLIENT, "--scenario", scenario, "-o", str(tmp_path))
    assert ran.returncode == 1
    told = "".join(path.read_text() for path in tmp_path.rglob("stderr.txt"))
    assert reason in told


@pytest.mark.gauntlet
@long
def test_every_client_scenario_of_the_suite_is_accounted_for() -> None:
    listed = suite("list").stdout.partition("Client scenarios")[2]
    assert set(re.findall(r"^\s+- (\S+)", listed, re.MULTILINE)) == PASSED.keys() | REFUSED.keys()
