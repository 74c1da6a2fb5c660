"""`agentlab serve`: agents behind OpenAI's interface, or as tools over MCP."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from agentlab.agent import Agent
from agentlab.commands.parser import Commands, add_agent_options
from agentlab.commands.targets import named_object, named_tools
from agentlab.errors import UsageError
from agentlab.serving import AgentServer
from agentlab.serving.mcp import McpServer
from agentlab.tools import Tool, Toolset

__all__ = ["add_serve"]

_KEY_VARIABLE: Final = "AGENTLAB_SERVE_KEY"


def add_serve(commands: Commands) -> None:
    """Add the command to the parser."""
    serve = commands.add_parser(
        "serve",
        help="put agents behind an OpenAI-compatible endpoint, or serve them and tools over MCP",
        description="Serve agents of a module (`agentlab serve my_agents:support`) or a model (`--model`).",
    )
    serve.add_argument(
        "target",
        nargs="*",
        metavar="MODULE:NAME",
        help="an agent, or a mapping of served names to agents; over MCP also a tool, a function or a toolset",
    )
    serve.add_argument("--model", help="vendor:model, or sim:vendor/model, in place of a target")
    serve.add_argument("--name", help="with --model: the name it is served under (default: the model's)")
    add_agent_options(serve)
    serve.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: this machine only)"
    )
    serve.add_argument("--port", type=int, default=8000, help="port (default: %(default)s; 0 for a free one)")
    serve.add_argument(
        "--key", help=f"what clients must send (default: {_KEY_VARIABLE}, else a random key that is printed)"
    )
    serve.add_argument(
        "--cors",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="a web page that may call it; `*` for all",
    )
    serve.add_argument(
        "--system-messages",
        choices=["append", "refuse"],
        default="append",
        help="what becomes of a client's system messages (default: behind the agent's preamble)",
    )
    serve.add_argument(
        "--max-runs", type=int, default=16, help="runs at the same time (default: %(default)s)"
    )
    over = serve.add_mutually_exclusive_group()
    over.add_argument(
        "--mcp", action="store_const", const="stdio", help="serve over MCP, at standard input and output"
    )
    over.add_argument(
        "--mcp-http", action="store_const", const="http", dest="mcp", help="serve over MCP, at /mcp over HTTP"
    )
    serve.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> int:
    offered = _offered(options)
    if options.mcp == "stdio":
        asyncio.run(McpServer(_tools(offered)).run_stdio())
        return 0
    known = options.key or os.environ.get(_KEY_VARIABLE)
    if options.mcp == "http":
        mcp = McpServer(_tools(offered)).over_http(host=options.host, port=options.port, key=known)
        mcp.run(lambda: _mcp_greeting(mcp.url, "<your key>" if known else mcp.key))
        return 0
    agents = _agents(offered)
    server = AgentServer(
        agents,
        host=options.host,
        port=options.port,
        key=known,
        cors_origins=options.cors,
        system_messages=options.system_messages,
        max_runs=options.max_runs,
    )
    server.run(lambda: _greeting(server.url, "<your key>" if known else server.key, list(agents)))
    return 0


def _offered(options: argparse.Namespace) -> list[Any]:
    """What is named on the command line: agents, mappings of them, tools."""
    if options.model is None and (options.preamble or options.name):
        raise UsageError("`--preamble` and `--name` belong to `--model`; a target has its own")
    tools = named_tools(options.tool)
    if options.model is not None:
        agent = Agent(
            options.model, name=options.name or options.model, preamble=options.preamble, tools=tools
        )
        return [agent, *map(named_object, options.target)]
    offered = [*map(named_object, options.target), *tools]
    if not offered:
        raise UsageError("name what is to be served: `module:agent`, or `--model vendor:model`")
    return offered


def _agents(offered: Sequence[Any]) -> dict[str, Agent]:
    """Agents by the name they are served under.

    Raises:
        UsageError: Something is no agent, or two have one name.
    """
    agents: dict[str, Agent] = {}
    for each in offered:
        named = each if isinstance(each, Mapping) else {getattr(each, "name", ""): each}
        for name, agent in named.items():
            if not isinstance(agent, Agent):
                raise UsageError(f"{agent!r} is no agent; tools alone are served with `--mcp`")
            if name in agents:
                raise UsageError(
                    f"two agents are called `{name}`; serve them in a mapping of names to agents"
                )
            agents[name] = agent
    return agents


def _tools(offered: Sequence[Any]) -> list[Agent | Tool | Callable[..., Any]]:
    tools: list[Agent | Tool | Callable[..., Any]] = []
    for each in offered:
        if isinstance(each, Mapping):
            tools.extend(each.values())
        elif isinstance(each, Toolset | Sequence):
            tools.extend(each)
        else:
            tools.append(each)
    return tools


def _greeting(url: str, key: str, names: Sequence[str]) -> None:
    print(f"serving {', '.join(names)} at {url}/v1\nkey: {key}\n")
    print(f'    client = openai.OpenAI(base_url="{url}/v1", api_key="{key}")')
    said = '[{"role": "user", "content": "Hello"}]'
    print(f'    client.chat.completions.create(model="{names[0]}", messages={said})\n')
    print("press Ctrl-C to stop", flush=True)


def _mcp_greeting(url: str, key: str) -> None:
    print(f"MCP server at {url}/mcp (streamable HTTP)\nkey: {key}\n")
    print(f"    send the header  Authorization: Bearer {key}\n")
    print("press Ctrl-C to stop", flush=True)
