"""Sessions that never were: random prompts, tools, files and modes, kept and built from as a chat does, without a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st
from msgspec import Struct

from agentlab.chat.context.attachments import Attachment
from agentlab.chat.context.budgets import Budgets
from agentlab.chat.context.builder import BuiltContext, ContextBuilder, ContextInput
from agentlab.chat.modes import PLAN_TITLE
from agentlab.messages import AssistantMessage, Json, Message, Text, ToolCall, ToolResult, UserMessage
from agentlab.sessions import (
    AssistantSaid,
    Attached,
    Detached,
    Entry,
    ModeChanged,
    RunEnded,
    Stored,
    ToolAnswered,
    UserSaid,
)
from agentlab.sessions.entries import entry_to_json, kind_of
from agentlab.sessions.tokens import tokens_of

__all__ = ["BUDGETS", "MOVES", "Move", "Step", "play", "stored"]

PRIORITIES: Final = {"notes.md": 0, "data.csv": 3, 'odd "name" & <tag>.txt': 5, "draft.md": 10}


class Move(Struct, frozen=True):
    """What happens from one prompt to the next.

    Attributes:
        words: Length of the prompt.
        results: Length of each tool result; one call each.
        is_cut_off: Whether the run ends before its last results and its answer.
        files: Path to the version and length of what is attached.
        mode: The mode at the prompt.
        exits: Whether the last call leaves plan mode with an approved plan.
    """

    words: int = 5
    results: tuple[int, ...] = ()
    is_cut_off: bool = False
    files: tuple[tuple[str, int, int], ...] = ()
    mode: str = "plan"
    exits: bool = False


class Step(Struct, frozen=True):
    """A prompt as it was built.

    Attributes:
        given: What it was built from.
        built: The context.
        sent: All messages of the last request of its run.
        answer: The message that ended the run; None where it was cut off.
    """

    given: ContextInput
    built: BuiltContext
    sent: tuple[Message, ...]
    answer: AssistantMessage | None


def mode_block(mode: str, plan: int = 0) -> str:
    """What the model is told of a mode, with a plan where there is one."""
    told = [f'<mode name="{mode}">', f"You are in {mode} mode."]
    if plan:
        told += ["", f"{PLAN_TITLE} (plans/{plan}.plan)", "", f"step {plan}"]
    return "\n".join([*told, "</mode>"])


def stored(entries: Sequence[Entry]) -> list[Stored]:
    """Entries with their places and sizes."""
    return [
        Stored(place, 0, float(place), kind_of(entry), tokens_of(entry), entry_to_json(entry), entry)
        for place, entry in enumerate(entries, start=1)
    ]


def play(builder: ContextBuilder, moves: Sequence[Move], budgets: Budgets) -> list[Step]:
    """Hold a session: everything is in the log before the next prompt is built."""
    log: list[Stored] = []
    steps: list[Step] = []
    files: dict[str, Attachment] = {}
    mode, plan = "", 0
    for turn, move in enumerate(moves):
        now = {path: _attachment(path, version, words) for path, version, words in move.files}
        _keep(log, *_changes(files, now))
        files = now
        if mode and move.mode != mode:
            plan = 0
            _keep(log, ModeChanged(move.mode, mode))
        mode = move.mode
        given = ContextInput(
            entries=tuple(log),
            prompt=(Text(f"prompt {turn} {'word ' * move.words}"),),
            preamble="You are terse.",
            mode_block=mode_block(mode, plan),
            attachments=tuple(files.values()),
            budgets=budgets,
            model="anthropic:claude-sonnet-4-6",
            at=1_700_000_000.0,
        )
        built = builder.build(given)
        _keep(log, UserSaid(built.kept_prompt))
        run, entries = _run(turn, move)
        if move.exits and mode == "plan" and not move.is_cut_off:
            mode, plan = "build", turn + 1
            exited, told = _exit(turn, mode_block(mode, plan))
            run[-1:-1] = exited
            entries[-1:-1] = [
                *told[:1],
                ModeChanged("build", "plan", f"plans/{plan}.plan", f"step {plan}"),
                *told[1:],
            ]
        _keep(log, *entries)
        answer = None if move.is_cut_off else run.pop()
        assert answer is None or isinstance(answer, AssistantMessage)
        steps.append(Step(given, built, (*built.history, built.prompt, *run), answer))
    return steps


def _attachment(path: str, version: int, words: int) -> Attachment:
    return Attachment.of(path, f"version {version} {'text ' * words}", PRIORITIES[path])


def _changes(before: dict[str, Attachment], now: dict[str, Attachment]) -> list[Entry]:
    found: list[Entry] = [Detached(path) for path in before if path not in now]
    return found + [
        Attached(each.path, each.priority, each.digest, each.tokens)
        for path, each in now.items()
        if before.get(path) != each
    ]


def _run(turn: int, move: Move) -> tuple[list[Message], list[Entry]]:
    """What the model and the tools say: one call a turn; the messages, and the entries that keep them."""
    messages: list[Message] = []
    entries: list[Entry] = []
    for number, words in enumerate(move.results):
        call = ToolCall(f"call_{turn}_{number}", "look", '{"path": "a.txt"}')
        result = ToolResult(call.id, "look", (Text(f"found {turn} {number} {'thing ' * words}"),))
        asked = AssistantMessage.of("Let me look.", call)
        is_last = number == len(move.results) - 1
        entries.append(AssistantSaid(asked))
        messages.append(asked)
        if is_last and move.is_cut_off:
            break
        entries.append(ToolAnswered(result, summary=f"found {turn} {number} and more"))
        messages.append(UserMessage((result,)))
    if not move.is_cut_off:
        messages.append(AssistantMessage.of(f"answer {turn}"))
        entries.append(AssistantSaid(AssistantMessage.of(f"answer {turn}")))
    return messages, [*entries, RunEnded(f"run_{turn}", "cancelled")] if move.is_cut_off else entries


def _exit(turn: int, told: str) -> tuple[list[Message], list[Entry]]:
    call = ToolCall(f"exit_{turn}", "exit_plan_mode", '{"plan": "plans/a.plan"}')
    asked = AssistantMessage.of(call)
    result = ToolResult(call.id, call.name, (Json({"mode": "build", "told": told}),))
    return [asked, UserMessage((result,))], [AssistantSaid(asked), ToolAnswered(result, summary="build")]


def _keep(log: list[Stored], *entries: Entry) -> None:
    log += [
        Stored(place, 0, float(place), kind_of(entry), tokens_of(entry), entry_to_json(entry), entry)
        for place, entry in enumerate(entries, start=len(log) + 1)
    ]


_FILES: Final = st.lists(
    st.tuples(st.sampled_from(sorted(PRIORITIES)), st.integers(0, 2), st.sampled_from([3, 30, 120])),
    max_size=4,
    unique_by=lambda each: each[0],
).map(tuple)

MOVES: Final = st.lists(
    st.builds(
        Move,
        words=st.integers(0, 40),
        results=st.lists(st.sampled_from([2, 20, 100]), max_size=3).map(tuple),
        is_cut_off=st.sampled_from([False, False, False, True]),
        files=_FILES,
        mode=st.sampled_from(["plan", "plan", "build"]),
        exits=st.booleans(),
    ),
    min_size=1,
    max_size=12,
)
"""Random sessions."""

BUDGETS: Final = st.builds(
    Budgets,
    attachments=st.sampled_from([0, 40, 150, 4_000]),
    history=st.sampled_from([1, 60, 200, 500, 2_000, None]),
    in_full=st.integers(0, 3),
)
"""Budgets from hopeless to ample."""
