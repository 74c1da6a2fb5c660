"""What an agent may retrieve: documents from an index for each prompt, and tools from a larger set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from agentlab.agent.retrieving.tool_index import ToolIndex
from agentlab.errors import UsageError
from agentlab.messages import Document
from agentlab.short_repr import ShortRepr
from agentlab.tools import Tool, Toolset

__all__ = [
    "DynamicContext",
    "DynamicContextOption",
    "DynamicTools",
    "DynamicToolsOption",
    "FoundDocument",
    "Placement",
    "Searchable",
    "read_dynamic_context",
    "read_dynamic_tools",
]

Placement: TypeAlias = Literal["prompt", "preamble"]


class FoundDocument(Protocol):
    """What an index finds; `agentlab.retrieval.Hit` is one."""

    @property
    def score(self) -> float:
        """How well it fits, higher is better."""
        ...

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def document(self) -> Any:
        """Text, or JSON."""
        ...

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Facts about it."""
        ...


@runtime_checkable
class Searchable(Protocol):
    """What an agent needs of an index: every `agentlab.retrieval.VectorStoreIndex` has it."""

    async def top_n(
        self, query: str, n: int = 5, *, threshold: float | None = None, filter: Any = None
    ) -> Sequence[FoundDocument]:
        """The best documents for a text, the best first."""
        ...


@dataclass(frozen=True, repr=False)
class DynamicContext(ShortRepr):
    """Documents that an index finds for each prompt, told to the model with it.

        Agent("openai:gpt-5.6", dynamic_context=[DynamicContext(index, 4)])

    The index is asked once a run, before its first model call, with the text of the prompt; where that has none, with
    that of the newest message of the history that has some. What it found stays in the history with the prompt.

    Args:
        index: A vector store, a lexical or hybrid index, or anything else with `top_n`.
        n: How many documents at most.
        threshold: The least score.
        filter: Which documents to choose among, as the index takes it.
        name: Name of the index in the trace; its own, or its class's, where empty.
        placement: `prompt`: in the message of the prompt, behind the history, so that the cached prefix stays.
            `preamble`: behind the static context, where other documents for the next prompt move everything after them;
            they are then sent with this run alone. It is there to measure what that costs.
        render: How a document is shown to the model: a function of what was found that gives a text or a `Document`.
            Without one: its text, or its JSON laid out with sorted keys, and its metadata.
        timeout_s: Seconds the index may take; None for no limit.

    Raises:
        UsageError: It is no index, or an option is none it can have.
    """

    index: Searchable
    n: int = 4
    _: KW_ONLY
    threshold: float | None = None
    filter: Any = None
    name: str = ""
    placement: Placement = "prompt"
    render: Callable[[FoundDocument], str | Document] | None = None
    timeout_s: float | None = 60.0

    def __post_init__(self) -> None:
        _check(self)
        if self.placement not in {"prompt", "preamble"}:
            raise UsageError(f"`placement` is `prompt` or `preamble`, not {self.placement!r}")


@dataclass(frozen=True, repr=False)
class DynamicTools(ShortRepr):
    """Tools of a larger set, chosen for each prompt by an index over what they are for.

        Agent("openai:gpt-5.6", dynamic_tools=[DynamicTools.lexical(toolset, 4)])

    They are offered behind the agent's own tools and stay the same for a whole run. Tools stand first in a prompt, so a
    prompt that finds others than the one before it reads nothing of the cache but the agent's own tools.

    Args:
        index: Finds tools: its documents have the tools' names for ids. `tool_documents(toolset)` gives them, for a store
            of embeddings; `DynamicTools.lexical` needs no store.
        toolset: The tools it finds. Of two toolsets with a tool of one name, the first one's is offered.
        n: How many tools at most.
        threshold: The least score.
        filter: Which tools to choose among, as the index takes it.
        name: Name of the index in the trace; its own, or its class's, where empty.
        timeout_s: Seconds the index may take; None for no limit.

    Raises:
        UsageError: It is no index, or an option is none it can have.
    """

    index: Searchable
    toolset: Toolset
    n: int = 4
    _: KW_ONLY
    threshold: float | None = None
    filter: Any = None
    name: str = ""
    timeout_s: float | None = 60.0

    def __post_init__(self) -> None:
        _check(self)
        if not isinstance(self.toolset, Toolset):
            raise UsageError(f"`DynamicTools` takes a `Toolset`, not {self.toolset!r}")

    @classmethod
    def lexical(
        cls, tools: Toolset | Iterable[Tool | Callable[..., Any]], n: int = 4, *, name: str = "tools"
    ) -> DynamicTools:
        """Tools found by the words that their names and descriptions share with the prompt; needs no model.

        Args:
            tools: A toolset, or tools.
            n: How many at most.
            name: Name of the index in the trace.
        """
        toolset = tools if isinstance(tools, Toolset) else Toolset(tools)
        return cls(ToolIndex(toolset), toolset, n, name=name)


