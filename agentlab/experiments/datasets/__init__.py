"""Datasets: rows of `sample_id`, `input`, `target`, `cluster_id`, from anywhere, checked before anything is spent."""

from agentlab.experiments.datasets.built_in import (
    card_of,
    dataset_names,
    documents_of,
    preambles_of,
    recorded_sweep_path,
    tools_of,
)
from agentlab.experiments.datasets.loading import Data, load_dataset, samples_of

__all__ = [
    "Data",
    "card_of",
    "dataset_names",
    "documents_of",
    "load_dataset",
    "preambles_of",
    "recorded_sweep_path",
    "samples_of",
    "tools_of",
]
