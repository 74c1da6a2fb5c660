"""A tool: a function the model may call."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol, overload, runtime_checkable

from agentlab.errors import UsageError
from agentlab.messages import ToolDefinition
from agentlab.rich_display import html_of
from agentlab.tools.context import ToolContext
from agentlab.tools.declared import Effect, Returns, check_declared
from agentlab.tools.schema import Arguments, describe
from agentlab.tools.thread import in_thread

__all__ = ["FunctionTool", "Tool", "tool"]

Approval = bool | str | Callable[[Mapping[str, Any]], bool | str]

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@runtime_checkable
class Tool(Protocol):
    """What an agent needs of a tool. Implement it for tools that are not functions (an MCP server's, say).

    Four more attributes are read where a tool has them, and mean what the arguments of `tool` of these names mean:
    `approval`, `effect`, `returns` and `confined`.
    """

    @property
    def definition(self) -> ToolDefinition:
        """The tool as the model sees it; the same every time, or the cached prefix moves."""
        ...

    @property
    def timeout_s(self) -> float | None:
        """Seconds a call may take; None leaves it to the agent."""
        ...

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> Any:
        """Run the tool on parsed, not yet validated arguments.

        Raises:
            InvalidToolArguments: The arguments do not fit the schema.
            ToolError: The model is shown exactly this text.
            Exception: The model is shown the type and text.
        """
        ...


class FunctionTool:
    """A Python function as a tool; still callable as the function it was.

    Args:
        function: A plain or async function. A plain one runs in a thread, so it may block.
        name: Name for the model; the function's own where None.
        description: What it does; the docstring's where None.
        strict: Whether the provider should hold the model to the schema.
        timeout_s: Seconds a call may take; None leaves it to the agent.
        approval: Whether a person, or the agent's `approver`, is asked before it runs: True, the reason that is shown, or
            a function of the arguments (a mapping) that gives either.
        effect: What a call does; see `tool`.
        returns: Whose words the results are; see `tool`.
        confined: Whether what it writes stays in the workspace; see `tool`.

    Raises:
        UsageError: The name, a parameter or a type hint cannot be shown to a model.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        description: str | None = None,
        strict: bool | None = None,
        timeout_s: float | None = None,
        approval: Approval = False,
        effect: Effect | None = None,
        returns: Returns | None = None,
        confined: bool = False,
    ) -> None:
        self.function = function
        self.timeout_s = timeout_s
        self.approval = approval
        self.effect = effect
        self.returns = returns
        self.confined = confined
        chosen = name or str(getattr(function, "__name__", type(function).__name__))
        if not _NAME.fullmatch(chosen):
            raise UsageError(f"`{chosen}` cannot name a tool; use 1 to 64 letters, digits, `_` or `-`")
        check_declared(chosen, effect, returns)
        from_docstring, parameters = describe(function)
        self._arguments = Arguments(function, parameters, chosen)
        self.definition = ToolDefinition(
            name=chosen,
            description=from_docstring if description is None else description,
            parameters=self._arguments.schema,
            strict=strict,
        )
        self.__name__ = chosen
        self.__doc__ = function.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, as if it were no tool."""
        return self.function(*args, **kwargs)

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> Any:
        """Validate the arguments and run the function; see `Tool.call`."""
        values = self._arguments.validated(arguments)
        if self._arguments.context_parameter is not None:
            values[self._arguments.context_parameter] = context
        if inspect.iscoroutinefunction(self.function):
            return await self.function(**values)
        result = await in_thread(partial(self.function, **values), f"tool {self.__name__}")
        return await result if isinstance(result, Awaitable) else result

    def _repr_html_(self) -> str:
        return html_of(self)

    def __repr__(self) -> str:
        return f"FunctionTool({self.definition.name!r})"


@overload
def tool(function: Callable[..., Any], /) -> FunctionTool: ...


@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool | None = None,
    timeout_s: float | None = None,
    approval: Approval = False,
    effect: Effect | None = None,
    returns: Returns | None = None,
    confined: bool = False,
) -> Callable[[Callable[..., Any]], FunctionTool]: ...


def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool | None = None,
    timeout_s: float | None = None,
    approval: Approval = False,
    effect: Effect | None = None,
    returns: Returns | None = None,
    confined: bool = False,
) -> FunctionTool | Callable[[Callable[..., Any]], FunctionTool]:
    """Turn a function into a tool; use it bare or with arguments.

        @tool
        def add(a: int, b: int) -> int:
            '''Add two integers.'''
            return a + b

    Args:
        function: The function; its signature gives the schema, its docstring the descriptions.
        name: Name the model sees; the function's if not given.
        description: What the tool does; the docstring's first part if not given.
        strict: Whether the provider must hold the model to the schema; None leaves it to the provider.
        timeout_s: Seconds a call may take; None for the agent's own limit.
        approval: Whether a person is asked before a call runs: always, or a function of the arguments that says why.
        effect: What a call does: `"read"`, `"write"`, `"network"` (sends data elsewhere) or `"exec"` (runs what it is given);
            of several the last. An `ApprovalPolicy` decides by it; None, not said, counts as the worst.
        returns: `"untrusted"` where the results may be anybody's words (a page, a mail, a file), `"trusted"` where they are the
            program's own. None is untrusted for network and exec, else trusted.
        confined: Whether what a tool with the effect `"write"` writes stays in the workspace, whatever its arguments.

    Returns:
        The tool, or a decorator that makes it.
    """

    def decorate(decorated: Callable[..., Any]) -> FunctionTool:
        return FunctionTool(
            decorated,
            name=name,
            description=description,
            strict=strict,
            timeout_s=timeout_s,
            approval=approval,
            effect=effect,
            returns=returns,
            confined=confined,
        )

    return decorate if function is None else decorate(function)
