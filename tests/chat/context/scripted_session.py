"""A session as somebody might have it, driven against the simulator: files that come and change, tools, a change of mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from agentlab.agent import Agent
from agentlab.caching.calls import RecordedCall
from agentlab.chat.context.attachments import Attachment
from agentlab.chat.context.budgets import Budgets
from agentlab.chat.context.builder import BuiltContext, ContextBuilder, ContextInput
from agentlab.chat.modes import PLAN_TITLE
from agentlab.messages import (
    CacheOptions,
    Message,
    Text,
    ToolCall,
    ToolResult,
    TurnFinished,
    Usage,
    UserMessage,
    validate,
)
from agentlab.models import model
from agentlab.sessions import (
    AssistantSaid,
    Attached,
    Detached,
    Entry,
    ModeChanged,
    Stored,
    ToolAnswered,
    UserSaid,
)
from agentlab.sessions.entries import entry_to_json, kind_of
from agentlab.sessions.tokens import tokens_of
from agentlab.simulator import Function, SimRequest, Turn, reply, serve
from agentlab.tools import tool

__all__ = ["Bill", "Driven", "Script", "drive", "prose"]

_WORDS: Final = (
    "table column measured sample against where baseline drift result because method value figure section earlier "
    "compare reader follow report number cause effect check record average spread outlier margin series window"
)
_GAP_S: Final = 75.0
_PLAN_RULES: Final = '<mode name="plan">\nLook around and write the plan, nothing else.\n</mode>'


def prose(tokens: int, seed: int) -> str:
    """A text of about so many tokens, another for each seed."""
    words = _WORDS.split()
    return " ".join(words[(place * place + seed * 7 + place // 3) % len(words)] for place in range(tokens))


class Bill(Struct, frozen=True):
    """What a session took.

    Attributes:
        calls: Model calls.
        input_tokens: Prompt tokens of all calls.
        read_tokens: Those read from the cache.
        written_tokens: Those written to it, where that is told.
        cost_usd: Price of all calls.
        largest: Prompt tokens of the largest call.
    """

    calls: int = 0
    input_tokens: int = 0
    read_tokens: int = 0
    written_tokens: int = 0
    cost_usd: float = 0.0
    largest: int = 0

    @property
    def read_share(self) -> float:
        """Share of the prompt tokens that was read from the cache."""
        return self.read_tokens / self.input_tokens

    def and_(self, usage: Usage, cost_usd: float | None) -> Bill:
        """With one call more."""
        given = usage.input_tokens or 0
        return Bill(
            self.calls + 1,
            self.input_tokens + given,
            self.read_tokens + (usage.cache_read_tokens or 0),
            self.written_tokens + (usage.cache_write_tokens or 0),
            self.cost_usd + (cost_usd or 0.0),
            max(self.largest, given),
        )


class Script(Struct, frozen=True):
    """What happens in a session of so many prompts.

    Attributes:
        turns: Prompts of the user.
        persona_tokens: About how long the persona is.
        result_tokens: About how long a tool's result is.
    """

    turns: int = 60
    persona_tokens: int = 20_000
    result_tokens: int = 600

    @property
    def persona(self) -> str:
        """The preamble."""
        return f"You are an assistant that works in a folder.\n{prose(self.persona_tokens, 0)}"

    def prompt(self, turn: int) -> str:
        """What the user says: every third prompt needs no tool, every fifth two in a row."""
        calls = 0 if turn % 3 == 2 else 2 if turn % 5 == 0 else 1
        return f"Prompt {turn}, look {calls} times. {prose(60, turn)}"

    def mode_block(self, turn: int) -> str:
        """What holds of the mode: planning, and from the middle on building by an approved plan."""
        if turn < self.turns // 2:
            return _PLAN_RULES
        plan = prose(500, 3)
        return f'<mode name="build">\nCarry out the plan.\n\n{PLAN_TITLE} (plans/a.plan)\n\n{plan}\n</mode>'

    def attachments(self, turn: int) -> tuple[Attachment, ...]:
        """What is attached: an essential file, one that changes, one that comes and goes, one that fits no more beside it."""
        found = [
            Attachment.of("notes.md", prose(800, 11), "essential"),
            Attachment.of("todo.md", prose(500, 12 + turn // 6), "high"),
        ]
        if turn >= self.turns // 6:
            found.append(Attachment.of("data.csv", prose(1_200, 90), "medium"))
        if self.turns // 3 <= turn < 3 * self.turns // 4:
            found.append(Attachment.of("draft.md", prose(1_000, 91 + turn // 15), "low"))
        return tuple(found)


class Driven(Struct, frozen=True):
    """A session that was driven to its end.

    Attributes:
        bill: What it took.
        entries: Its log.
        contexts: What was built for each prompt.
        runs: The requests of each prompt as they were sent.
    """

    bill: Bill
    entries: tuple[Stored, ...]
    contexts: tuple[BuiltContext, ...]
    runs: tuple[tuple[RecordedCall, ...], ...]


async def drive(
    builder: ContextBuilder,
    script: Script,
    name: str,
    cache: CacheOptions,
    *,
    budgets: Budgets | None = None,
) -> Driven:
    """Hold the session, as a chat does: build, send, keep.

    Args:
        builder: Lays out each context.
        script: What happens.
        name: `"sim:vendor/model"`.
        cache: The cache controls.
        budgets: How much may be told; the usual where None.
    """
    vendor = name.removeprefix("sim:").partition("/")[0]
    log: list[Stored] = []
    contexts: list[BuiltContext] = []
    runs: list[tuple[RecordedCall, ...]] = []
    bill = Bill()

    @tool
    def look(path: str) -> str:
        """Look into a file of the folder."""
        return f"{path}: {prose(script.result_tokens, len(log))}"

    with serve(_replies()) as sim:
        asked = model(name, base_url=sim.base_url(vendor), api_key=sim.token)
        agent = Agent(asked, tools=[look], cache=cache, stream=False)
        for turn in range(script.turns):
            _keep(log, *_changes(script, turn))
            built = builder.build(
                _given(script, turn, log, runs[-1][-1] if runs else None, budgets or Budgets())
            )
            contexts.append(built)
            validate([*built.history, built.prompt])
            _keep(log, UserSaid(built.kept_prompt, script.prompt(turn)))
            stream = agent.with_(preamble=built.preamble).stream_prompt(built.prompt, history=built.history)
            async for event in stream:
                if isinstance(event, TurnFinished):
                    bill = bill.and_(event.usage, event.cost_usd)
                    _keep(log, AssistantSaid(event.message, name, event.usage))
                elif isinstance(event, ToolResult):
                    _keep(log, ToolAnswered(event, summary=event.text[:200]))
            runs.append(stream.trace.calls)
            sim.advance(_GAP_S)
    return Driven(bill, tuple(log), tuple(contexts), tuple(runs))


def _given(
    script: Script, turn: int, log: Sequence[Stored], last: RecordedCall | None, budgets: Budgets
) -> ContextInput:
    return ContextInput(
        entries=tuple(log),
        prompt=(Text(script.prompt(turn)),),
        preamble=script.persona,
        mode_block=script.mode_block(turn),
        attachments=script.attachments(turn),
        budgets=budgets,
        last=last,
    )


def _changes(script: Script, turn: int) -> list[Entry]:
    """The entries of what was attached, changed, detached and switched before a prompt."""
    before = {each.path: each for each in script.attachments(turn - 1)} if turn else {}
    now = {each.path: each for each in script.attachments(turn)}
    found: list[Entry] = [
        Attached(each.path, each.priority, each.digest, each.tokens)
        for each in now.values()
        if before.get(each.path) != each
    ]
    found += [Detached(path) for path in before if path not in now]
    if turn and script.mode_block(turn) != script.mode_block(turn - 1):
        found.append(ModeChanged("build", "plan", "plans/a.plan", "the plan"))
    return found


def _keep(log: list[Stored], *entries: Entry) -> None:
    for entry in entries:
        place = len(log) + 1
        log.append(
            Stored(place, 0, float(place), kind_of(entry), tokens_of(entry), entry_to_json(entry), entry)
        )


def _replies() -> Function:
    """A model that looks as often as the prompt says, and then answers."""

    def says(request: SimRequest) -> Turn:
        number = len(request.messages)
        last = max(place for place, each in enumerate(request.messages) if _is_prompt(each))
        said = "\n".join(part.text for part in request.messages[last].content if isinstance(part, Text))
        wanted = int(said.split(", look ")[-1][:1])
        looked = sum(isinstance(each, UserMessage) for each in request.messages[last + 1 :])
        if looked < wanted:
            call = ToolCall("", "look", f'{{"path": "part_{number}.txt"}}')
            return reply("Let me look.", calls=[call], chunk_tokens=100)
        return reply(f"Answer. {prose(220, number)}", chunk_tokens=100)

    return Function(says)


def _is_prompt(message: Message) -> bool:
    return isinstance(message, UserMessage) and not message.tool_results
