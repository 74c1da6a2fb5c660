"""Everything of ours that turns text into HTML or into text for a terminal: one line a renderer.

A renderer takes texts of a model and gives what a front end would be handed. The tests of safety go through all of them,
so a new view is proved by a line in `RENDERERS`, `TERMINAL` or `PAINTED`.
"""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import pandas as pd

from agentlab.agent.frames import turns_frame
from agentlab.agent.live import mimebundle
from agentlab.agent.records import TurnRecord
from agentlab.caching.linting.finding import Finding, Findings
from agentlab.experiments.results import Results
from agentlab.experiments.statistics import ComparisonFrame, compare
from agentlab.messages import CacheDiagnosis, Usage
from agentlab.notebook.cache.cache_view import cache_view
from agentlab.notebook.chat import static_view as chat_static_view
from agentlab.notebook.comparison.static_lanes import lanes_html, lanes_text
from agentlab.notebook.run.state import RunState
from agentlab.notebook.run.static_view import static_html, static_text
from agentlab.notebook.safety.markdown import StreamingMarkdown, render_markdown
from agentlab.notebook.safety.safe_html import element, escape, join, sanitise
from agentlab.notebook.short_traceback import short_traceback
from agentlab.notebook.trace.timeline import Timeline
from agentlab.plain_text import terminal_safe, well_formed
from agentlab.rich_display import html_of
from agentlab.tools import Toolset
from tests.notebook.hostile_objects import (
    agent_of,
    conversation_saying,
    error_saying,
    image_of,
    images_of,
    mcp_tool_of,
    models_of,
    plan_of,
    run_of,
    speech_of,
    tool_of,
    transcription_of,
    vendors_of,
)
from tests.notebook.hostile_run import USAGE, lanes_saying, state_saying, trace_saying

Renderer = Callable[[Sequence[str]], Iterable[str]]
CONTEXTS: Final = (
    "[{}](https://a.invalid)", "[a]({})", "[a](<{}>)", '[a](https://a.invalid "{}")', "![{}]({})", "<{}>", "[{}]",
    "[a][1]\n\n[1]: {}", "# {}", "> {}", "- {}", "| {} |\n|---|\n| {} |", "`{}`", "```{}\n{}\n```", "    {}", "**{}**",
    "\\({}\\) ${}$", "&lt;{}&gt;", "a\n{}\nb", "```python\n{}\n```", "~~~html\n{}\n~~~",
)  # fmt: skip


CONTEXT_LIMIT: Final = 200
EVERY: Final = 9
"""Of the texts, for what is slow to make, and for what another renderer here draws too."""


def each(render: Callable[[str], str]) -> Renderer:
    """A renderer of one text, for several."""
    return lambda texts: map(render, texts)


def in_every_context(text: str) -> str:
    """Markdown around the text that could carry it into a tag, an attribute or an address."""
    return join(render_markdown(context.replace("{}", text[:CONTEXT_LIMIT])) for context in CONTEXTS).html


def streamed(texts: Sequence[str]) -> Iterator[str]:
    """What a reader sees at seven moments of a stream that is cut between bytes, and at its end."""
    for text in texts:
        stream, raw = StreamingMarkdown(), text.encode("utf-8", "replace")
        step = max(1, math.ceil(len(raw) / 7))
        fed = 0
        for end in range(step, len(raw) + step, step):
            whole = raw[:end].decode("utf-8", "ignore")
            stream.feed(whole[fed:])
            fed = len(whole)
            yield join([*stream.blocks, stream.tail]).html
        stream.finish()
        yield join(stream.blocks).html


def in_elements(text: str) -> str:
    """Where a view of ours puts a text: between tags and in an attribute."""
    return join([element("span", text, title=text), element("pre", text), escape(text)]).html


def turns_table(texts: Sequence[str]) -> Iterator[str]:
    """The frame of a run's turns."""
    records = [
        TurnRecord(number, text, USAGE, cache_diagnosis=CacheDiagnosis("miss", text), request_id=text)
        for number, text in enumerate(map(well_formed, texts), 1)
    ]
    yield shown_frame(turns_frame(records))


def trace_tables(texts: Sequence[str]) -> Iterator[str]:
    """The other frames of a run."""
    trace = trace_saying([well_formed(text) for text in texts])
    yield from (shown_frame(frame) for frame in (trace.tool_calls, trace.blocks, trace.spans))


def shown_frame(frame: pd.DataFrame) -> str:
    """A frame as a notebook shows it, with nothing cut off."""
    with pd.option_context(
        "display.max_colwidth", None, "display.max_rows", None, "display.max_columns", None
    ):
        return str(frame._repr_html_())


def comparison_table(texts: Sequence[str]) -> Iterator[str]:
    """The frame of a comparison, its arms and groups named by the texts."""
    known = _compared()
    row = known.to_dict("records")[0]
    named = map(well_formed, texts)
    frame = ComparisonFrame(
        [{**row, "arm": name, "baseline": name, "metric": name, "group": name} for name in named]
    )
    frame.attrs = {**known.attrs, "by": ["group"]}
    with pd.option_context("display.max_colwidth", None, "display.max_rows", None):
        yield str(frame._repr_html_())


@cache
def _compared() -> ComparisonFrame:
    rows = [{"arm": arm, "sample_id": n, "repeat": 0, "score_exact": n % 2} for arm in "ab" for n in range(3)]
    return compare(pd.DataFrame(rows).astype({"arm": "category", "score_exact": float}), "arm", "score_exact")


