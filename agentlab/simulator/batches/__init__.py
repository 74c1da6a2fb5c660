"""The providers' half-price batch interfaces, from the server's side: one file each, on the server's virtual clock."""

from agentlab.simulator.batches.endpoints import Batches
from agentlab.simulator.batches.work import BatchPace

__all__ = ["BatchPace", "Batches"]
