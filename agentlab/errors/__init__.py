"""Every error agentlab raises, in one tree.

    AgentlabError
    ├── UsageError                 you called it wrong; nothing was sent
    │   ├── InvalidHistory         a message list no provider would accept
    │   ├── UnsupportedCapability  the model or vendor cannot do what was asked
    │   ├── MissingKey             no API key where one is needed
    │   ├── CredentialsUnusable    the file of stored keys: others can read it, it is a link, damaged, in use
    │   └── MissingExtra           an optional package is not installed
    ├── ModelError                 a model call failed; carries status, body, ids, partial message
    │   ├── AuthenticationFailed   401, 403: the key was refused
    │   ├── BadRequest             400, 404, 409, 413, 422: the provider did not accept the request
    │   │   ├── NotFound           404: no such model or endpoint
    │   │   └── ContextTooLong     the prompt does not fit the model's window
    │   ├── RateLimited            429: too many requests or tokens; `retry_after` says how long
    │   ├── ServerError            5xx, 529: the provider failed or is overloaded
    │   ├── ContentFiltered        the provider blocked the prompt or the answer
    │   ├── ConnectionFailed       no connection, or it broke before the first event
    │   ├── ResponseTimeout        connect, gap between events or wall clock exceeded
    │   ├── StreamInterrupted      the stream ended without its terminal event
    │   └── ProtocolError          the provider sent something its wire does not allow
    ├── ToolError                  a tool call failed; the model is told, the loop goes on
    │   ├── InvalidToolArguments   the arguments are not JSON or do not fit the schema
    │   ├── UnknownTool            no tool has that name
    │   ├── ToolTimeout            the tool took longer than its timeout
    │   ├── ToolInterrupted        the tool was ended early; its text is what it had by then
    │   └── WorkspaceError         a file of the workspace could not be read, written or moved as asked
    │       └── LostUpdate         the file changed since it was read; nothing was written
    ├── RunError                   an agent run could not finish; carries the whole history
    │   ├── MaxTurnsReached        the budget of model calls is spent
    │   ├── RetrievalFailed        an index could not be asked; nothing was sent to the model
    │   ├── ApprovalNeeded         a tool asks before it runs and nobody is there to answer; the run can go on
    │   ├── RunStopped             a hook or the user stopped the run; carries the reason
    │   │   └── SweepStopped       no further request is wanted: the sweep it belongs to has ended
    │   │       └── BudgetSpent    the money set for the sweep is spent
    │   ├── AnswerTruncated        the final turn was cut before it gave an answer
    │   ├── OutputInvalid          the structured output does not fit its type
    │   │   └── NoData             there is none: the model said nothing, or nothing that is JSON
    │   └── RunProtocolViolation   a driver answered a run out of turn; the run is unharmed
    ├── ToolServerFailed           an MCP server did not start, hangs, broke its protocol or went away
    ├── LoadFailed                 a file could not be made into documents; says which and why
    ├── WorkersLost                the workers of a sweep went away; finished rows are stored
    ├── SessionError               a session did not do what was asked; what was acknowledged is unharmed
    │   ├── SessionLocked          somebody else writes to it; says who and since when
    │   ├── SessionCorrupt         it is damaged, or is no session; nothing of it was run or changed
    │   ├── SessionUnusable        it cannot be used so: read-only, closed, of a newer version, no permission
    │   ├── SessionNotFound        there is no such session
    │   └── SessionWriteFailed     entries could not be stored: a full disk, a disk that went away
    └── StoreError                 a store of runs did not do what was asked; what it holds is unharmed
        ├── StoreUnusable          it cannot be opened: no store, damaged, read-only, of a newer version
        ├── StoreWriteFailed       a row could not be written: a full disk, a lock, a store that went away
        └── CellsNotStored         strict replay wants runs that are not stored; says what changed

`asyncio.CancelledError` and `KeyboardInterrupt` are never replaced: they pass through, and the run they ended keeps
a valid history.
"""

from agentlab.errors.base import (
    AgentlabError,
    CredentialsUnusable,
    InvalidHistory,
    MissingExtra,
    MissingKey,
    UnsupportedCapability,
    UsageError,
)
from agentlab.errors.data_errors import (
    CellsNotStored,
    LoadFailed,
    StoreError,
    StoreUnusable,
    StoreWriteFailed,
    WorkersLost,
)
from agentlab.errors.model_errors import (
    AuthenticationFailed,
    BadRequest,
    ConnectionFailed,
    ContentFiltered,
    ContextTooLong,
    ModelError,
    NotFound,
    ProtocolError,
    RateLimited,
    ResponseTimeout,
    ServerError,
    StreamInterrupted,
)
from agentlab.errors.run_errors import (
    AnswerTruncated,
    ApprovalNeeded,
    BudgetSpent,
    MaxTurnsReached,
    NoData,
    OutputInvalid,
    RetrievalFailed,
    RunError,
    RunProtocolViolation,
    RunStopped,
    SweepStopped,
)
from agentlab.errors.session_errors import (
    SessionCorrupt,
    SessionError,
    SessionLocked,
    SessionNotFound,
    SessionUnusable,
    SessionWriteFailed,
)
from agentlab.errors.tool_errors import (
    InvalidToolArguments,
    LostUpdate,
    ToolError,
    ToolInterrupted,
    ToolServerFailed,
    ToolTimeout,
    UnknownTool,
    WorkspaceError,
)

__all__ = [
    "AgentlabError",
    "AnswerTruncated",
    "ApprovalNeeded",
    "AuthenticationFailed",
    "BadRequest",
    "BudgetSpent",
    "CellsNotStored",
    "ConnectionFailed",
    "ContentFiltered",
    "ContextTooLong",
    "CredentialsUnusable",
    "InvalidHistory",
    "InvalidToolArguments",
    "LoadFailed",
    "LostUpdate",
    "MaxTurnsReached",
    "MissingExtra",
    "MissingKey",
    "ModelError",
    "NoData",
    "NotFound",
    "OutputInvalid",
    "ProtocolError",
    "RateLimited",
    "ResponseTimeout",
    "RetrievalFailed",
    "RunError",
    "RunProtocolViolation",
    "RunStopped",
    "ServerError",
    "SessionCorrupt",
    "SessionError",
    "SessionLocked",
    "SessionNotFound",
    "SessionUnusable",
    "SessionWriteFailed",
    "StoreError",
    "StoreUnusable",
    "StoreWriteFailed",
    "StreamInterrupted",
    "SweepStopped",
    "ToolError",
    "ToolInterrupted",
    "ToolServerFailed",
    "ToolTimeout",
    "UnknownTool",
    "UnsupportedCapability",
    "UsageError",
    "WorkersLost",
    "WorkspaceError",
]
