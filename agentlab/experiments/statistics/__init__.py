"""Honest statistics of sweeps: paired, clustered by question group, corrected for few clusters and many arms.

Everything works on plain DataFrames with one row a run; nothing here knows of agents or stores.
"""

from __future__ import annotations

from agentlab.experiments.statistics.clustered import ClusteredMean, clustered_mean
from agentlab.experiments.statistics.comparison import compare
from agentlab.experiments.statistics.comparison_frame import ComparisonFrame
from agentlab.experiments.statistics.differences import question_differences
from agentlab.experiments.statistics.means import means
from agentlab.experiments.statistics.multiplicity import holm
from agentlab.experiments.statistics.power import (
    UNKNOWN_BINARY_SD,
    Pilot,
    clusters_needed,
    minimum_detectable_effect,
    pilot_spread,
)
from agentlab.experiments.statistics.sequential import SequentialStop, StopDecision
from agentlab.experiments.statistics.variance import variance_split

__all__ = [
    "UNKNOWN_BINARY_SD",
    "ClusteredMean",
    "ComparisonFrame",
    "Pilot",
    "SequentialStop",
    "StopDecision",
    "clustered_mean",
    "clusters_needed",
    "compare",
    "holm",
    "means",
    "minimum_detectable_effect",
    "pilot_spread",
    "question_differences",
    "variance_split",
]
