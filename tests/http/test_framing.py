from __future__ import annotations

import tracemalloc
from itertools import repeat

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentlab.errors import ProtocolError
from agentlab.http import DEFAULT_MAX_EVENT_BYTES, Frame, SSEFramer
from tests.http.splits import cut, every_way, feed_all, outcome, places

F = Frame

# Body -> events, one case for each sentence of the WHATWG rules.
CASES: dict[str, tuple[bytes, list[Frame]]] = {
    "one event": (b"data: a\n\n", [F(b"a")]),
    "two events": (b"data: a\n\ndata: b\n\n", [F(b"a"), F(b"b")]),
    "no space after the colon": (b"data:a\n\n", [F(b"a")]),
    "only one space is stripped": (b"data:  a\n\n", [F(b" a")]),
    "a tab is not stripped": (b"data:\ta\n\n", [F(b"\ta")]),
    "trailing spaces stay": (b"data: a  \n\n", [F(b"a  ")]),
    "a space before the colon makes another field": (b"data : a\ndata:b\n\n", [F(b"b")]),
    "a space before the name makes another field": (b" data: a\n\n", []),
    "names are case sensitive": (b"DATA: a\nData: b\n\n", []),
    "data lines are joined by LF": (b"data: a\ndata: b\ndata: c\n\n", [F(b"a\nb\nc")]),
    "empty data lines count": (b"data: a\ndata:\ndata\ndata: b\n\n", [F(b"a\n\n\nb")]),
    "a lone data line without value dispatches empty data": (b"data\n\n", [F(b"")]),
    "two of them make one LF": (b"data\ndata\n\n", [F(b"\n")]),
    "event names the event": (b"event: x\ndata: a\n\n", [F(b"a", "x")]),
    "event after data": (b"data: a\nevent: x\n\n", [F(b"a", "x")]),
    "the last event name wins": (b"event: x\nevent: y\ndata: a\n\n", [F(b"a", "y")]),
    "an empty event name is none": (b"event: x\nevent:\ndata: a\n\n", [F(b"a")]),
    "the event name ends with its block": (b"event: x\ndata: a\n\ndata: b\n\n", [F(b"a", "x"), F(b"b")]),
    "event alone dispatches nothing": (b"event: x\n\ndata: a\n\n", [F(b"a")]),
    "id alone dispatches nothing": (b"id: 1\n\ndata: a\n\n", [F(b"a")]),
    "comments are ignored": (b": hello\ndata: a\n:\n\n: only\n\n", [F(b"a")]),
    "a comment may look like a field": (b":data: a\n\ndata: b\n\n", [F(b"b")]),
    "unknown fields are ignored": (b"foo: 1\ndata: a\nbar\n\n", [F(b"a")]),
    "a colon in the value": (b"data: a:b\n\n", [F(b"a:b")]),
    "CRLF": (b"event: x\r\ndata: a\r\n\r\ndata: b\r\n\r\n", [F(b"a", "x"), F(b"b")]),
    "CR": (b"event: x\rdata: a\r\rdata: b\r\r", [F(b"a", "x"), F(b"b")]),
    "mixed line ends": (
        b"data: a\r\n\ndata: b\n\rdata: c\r\r\ndata: d\n\n",
        [F(b"a"), F(b"b"), F(b"c"), F(b"d")],
    ),
    "CR LF LF is two line ends": (b"data: a\r\n\ndata: b\n\n", [F(b"a"), F(b"b")]),
    "a BOM at the start is dropped": (b"\xef\xbb\xbfdata: a\n\n", [F(b"a")]),
    "only one BOM": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [F(b"b")]),
    "a BOM later is part of a name": (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [F(b"a")]),
    "half a BOM is none": (b"\xef\xbbdata: a\n\ndata: b\n\n", [F(b"b")]),
    "blank lines between events": (b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n", [F(b"a"), F(b"b")]),
    "an unterminated line is dropped": (b"data: a\n\ndata: b", [F(b"a")]),
    "an unterminated block is dropped": (b"data: a\n\ndata: b\n", [F(b"a")]),
    "NUL in data stays": (b"data: \0\n\n", [F(b"\0")]),
    "LS, PS, NEL, VT and FF are no line ends": (
        "data: a\u2028b\u2029c\u0085d\ve\f\n\n".encode(),
        [F("a\u2028b\u2029c\u0085d\ve\f".encode())],
    ),
    "multibyte text": ("event: é\ndata: 日本語🎉\n\n".encode(), [F("日本語🎉".encode(), "é")]),
    "invalid UTF-8 in a name is replaced": (b"event: \xff\ndata: \xff\n\n", [F(b"\xff", "\ufffd")]),
    "a long event name": (b"event: " + b"x" * 500 + b"\ndata: a\n\n", [F(b"a", "x" * 500)]),
    "nothing": (b"", []),
}


