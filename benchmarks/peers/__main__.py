"""Agentlab beside its peers, in one run.

    python -m benchmarks.peers                                  everything, an hour or two on a quiet machine
    python -m benchmarks.peers --bench A C --peers openai       parts
    python -m benchmarks.peers --small                          a trial of everything: small cases, into build/peers/small
    python -m benchmarks.peers --short                          the floors alone, in seconds; fails where a ratio is far off

Letters: A one stream, B concurrent streams, C agent runs, D long histories, G tool arguments, S schemas, E imports and
sizes; L `live_view`, W `sweep_overhead`, V `vector_search`, N `session_log`, R `store` are the scripts beside this package.
Each writes a table and a figure into benchmarks/results/ when it ends, and the goals are judged anew over all that lies there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.catalogue import BENCHMARKS, SCRIPTS
from benchmarks.peers.environments import FOLDER, recipes
from benchmarks.peers.report import RESULTS
from benchmarks.peers.results import KEPT
from benchmarks.peers.run import Asked, short, whole


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what was asked for.

    Args:
        arguments: Of the command line; those of this process where None.
    """
    named = {each.letter: each.name for each in BENCHMARKS} | {"E": "import"}
    named |= {letter: script for script, letter in SCRIPTS.items()}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--bench",
        nargs="*",
        default=[],
        choices=[*named, *named.values()],
        metavar="NAME",
        help="letters or names; all where none is given",
    )
    parser.add_argument(
        "--peers",
        nargs="*",
        default=[],
        choices=[*recipes()],
        metavar="NAME",
        help="their names; all where none is given",
    )
    parser.add_argument("--ways", nargs="*", default=[], help="single ways of them, by name")
    parser.add_argument("--rounds", type=int, default=5, help="of every case")
    parser.add_argument(
        "--small", action="store_true", help="a trial: small cases, results beside the real ones"
    )
    parser.add_argument("--short", action="store_true", help="the floors and agentlab alone, in seconds")
    options = parser.parse_args(arguments)
    if options.short:
        sys.exit(short(options.rounds))
    trial: Path = FOLDER / "small"
    whole(
        Asked(
            bench=frozenset(options.bench),
            peers=tuple(options.peers),
            ways=frozenset(options.ways),
            rounds=options.rounds,
            small=options.small,
            folder=trial if options.small else RESULTS,
            kept=trial / "results" if options.small else KEPT,
        )
    )


if __name__ == "__main__":
    main()
