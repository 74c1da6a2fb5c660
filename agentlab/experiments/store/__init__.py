"""Where finished runs are kept: SQLite for one machine, segments for many, Parquet and DuckDB to ask of.

`Store` keeps rows by the key of their cell, `CellKey` says what a cell is, `Segment` is what a worker elsewhere
writes, `strict_replay` answers a sweep from the store alone. `exporting` takes its frames to other tools.
"""

from agentlab.experiments.store.cell_key import CellKey, KeyPart, PartChange
from agentlab.experiments.store.ingesting import Ingested
from agentlab.experiments.store.reading import StoredCell
from agentlab.experiments.store.replaying import WantedCell, explain_missing, is_strict, strict_replay
from agentlab.experiments.store.segment import Segment, segments_folder
from agentlab.experiments.store.store import Store

__all__ = [
    "CellKey",
    "Ingested",
    "KeyPart",
    "PartChange",
    "Segment",
    "Store",
    "StoredCell",
    "WantedCell",
    "explain_missing",
    "is_strict",
    "segments_folder",
    "strict_replay",
]
