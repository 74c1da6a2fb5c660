"""What the command is asked for and does not have, it names, before anything is measured."""

from __future__ import annotations

import pytest

from benchmarks.peers.__main__ import main
from benchmarks.peers.run import _check_ways


@pytest.mark.parametrize(
    ("arguments", "wrong", "known"),
    [(["--bench", "C", "Z"], "'Z'", "agent_runs"), (["--peers", "nobody"], "'nobody'", "chatlas")],
)
def test_a_benchmark_or_a_peer_that_is_unknown_is_named_with_those_that_are_known(
    capsys: pytest.CaptureFixture[str], arguments: list[str], wrong: str, known: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert f"invalid choice: {wrong}" in said
    assert known in said


def test_a_way_that_is_unknown_is_named_with_those_that_are_known() -> None:
    _check_ways(frozenset({"one"}), frozenset({"one", "other"}))
    with pytest.raises(SystemExit, match=r"no way \['third'\]; there are \['one', 'other'\]"):
        _check_ways(frozenset({"one", "third"}), frozenset({"one", "other"}))
