"""The front end's own code, applied to documents of one run or of several."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.notebook.javascript.node import node_path

__all__ = ["Document", "Replay", "painted", "replaying"]

Document = dict[str, Any]
Replay = Callable[[Document, list[list[Any]]], Document]


@contextmanager
def replaying() -> Iterator[Replay]:
    """What a page makes of a document and its patches, in one node process."""
    command = [node_path(), "--no-warnings", str(Path(__file__).parent / "replay.mjs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        pipe_in, pipe_out = process.stdin, process.stdout

        def run(document: Document, patches: list[list[Any]]) -> Document:
            pipe_in.write(json.dumps({"document": document, "patches": patches}) + "\n")
            pipe_in.flush()
            return json.loads(pipe_out.readline())  # type: ignore[no-any-return]

        yield run
        pipe_in.close()


def painted(document: Document) -> Document:
    """A document as it is painted: of each turn only the parts in its order, in that order."""
    document = json.loads(json.dumps(document))
    runs = [entry["run"] for entry in document["runs"]] if "runs" in document else [document]
    for turn in (turn for run in runs for turn in run["turns"]):
        turn["parts"] = [turn["parts"][str(key)] for key in turn["head"]["order"]]
    return document
