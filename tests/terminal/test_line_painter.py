"""What the painter writes is read by a terminal emulator: the screen always shows the lines it was given last."""

from __future__ import annotations

import pyte
from hypothesis import example, given
from hypothesis import strategies as st

from agentlab.terminal.line_painter import LinePainter

ROWS, COLUMNS = 8, 20
LINES = st.lists(st.text(st.sampled_from("abc "), max_size=6).map(str.rstrip), max_size=14)


def emulator() -> tuple[pyte.HistoryScreen, pyte.Stream]:
    screen = pyte.HistoryScreen(COLUMNS, ROWS, history=500, ratio=1.0)
    return screen, pyte.Stream(screen)


def everything(screen: pyte.HistoryScreen) -> list[str]:
    above = ["".join(row[at].data for at in range(COLUMNS)) for row in screen.history.top]
    return [line.rstrip() for line in [*above, *screen.display]]


def fed(stream: pyte.Stream, text: str) -> None:
    stream.feed(text.replace("\n", "\r\n"))  # as the terminal's line discipline does


@given(st.lists(LINES, min_size=1, max_size=6))
@example([["a"], ["a", "b"], ["a"], []])
@example([["a"] * 12, ["a"] * 11 + ["b"]])
def test_lines_that_are_still_on_the_screen_become_the_new_ones(paintings: list[list[str]]) -> None:
    screen, stream = emulator()
    painter = LinePainter(ROWS)
    for lines in paintings:
        fed(stream, painter.paint(lines))
    last = paintings[-1]
    shown = list(screen.display)
    visible = last[-(ROWS - 1) :]
    if all(len(lines) < ROWS for lines in paintings):
        assert [line.rstrip() for line in shown] == visible + [""] * (ROWS - len(visible))
    else:  # what scrolled out stays above; what can be seen of the last lines is right
        row = screen.cursor.y
        seen = [line.rstrip() for line in shown[max(0, row - len(visible)) : row]]
        assert seen == visible[len(visible) - len(seen) :]


@given(LINES)
def test_lines_that_only_grow_are_all_there_however_many(lines: list[str]) -> None:
    screen, stream = emulator()
    painter = LinePainter(ROWS)
    for count in range(len(lines) + 1):
        fed(stream, painter.paint(lines[:count]))
    assert everything(screen)[: len(lines)] == lines


def test_lines_that_did_not_change_are_not_written_again() -> None:
    painter = LinePainter(ROWS)
    painter.paint(["kept", "old"])
    assert painter.paint(["kept", "old"]) == ""
    again = painter.paint(["kept", "new"])
    assert "kept" not in again
    assert "new" in again


def test_settled_lines_are_left_alone() -> None:
    screen, stream = emulator()
    painter = LinePainter(ROWS)
    fed(stream, painter.paint(["one"]))
    painter.settle()
    fed(stream, painter.paint(["two"]))
    fed(stream, painter.paint([]))
    assert everything(screen)[:2] == ["one", ""]
