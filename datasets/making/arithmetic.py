"""`arithmetic_tools`: sums to be worked out with tools, from one step to a small story."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

__all__ = ["rows"]

Row = dict[str, Any]
_EACH: Final = 6


def rows() -> list[Row]:
    """The questions; those of one template are a cluster."""
    draw = Random("arithmetic_tools")
    made: list[Row] = []
    for template in _TEMPLATES:
        cluster = template.__name__.removeprefix("_")
        for number in range(1, _EACH + 1):
            question, target, steps = template(draw)
            made.append(
                {
                    "sample_id": f"{cluster}-{number}",
                    "input": question,
                    "target": target,
                    "cluster_id": cluster,
                    "steps": steps,
                    "kind": "story" if cluster in _STORIES else "sum",
                }
            )
    return made


Question = tuple[str, int, int]


def _sum_of_two(draw: Random) -> Question:
    a, b = draw.randint(1000, 99999), draw.randint(1000, 99999)
    return f"What is {a} + {b}?", a + b, 1


def _product_of_two(draw: Random) -> Question:
    a, b = draw.randint(13, 999), draw.randint(13, 999)
    return f"What is {a} times {b}?", a * b, 1


def _add_then_multiply(draw: Random) -> Question:
    a, b, c = draw.randint(10, 999), draw.randint(10, 999), draw.randint(3, 29)
    return f"Add {a} and {b}, then multiply the result by {c}.", (a + b) * c, 2


def _three_steps(draw: Random) -> Question:
    a, b, c, d = draw.randint(3, 60), draw.randint(3, 60), draw.randint(100, 999), draw.randint(2, 9)
    return f"Multiply {a} by {b}, then add {c} to it, then multiply the result by {d}.", (a * b + c) * d, 3


def _subtract_from(draw: Random) -> Question:
    a, b = draw.randint(1000, 9999), draw.randint(10000, 99999)
    return f"Subtract {a} from {b}.", b - a, 1


def _divide_then_add(draw: Random) -> Question:
    quotient, divisor, c = draw.randint(12, 480), draw.randint(3, 19), draw.randint(10, 900)
    return f"Divide {quotient * divisor} by {divisor}, then add {c} to the result.", quotient + c, 2


def _crates(draw: Random) -> Question:
    held, came, days, left = (
        draw.randint(200, 900),
        draw.randint(12, 60),
        draw.randint(5, 28),
        draw.randint(40, 150),
    )
    story = (
        f"A warehouse holds {held} crates. On each of {days} days {came} more arrive, and at the end {left} are sent "
        "away. How many crates does it hold then?"
    )
    return story, held + came * days - left, 3


def _tickets(draw: Random) -> Question:
    adults, children, price, half = (
        draw.randint(20, 90),
        draw.randint(10, 70),
        draw.randint(12, 30),
        draw.randint(4, 11),
    )
    story = (
        f"A ferry takes {adults} adults at {price} crowns each and {children} children at {half} crowns each. How many "
        "crowns does the trip bring in?"
    )
    return story, adults * price + children * half, 3


def _rope(draw: Random) -> Question:
    pieces, length, spare = draw.randint(6, 40), draw.randint(3, 25), draw.randint(2, 90)
    story = (
        f"A rope of {pieces * length + spare} metres is cut into {pieces} pieces of equal length, and {spare} metres are "
        "left over. How long is each piece, in metres?"
    )
    return story, length, 2


def _savings(draw: Random) -> Question:
    start, weekly, weeks, spent = (
        draw.randint(50, 400),
        draw.randint(15, 60),
        draw.randint(6, 40),
        draw.randint(20, 45),
    )
    story = (
        f"Edda has {start} crowns. She puts away {weekly} crowns a week for {weeks} weeks and spends {spent} crowns on a "
        "book. How many crowns has she now?"
    )
    return story, start + weekly * weeks - spent, 3


_TEMPLATES: Final[tuple[Callable[[Random], Question], ...]] = (
    _sum_of_two,
    _product_of_two,
    _add_then_multiply,
    _three_steps,
    _subtract_from,
    _divide_then_add,
    _crates,
    _tickets,
    _rope,
    _savings,
)
_STORIES: Final = frozenset(["crates", "tickets", "rope", "savings"])
