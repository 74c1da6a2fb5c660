"""The pictures of objects: what a reader needs is in them, every text escaped, nothing without a bound."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import agentlab as al
from agentlab.errors import UsageError
from agentlab.messages import Usage
from agentlab.notebook.objects.object_html import object_html
from agentlab.notebook.objects.tools_html import signature
from tests.notebook.hostile import BY_CLASS, Contents
from tests.notebook.objects.shown_objects import shown_objects

OWN_TAGS = {
    "div",
    "span",
    "strong",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "details",
    "summary",
    "pre",
    "code",
}
OWN_TAGS |= {"del", "ins", "em", "ul", "li", "img", "audio"}
OWN_ATTRIBUTES = {"style", "title", "open", "class", "role", "aria-label"}
OWN_ATTRIBUTES |= {"src", "alt", "width", "height", "controls", "preload"}


@al.tool
def search(query: str, limit: int = 10, kinds: list[str] | None = None) -> list[str]:
    """Search the library.

    Args:
        query: What to look for.
        limit: How many.
        kinds: Kinds of papers.
    """
    return [query, *(kinds or [])][:limit]


AGENT = al.Agent(
    "sim:openai/gpt-5.6",
    name="reader",
    preamble="You are terse.",
    context=["The cache is read from the start."],
    tools=[search],
    temperature=0.2,
)


def text_of(shown: object) -> str:
    return Contents(shown._repr_html_()).text  # type: ignore[attr-defined]


def test_an_agent_shows_its_model_preamble_context_tools_and_what_is_not_the_default() -> None:
    text = text_of(AGENT)
    for part in (
        "reader",
        "sim:openai/gpt-5.6",
        "You are terse.",
        "static_doc_0",
        "search(query: string",
        "temperature0.2",
    ):
        assert part in text
    assert "max_turns" not in text


def test_a_key_among_the_options_is_masked() -> None:
    agent = AGENT.with_(additional_params={"api_key": "sk-abcdefgh12345678"})
    assert "sk-abcdefgh12345678" not in agent._repr_html_()
    assert "[redacted]" in agent._repr_html_()


def test_a_signature_says_what_may_be_left_out() -> None:
    assert (
        signature(search.definition)
        == "search(query: string, limit?: integer, kinds?: array of string | null)"
    )


def test_a_tool_shows_its_parameters_and_its_schema() -> None:
    text = text_of(search)
    assert "What to look for." in text
    assert '"required"' in text
    assert "1 tool" in text_of(AGENT.tools)


def test_usage_shows_each_kind_of_token_with_its_share() -> None:
    text = text_of(Usage(input_tokens=1_000, cache_read_tokens=750, output_tokens=40))
    assert "1,040 tokens" in text
    assert "read75075%" in text
    assert "not reported" in text_of(Usage())


def test_a_run_shows_where_it_stands_and_what_it_waits_for() -> None:
    run = al.Run.start(al.UserMessage.of("What now?"), max_turns=3)
    call = al.ToolCall("1", "search", '{"query": "x"}')
    run.model_turn(al.TurnFinished(al.AssistantMessage.of(call), Usage(input_tokens=7)))
    text = text_of(run)
    for part in ("calling tools", "What now?", "1 of at most 3", "waits forsearch", "2 messages"):
        assert part in text
    assert repr(run) == "Run('calling_tools', messages=2, turns=1/3)"


def test_the_vendors_are_a_table_and_still_a_mapping() -> None:
    vendors = al.vendors()
    assert "ANTHROPIC_API_KEY" in text_of(vendors)
    assert dict(vendors)["openai"] is vendors["openai"]
    assert "nothing" not in vendors
    assert len(list(vendors)) == len(vendors)


def test_what_has_no_picture_is_refused() -> None:
    with pytest.raises(UsageError, match="int has no picture"):
        object_html(3)


@pytest.mark.parametrize("attacks", BY_CLASS.values(), ids=BY_CLASS)
def test_no_text_of_an_object_becomes_more_than_text(attacks: tuple[str, ...]) -> None:
    for attack in attacks:
        text = attack.encode("utf-8", "replace").decode() or "x"
        for name, shown in shown_objects(text).items():
            if name == "all vendors" or not hasattr(shown, "_repr_html_"):
                continue
            found = Contents(shown._repr_html_())
            assert found.tags <= OWN_TAGS, (name, text)
            assert {attribute for _, attribute, _ in found.attributes} <= OWN_ATTRIBUTES, (name, text)


def test_long_texts_and_many_parts_give_a_bounded_picture() -> None:
    shown = shown_objects("many words " * 5_000)
    sizes = {name: len(each._repr_html_()) for name, each in shown.items() if hasattr(each, "_repr_html_")}
    del sizes["Results"], sizes["Findings"], sizes["Explanation"], sizes["Explanations"]
    assert max(sizes.values()) < 60_000, sizes


def test_pictures_are_the_same_every_time_and_hold_no_address() -> None:
    for name, each in shown_objects("a text").items():
        if hasattr(each, "_repr_html_"):
            markup = each._repr_html_()
            assert markup == each._repr_html_(), name
            assert re.search(r"0x[0-9a-f]{6,}", markup) is None, name


def test_objects_load_nothing_of_the_notebook_before_they_are_shown() -> None:
    code = (
        "import sys, agentlab as al\n"
        "al.Agent('sim:openai/gpt-5.6'), al.vendors(), al.Usage(), al.Toolset()\n"
        "assert not {'nh3', 'IPython'} & set(sys.modules) and not any('.notebook.' in name for name in sys.modules)\n"
        "al.Usage()._repr_html_()\n"
        "assert not {'anywidget', 'ipywidgets', 'IPython'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
