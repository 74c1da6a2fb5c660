"""A folder for the store of a sweep that named none: it lasts as long as somebody holds it."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

__all__ = ["OwnFolder"]


class OwnFolder:
    """A temporary folder that is removed with this object.

    Attributes:
        path: Where it is.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="agentlab-sweep-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
