"""The workspace assistant: an agent that works in a folder, with modes, a context under control and a session that lasts."""

from agentlab.chat.chat import Chat
from agentlab.chat.config import AgentConfig
from agentlab.chat.context.attachments import Attachment
from agentlab.chat.events import (
    ApprovalPending,
    Call,
    ChatEvent,
    Chunk,
    Done,
    Failed,
    ModeChanged,
    Noted,
    Observation,
    QuestionPending,
    Stopped,
    Thought,
)
from agentlab.chat.persona import Persona
from agentlab.chat.stream import ChatStream

__all__ = [
    "AgentConfig",
    "ApprovalPending",
    "Attachment",
    "Call",
    "Chat",
    "ChatEvent",
    "ChatStream",
    "Chunk",
    "Done",
    "Failed",
    "ModeChanged",
    "Noted",
    "Observation",
    "Persona",
    "QuestionPending",
    "Stopped",
    "Thought",
]