@pytest.mark.parametrize(("body", "frames"), CASES.values(), ids=CASES.keys())
def test_the_rules_hold_however_the_body_is_cut(body: bytes, frames: list[Frame]) -> None:
    for chunks in every_way(body):
        assert outcome(SSEFramer(), chunks) == (frames, "")


sse_bodies = st.lists(
    st.sampled_from(
        [
            *(
                b"data: a",
                b"data:b",
                b"data",
                b"event: x",
                b"event",
                b"id: 7",
                b"retry: 5",
                b": note",
                b"error: {}",
            ),
            *(b"\n", b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n", b"\xef\xbb\xbf", b"\xc3\xa9", b" ", b":"),
        ]
    ),
    max_size=40,
).map(b"".join)


def by_the_rules(body: bytes) -> list[Frame]:
    """The events of a body, as slowly and plainly as the rules are written."""
    text = body.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]
    frames: list[Frame] = []
    data, event = "", ""
    for line in lines:
        if not line:
            if data:
                frames.append(Frame(data[:-1].encode("utf-8", "surrogateescape"), event))
            data, event = "", ""
        elif line[0] != ":":
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                data += value + "\n"
            elif name == "event":
                event = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return frames


@given(body=sse_bodies, where=places)
@example(body=b"data: a\r\n\r\n", where=[8, 10])
def test_any_body_cut_anywhere_gives_what_the_rules_give(body: bytes, where: list[int]) -> None:
    assert outcome(SSEFramer(), cut(body, where)) == (by_the_rules(body), "")


@given(body=sse_bodies, where=places, cap=st.integers(min_value=1, max_value=20), tail=st.booleans())
def test_the_cap_and_the_tail_do_not_depend_on_the_cuts(
    body: bytes, where: list[int], cap: int, tail: bool
) -> None:
    whole = outcome(SSEFramer(max_event_bytes=cap), [body], dispatch_tail=tail)
    assert outcome(SSEFramer(max_event_bytes=cap), cut(body, where), dispatch_tail=tail) == whole


whole_chunks = st.lists(
    st.sampled_from(
        [
            *(
                b"data: a\n\n",
                b"data:  \xc3\xa9 \n\n",
                b"data: \n\n",
                b"data:a\n\n",
                b"data: a\n\ndata: b\n\n",
            ),
            *(
                b"event: x\ndata: a\n\n",
                b"event: \xff\ndata: a\n\n",
                b"event: \ndata: a\n\n",
                b"event: x\n\n",
            ),
            *(b"event: x\nevent: y\ndata: a\n\n", b"data: a\nevent: x\n\n", b"data: a\ndata: b\n\n"),
            *(b"data: a\r\n\n", b"data: a\rb\n\n", b"event: x\rdata: a\n\n", b"event: x\ry\ndata: a\n\n"),
            *(
                b"id: 7\ndata: a\n\n",
                b": note\n\n",
                b"data: a\n\n\n",
                b"\n\n",
                b"\n",
                b"\r",
                b"data: a",
                b"event: x\n",
            ),
        ]
    ),
    max_size=8,
)


@given(chunks=whole_chunks, cap=st.sampled_from([7, 8, 9, 20, 1000]))
@example(chunks=[b"data: a\n\n"], cap=7)
@example(chunks=[b"event: x\n", b"data: a\n\n"], cap=1000)
@example(chunks=[b"\r", b"\n\n", b"data: a\n\n"], cap=1000)
def test_chunks_that_are_whole_events_give_what_they_give_joined(chunks: list[bytes], cap: int) -> None:
    start = b": the first bytes may be a byte order mark, so they are never taken as a whole event\n\n"[
        -cap - 2 :
    ]
    body = b"".join([start, *chunks])
    assert outcome(SSEFramer(max_event_bytes=cap), [start, *chunks]) == outcome(
        SSEFramer(max_event_bytes=cap), [body]
    )
    assert outcome(SSEFramer(), [start, *chunks]) == (by_the_rules(body), "")


