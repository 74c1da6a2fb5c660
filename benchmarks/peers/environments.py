"""The peers' environments: one folder each under build/peers/, with what peers.toml pins."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from benchmarks.peers.server import ROOT

__all__ = ["FOLDER", "Peer", "Recipe", "child_environment", "installed", "own", "recipes"]

FOLDER: Final = ROOT / "build" / "peers"
_PATIENCE_S: Final = 900
_QUIET: Final = {
    "AGNO_TELEMETRY": "false",
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OPENAI_API_KEY": "sk-benchmark",
    "ANTHROPIC_API_KEY": "sk-benchmark",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}
"""What keeps the peers from the network, and from telling anybody that they run."""


class Recipe(Struct, frozen=True):
    """How a peer is installed.

    Attributes:
        kind: What a user picks it as.
        requirements: What is installed.
        imports: The module that a user imports.
    """

    kind: Literal["sdk", "agent"]
    requirements: tuple[str, ...]
    imports: str


class Peer(Struct, frozen=True):
    """A peer that can be run, or the reason why not.

    Attributes:
        name: Its name; that of its adapter with underscores.
        kind: What a user picks it as; `floor` and `ours` are not peers.
        python: Its interpreter.
        requirements: What was installed.
        imports: The module that a user imports.
        failed: Why it cannot be run; empty where it can.
    """

    name: str
    kind: Literal["sdk", "agent", "floor", "ours"]
    python: str = sys.executable
    requirements: tuple[str, ...] = ()
    imports: str = ""
    failed: str = ""

    @property
    def adapter(self) -> str:
        """The module of its adapter."""
        return self.name.replace("-", "_")


def recipes() -> dict[str, Recipe]:
    """All peers."""
    rows = tomllib.loads(Path(__file__).with_name("peers.toml").read_text(encoding="utf-8"))
    return msgspec.convert(rows, dict[str, Recipe])


def own() -> tuple[Peer, Peer]:
    """The floors and agentlab, in this environment."""
    return Peer("floors", "floor", imports="httpx"), Peer("agentlab", "ours", imports="agentlab")


def installed(name: str, recipe: Recipe, source: str = "") -> Peer:
    """A peer, installed where it is not yet; a stamp in its folder names the pins it was made with.

    Args:
        name: Of its folder.
        recipe: What is installed.
        source: What else it was made of; where that is another text now, it is installed anew.
    """
    folder = FOLDER / name
    python = folder / "bin" / "python"
    failed = _install(folder, python, recipe.requirements, source)
    return Peer(name, recipe.kind, str(python), recipe.requirements, recipe.imports, failed)


def child_environment() -> dict[str, str]:
    """Variables for a peer's process: quiet, and keeping the bytecode it compiles, or every import would compile anew."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **_QUIET}


def _install(folder: Path, python: Path, requirements: Iterable[str], source: str) -> str:
    stamp, pins = folder / ".complete", "\n".join([*requirements, source])
    if stamp.exists() and stamp.read_text(encoding="utf-8") == pins:
        return ""
    shutil.rmtree(folder, ignore_errors=True)
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv:
        steps = [
            [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *requirements],
        ]
    else:
        steps = [
            [sys.executable, "-m", "venv", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements],
        ]
    for step in steps:
        try:
            subprocess.run(step, check=True, capture_output=True, text=True, timeout=_PATIENCE_S)
        except subprocess.CalledProcessError as error:
            return f"cannot be installed: {' '.join(error.stderr.split())[-300:]}"
        except subprocess.TimeoutExpired:
            return f"cannot be installed within {_PATIENCE_S} s"
    stamp.write_text(pins, encoding="utf-8")
    return ""
