"""Money and limits: hard budgets and learnt rates between an experiment and its providers."""

from agentlab.errors import BudgetSpent, SweepStopped
from agentlab.experiments.metering.bounds import CallBounds
from agentlab.experiments.metering.budget import Budget, Reservation
from agentlab.experiments.metering.limiter import Limiter, Limiters, Slot
from agentlab.experiments.metering.metered_model import CallMeter, MeteredModel
from agentlab.experiments.metering.stop_signal import StopSignal

__all__ = [
    "Budget",
    "BudgetSpent",
    "CallBounds",
    "CallMeter",
    "Limiter",
    "Limiters",
    "MeteredModel",
    "Reservation",
    "Slot",
    "StopSignal",
    "SweepStopped",
]