def test_the_tail_is_dispatched_on_demand_alone() -> None:
    for body in (b"data: a\n\ndata: b", b"data: a\n\ndata: b\n", b"data: a\r\n\r\ndata: b\r\n"):
        assert outcome(SSEFramer(), [body]) == ([F(b"a")], "")
        assert outcome(SSEFramer(), [body], dispatch_tail=True) == ([F(b"a"), F(b"b")], "")
    assert outcome(SSEFramer(), [b"event: x\n"], dispatch_tail=True) == ([], "")


def test_an_event_is_there_with_the_byte_that_completes_it() -> None:
    framer = SSEFramer()
    body = b"data: a\r\n\r"
    assert [len(framer.feed(body[index : index + 1])) for index in range(len(body))] == [0] * 9 + [1]
    assert framer.feed(b"\ndata: b\n\n") == [F(b"b")]


def test_ids_and_retry_times_are_kept() -> None:
    framer = SSEFramer()
    framer.feed(b"id: 7\nretry: 1500\n\nid: a\0b\nretry: 2x\nretry: " + b"9" * 5000 + b"\n\n")
    assert (framer.last_event_id, framer.retry_ms) == ("7", 1500)
    framer.feed(b"id\n\n")
    assert framer.last_event_id == ""
    framer.feed(b"id: 9\ndata: unfinished")
    framer.finish()
    assert framer.last_event_id == ""


def test_comments_are_counted() -> None:
    framer = SSEFramer()
    framer.feed(b": OPENROUTER PROCESSING\n\n: ping\r\n\r\n:\n\ndata: a\n\n")
    assert framer.comments == 3


def test_stray_lines_are_kept_even_from_an_unterminated_block() -> None:
    framer = SSEFramer()
    framer.feed(b'data: {}\n\nerror: {"code":500}\n')
    assert framer.stray_lines == ()
    assert framer.finish() == []
    assert framer.stray_lines == ('error: {"code":500}',)


def test_the_last_few_stray_lines_are_kept_and_long_ones_cut() -> None:
    framer = SSEFramer()
    framer.feed(b"".join(b"e%d: x\n\n" % number for number in range(9)) + b"z" * 5000 + b"\n\n")
    assert [line[:3] for line in framer.stray_lines] == ["e5:", "e6:", "e7:", "e8:", "zzz"]
    assert len(framer.stray_lines[-1]) == 2000


def test_events_before_an_oversized_one_are_handed_out_and_then_the_error() -> None:
    framer = SSEFramer(max_event_bytes=100)
    assert framer.feed(b"data: a\n\ndata: " + b"x" * 200) == [F(b"a")]
    for again in (lambda: framer.feed(b"data: b\n\n"), lambda: framer.feed(b""), framer.finish):
        with pytest.raises(ProtocolError, match="more than 100 bytes"):
            again()


def test_an_event_of_exactly_the_cap_passes() -> None:
    body = b"data: " + b"x" * 94
    for chunks in every_way(body + b"\r\n\r\n"):
        assert outcome(SSEFramer(max_event_bytes=100), chunks) == ([F(b"x" * 94)], "")
        assert outcome(SSEFramer(max_event_bytes=99), chunks)[1] != ""


@pytest.mark.parametrize(
    ("cap", "growth"), [(1 << 20, 2 << 20), (4 << 20, 8 << 20), (DEFAULT_MAX_EVENT_BYTES, 12 << 20)]
)
@pytest.mark.parametrize("chunk_bytes", [1000, 65_536, 64 << 20])
def test_an_event_of_64_mib_is_refused_before_memory_grows(cap: int, growth: int, chunk_bytes: int) -> None:
    chunk = b"x" * chunk_bytes
    framer = SSEFramer(max_event_bytes=cap)
    framer.feed(b"data: ")
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError):
            feed_all(framer, repeat(chunk, (64 << 20) // chunk_bytes + 1))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < growth


def test_one_large_event_in_tiny_pieces_is_searched_once() -> None:
    """Each piece is looked at alone: 400,000 pieces of a byte would otherwise compare 80 billion bytes."""
    size = 400_000
    framer = SSEFramer()
    framer.feed(b"data: ")
    for _ in range(size):
        framer.feed(b"x")
    assert framer.feed(b"\n\n") == [F(b"x" * size)]
