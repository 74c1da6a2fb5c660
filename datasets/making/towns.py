"""`lookup_tools`: a table of invented towns, and questions that are answered by looking them up."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from making.names import people, places

__all__ = ["rows", "table"]

Row = dict[str, Any]
_TOWNS: Final = 24
_RIVERS: Final = ("Asker", "Brode", "Calder Water", "Dusk", "Ember", "Fallow")
_FIELDS: Final = {
    "population": "What is the population of the town of {town}?",
    "founded": "In which year was the town of {town} founded?",
    "elevation": "What is the elevation of the town of {town}, in metres?",
    "river": "On which river does the town of {town} lie?",
    "mayor": "Who is the mayor of the town of {town}?",
}


def table() -> list[Row]:
    """The towns. Every number is below 2,000, so that nobody writes it with a separator."""
    draw = Random("towns")
    mayors = people(draw, _TOWNS)
    numbers = draw.sample(range(120, 990), _TOWNS)
    heights = draw.sample(range(5, 900), _TOWNS)
    years = draw.sample(range(1102, 1898), _TOWNS)
    return [
        {
            "town": town,
            "population": numbers[place],
            "founded": years[place],
            "elevation": heights[place],
            "river": _RIVERS[place % len(_RIVERS)],
            "mayor": mayors[place],
        }
        for place, town in enumerate(places(draw, _TOWNS))
    ]


def rows() -> list[Row]:
    """The questions: two fields of each town, and the two of a pair compared. A pair is a cluster."""
    draw = Random("lookup_tools")
    towns = table()
    made: list[Row] = []
    for first, second in zip(towns[::2], towns[1::2], strict=True):
        cluster = f"{first['town']}-{second['town']}".lower()
        for town in (first, second):
            for field in draw.sample(sorted(_FIELDS), 2):
                question = _FIELDS[field].format(town=town["town"])
                made.append(_row(cluster, town["town"], field, question, str(town[field]), lookups=1))
        more, less = sorted((first, second), key=lambda town: -town["population"])
        question = f"How many more people live in {more['town']} than in {less['town']}?"
        difference = str(more["population"] - less["population"])
        made.append(_row(cluster, cluster, "difference", question, difference, lookups=2))
    return made


def _row(cluster: str, about: str, kind: str, question: str, target: str, *, lookups: int) -> Row:
    return {
        "sample_id": f"{about.lower()}-{kind}",
        "input": question,
        "target": target,
        "cluster_id": cluster,
        "kind": kind,
        "lookups": lookups,
    }