def results_of(text: str) -> Results:
    """Results of a sweep that a text has stopped."""
    return Results(
        [], {text: [text]}, store=Path("none"), sweep_id=text, fresh=frozenset(), planned=1, stopped=text
    )


def findings_of(text: str) -> Findings:
    """A finding about a text."""
    return Findings([Finding(text, "error", text, text, text)])


def traceback_of(text: str) -> str:
    """What a notebook prints for an error of ours, without the bold of its first line, which is our own."""
    return re.sub("\x1b\\[[01;3]*m", "", "\n".join(short_traceback(error_saying(text))), count=2)


def run_pictures(texts: Sequence[str]) -> Iterator[str]:
    """The still pictures of a run of many turns, and of runs that failed before their first."""
    yield static_html(state_saying(texts, "stopped")).html
    yield static_html(state_saying(texts), deterministic=True).html
    for text in texts:
        state = RunState(text)
        state.stop("error", text)
        yield static_html(state).html


RENDERERS: Final[Mapping[str, Renderer]] = {
    "message": each(lambda text: render_markdown(text)._repr_html_()),
    "message in every context of Markdown": each(in_every_context),
    "message while it streams": streamed,
    "message of HTML": each(lambda text: sanitise(text).html),
    "text in elements": each(in_elements),
    "run": run_pictures,
    "RunResult": lambda texts: [mimebundle(trace_saying(texts[::EVERY]))["text/html"]],
    "Trace": lambda texts: [trace_saying(texts[::EVERY])._repr_mimebundle_()["text/html"]],
    "CacheView": lambda texts: [cache_view(trace_saying(texts)).html().html],
    "Chat": lambda texts: [chat_static_view.static_html(conversation_saying(texts)).html],
    "Comparison": lambda texts: [lanes_html(lanes_saying(texts)).html],
    "Timeline": lambda texts: [Timeline(trace_saying(texts), with_turns=True)._repr_html_()],
    "Explanations": lambda texts: [trace_saying(texts).explain()._repr_html_()],
    "Explanation": lambda texts: [one._repr_html_() for one in trace_saying(texts).explain()[:3]],
    "Findings": each(lambda text: findings_of(text)._repr_html_()),
    "Plan": lambda texts: [plan_of(text)._repr_html_() for text in texts[::EVERY]],
    "Results": each(lambda text: results_of(text)._repr_html_()),
    "Agent": each(lambda text: agent_of(text)._repr_html_()),
    "McpTool": each(lambda text: mcp_tool_of(text)._repr_html_()),
    "ModelList": each(lambda text: models_of(text)._repr_html_()),
    "FunctionTool": each(lambda text: html_of(tool_of(text))),
    "Toolset": each(lambda text: Toolset([tool_of(text)])._repr_html_()),
    "Vendors": each(lambda text: vendors_of(text)._repr_html_()),
    "Run": each(lambda text: run_of(text)._repr_html_()),
    "Usage": each(lambda text: Usage(input_tokens=1, raw={text: text})._repr_html_()),
    "Transcription": each(lambda text: transcription_of(text)._repr_html_()),
    "GeneratedImage": each(lambda text: image_of(text)._repr_html_()),
    "GeneratedImages": each(lambda text: images_of(text)._repr_html_()),
    "Speech": each(lambda text: speech_of(text)._repr_html_()),
    "SafeHTML": each(lambda text: pickle.loads(pickle.dumps(sanitise(text)))._repr_html_()),
    "frame of turns": turns_table,
    "frames of a trace": trace_tables,
    "ComparisonFrame": comparison_table,
}
"""HTML, as a cell's output holds it."""
INNER: Final = frozenset(
    [
        "message in every context of Markdown",
        "message while it streams",
        "message of HTML",
        "text in elements",
    ]
)
"""What never stands in an output alone, but in a view of ours."""


def all_rendered(texts: Sequence[str]) -> list[str]:
    """The texts through every renderer."""
    return [markup for render in RENDERERS.values() for markup in render(texts)]


TERMINAL: Final[Mapping[str, Callable[[str], str]]] = {
    "terminal_safe": terminal_safe,
    "run": lambda text: static_text(state_saying([text])),
    "RunResult": lambda text: mimebundle(trace_saying([text]))["text/plain"],
    "CacheView": lambda text: cache_view(trace_saying([text, text])).text(),
    "Chat": lambda text: chat_static_view.static_text(conversation_saying([text])),
    "Comparison": lambda text: lanes_text(lanes_saying([text])),
    "error": traceback_of,
    "Timeline": lambda text: str(Timeline(trace_saying([text]), with_turns=True)),
    "Explanations": lambda text: str(trace_saying([text, text]).explain()),
    "Explanation": lambda text: repr(trace_saying([text, text]).explain()[0]),
    "Findings": lambda text: str(findings_of(text)),
    "Results": lambda text: repr(results_of(text)),
    "Plan": lambda text: f"{plan_of(text)!r}{plan_of(text)}",
    "Agent": lambda text: repr(agent_of(text)),
    "Toolset": lambda text: repr(Toolset([tool_of(text)])),
    "Vendors": lambda text: repr(vendors_of(text)),
    "Run": lambda text: repr(run_of(text)),
    "Transcription": lambda text: repr(transcription_of(text)),
    "GeneratedImages": lambda text: repr(image_of(text)) + repr(images_of(text)),
    "Speech": lambda text: repr(speech_of(text)),
    "Conversation": lambda text: repr(conversation_saying([text])),
}
"""Text, as a terminal is handed it."""