ContextEntry: TypeAlias = DynamicContext | Searchable | tuple[int, Searchable]
DynamicContextOption: TypeAlias = ContextEntry | Iterable[ContextEntry]
"""What `Agent(dynamic_context=...)` takes."""

ToolsEntry: TypeAlias = DynamicTools | Toolset | tuple[int, Toolset] | tuple[int, Searchable, Toolset]
DynamicToolsOption: TypeAlias = ToolsEntry | Iterable[ToolsEntry]
"""What `Agent(dynamic_tools=...)` takes."""


def read_dynamic_context(given: Any) -> tuple[DynamicContext, ...]:
    """Entries as a user writes them: `DynamicContext`, an index, `(n, index)`, or several of these.

    Raises:
        UsageError: Something is none of these.
    """
    entries = [given] if _is_one_context(given) else _listed(given, "dynamic_context")
    return tuple(_context(entry) for entry in entries)


def read_dynamic_tools(given: Any) -> tuple[DynamicTools, ...]:
    """Entries as a user writes them: `DynamicTools`, a toolset, `(n, toolset)`, `(n, index, toolset)`, or several of these.

    Raises:
        UsageError: Something is none of these.
    """
    entries = [given] if _is_one_toolset(given) else _listed(given, "dynamic_tools")
    return tuple(_tools(entry) for entry in entries)


def _is_one_context(given: Any) -> bool:
    return isinstance(given, DynamicContext | Searchable) or _begins_with_count(given)


def _is_one_toolset(given: Any) -> bool:
    return isinstance(given, DynamicTools | Toolset) or _begins_with_count(given)


def _begins_with_count(given: Any) -> bool:
    return isinstance(given, tuple) and bool(given) and isinstance(given[0], int)


def _listed(given: Any, option: str) -> list[Any]:
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise UsageError(f"`{option}` takes a list of entries, not {given!r}")
    return list(given)


def _context(entry: Any) -> DynamicContext:
    match entry:
        case DynamicContext():
            return entry
        case (int(n), index):
            return DynamicContext(index, n)
        case Searchable():
            return DynamicContext(entry)
        case _:
            raise UsageError(
                f"`dynamic_context` takes `DynamicContext(index, n)`, `(n, index)` or an index, not {entry!r}"
            )


def _tools(entry: Any) -> DynamicTools:
    match entry:
        case DynamicTools():
            return entry
        case Toolset():
            return DynamicTools.lexical(entry)
        case (int(n), Toolset() as toolset):
            return DynamicTools.lexical(toolset, n)
        case (int(n), index, toolset):
            return DynamicTools(index, toolset, n)
        case _:
            raise UsageError(
                "`dynamic_tools` takes `DynamicTools(index, toolset, n)`, `(n, index, toolset)`, `(n, toolset)` or a "
                f"`Toolset`, not {entry!r}"
            )


def _check(entry: DynamicContext | DynamicTools) -> None:
    """Refuse what cannot be asked, and give the entry the name of its index."""
    kind = type(entry).__name__
    if not isinstance(entry.index, Searchable):
        raise UsageError(f"`{kind}` takes an index, an object with `top_n`, not {entry.index!r}")
    n: object = entry.n
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise UsageError(f"`{kind}`: n is {n!r}; take 1 or more")
    if entry.timeout_s is not None and not entry.timeout_s > 0:
        raise UsageError(f"`{kind}`: timeout_s is {entry.timeout_s!r}; give seconds above 0, or None")
    if not entry.name:
        own = getattr(entry.index, "name", None)
        object.__setattr__(entry, "name", own if isinstance(own, str) and own else type(entry.index).__name__)
