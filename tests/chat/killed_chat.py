"""Chats with tools until it is killed: run as a program, it writes a line to its standard output for whatever it was told.

    python -m tests.chat.killed_chat FOLDER

Each chat is a session of its own with two prompts; the model reads a file, writes one, and answers.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from agentlab.agent import Agent
from agentlab.chat import Chat
from agentlab.messages import AssistantMessage, TextDelta, ToolResult, TurnFinished, TurnStarted, UserMessage
from agentlab.models import model
from agentlab.sessions import SessionStore
from agentlab.simulator import ErrorReply, Function, Reply, SimRequest, call, reply, serve

FIRST, SECOND = "Look at the notes.", "Write them down."


def behaviour(request: SimRequest) -> Reply | ErrorReply:
    """Two calls at once, then one, then a text: the same for both prompts."""
    made = 0
    for message in reversed(request.messages):
        if isinstance(message, AssistantMessage):
            made += 1
        elif isinstance(message, UserMessage) and not message.tool_results:
            break
    if made == 0:
        calls = [call("read", path="notes.txt"), call("ls")]
        return reply("I look.", reasoning="Let me see what is there.", calls=calls)
    if made == 1:
        return reply(calls=[call("write", path="out.txt", content="what I found " * 20)])
    return reply("This is what I found in the notes, in a few words.", reasoning="That is enough.")


async def chat(chat_: Chat, session: str) -> None:
    """Two prompts; each line says what had been told when it was written."""
    for prompt in (FIRST, SECOND):
        stream = chat_.stream(prompt)
        async for event in stream.events():
            told: dict[str, object] | None = None
            match event:
                case TurnStarted(turn=turn):
                    told = {"prompt": prompt, "turn": turn}
                case TurnFinished(message=message):
                    told = {"said": message.text, "calls": [each.id for each in message.tool_calls]}
                case ToolResult(call_id=call_id):
                    told = {"result": call_id}
                case TextDelta():
                    told = None
            if told is not None:
                os.write(1, (json.dumps({"session": session, **told}) + "\n").encode())
        await stream
        os.write(1, (json.dumps({"session": session, "ended": prompt}) + "\n").encode())


def main(folder: Path) -> None:
    """Chat until killed."""
    workspace = folder / "workspace"
    workspace.mkdir(exist_ok=True)
    (workspace / "notes.txt").write_text("buy milk\ncall home\n" * 10)
    store = SessionStore(folder / "sessions")
    with serve(Function(behaviour)) as sim:
        asked = model("anthropic:claude-sonnet-4-6", base_url=sim.base_url("anthropic"), api_key=sim.token)
        os.write(1, b'{"ready": true}\n')
        while True:
            session = store.new()
            with Chat(Agent(asked), workspace, session) as one:
                asyncio.run(chat(one, session.id))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
