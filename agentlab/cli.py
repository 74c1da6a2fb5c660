"""The command line: `agentlab demo`, `agentlab simulate`, `agentlab chat`, `agentlab lint`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from agentlab import __version__
from agentlab.agent import Agent
from agentlab.caching.linting.finding import Findings
from agentlab.caching.linting.source_lint import lint_notebook, lint_script
from agentlab.demo import run_demo, run_notebook
from agentlab.errors import AgentlabError, UsageError
from agentlab.messages import Message, ReasoningDelta, TextDelta, ToolCall, ToolResult
from agentlab.simulator import serve

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; gives the exit status.

    Args:
        arguments: Words after the program's name; those of the process where None.
    """
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except AgentlabError as error:
        print(f"agentlab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has seen enough (`| head`). Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="agentlab", description="A lab bench for LLM agents.")
    parser.add_argument("--version", action="version", version=f"agentlab {__version__}")
    commands = parser.add_subparsers(title="commands", required=True)

    demo = commands.add_parser(
        "demo", help="run the quickstart agent against the simulator and print its answer"
    )
    demo.add_argument(
        "--model", default="sim:anthropic/claude-sonnet-4-6", help="vendor:model (default: %(default)s)"
    )
    demo.add_argument("--notebook", type=Path, help="execute this notebook instead")
    demo.add_argument("--html", type=Path, help="with --notebook: write the executed notebook here as HTML")
    demo.set_defaults(run=_demo)

    simulate = commands.add_parser(
        "simulate", help="serve the simulated providers on 127.0.0.1 until interrupted"
    )
    simulate.add_argument("--port", type=int, default=0, help="port (default: a free one)")
    simulate.add_argument("--seed", type=int, default=0, help="seed of ids and draws (default: 0)")
    simulate.set_defaults(run=_simulate)

    chat = commands.add_parser("chat", help="talk to a model in the terminal; `exit` ends it")
    chat.add_argument("model", help="vendor:model, or sim:vendor/model")
    chat.add_argument("--preamble", help="system prompt")
    chat.set_defaults(run=_chat)

    lint = commands.add_parser(
        "lint",
        help="find clocks, random values and sets that reach an agent's prompt; "
        "exit status 1 where there are any, 2 where a file cannot be read",
    )
    lint.add_argument("files", type=Path, nargs="+", help=".ipynb notebooks and .py scripts")
    lint.set_defaults(run=_lint)
    return parser


def _demo(options: argparse.Namespace) -> int:
    if options.notebook is not None:
        return run_notebook(options.notebook, options.html)
    return run_demo(options.model)


def _simulate(options: argparse.Namespace) -> int:
    with serve(port=options.port, seed=options.seed) as simulator:
        print(f"simulated providers at {simulator.url}\ntoken (use it as the API key): {simulator.token}")
        for vendor in ("openai", "anthropic", "gemini", "ollama"):
            print(f"  {vendor:<10} base URL {simulator.base_url(vendor)}")
        print("press Ctrl-C to stop", flush=True)
        threading.Event().wait()
    return 0


def _lint(options: argparse.Namespace) -> int:
    found = unread = False
    for path in options.files:
        try:
            findings = _linted(path)
        except UsageError as error:
            unread = True
            print(f"agentlab: {error}", file=sys.stderr)
            continue
        for finding in findings:
            found = True
            print(f"{path}: {finding}")
    if not found and not unread:
        print("agentlab: nothing found", file=sys.stderr)  # stdout holds findings alone
    return 2 if unread else 1 if found else 0


def _linted(path: Path) -> Findings:
    """The findings in a file.

    Raises:
        UsageError: It cannot be read, or is neither notebook nor script; the sentence names the file.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name the notebooks in it, such as {path / '*.ipynb'}")
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    try:
        return lint_script(text) if path.suffix == ".py" else lint_notebook(text)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def _chat(options: argparse.Namespace) -> int:
    agent = Agent(options.model, preamble=options.preamble)
    history: list[Message] = []
    while True:
        try:
            line = input("> ").strip()
        except EOFError:
            return 0
        if line == "exit":
            return 0
        if line:
            asyncio.run(_answer(agent, line, history))


async def _answer(agent: Agent, line: str, history: list[Message]) -> None:
    stream = agent.stream_chat(line, history)
    try:
        async for event in stream:
            if isinstance(event, TextDelta):
                print(event.text, end="", flush=True)
            elif isinstance(event, ReasoningDelta):
                print(f"\033[2m{event.text}\033[0m", end="", flush=True)
            elif isinstance(event, ToolCall):
                print(f"\n[{event.name} {event.arguments_json}]")
            elif isinstance(event, ToolResult):
                print(f"[{event.status}: {event.text}]")
    except AgentlabError as error:
        print(f"\nagentlab: {error}", file=sys.stderr)
    usage = stream.run.usage
    print(f"\n({usage.input_tokens} in, {usage.cache_read_tokens} from cache, {usage.output_tokens} out)")


if __name__ == "__main__":
    sys.exit(main())
