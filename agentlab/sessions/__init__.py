"""Sessions that last: an append-only log in one SQLite file each, with branches, and what is made of it.

`Session` is one log; its entries are the structs of `entries`. Reading one runs nothing: a log is plain data.
`SessionStore` is a folder of them; each has a `Transcript` beside it, for people.
"""

from agentlab.sessions.branches import Branch
from agentlab.sessions.comparing import BranchComparison, BranchTotals, compare_branches
from agentlab.sessions.entries import (
    AssistantSaid,
    Attached,
    Branched,
    Configured,
    Decided,
    DecisionAsked,
    Detached,
    Entry,
    ModeChanged,
    ModelChanged,
    Noticed,
    QuestionAsked,
    RunEnded,
    Stored,
    Tagged,
    Titled,
    ToolAnswered,
    Unknown,
    UserSaid,
    digest_of,
)
from agentlab.sessions.exporting import export_session
from agentlab.sessions.history import history_of
from agentlab.sessions.listing import SessionInfo
from agentlab.sessions.searching import SearchHit, SearchHits
from agentlab.sessions.session import Session
from agentlab.sessions.store import Imported, SessionStore
from agentlab.sessions.tokens import tokens_of
from agentlab.sessions.transcript import Transcript
from agentlab.sessions.trash import TrashedSession

__all__ = [
    "AssistantSaid",
    "Attached",
    "Branch",
    "BranchComparison",
    "BranchTotals",
    "Branched",
    "Configured",
    "Decided",
    "DecisionAsked",
    "Detached",
    "Entry",
    "Imported",
    "ModeChanged",
    "ModelChanged",
    "Noticed",
    "QuestionAsked",
    "RunEnded",
    "SearchHit",
    "SearchHits",
    "Session",
    "SessionInfo",
    "SessionStore",
    "Stored",
    "Tagged",
    "Titled",
    "ToolAnswered",
    "Transcript",
    "TrashedSession",
    "Unknown",
    "UserSaid",
    "compare_branches",
    "digest_of",
    "export_session",
    "history_of",
    "tokens_of",
]
