"""Pipelines: steps in a row, some beside each other, some only where they fit, with agents among them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast, overload

from agentlab.agent.agent import Agent
from agentlab.agent.composition.outcome import Err, Ok
from agentlab.agent.composition.step import Step, all_of, in_turn, step_of
from agentlab.agent.current_run import entered, inside
from agentlab.agent.portal import run_sync
from agentlab.agent.trace import Trace
from agentlab.errors import UsageError
from agentlab.messages import RunFinished, Usage
from agentlab.retrieval.index import Hit, VectorStoreIndex
from agentlab.short_repr import one_line

__all__ = ["Extracts", "Pipeline", "PipelineRun", "passthrough", "pipeline"]

In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)
New = TypeVar("New")
Key = TypeVar("Key", bound=Hashable)
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
Extracted_co = TypeVar("Extracted_co", covariant=True)


class Extracts(Protocol[Extracted_co]):
    """What `Pipeline.extract` needs; `agentlab.Extractor` is one."""

    async def extract(self, text: str) -> Extracted_co:
        """The value a text tells of."""
        ...


@dataclass(frozen=True)
class PipelineRun(Generic[Out_co]):
    """What came of a call.

    Attributes:
        value: The result.
        trace: Its record: the runs of its agents are the children, `trace.tree` sums them up.
    """

    value: Out_co
    trace: Trace


class Pipeline(Generic[In_contra, Out_co]):
    """Steps in a row: each takes what the one before it gave. Make one with `pipeline()`.

    A pipeline never changes: every method gives a longer one. Functions may be plain or async wherever one is taken. A step
    that raises ends the call, and the steps beside it; those whose names begin with `try_` give errors as values instead.

        ask = pipeline(str).parallel(passthrough(str), pipeline(str).lookup(index, 3)).map(lay_out).prompt(agent)
        await ask.call("Who wrote it?")
    """

    def __init__(self, steps: tuple[tuple[str, Step], ...] = ()) -> None:
        self._steps = steps

    # ---------------------------------------------------------------- steps

    def map(self, function: Callable[[Out_co], New]) -> Pipeline[In_contra, New]:
        """Apply a plain function."""
        return self._and("map", step_of(function))

    def then(self, function: Callable[[Out_co], Awaitable[New]]) -> Pipeline[In_contra, New]:
        """Apply an async function."""
        return self._and("then", step_of(function))

    def chain(self, other: Pipeline[Out_co, New]) -> Pipeline[In_contra, New]:
        """Go on with another pipeline."""
        return self._and("chain", step_of(other))

    def prompt(self: Pipeline[In_contra, str], agent: Agent) -> Pipeline[In_contra, str]:
        """Ask an agent, and go on with its answer."""

        async def ask(prompt: str) -> str:
            return (await agent.prompt(prompt)).text

        return self._and(f"prompt {agent.name}", ask)

    def extract(self: Pipeline[In_contra, str], extractor: Extracts[New]) -> Pipeline[In_contra, New]:
        """Have an extractor make a value of the text."""
        return self._and("extract", extractor.extract)

    def lookup(
        self: Pipeline[In_contra, str], index: VectorStoreIndex, n: int = 5
    ) -> Pipeline[In_contra, list[Hit]]:
        """Find the `n` documents of an index that fit the text best."""

        async def find(query: str) -> list[Hit]:
            return await index.top_n(query, n)

        return self._and("lookup", find)

    @overload
    def parallel(self, one: Op[Out_co, A], /) -> Pipeline[In_contra, tuple[A]]: ...
    @overload
    def parallel(self, one: Op[Out_co, A], two: Op[Out_co, B], /) -> Pipeline[In_contra, tuple[A, B]]: ...
    @overload
    def parallel(
        self, one: Op[Out_co, A], two: Op[Out_co, B], three: Op[Out_co, C], /
    ) -> Pipeline[In_contra, tuple[A, B, C]]: ...
    @overload
    def parallel(
        self, one: Op[Out_co, A], two: Op[Out_co, B], three: Op[Out_co, C], four: Op[Out_co, D], /
    ) -> Pipeline[In_contra, tuple[A, B, C, D]]: ...
    @overload
    def parallel(self, *more: Op[Out_co, Any]) -> Pipeline[In_contra, tuple[Any, ...]]: ...
    def parallel(self, *more: Op[Out_co, Any]) -> Pipeline[In_contra, Any]:
        """Give the value to several steps at the same time, and go on with all their results as a tuple."""
        steps = [step_of(each) for each in more]

        async def fan_out(value: Any) -> tuple[Any, ...]:
            return await all_of(steps, value)

        return self._and("parallel", fan_out)

    def conditional(
        self,
        choose: Callable[[Out_co], Key],
        branches: Mapping[Key, Op[Out_co, New]],
        *,
        otherwise: Op[Out_co, New] | None = None,
    ) -> Pipeline[In_contra, New]:
        """Go on with one of several steps.

        Args:
            choose: Gives the key of the branch; `bool` of something, an enum, a name.
            branches: The steps by key; each is given the value itself.
            otherwise: The step where no branch has the key.

        Raises:
            UsageError: In a call: no branch has the key, and there is no `otherwise`.
        """
        steps = {key: step_of(branch) for key, branch in branches.items()}
        other = step_of(otherwise) if otherwise is not None else None
        chosen = step_of(choose)

        async def branch(value: Any) -> Any:
            key = await chosen(value)
            step = steps.get(key, other)
            if step is None:
                raise UsageError(
                    f"no branch is for {key!r}; there are {', '.join(map(repr, steps))}, and no `otherwise`"
                )
            return await step(value)

        return self._and("conditional", branch)

    def batch_call(
        self: Pipeline[In_contra, Sequence[A]], op: Op[A, New], n: int = 8
    ) -> Pipeline[In_contra, list[New]]:
        """Apply a step to each item of a list, `n` at a time, and go on with the list of results, in order."""
        step = step_of(op)

        async def each(values: Sequence[Any]) -> list[Any]:
            return await in_turn(step, values, n)

        return self._and("batch_call", each)

    # ----------------------------------------------------- errors as values

    def try_map(self, function: Op[Out_co, New]) -> Pipeline[In_contra, Ok[New] | Err[Exception]]:
        """Apply a step, and go on with `Ok(its result)`, or with `Err(exception)` where it raised one."""
        step = step_of(function)

        async def attempt(value: Any) -> Ok[Any] | Err[Exception]:
            try:
                return Ok(await step(value))
            except Exception as error:  # noqa: BLE001 - a value from here on; cancellation is no `Exception`
                return Err(error)

        return self._and("try_map", attempt)

    def map_ok(
        self: Pipeline[In_contra, Ok[A] | Err[E]], function: Op[A, New]
    ) -> Pipeline[In_contra, Ok[New] | Err[E]]:
        """Apply a step to the value of an `Ok`; an `Err` goes on as it is."""
        return self._and("map_ok", _on_ok(step_of(function), lambda made: Ok(made)))  # noqa: PLW0108 - generic

    def map_err(
        self: Pipeline[In_contra, Ok[A] | Err[E]], function: Op[E, New]
    ) -> Pipeline[In_contra, Ok[A] | Err[New]]:
        """Apply a step to the error of an `Err`; an `Ok` goes on as it is."""
        return self._and("map_err", _on_err(step_of(function), lambda made: Err(made)))  # noqa: PLW0108 - generic

    def and_then(
        self: Pipeline[In_contra, Ok[A] | Err[E]], function: Op[A, Ok[New] | Err[E]]
    ) -> Pipeline[In_contra, Ok[New] | Err[E]]:
        """Apply a step that gives an `Ok` or an `Err` itself to the value of an `Ok`; an `Err` goes on as it is."""
        return self._and("and_then", _on_ok(step_of(function), _outcome))

    def or_else(
        self: Pipeline[In_contra, Ok[A] | Err[E]], function: Op[E, Ok[A] | Err[New]]
    ) -> Pipeline[In_contra, Ok[A] | Err[New]]:
        """Apply a step that gives an `Ok` or an `Err` itself to the error of an `Err`; an `Ok` goes on as it is."""
        return self._and("or_else", _on_err(step_of(function), _outcome))

    # -------------------------------------------------------------- calling

    async def run(self, value: In_contra) -> PipelineRun[Out_co]:
        """Take a value through all steps, and give the result with the record of the runs it took.

        Inside a tool, or a step of another pipeline, the record is part of that run's.
        """
        trace = Trace(secrets.token_hex(8), "pipeline", "", time.time(), title=one_line(str(value)))
        began, current = time.monotonic(), cast("Any", value)
        ended, detail = "error", None
        try:
            with inside(entered(trace)):
                for name, step in self._steps:
                    detail = name
                    current = await step(current)
            ended, detail = "done", None
        except Exception as error:
            detail = f"{detail}: {type(error).__name__}: {error}"
            raise
        except BaseException:
            ended = "cancelled"
            raise
        finally:
            text = one_line(str(current)) if ended == "done" else ""
            finished = RunFinished(text, Usage(), ended, detail)  # type: ignore[arg-type]  # one of the three
            trace.add(finished, time.monotonic() - began)
        return PipelineRun(cast("Out_co", current), trace)

    async def call(self, value: In_contra) -> Out_co:
        """Take a value through all steps."""
        return (await self.run(value)).value

    async def try_call(self, value: In_contra) -> Ok[Out_co] | Err[Exception]:
        """`call`, with an exception as a value."""
        try:
            return Ok(await self.call(value))
        except Exception as error:  # noqa: BLE001 - a value from here on; cancellation is no `Exception`
            return Err(error)

    async def batch(self, values: Sequence[In_contra], concurrency: int = 8) -> list[Out_co]:
        """Take many values through all steps, so many at a time; results in their order, and the first error ends all."""
        return await in_turn(self.call, values, concurrency)

    async def try_batch(
        self, values: Sequence[In_contra], concurrency: int = 8
    ) -> list[Ok[Out_co] | Err[Exception]]:
        """`batch`, with exceptions as values: one that fails ends no other."""
        return await in_turn(self.try_call, values, concurrency)

    def call_sync(self, value: In_contra) -> Out_co:
        """`call` without `await`, in a script or a notebook."""
        return run_sync(self.call, value)

    def batch_sync(self, values: Sequence[In_contra], concurrency: int = 8) -> list[Out_co]:
        """`batch` without `await`."""
        return run_sync(self.batch, values, concurrency)

    def _and(self, name: str, step: Step) -> Pipeline[In_contra, Any]:
        return Pipeline((*self._steps, (name, step)))

    def __repr__(self) -> str:
        return one_line(f"Pipeline({' > '.join(name for name, _ in self._steps) or 'passthrough'})")


Op = Pipeline[A, B] | Callable[[A], B]
"""What a step may be made of. An async function is awaited; where types are checked it goes in as `pipeline().then(...)`."""


@overload
def pipeline() -> Pipeline[Any, Any]: ...
@overload
def pipeline(takes: type[A]) -> Pipeline[A, A]: ...
def pipeline(takes: Any = None) -> Pipeline[Any, Any]:  # noqa: ARG001 - for type checkers
    """An empty pipeline, to put steps on.

    Args:
        takes: The type of what it will be called with; for type checkers alone.
    """
    return Pipeline()


@overload
def passthrough() -> Pipeline[Any, Any]: ...
@overload
def passthrough(takes: type[A]) -> Pipeline[A, A]: ...
def passthrough(takes: Any = None) -> Pipeline[Any, Any]:  # noqa: ARG001 - for type checkers
    """A pipeline that gives what it is given: beside others in `parallel`, it keeps the value."""
    return Pipeline()


def _on_ok(step: Step, read: Callable[[Any], Any]) -> Step:
    async def go_on(outcome: Any) -> Any:
        if isinstance(_outcome(outcome), Err):
            return outcome
        return read(await step(outcome.value))

    return go_on


def _on_err(step: Step, read: Callable[[Any], Any]) -> Step:
    async def go_on(outcome: Any) -> Any:
        if isinstance(_outcome(outcome), Ok):
            return outcome
        return read(await step(outcome.error))

    return go_on


def _outcome(value: Any) -> Any:
    if not isinstance(value, Ok | Err):
        raise UsageError(f"here an `Ok` or an `Err` is needed, as `try_map` gives it, not {value!r}")
    return value
