"""A provider on your own machine: every wire, exact to the byte, without a network, a key or a cost.

Its answers are made by rules or scripts, never by a model, and say so.
"""

from agentlab.simulator.batches import BatchPace
from agentlab.simulator.behaviours import Behaviour, Function, Replay, Scripted, Turn
from agentlab.simulator.exchange import ErrorReply, Recorded, Reply, SimRequest, call, reply
from agentlab.simulator.faults import Fault
from agentlab.simulator.latency import Latency
from agentlab.simulator.log import LoggedRequest
from agentlab.simulator.rate_limit import RateLimit
from agentlab.simulator.rules import RuleBased
from agentlab.simulator.server import Simulator, serve, shared

__all__ = [
    "BatchPace",
    "Behaviour",
    "ErrorReply",
    "Fault",
    "Function",
    "Latency",
    "LoggedRequest",
    "RateLimit",
    "Recorded",
    "Replay",
    "Reply",
    "RuleBased",
    "Scripted",
    "SimRequest",
    "Simulator",
    "Turn",
    "call",
    "reply",
    "serve",
    "shared",
]
