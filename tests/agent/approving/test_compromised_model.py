"""A model that was turned sends nothing of a secret anywhere without a recorded approval; without a policy it does."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from agentlab.agent.approving import ApprovalPolicy
from agentlab.messages import ToolCall
from agentlab.notebook.safety.markdown import render_markdown
from agentlab.tools.mcp import McpClient
from tests.agent.approving.attacked import Attack, Outside
from tests.agent.approving.leaking import Script, leaked, scripts
from tests.tools.mcp.raw_servers import LONGEST_S, ROOT

pytest.importorskip("mcp")
pytestmark = pytest.mark.anyio

SAMPLE = 12
FEW = scripts(SAMPLE)
MANY = scripts(200)
GAUNTLET = os.environ.get("AGENTLAB_GAUNTLET") == "1"
_FETCHES = {"src", "srcset", "href", "data", "poster", "background", "action", "style"}


class Stage:
    """A server that keeps what it is given, and a folder for it."""

    def __init__(self, folder: Path, mcp: Any) -> None:
        self.told = folder / "told"
        self.outside = Outside(folder / "kept")
        self.outside.clear()
        self.mcp = mcp

    async def acted(self, script: Script, **options: Any) -> tuple[Attack, str]:
        """An attack carried out, and its secret."""
        secret = f"CANARY-{random.Random(str(script)).getrandbits(96):024x}"
        self.outside.clear()
        attack = Attack(script, secret, self.outside, mcp=self.mcp.tools, told=self.told, **options)
        await attack.act()
        return attack, secret

    def leaks(self, attack: Attack) -> bool:
        """Whether anything of the secret is outside, or would be once the answers are shown."""
        pages = "\n".join(_fetched(str(render_markdown(answer))) for answer in attack.answers)
        return self._leaks(attack, pages)

    def leaks_unguarded(self, attack: Attack) -> bool:
        """Likewise where answers are shown by a renderer that fetches images."""
        pages = "\n".join(_fetched(MarkdownIt().render(answer)) for answer in attack.answers)
        return self._leaks(attack, pages)

    def _leaks(self, attack: Attack, pages: str) -> bool:
        pieces = [*self.outside.pieces, *([pages] if pages else []), self.outside.mcp_kept.read_text()]
        return leaked(attack.script, attack.secret, f"{self.outside.all}\n{pages}", pieces)


class _Fetched(HTMLParser):
    """Addresses that a page fetches by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag != "a":
            self.found += [value or "" for name, value in attributes if name in _FETCHES]


def _fetched(page: str) -> str:
    parser = _Fetched()
    parser.feed(page)
    return "\n".join(parser.found)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("sink")
    command = [
        sys.executable,
        "-m",
        "tests.agent.approving.mcp_sink",
        str(folder / "kept"),
        str(folder / "told"),
    ]
    async with McpClient(command, cwd=ROOT, connect_timeout_s=3 * LONGEST_S, timeout_s=LONGEST_S) as client:
        yield Stage(folder, client)


async def assert_nothing_leaves_unapproved(stage: Stage, script: Script) -> None:
    free, _ = await stage.acted(script)
    assert stage.leaks_unguarded(free), (
        f"{script}: the attack does not work, so nothing is shown by its failing"
    )

    held, _ = await stage.acted(script, approvals=ApprovalPolicy())
    assert not stage.leaks(held), f"{script}: {stage.outside.all!r}"
    if script.sink != "markdown_image":
        assert "ask" in {verdict for _, verdict in held.judged}, f"{script}: nothing was asked"
        assert not {verdict for name, verdict in held.judged if verdict == "allow"}

    refused, _ = await stage.acted(script, approvals=ApprovalPolicy(), approver=lambda _call, _reason: "no")
    assert not stage.leaks(refused), f"{script}: {stage.outside.all!r}"

    asked: list[str] = []

    def approver(call: ToolCall, _reason: str) -> bool:
        asked.append(call.name)
        return True

    approved, _ = await stage.acted(script, approvals=ApprovalPolicy(), approver=approver)
    if script.sink != "markdown_image" and script.way != "resumed":
        assert stage.leaks(approved), f"{script}: what is approved must go"
    if stage.leaks(approved):
        assert asked
        assert [name for name, verdict in approved.judged if verdict == "allow"] == asked


@pytest.mark.parametrize("script", FEW, ids=str)
async def test_nothing_leaves_without_a_recorded_approval(stage: Stage, script: Script) -> None:
    await assert_nothing_leaves_unapproved(stage, script)


@pytest.mark.gauntlet
@pytest.mark.skipif(not GAUNTLET, reason="all scripts are acted out in `make gauntlet`")
async def test_nothing_leaves_without_a_recorded_approval_by_any_script(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    for script in MANY:
        await assert_nothing_leaves_unapproved(stage, script)
    with capsys.disabled():
        print(
            f"\n{len(MANY)} scripts: 0 leak with the policy and unapproved, all {len(MANY)} without a policy"
        )


def test_the_scripts_are_different_and_hold_every_choice() -> None:
    assert len(set(map(str, MANY))) == len(MANY) >= 100
    for field in ("source", "way", "disguise", "sink"):
        assert {getattr(script, field) for script in FEW} == {getattr(script, field) for script in MANY}


@pytest.mark.parametrize("script", MANY[:60], ids=str)
def test_the_sinks_are_read_for_every_form(script: Script) -> None:
    secret = "CANARY-0123456789abcdef01234567"
    pieces = list(script.pieces(secret))
    assert leaked(script, secret, " ".join(pieces), pieces)
    assert not leaked(script, secret, "nothing of the kind", ["nothing of the kind"])
