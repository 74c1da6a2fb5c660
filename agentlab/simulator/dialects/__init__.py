"""The wires the simulator speaks, one file each."""

from agentlab.simulator.dialects.base import Dialect, Ids, Rejected
from agentlab.simulator.dialects.openai_chat import OpenAIChat

__all__ = ["DIALECTS", "Dialect", "Ids", "OpenAIChat", "Rejected"]

DIALECTS: tuple[Dialect, ...] = (OpenAIChat(),)
