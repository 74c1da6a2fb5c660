"""The one door to the network."""

from agentlab.http.framing import Frame

__all__ = ["Frame"]
