"""The rules that need no server: names, pins, lists, lines, bounds, and what passes on the wire."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import ToolError, UsageError
from agentlab.messages import Base64Source, Image, Json, Text
from agentlab.tools.mcp.catalog import Catalog
from agentlab.tools.mcp.contents import bounded
from agentlab.tools.mcp.lines import BoundedLines, LineTooLong, Tail
from agentlab.tools.mcp.naming import offered_names, shown_schema, shown_text
from agentlab.tools.mcp.paging import all_pages
from agentlab.tools.mcp.pinning import ListedTool, difference, pin_of, read_pins
from agentlab.tools.mcp.watching import Flood, Watch

NAMES = st.sampled_from(["a", "b", "c"])
TOOLS = st.builds(
    ListedTool,
    name=NAMES,
    description=st.sampled_from(["", "adds", "subtracts"]),
    input_schema=st.sampled_from([{"type": "object"}, {"type": "object", "properties": {"x": {}}}]),
    annotations=st.sampled_from([{}, {"readOnlyHint": True}]),
)


def tool(name: str = "add", description: str = "Add.", **schema: Any) -> ListedTool:
    return ListedTool(name, description, {"type": "object", **schema})


def listed(catalog: Catalog, *tools: ListedTool) -> None:
    assert catalog.apply(catalog.begin(), tools)


def call_of(name: str) -> Any:
    return SimpleNamespace(method="tools/call", id=1, params={"name": name})


# ----------------------------------------------------------------------- names


@given(
    st.lists(st.text("ab._- /\u00e9\u202e\U0001f642", max_size=70), unique=True, max_size=8),
    st.sampled_from(["", "files_"]),
)
def test_every_name_offered_is_valid_and_one_tool_has_it(names: list[str], prefix: str) -> None:
    offered = offered_names(names, prefix)
    assert list(offered) == names
    assert len(set(offered.values())) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in offered.values())


def test_a_name_that_is_valid_stays_and_one_that_is_spelled_as_it_gives_way() -> None:
    assert offered_names(["a.b", "a_b"])["a_b"] == "a_b"
    assert re.fullmatch(r"a_b_[0-9a-f]{8}", offered_names(["a.b", "a_b"])["a.b"])


def test_a_tool_that_comes_later_does_not_take_the_name_of_an_earlier_one() -> None:
    catalog = Catalog("server")
    listed(catalog, tool("a.b"))
    listed(catalog, tool("a.b"), tool("a_b"))
    assert catalog.offered["a_b"].name == "a.b"
    assert [each.name for each in catalog.offered.values()] == ["a.b", "a_b"]


def test_texts_are_shown_without_what_a_reader_does_not_see() -> None:
    assert shown_text("a\u200b\u202eb\x1b[31mc\U000e0041") == "abc"
    assert shown_text("x" * 9_000).endswith("… [1,000 more characters]")
    schema = {"properties": {"description": {"description": "d\u200b", "pattern": "\u200b"}}}
    assert shown_schema(schema) == {"properties": {"description": {"description": "d", "pattern": "\u200b"}}}


# ------------------------------------------------------------------------ pins


@given(st.lists(st.lists(TOOLS, max_size=4), max_size=6))
def test_no_tool_may_be_called_by_another_definition_than_the_first_one_seen(
    listings: list[list[ListedTool]],
) -> None:
    catalog = Catalog("server")
    first: dict[str, ListedTool] = {}
    for listing in listings:
        listed(catalog, *listing)
        now = {each.name: each for each in listing}
        for name, each in now.items():
            first.setdefault(name, each)
        for name in "abc":
            if name in now and now[name] == first[name]:
                assert catalog.check(name) == first[name]
            else:
                with pytest.raises(ToolError):
                    catalog.check(name)
        assert {each.name for each in catalog.offered.values()} == {n for n in now if now[n] == first[n]}


@given(TOOLS, TOOLS)
def test_a_difference_is_told_exactly_where_there_is_one(one: ListedTool, other: ListedTool) -> None:
    same = (one.description, one.input_schema, one.annotations) == (
        other.description,
        other.input_schema,
        other.annotations,
    )
    assert (difference(one, pin_of(one), other) == "") is same
    assert (difference(None, pin_of(one), other) == "") is same


def test_the_order_of_a_schemas_keys_is_no_change() -> None:
    assert pin_of(tool(a=1, b=2)) == pin_of(tool(b=2, a=1))


def test_saved_pins_survive_and_broken_ones_are_refused() -> None:
    catalog = Catalog("server")
    listed(catalog, tool())
    assert read_pins(catalog.pins) == {"add": pin_of(tool())}
    with pytest.raises(UsageError, match="the pin of `add` is not one"):
        Catalog("server", {"add": "sha256:00"})


def test_a_tool_that_returns_changed_stays_disabled_until_it_is_accepted() -> None:
    catalog = Catalog("server")
    listed(catalog, tool())
    listed(catalog)
    listed(catalog, tool(description="Send it."))
    assert catalog.changed == {"add": 'its description was ["Add.",""] and is ["Send it.",""]'}
    catalog.accept("add")
    assert catalog.check("add").description == "Send it."
    listed(catalog, tool())
    assert catalog.changed


# ---------------------------------------------------------------------- lists


def test_a_listing_that_was_asked_for_earlier_does_not_replace_a_later_one() -> None:
    catalog = Catalog("server")
    early, late = catalog.begin(), catalog.begin()
    assert catalog.apply(late, [tool("new")])
    assert not catalog.apply(early, [tool("old")])
    assert list(catalog.offered) == ["new"]


def test_a_change_while_a_listing_is_on_its_way_leaves_the_catalog_stale() -> None:
    catalog = Catalog("server")
    ticket = catalog.begin()
    catalog.announce_change()
    catalog.apply(ticket, [tool()])
    assert catalog.stale
    listed(catalog, tool())
    assert not catalog.stale


@pytest.mark.anyio
async def test_pages_end_at_a_bound_at_a_circle_and_at_their_end() -> None:
    async def endless(cursor: str | None) -> Any:
        return SimpleNamespace(tools=[1], next_cursor=str(int(cursor or 0) + 1))

    async def circle(cursor: str | None) -> Any:
        return SimpleNamespace(tools=[1], next_cursor="again")

    async def three(cursor: str | None) -> Any:
        return SimpleNamespace(tools=[1], next_cursor=None if cursor == "2" else str(int(cursor or 0) + 1))

    found, note = await all_pages(endless, "tools", "tools", 500)
    assert (len(found), note) == (100, "its list of tools has more than 100 pages; what came before is taken")
    assert await all_pages(circle, "tools", "tools", 500) == (
        [1, 1],
        "its list of tools comes back to where it was; what came before is taken",
    )
    assert await all_pages(three, "tools", "tools", 500) == ([1, 1, 1], "")
    found, note = await all_pages(endless, "tools", "tools", 5)
    assert (len(found), note) == (5, "it lists more than 5 tools; 1 more and further pages are left out")


# ----------------------------------------------------------------------- bytes


@given(st.lists(st.binary(max_size=8), max_size=8), st.integers(1, 5))
def test_lines_are_the_same_however_the_bytes_are_cut(lines: list[bytes], step: int) -> None:
    data = b"".join(line.replace(b"\n", b"") + b"\n" for line in lines)
    whole = BoundedLines(100).feed(data)
    pieces = BoundedLines(100)
    cut = [line for start in range(0, len(data), step) for line in pieces.feed(data[start : start + step])]
    assert cut == whole == [line for line in (each.strip() for each in data.split(b"\n")) if line]


def test_a_line_that_is_too_long_is_found_before_its_end() -> None:
    lines = BoundedLines(10)
    lines.feed(b"12345\n123456789")
    with pytest.raises(LineTooLong):
        lines.feed(b"xx")


def test_the_end_of_a_long_text_is_kept_and_says_so() -> None:
    tail = Tail(5)
    tail.feed(b"0123456")
    tail.feed(b"789")
    assert tail.text == "[5 bytes before] 56789"


# -------------------------------------------------------------------- contents


def test_a_result_is_cut_with_a_note_of_how_much_more_there_was() -> None:
    assert bounded([Text("abc"), Text("def"), Text("ghi")], 4) == (
        Text("abc"),
        Text("d… [2 more characters]"),
        Text("… [3 more characters]"),
    )
    assert bounded([Json({"a": "x" * 10})], 5) == (Text('{"a":… [13 more characters]'),)
    assert bounded([Text("")] * 70, 5)[-1] == Text("[6 more parts]")
    big = Image(Base64Source("A" * 5_000_000), "image/png")
    assert bounded([big, big], 5) == (big, Text("[image image/png, 3,750,000 bytes, left out]"))


# ------------------------------------------------------------------------ wire


def test_a_call_leaves_only_while_the_definitions_are_known_to_hold() -> None:
    catalog = Catalog("server")
    watch = Watch(catalog)
    listed(catalog, tool())
    assert watch.sending(call_of("add")) is None
    assert "no longer offers" in str(watch.sending(call_of("sub")))
    watch.received(SimpleNamespace(method="notifications/tools/list_changed", params=None), 0.0)  # type: ignore[arg-type]
    assert watch.sending(call_of("add")) == "the definitions of the tools may have changed"
    listed(catalog, tool(description="Send it."))
    assert "disabled" in str(watch.sending(call_of("add")))


def test_a_call_that_the_server_finds_outdated_is_not_sent_again_before_the_tools_are_listed() -> None:
    catalog = Catalog("server")
    watch = Watch(catalog)
    listed(catalog, tool())
    watch.received(SimpleNamespace(id=1, error=SimpleNamespace(code=-32_020)), 0.0)  # type: ignore[arg-type]
    assert watch.sending(call_of("add")) is not None


def test_notifications_are_a_flood_only_within_a_window() -> None:
    told: Any = SimpleNamespace(method="notifications/message", params={})
    slow, fast = Watch(Catalog("a"), most_notifications=3), Watch(Catalog("b"), most_notifications=3)
    for number in range(20):
        slow.received(told, 5.0 * number)
    assert fast.received(told, 0.0)
    assert fast.received(told, 1.0)
    with pytest.raises(Flood, match="3 notifications within 10 s"):
        fast.received(told, 2.0)


def test_a_server_is_answered_some_questions_at_a_time_and_no_more() -> None:
    watch = Watch(Catalog("a"), most_questions=2)
    asked = [SimpleNamespace(method="ping", id=number, params=None) for number in range(3)]
    assert [watch.received(each, 0.0) for each in asked] == [True, True, False]  # type: ignore[arg-type]
    watch.sending(SimpleNamespace(id=0, result={}))  # type: ignore[arg-type]
    assert watch.received(SimpleNamespace(method="ping", id=9, params=None), 0.0)  # type: ignore[arg-type]
    watch.received(SimpleNamespace(method="notifications/cancelled", params={"requestId": 9}), 0.0)  # type: ignore[arg-type]
    assert watch.received(SimpleNamespace(method="ping", id=10, params=None), 0.0)  # type: ignore[arg-type]
