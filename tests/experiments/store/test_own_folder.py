"""The folder of a store that nobody named."""

from __future__ import annotations

import gc

from agentlab.experiments.store.own_folder import OwnFolder


def test_a_folder_lasts_as_long_as_somebody_holds_it_and_no_longer() -> None:
    folder = OwnFolder()
    path = folder.path
    (path / "sweep.agentlab.db").write_bytes(b"rows")
    holder = [folder]
    del folder
    gc.collect()
    assert (path / "sweep.agentlab.db").exists()
    holder.clear()
    gc.collect()
    assert not path.exists()
