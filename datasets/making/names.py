"""Invented names, so that no model can know an answer from elsewhere."""

from __future__ import annotations

from random import Random
from typing import Final

__all__ = ["people", "places"]

_FIRST: Final = (
    "Agnes Bertil Celia Doran Edda Fabian Greta Halvard Ilse Jonas Katrin Leif Marta Nils Odile Pavel Runa Sander Thea "
    "Ulrik Vera Wanda Yannick Zora Anton Birgit Casper Dagny Emil Frida"
).split()  # fmt: skip
_LAST: Final = (
    "Aldous Brekke Corvin Dahlberg Eskola Farrow Grimsby Halloran Iversen Jarvik Kestrel Lindqvist Moravec Norrby Ostrow "
    "Pellin Quist Rosvall Sandoval Tarrant Ulmer Vestergaard Wexley Yarrow Zeller"
).split()  # fmt: skip
_OPENINGS: Final = (
    "Ald Bram Cor Dun El Fen Gars Hol Ister Kel Lorn Mar Nor Osk Pen Quill Ros Stan Tarn Vel Wick Yar".split()
)
_ENDINGS: Final = "bury by dale ford ham holm low mere ness port stead ton wick worth".split()


def people(draw: Random, count: int) -> list[str]:
    """Full names, none twice, no family name twice while there are enough."""
    first, last = draw.sample(_FIRST, min(count, len(_FIRST))), draw.sample(_LAST, min(count, len(_LAST)))
    return [f"{first[number % len(first)]} {last[number % len(last)]}" for number in range(count)]


def places(draw: Random, count: int) -> list[str]:
    """Names of towns, none twice, no two with one beginning while there are enough."""
    openings = draw.sample(_OPENINGS, len(_OPENINGS))
    names: list[str] = []
    number = 0
    while len(names) < count:
        name = openings[number % len(openings)] + draw.choice(_ENDINGS)
        number += 1
        if name not in names:
            names.append(name)
    return names
