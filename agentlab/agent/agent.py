"""The agent: a model, a preamble, context and tools, ready to be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableSequence, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from agentlab.agent.approving.policy import ApprovalPolicy
from agentlab.agent.composition.agent_tool import AgentTool
from agentlab.agent.driver import RunDriver
from agentlab.agent.facts import asked_by
from agentlab.agent.hooks import Hook
from agentlab.agent.known_histories import KnownHistories
from agentlab.agent.memory.policy import Memory
from agentlab.agent.options import SETTINGS, settings_from
from agentlab.agent.portal import run_sync
from agentlab.agent.result import RunResult
from agentlab.agent.retrieving.entries import DynamicContextOption, DynamicToolsOption
from agentlab.agent.run import Run
from agentlab.agent.settings import AgentSettings, Approver
from agentlab.agent.stream import RunStream
from agentlab.agent.trace import Trace
from agentlab.agent.typed.typed_output import OutputMode, TypedOutput
from agentlab.caching.orderings.arrangement import arrange
from agentlab.caching.orderings.ordering import Ordering
from agentlab.errors import InvalidHistory, RunStopped, UsageError
from agentlab.http import Clock, SystemClock
from agentlab.messages import (
    CacheOptions,
    Document,
    Effort,
    Image,
    Message,
    OutputSchema,
    ReasoningOptions,
    Request,
    Text,
    ToolChoice,
    UserMessage,
    UserPart,
    last_user_text,
)
from agentlab.models import Model, model
from agentlab.models.credentials import Key
from agentlab.rich_display import html_of
from agentlab.short_repr import one_line
from agentlab.tools import Tool, ToolContext, Toolset

if TYPE_CHECKING:
    from agentlab.agent.live import LiveView

__all__ = ["Agent", "Prompt"]

Output = TypeVar("Output")
Prompt = str | UserMessage | Sequence[UserPart | str]


class Agent:
    """A model with a preamble, context and tools.

    An agent never changes: `with_` makes variations, and every run has a state of its own. Making one sends nothing.

        agent = Agent("openai:gpt-5.6", preamble="You are terse.", tools=[add])
        run = await agent.prompt("What is 1234 + 5678?")
        run.text, run.usage, run.turns

    Args:
        model: `"vendor:model"`, `"sim:vendor/model"`, a vendor alone for its default model, or a model object.
        name: Name for logs, telemetry, and as a tool of another agent.
        description: What it is for.
        preamble: System prompt.
        context: Static documents or texts, sent with every request.
        dynamic_context: Indexes asked once a run for documents that fit the prompt: `DynamicContext(index, n)`, `(n, index)`
            or an index. What they find goes into the prompt's message and stays in the history with it.
        few_shots: Worked examples: messages, or pairs of question and answer.
        volatile: Facts that are true only now, or functions without arguments that tell them; each is asked once a run.
            They stay in the history with the prompt they were told with.
        ordering: In which order the parts of a request are sent: a name (`"stable_first"`), an `Ordering`, or parts.
        tools: Tools, or plain functions to be made tools; their order is kept.
        dynamic_tools: Larger sets of tools, of which those that fit the prompt are offered behind `tools`, the same for a
            whole run: `DynamicTools(index, toolset, n)`, `(n, index, toolset)`, or `(n, toolset)` without an index.
        tool_choice: `"auto"`, `"none"`, `"required"`, or `SpecificTools`.
        temperature: Sampling temperature.
        max_tokens: Limit of generated tokens a call.
        stop_sequences: Texts at which generation ends.
        parallel_tool_calls: Whether one turn may hold several calls; None leaves it to the provider.
        reasoning: An effort (`"low"`), a budget in tokens, or `ReasoningOptions`.
        approver: Decides on calls of tools that ask (`@tool(approval=True)`), in place of a person: a function of the call
            and the tool's reason that gives True, False, or a text that says why not.
        approvals: Which calls run, are asked about or are refused, by tool, arguments and what the run has read; see
            `ApprovalPolicy`. None leaves it to the tools' own `approval`.
        output_schema: Shape every answer must have, enforced by the provider: a type or a JSON Schema. For one typed
            answer use `prompt_typed`.
        cache: Cache controls.
        additional_params: Merged into every request body: objects recurse, lists append, the rest replaces.
        max_turns: Exact number of model calls a run may make. (Rig's default is 1; here 20, so that tools work.)
        tool_concurrency: Tool calls that may run at the same time.
        tool_timeout_s: Seconds a tool call may take where the tool does not say; None for no limit.
        tool_context: Values for tools that name a `ToolContext` parameter.
        hooks: Asked at every step, in order.
        memory: What of a history is sent with a prompt, such as `Window(20)`; all of it where None. The history itself stays
            whole.
        stream: Whether the model's answers are streamed.
        record_content: Whether telemetry records what is said; off by default.
        api_key: Key for a model given by name, or a function that gives tokens.
        base_url: Address for a model given by name.
        clock: Time; for tests.

    Raises:
        UsageError: A name or option is wrong; nothing was sent.
        MissingKey: The vendor needs a key and there is none.
    """

    def __init__(
        self,
        model: str | Model,
        *,
        name: str = "agent",
        description: str | None = None,
        preamble: str | None = None,
        context: Iterable[str | Document] = (),
        dynamic_context: DynamicContextOption = (),
        few_shots: Iterable[Message | tuple[str, str]] = (),
        volatile: str | Callable[[], str] | Iterable[str | Callable[[], str]] = (),
        ordering: str | Ordering | Sequence[str] = "stable_first",
        tools: Iterable[Tool | Callable[..., Any]] = (),
        dynamic_tools: DynamicToolsOption = (),
        tool_choice: ToolChoice | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        stop_sequences: Iterable[str] = (),
        parallel_tool_calls: bool | None = None,
        reasoning: Effort | int | ReasoningOptions | None = None,
        output_schema: type | dict[str, Any] | OutputSchema | None = None,
        cache: CacheOptions | None = None,
        additional_params: dict[str, Any] | None = None,
        max_turns: int = 20,
        tool_concurrency: int = 8,
        tool_timeout_s: float | None = 120.0,
        tool_context: ToolContext | None = None,
        approver: Approver | None = None,
        approvals: ApprovalPolicy | None = None,
        hooks: Iterable[Hook] = (),
        memory: Memory | None = None,
        stream: bool = True,
        record_content: bool = False,
        api_key: Key | None = None,
        base_url: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        options = {key: value for key, value in locals().items() if key in SETTINGS}
        self.settings: AgentSettings = settings_from(AgentSettings(), options)
        self._clock, self._known = clock or SystemClock(), KnownHistories()
        self.model: Model = _model(model, api_key, base_url, clock)

    # ---------------------------------------------------------- variations

    def with_(self, *, model: str | Model | None = None, **options: Any) -> Agent:
        """The same agent with other options; those of the constructor, by name.

        Raises:
            UsageError: There is no such option; the message lists them.
        """
        varied = object.__new__(Agent)
        varied._clock, varied._known = self._clock, self._known
        varied.model = self.model if model is None else _model(model, None, None, self._clock)
        varied.settings = settings_from(self.settings, options)
        return varied

    def append_preamble(self, text: str) -> Agent:
        """The same agent with a line more in its preamble."""
        return self.with_(preamble=f"{self.settings.preamble or ''}\n{text}")

    def with_tools(self, *tools: Tool | Callable[..., Any]) -> Agent:
        """The same agent with more tools, behind those it has."""
        return self.with_(tools=self.settings.tools.with_tools(*tools))

    @property
    def name(self) -> str:
        """Name for logs and telemetry."""
        return self.settings.name

    @property
    def clock(self) -> Clock:
        """Where it takes the time from, and so which prices hold."""
        return self._clock

    @property
    def tools(self) -> Toolset:
        """The tools it may call."""
        return self.settings.tools

    def as_tool(
        self, name: str | None = None, description: str | None = None, *, timeout_s: float | None = 600.0
    ) -> AgentTool:
        """This agent as a tool of another one, which gives it a prompt and gets its answer; see `AgentTool`.

        Args:
            name: Name of the tool; the agent's where None.
            description: What the model is told of it; made of the agent's name, description and preamble where None.
            timeout_s: Seconds a call may take, all its model calls together; None leaves it to the agent that calls.
        """
        return AgentTool(self, name=name, description=description, timeout_s=timeout_s)

    # -------------------------------------------------------------- asking

    async def prompt(
        self,
        prompt: Prompt,
        *,
        history: Sequence[Message] = (),
        max_turns: int | None = None,
        tainted: str | Iterable[str] = (),
    ) -> RunResult:
        """Ask, and wait for the answer.

        Args:
            prompt: Text, parts (text, images, documents), or a user message.
            history: What was said before; not changed.
            max_turns: Exact number of model calls for this run.
            tainted: What of the prompt or the history anybody may have written, such as an attachment, by name; see
                `ApprovalPolicy`.

        Returns:
            The finished run.

        Raises:
            MaxTurnsReached: The budget is spent; `error.history` has everything.
            RunStopped: A hook stopped the run.
            ModelError: A model call failed; `error.partial` and `error.history` have what there was.
        """
        stream = self.stream_prompt(prompt, history=history, max_turns=max_turns, tainted=tainted)
        async for _ in stream:
            pass
        return RunResult(stream.run, stream.trace)

    async def chat(self, prompt: Prompt, history: MutableSequence[Message]) -> RunResult:
        """Ask within a conversation; on success the prompt and all new messages are appended to `history`."""
        result = await self.prompt(prompt, history=history)
        history.extend(result.messages)
        return result

    def stream_prompt(
        self,
        prompt: Prompt,
        *,
        history: Sequence[Message] = (),
        max_turns: int | None = None,
        tainted: str | Iterable[str] = (),
    ) -> RunStream:
        """Ask, and get every event as it happens. Arguments and errors as in `prompt`."""
        return self.resume(self.start(prompt, history=history, max_turns=max_turns, tainted=tainted))

    def stream_chat(self, prompt: Prompt, history: MutableSequence[Message]) -> RunStream:
        """A stream within a conversation; when it ends well, its messages are appended to `history`."""
        return self.resume(self.start(prompt, history=history), history=history)

    async def prompt_typed(
        self,
        prompt: Prompt,
        output: type[Output],
        *,
        history: Sequence[Message] = (),
        mode: OutputMode | Literal["auto"] = "auto",
        retries: int = 1,
    ) -> Output:
        """Ask for an answer of a type: a pydantic model, dataclass, TypedDict, list, number, ...

        Args:
            prompt: As in `prompt`.
            output: The type.
            history: As in `prompt`.
            mode: How the shape is enforced: `native` by the provider, `tool` as arguments of a tool, `prompted` in words;
                `auto` takes `native` where the model has it, also beside tools, else `tool`, else `prompted`.
            retries: How often the model is told what is wrong and asked again; anew after each tool that did its work.

        Raises:
            OutputInvalid: The answer does not fit after all retries; it says what the attempts cost.
            NoData: There is none, or it is no JSON.
        """
        typed = TypedOutput(output, mode, self.model, self.settings, retries=retries)
        result = await self.with_settings(typed.settings).prompt(prompt, history=history)
        value: Output = typed.value_of(result.run)
        return value

    def completion(self, prompt: Prompt, history: Sequence[Message] = ()) -> Request:
        """The request a first model call would make, to look at, change or send with `agent.model.stream`.

        Indexes are not asked for it: what a run would retrieve is not in it.
        """
        run = self.start(prompt, history=history)
        return arrange(asked_by(run, self.settings, self.model.model_id))

    def prompt_sync(
        self, prompt: Prompt, *, history: Sequence[Message] = (), max_turns: int | None = None
    ) -> RunResult:
        """`prompt` without `await`, in a script or a notebook; an interrupt ends the run and is raised again."""
        return run_sync(self.prompt, prompt, history=history, max_turns=max_turns)

    async def show(
        self, prompt: Prompt, *, history: Sequence[Message] = (), max_turns: int | None = None
    ) -> RunResult:
        """Ask, and watch the run live under the cell; outside a notebook it is printed.

        Stopping it with its button or the kernel's interrupt keeps the partial answer: the run comes back marked as
        stopped, and an interrupt is raised again.
        """
        from agentlab.agent.live import live_view  # noqa: PLC0415 - loads the notebook's packages

        stream = self.stream_prompt(prompt, history=history, max_turns=max_turns)
        view: LiveView = live_view(stream.trace.title, stream)
        view.start()
        try:
            async for event in stream:
                view.apply(event, stream.trace.events[-1].at_s)
        except RunStopped:
            pass
        except Exception as error:
            view.finish("error", f"{type(error).__name__}: {error}")
            raise
        finally:
            view.finish()
        return RunResult(stream.run, stream.trace)

    # ---------------------------------------------------------------- runs

    def start(
        self,
        prompt: Prompt,
        *,
        history: Sequence[Message] = (),
        max_turns: int | None = None,
        tainted: str | Iterable[str] = (),
    ) -> Run:
        """A run that has not begun: drive it with `resume`, here or in another process."""
        tool = self.settings.output_tool
        return Run.start(
            _user_message(prompt),
            history=history,
            max_turns=self.settings.max_turns if max_turns is None else max_turns,
            output_tool=tool.name if tool else None,
            tainted=tainted,
            known=self._known,
        )

    def resume(self, run: Run, *, history: MutableSequence[Message] | None = None) -> RunStream:
        """Drive a run from wherever it stands, for instance one read back with `Run.from_json`.

        Args:
            run: The run; it is changed.
            history: A conversation that takes the run's messages when it ends well.
        """
        prompt = last_user_text([run.facts.prompt] if run.facts else run.messages) or ""
        trace = Trace(run.id, self.name, self.model.name, self._clock.time(), title=prompt)
        return RunStream(RunDriver(self.settings, self.model, run, trace, clock=self._clock, history=history))

    def with_settings(self, settings: AgentSettings) -> Agent:
        """The same model with other settings as a whole."""
        return replace_settings(self, settings)

    def _repr_html_(self) -> str:
        return html_of(self)

    def __repr__(self) -> str:
        tools = f", tools=[{', '.join(self.tools.names)}]" if self.tools.names else ""
        return one_line(f"Agent({self.model.name!r}, name={self.name!r}{tools})")


def replace_settings(agent: Agent, settings: AgentSettings) -> Agent:
    """A copy of an agent with other settings."""
    varied = agent.with_()
    varied.settings = replace(settings)
    return varied


def _model(given: str | Model, api_key: Key | None, base_url: str | None, clock: Clock | None) -> Model:
    if isinstance(given, str):
        return model(given, api_key=api_key, base_url=base_url, clock=clock)
    if api_key is not None or base_url is not None:
        raise UsageError(
            "`api_key` and `base_url` belong to a model given by name; this one is an object already"
        )
    if not isinstance(given, Model):
        raise UsageError(
            f'{given!r} is no model; pass "vendor:model", or an object with `name`, `stream` and `session`'
        )
    return given


def _user_message(prompt: Prompt) -> UserMessage:
    if isinstance(prompt, UserMessage):
        message = prompt
    elif isinstance(prompt, str | Text | Image):
        message = UserMessage.of(prompt)
    else:
        message = UserMessage.of(*prompt)
    if all(isinstance(part, Text) and not part.text.strip() for part in message.content):
        raise InvalidHistory("the prompt is empty; say something, or send an image or a document")
    return message
