"""Calls tools as an agent does: by name, with arguments as JSON gives them."""

import asyncio
import functools
import re

from agentlab.errors import ToolError
from agentlab.tools import ToolContext
from agentlab.tools.workspace.tools import workspace_tools


class Lent:
    """Whatever workspace it was lent last: tools are made once for many tests, since their schemas cost time."""

    def __init__(self):
        self.lent = None

    def __getattr__(self, name):
        return getattr(self.lent, name)


class Patient:
    """A clock that runs backwards, so that no deadline passes on a machine that is busy."""

    now = 0.0

    def time(self):
        return self.now

    def monotonic(self):
        self.now -= 60.0
        return self.now

    async def sleep(self, seconds):
        raise AssertionError("nothing here waits")


@functools.cache
def _shared(engine, clock):
    lent = Lent()
    return lent, workspace_tools(lent, clock=clock() if clock else None, grep_engine=engine)


class Caller:
    """The tools of a workspace; one at a time unless it has a guard of its own."""

    def __init__(self, workspace, guard=None, *values, engine=None, clock=Patient):
        self.workspace = workspace
        self.context = ToolContext(*values)
        if guard is None:
            lent, self.tools = _shared(engine, clock)
            lent.lent = workspace
        else:
            self.tools = workspace_tools(workspace, guard, grep_engine=engine)

    async def later(self, tool, /, **arguments):
        return await self.tools.get(tool).call(arguments, self.context)

    def __call__(self, tool, /, **arguments):
        return asyncio.run(self.later(tool, **arguments))

    def error(self, tool, /, **arguments):
        """The text of the error that a call ends in."""
        try:
            answer = self(tool, **arguments)
        except ToolError as error:
            return str(error)
        raise AssertionError(f"no error, but {answer!r}")


def hash_of(answer):
    """The hash that an answer tells."""
    return re.search(r"hash ([0-9a-f]{16})", answer)[1]
