"""Documents and tools found for a prompt: where they stand, that they stay, and what happens when an index does not answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agentlab.agent import Hook, Run, Trace
from agentlab.agent.retrieving.entries import DynamicContext, DynamicTools
from agentlab.errors import RetrievalFailed
from agentlab.messages import (
    Document,
    Image,
    Message,
    Notice,
    RequestSent,
    RetrievalStarted,
    Retrieved,
    Text,
    TextSource,
    TurnStarted,
    UserMessage,
)
from agentlab.retrieval import F, Hit
from agentlab.simulator import call, reply
from agentlab.tools import Toolset, tool
from tests.agent.bench import Bench, add
from tests.agent.shelf import Shelf, hits_of
from tests.notebook.run.made_images import PNG

pytestmark = pytest.mark.anyio


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


@tool
def search_flights(origin: str) -> str:
    """Find flights that leave an airport."""
    return f"none from {origin}"


LARGE = Toolset([weather, search_flights])


def bodies(bench: Bench) -> list[str]:
    return [request.body.decode() for request in bench.requests]


async def test_documents_stand_in_the_prompts_message_behind_the_history_and_stay_there(
    bench: Bench, vendor: str
) -> None:
    shelf = Shelf(lambda query: hits_of(f"First of {query}", f"Second of {query}"))
    agent = bench.agent(vendor, ["One.", "Two."], dynamic_context=[(2, shelf)], context=["Static."])
    history: list[Message] = []
    await agent.chat("aaa?", history)
    await agent.chat("bbb?", history)
    assert [asked["query"] for asked in shelf.asked] == ["aaa?", "bbb?"]
    first, second = bodies(bench)
    assert bench.refused == []
    places = [
        second.index(text) for text in ("Static.", "First of aaa?", "One.", "First of bbb?", "Second of bbb?")
    ]
    assert places == sorted(places)
    assert second.rindex("bbb?") > second.index("Second of bbb?")
    assert first.count("First of") == 1
    [prompt, _, again, _] = history
    assert isinstance(prompt, UserMessage)
    assert prompt.content[0] == Text(
        "<file id: d0>\nFirst of aaa?\n</file>\n<file id: d1>\nSecond of aaa?\n</file>\n"
    )
    assert "First of bbb?" in str(again)


async def test_behind_the_preamble_they_come_anew_with_each_prompt(bench: Bench, vendor: str) -> None:
    shelf = Shelf(lambda query: hits_of(f"Page on {query}"))
    entry = DynamicContext(shelf, placement="preamble")
    agent = bench.agent(
        vendor, ["One.", "Two."], dynamic_context=entry, context=["Static."], preamble="Be brief."
    )
    history: list[Message] = []
    await agent.chat("aaa?", history)
    await agent.chat("bbb?", history)
    _, second = bodies(bench)
    places = [second.index(text) for text in ("Static.", "Page on bbb?", "aaa?", "One.")]
    assert places == sorted(places)
    assert "Page on aaa?" not in second
    assert "Page on" not in str(history)


async def test_the_indexes_are_asked_once_a_run_at_the_same_time_and_told_in_their_order(
    bench: Bench,
) -> None:
    waiting = asyncio.Barrier(2)

    async def together(_query: str) -> list[Hit]:
        await waiting.wait()
        return hits_of("from one")

    slow = Shelf(together, "slow", turns=5)
    quick = Shelf(together, "quick")
    turns = [call("add", a=1, b=2), call("add", a=3, b=3), "Six."]
    run = await bench.agent("openai-chat", turns, tools=[add], dynamic_context=[slow, (1, quick)]).prompt(
        "go"
    )
    assert (len(slow.asked), len(quick.asked)) == (1, 1)
    assert list(run.retrieved["index"]) == ["slow", "quick"]
    assert list(run.retrieved["used"]) == [True, False]
    assert [body.count("from one") for body in bodies(bench)] == [1, 1, 1]


async def test_a_document_found_twice_is_told_once_and_other_documents_of_one_id_are_both_told(
    bench: Bench,
) -> None:
    one = Shelf([Hit(0.9, "a", "same", {"page": 1}), Hit(0.8, "b", "one's own")])
    two = Shelf([Hit(0.7, "a", "same", {"page": 1}), Hit(0.6, "b", "two's own")])
    run = await bench.agent("openai-chat", ["x"], dynamic_context=[one, two]).prompt("go")
    [body] = bodies(bench)
    assert (body.count("same"), body.count("one's own"), body.count("two's own")) == (1, 1, 1)
    assert list(run.retrieved["used"]) == [True, True, False, True]


async def test_json_is_laid_out_with_sorted_keys_and_what_cannot_be_sent_is_mended(bench: Bench) -> None:
    found = [
        Hit(1, "j", {"b": [1, "\ud800"], "a": None}, {"z": True, "year": 2020, "none": None, "l": ["x"]})
    ]
    run = await bench.agent("anthropic", ["x"], dynamic_context=[Shelf(found)]).prompt("go")
    assert run.run.facts is not None
    [document] = run.run.facts.retrieved
    assert document == Document(
        TextSource('{\n  "a": null,\n  "b": [\n    1,\n    "?"\n  ]\n}'),
        id="j",
        metadata={"l": '["x"]', "year": "2020", "z": "true"},
    )
    assert bench.refused == []


async def test_a_document_is_shown_as_the_user_says(bench: Bench) -> None:
    shelf = Shelf([Hit(1, "a", "text", {"url": "u"})])
    shown = DynamicContext(shelf, render=lambda hit: f"{hit.document} at {hit.metadata['url']}")
    whole = DynamicContext(shelf, render=lambda hit: Document.from_text("mine", id=f"my {hit.id}"))
    run = await bench.agent("openai-chat", ["x"], dynamic_context=[shown, whole]).prompt("go")
    assert run.run.facts is not None
    assert [each.rendered() for each in run.run.facts.retrieved] == [
        "<file id: a>\ntext at u\n</file>\n",
        "<file id: my a>\nmine\n</file>\n",
    ]
    wrong = DynamicContext(shelf, render=lambda _hit: 5)  # type: ignore[arg-type, return-value]
    with pytest.raises(RetrievalFailed, match="`render` gave 5"):
        await bench.agent("openai-chat", ["x"], dynamic_context=wrong).prompt("go")


# ----------------------------------------------------------------- the query


async def test_a_prompt_without_text_is_asked_for_in_the_words_of_the_newest_message_and_not_of_its_documents(
    bench: Bench,
) -> None:
    shelf = Shelf(hits_of("A page."))
    agent = bench.agent("anthropic", ["One.", "Two."], dynamic_context=[shelf])
    history: list[Message] = []
    await agent.chat("What is this?", history)
    await agent.chat([Image.from_bytes(PNG)], history)
    assert [asked["query"] for asked in shelf.asked] == ["What is this?", "What is this?"]


async def test_without_any_text_nothing_is_retrieved_and_the_trace_says_so(bench: Bench) -> None:
    shelf = Shelf(hits_of("A page."))
    run = await bench.agent("anthropic", ["One."], dynamic_context=[shelf], dynamic_tools=LARGE).prompt(
        [Image.from_bytes(PNG)]
    )
    assert shelf.asked == []
    [notice] = run.trace.of(Notice)
    assert notice.text.startswith("nothing was retrieved")
    assert run.retrieved.empty


async def test_threshold_filter_and_n_are_passed_on_and_an_index_that_finds_too_much_is_cut(
    bench: Bench,
) -> None:
    class Generous(Shelf):
        async def top_n(self, query: str, n: int = 5, **options: Any) -> list[Hit]:
            return await super().top_n(query, 99, **options)

    shelf = Generous(hits_of("one", "two", "three"))
    chosen = F("year") > 2000
    entry = DynamicContext(shelf, 2, threshold=0.25, filter=chosen)
    run = await bench.agent("openai-chat", ["x"], dynamic_context=entry).prompt("go")
    assert shelf.asked == [{"query": "go", "n": 99, "threshold": 0.25, "filter": chosen}]
    assert list(run.retrieved["id"]) == ["d0", "d1"]


# ----------------------------------------------------------------- the tools


async def test_found_tools_stand_behind_the_agents_own_and_stay_for_the_run(
    bench: Bench, vendor: str
) -> None:
    turns = [reply(calls=[call("weather", city="Oslo")]), "It is sunny."]
    agent = bench.agent(vendor, turns, tools=[add], dynamic_tools=DynamicTools.lexical(LARGE, 1))
    run = await agent.prompt("What is the weather in Oslo?")
    assert run.text == "It is sunny."
    assert list(run.trace.tool_calls["result"]) == ["sunny in Oslo"]
    for request in run.trace.asked:
        assert [each.name for each in request.tools] == ["add", "weather"]
    assert not list(run.trace.of(Notice))
    assert list(run.retrieved["kind"]) == ["tools"]


async def test_a_tool_the_agent_has_is_offered_once_and_one_without_implementation_is_told_of(
    bench: Bench,
) -> None:
    shelf = Shelf([Hit(1, name, "") for name in ("add", "gone", "weather", "weather")], "tools")
    index = DynamicTools(shelf, LARGE, 4)
    run = await bench.agent("openai-chat", ["x"], tools=[add], dynamic_tools=[index]).prompt("go")
    assert [each.name for each in run.trace.asked[0].tools] == ["add", "weather"]
    assert list(run.retrieved["used"]) == [False, False, True, False]
    [notice] = run.trace.of(Notice)
    assert (notice.kind, "`gone`" in notice.text) == ("warning", True)
    order = [type(traced.event) for traced in run.trace.events[:4]]
    assert order == [RetrievalStarted, Retrieved, TurnStarted, Notice]


async def test_a_tool_that_was_not_found_cannot_be_called(bench: Bench) -> None:
    turns = [reply(calls=[call("search_flights", origin="OSL")]), "No flights then."]
    agent = bench.agent("openai-chat", turns, dynamic_tools=[(1, LARGE)])
    run = await agent.prompt("What is the weather in Oslo?")
    assert "there is no tool `search_flights`; there are weather" in bodies(bench)[1]
    assert run.text == "No flights then."


async def test_tools_are_found_by_the_words_of_their_names_and_parameters(bench: Bench) -> None:
    agent = bench.agent("openai-chat", ["x", "x"], dynamic_tools=[(1, LARGE)])
    for prompt, name in (("Any flights today?", "search_flights"), ("In which city?", "weather")):
        assert list((await agent.prompt(prompt)).retrieved["id"]) == [name]


async def test_a_typed_answer_by_a_tool_is_found_beside_retrieved_tools(bench: Bench) -> None:
    turns = [reply(calls=[call("weather", city="Oslo")]), reply(calls=[call("final_result", result=7)])]
    agent = bench.agent("openai-chat", turns, dynamic_tools=[(1, LARGE)])
    assert await agent.prompt_typed("How warm is the weather in Oslo?", int, mode="tool") == 7
    assert [[each["function"]["name"] for each in body["tools"]] for body in sent(bench)] == [
        ["weather", "final_result"]
    ] * 2


async def test_a_typed_answer_is_given_from_retrieved_documents(bench: Bench) -> None:
    shelf = Shelf(hits_of("Refunds take five days."))
    agent = bench.agent("openai-chat", ['{"result": 5}'], dynamic_context=[shelf])
    assert await agent.prompt_typed("How many days?", int) == 5
    [body] = bodies(bench)
    assert "Refunds take five days." in body
    assert "response_format" in body


def sent(bench: Bench) -> list[dict[str, Any]]:
    return [request.json or {} for request in bench.requests]


# ------------------------------------------------------------ going on later


async def test_a_run_that_is_read_back_does_not_retrieve_again_and_sends_the_same_prefix(
    bench: Bench,
) -> None:
    shelf = Shelf(hits_of("A page."))
    turns = [reply(calls=[call("weather", city="Oslo")]), "Sunny."]
    options: dict[str, Any] = {"dynamic_context": [shelf], "dynamic_tools": [(1, LARGE)], "tools": [add]}
    agent = bench.agent("anthropic", turns, **options)
    run = agent.start("The weather in Oslo?")
    async for _ in agent.resume(run):
        if run.status == "calling_tools":
            break
    again = Run.from_json(run.to_json())
    assert again.facts == run.facts
    assert again.facts is not None
    assert (again.facts.tools, len(again.facts.retrieved)) == (("weather",), 1)
    again.status, again.stop_reason, again.messages = "calling_tools", None, again.messages[:2]
    stream = agent.resume(again)
    async for _ in stream:
        pass
    assert stream.run.text == "Sunny."
    assert len(shelf.asked) == 1
    assert not list(stream.trace.of(Retrieved))
    first, second = sent(bench)
    assert second["tools"] == first["tools"]
    assert second["messages"][0] == first["messages"][0]


async def test_a_run_that_found_nothing_does_not_ask_again(bench: Bench) -> None:
    shelf = Shelf()
    agent = bench.agent("openai-chat", [call("add", a=1, b=2), "x"], tools=[add], dynamic_context=[shelf])
    run = agent.start("go")
    async for event in agent.resume(run):
        if isinstance(event, RequestSent):
            break
    assert run.facts is not None
    assert run.messages[0] == UserMessage.of("go")
    assert len(shelf.asked) == 1


async def test_the_trace_with_what_was_retrieved_comes_back_from_json(bench: Bench) -> None:
    shelf = Shelf([Hit(float("nan"), "a", "text")])
    run = await bench.agent("openai-chat", ["x"], dynamic_context=[shelf]).prompt("go")
    again = Trace.from_json(run.trace.to_json())
    assert again == run.trace
    assert again.retrieved.equals(run.retrieved)
    [row] = run.retrieved.to_dict("records")
    assert (row["index"], row["rank"], row["id"], row["size"], row["used"]) == ("shelf", 1, "a", 4, True)
    assert row["score"] != row["score"]  # NaN: the index gave none


async def test_hooks_see_and_can_change_what_was_retrieved(bench: Bench) -> None:
    seen = []

    class Look(Hook):
        def on_completion_call(self, _context: Any, request: Any) -> None:
            seen.append([each.id for each in request.retrieved])

    await bench.agent("openai-chat", ["x"], hooks=[Look()], dynamic_context=Shelf(hits_of("A"))).prompt("go")
    assert seen == [["d0"]]
