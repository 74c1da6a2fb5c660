from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree as ET

from benchmarks.peers.catalogue import BENCHMARKS
from benchmarks.peers.figure import Panel, drawn
from benchmarks.peers.goals import Goal, judged
from benchmarks.peers.report import figure, goals_table, table
from tests.benchmarks.peers.made import result

SVG = "{http://www.w3.org/2000/svg}"


def places(svg: str) -> dict[str, float]:
    """How far to the right the dots stand, by the text beside them."""
    marks = list(ET.fromstring(svg))
    return {
        text.text or "": float(dot.attrib["cx"]) for dot, text in pairwise(marks) if dot.tag == f"{SVG}circle"
    }


def test_a_dot_a_value_on_a_logarithmic_axis() -> None:
    found = places(
        drawn("<t>", [Panel("p & q", {"a": 10, "b": 100, "c": 1000})], dict.fromkeys("abc", "sdk"))
    )
    assert found["100"] - found["10"] == found["1,000"] - found["100"] > 50


def test_the_legend_stands_within_the_figure() -> None:
    kinds = {"a": "ours", "b": "floor", "c": "sdk", "d": "agent"}
    svg = drawn("t", [Panel("p", dict.fromkeys(kinds, 1.0))], kinds)
    width = float(ET.fromstring(svg).attrib["width"])
    assert all(places(svg)[name] + 80 < width for name in ("agentlab", "floor", "SDK", "agent library"))


def test_nothing_measured_is_a_figure_too() -> None:
    assert not places(drawn("t", [Panel("p", {})], {}))


def test_a_full_figure_is_small_and_readable_in_the_dark() -> None:
    ways = [f"a peer with a long name {number} (anthropic)" for number in range(40)]
    for benchmark in BENCHMARKS:
        rows = [
            result(case.name, way, 0.1 + place) for case in benchmark.cases for place, way in enumerate(ways)
        ]
        svg = figure(benchmark, rows)
        assert len(svg.encode()) < 60_000
        assert "prefers-color-scheme:dark" in svg
        assert len(places(svg)) > 1


def test_a_table_has_a_row_a_way_the_cheapest_first_and_tells_why_one_failed() -> None:
    benchmark = BENCHMARKS[0]
    case = benchmark.cases[0].name
    rows = [result(case, "none"), result(case, "slow", 0.2), result(case, "httpx aiter_bytes", 0.1)]
    lines = table(benchmark, rows).splitlines()[2:]
    assert [line.split(" | ")[0] for line in lines] == ["| httpx aiter_bytes", "| slow", "| none"]
    assert lines[0].endswith("| 10 (20) |")
    assert lines[1].endswith("| 20 (40), 2x |")
    assert "cannot be installed: \\| no" in lines[2]


def test_goals_are_told_or_judged() -> None:
    rows = {"a": [result("one", "ours", 3.0), result("one", "floor", 1.0)]}
    told, judged_line = (Goal("a", "one", "ours", "floor", 2.0, told=told) for told in (True, False))
    lines = goals_table(judged([told, judged_line, Goal("b", "one", "x", "y", 1)], rows)).splitlines()
    assert [line.rsplit(" | ", 1)[1] for line in lines[2:]] == ["told |", "**no** |", "? |"]
