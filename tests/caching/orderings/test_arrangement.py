"""`arrange` puts every part where the ordering wants it, once, and changes nothing else."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from agentlab.caching import orderings
from agentlab.caching.orderings.arrangement import arrange, prompt_as_sent, prompt_place
from agentlab.caching.orderings.ordering import PARTS, Ordering
from agentlab.errors import UsageError
from agentlab.messages import (
    AssistantMessage,
    Base64Source,
    Document,
    Message,
    Request,
    SpecificTools,
    SystemMessage,
    Text,
    ToolCall,
    ToolDefinition,
    ToolResult,
    UserMessage,
)

TOOLS = tuple(
    ToolDefinition(name, what)
    for name, what in [
        ("add", "Add two numbers."),
        ("weather", "The weather in a city."),
        ("search", "Search the web."),
    ]
)
CALL = ToolCall("c1", "add", '{"a":1}')


def request(**changes: object) -> Request:
    full = Request(
        model="m",
        tools=TOOLS,
        preamble="PREAMBLE",
        context=(Document.from_text("DOCUMENTS", "d"),),
        few_shots=(UserMessage.of("FEW_SHOTS"), AssistantMessage.of("shown")),
        messages=(UserMessage.of("HISTORY"), AssistantMessage.of("before"), UserMessage.of("PROMPT")),
        retrieved=(Document.from_text("RETRIEVED", "r"),),
        volatile=("VOLATILE",),
    )
    return structs.replace(full, **changes)


def said(message: Message) -> str:
    if isinstance(message, SystemMessage):
        return message.content
    return "\n".join(part.text for part in message.content if isinstance(part, Text | ToolResult))


def rendered(plain: Request) -> str:
    """The prompt behind the tools, as the wires render it."""
    assert (plain.few_shots, plain.retrieved, plain.volatile, plain.ordering) == ((), (), (), ())
    texts = [plain.preamble or "", *(document.rendered() for document in plain.context)]
    return "\n".join([*texts, *map(said, plain.messages)])


def sendable() -> list[Ordering]:
    found = []
    for parts in permutations(PARTS[1:]):
        try:
            found.append(Ordering("drawn", ("tools", *parts)))
        except UsageError:
            continue
    return found


@given(st.sampled_from(sendable()))
def test_every_part_comes_once_in_the_given_order(ordering: Ordering) -> None:
    text = rendered(arrange(request(ordering=ordering.parts)))
    words = [part.upper() for part in ordering.parts[1:]]
    assert [text.count(word) for word in words] == [1] * len(words)
    assert sorted(words, key=text.index) == words


@given(
    st.sampled_from(sendable()),
    st.sets(st.sampled_from(["preamble", "context", "few_shots", "retrieved", "volatile"])),
)
def test_parts_that_are_empty_leave_no_trace(ordering: Ordering, empty: set[str]) -> None:
    nothing = {name: None if name == "preamble" else () for name in empty}
    plain = arrange(request(ordering=ordering.parts, **nothing))
    gone = {"DOCUMENTS" if name == "context" else name.upper() for name in empty}
    text = rendered(plain)
    left = [part.upper() for part in ordering.parts[1:] if part.upper() not in gone]
    assert sorted(left, key=text.index) == left
    assert not any(word in text for word in gone)
    assert all(message.content for message in plain.messages)


def test_a_plain_request_is_given_back_as_it_is() -> None:
    plain = Request(model="m", preamble="P", messages=(UserMessage.of("hello"),))
    assert arrange(plain) is plain


def test_messages_that_need_no_change_stay_the_same_objects() -> None:
    full = request()
    plain = arrange(full)
    assert plain.messages[0] is full.few_shots[0]
    assert plain.messages[2] is full.messages[0]
    assert plain.context is full.context


def test_facts_stay_with_the_prompt_while_the_run_goes_on() -> None:
    first = request(prompt_index=2)
    later = request(
        messages=(
            *first.messages,
            AssistantMessage.of(CALL),
            UserMessage((ToolResult("c1", "add", (Text("3"),)),)),
            AssistantMessage.of("Three."),
            UserMessage.of("Answer in JSON."),
        ),
        prompt_index=2,
    )
    before, after = arrange(first).messages, arrange(later).messages
    assert after[: len(before)] == before
    assert said(before[-1]) == "<file id: r>\nRETRIEVED\n</file>\n\nVOLATILE\nPROMPT"


def test_without_an_index_the_prompt_is_the_last_message_that_says_something() -> None:
    results = UserMessage((ToolResult("c1", "add", (Text("3"),)),))
    messages = (UserMessage.of("a"), UserMessage.of("b"), AssistantMessage.of(CALL), results)
    assert prompt_place(Request(model="m", messages=messages)) == 1
    assert prompt_place(Request(model="m", messages=(results,))) is None


def test_tool_results_stay_at_the_head_of_the_prompts_message() -> None:
    mixed = UserMessage((ToolResult("c1", "add", (Text("3"),)), Text("PROMPT")))
    plain = arrange(request(messages=(AssistantMessage.of(CALL), mixed)))
    kinds = [type(part) for part in plain.messages[-1].content]
    assert kinds == [ToolResult, Text, Text, Text]


def test_system_messages_at_the_head_stay_there() -> None:
    plain = arrange(request(messages=(SystemMessage("RULE"), UserMessage.of("PROMPT"))))
    assert plain.messages[0] == SystemMessage("RULE")
    assert said(plain.messages[1]) == "FEW_SHOTS"


def test_volatile_facts_before_the_conversation_are_system_text() -> None:
    assert arrange(request(ordering=orderings.volatile_first.parts)).preamble == "VOLATILE\n\nPREAMBLE"
    parts = ("tools", "preamble", "volatile", *PARTS[2:6], "prompt")
    assert arrange(request(ordering=parts)).preamble == "PREAMBLE\n\nVOLATILE"


def test_a_preamble_behind_messages_is_a_system_message_and_refused_where_there_is_none() -> None:
    late = request(ordering=("tools", "documents", "few_shots", "preamble", *PARTS[4:]))
    assert SystemMessage("PREAMBLE") in arrange(late, wire="openai-chat").messages
    with pytest.raises(UsageError, match="no place for system text"):
        arrange(late, wire="gemini")


def test_documents_without_a_text_form_stay_parts() -> None:
    scan = Document(Base64Source("JVBERi0="), id="scan", media_type="application/pdf")
    plain = arrange(request(retrieved=(scan, Document.from_text("note", "n"))))
    assert [type(part) for part in plain.messages[-1].content] == [Text, Document, Text, Text]
    assert plain.messages[-1].content[1] is scan


@pytest.mark.parametrize("count", range(7))
def test_edges_put_the_most_relevant_first_and_last(count: int) -> None:
    documents = tuple(Document.from_text(f"<{number}>", f"{number}") for number in range(count))
    text = rendered(arrange(request(retrieved=documents, ordering=orderings.recency_edges.parts)))
    order = sorted(range(count), key=lambda number: text.index(f"<{number}>"))
    assert order == [*range(0, count, 2), *reversed(range(1, count, 2))]


def test_tools_are_chosen_by_what_was_said_last() -> None:
    parts = ("tools:1", *PARTS[1:])
    asked = request(ordering=parts, messages=(UserMessage.of("What is the weather in Paris?"),))
    assert [tool.name for tool in arrange(asked).tools] == ["weather"]
    must = structs.replace(asked, tool_choice=SpecificTools(("add", "search")))
    assert {tool.name for tool in arrange(must).tools} == {"add", "search"}


def test_the_prompt_as_sent_has_its_facts_but_not_the_agents_documents() -> None:
    kept = prompt_as_sent(request(ordering=orderings.docs_last.parts))
    assert said(kept) == "<file id: r>\nRETRIEVED\n</file>\n\nVOLATILE\nPROMPT"
    assert prompt_as_sent(request(ordering=orderings.volatile_first.parts, retrieved=())) == UserMessage.of(
        "PROMPT"
    )


def test_facts_without_a_prompt_are_refused() -> None:
    with pytest.raises(UsageError, match="no prompt"):
        arrange(request(messages=()))
    with pytest.raises(UsageError, match="no user message stands"):
        arrange(request(prompt_index=1))
