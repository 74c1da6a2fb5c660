"""What holds for every figure: legible on both grounds, nothing overlaps, nothing global changes, errors are clear."""

from __future__ import annotations

import itertools
import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import colors
from matplotlib.text import Text

from agentlab.errors import UsageError
from agentlab.experiments import plots
from agentlab.experiments.plots.style import _THEMES, quantity
from agentlab.experiments.statistics import compare
from tests.experiments.plots.frames import message_frame, run_frame, turn_frame

RUNS = run_frame(questions=6, repeats=2)
MANY = run_frame(
    models=tuple(f"sim:vendor/model-with-a-long-name-{place}" for place in range(6)), questions=8
)
ONE = RUNS[(RUNS["model"] == RUNS["model"].iloc[0]) & (RUNS["ordering"] == "static_first")]
UNPRICED = RUNS.assign(cost_usd=RUNS["cost_usd"].where(RUNS["ordering"] != "docs_last"))

FIGURES = {
    "cost_quality": lambda **how: plots.cost_quality(UNPRICED, **how),
    "cost_quality of many": lambda **how: plots.cost_quality(MANY, **how),
    "cost_quality of one": lambda **how: plots.cost_quality(ONE, **how),
    "cache_by_turn": lambda **how: plots.cache_by_turn(turn_frame(RUNS), **how),
    "cache_by_turn of many": lambda **how: plots.cache_by_turn(
        turn_frame(MANY), hue=["model", "ordering"], **how
    ),
    "ttft": lambda **how: plots.ttft(turn_frame(RUNS), hue="ordering", **how),
    "turn_tokens": lambda **how: plots.turn_tokens(turn_frame(ONE), **how),
    "forest": lambda **how: plots.forest(compare(RUNS, "ordering", "score_exact", by="model"), **how),
    "forest of many": lambda **how: plots.forest(compare(MANY, "model", "score_exact", by="ordering"), **how),
    "prefix_tree": lambda **how: plots.prefix_tree(message_frame(), **how),
    "spend": lambda **how: plots.spend(UNPRICED, budget_usd=5, **how),
    "variance_split": lambda **how: plots.variance_split(RUNS, "score_exact", **how),
    "win_tie_loss": lambda **how: plots.win_tie_loss(RUNS, "ordering", "score_exact", **how),
    "win_tie_loss of many": lambda **how: plots.win_tie_loss(MANY, "model", "score_exact", **how),
}
KINDS = [name for name in FIGURES if " " not in name]


def luminance(colour) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = np.array(colors.to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, two) -> float:
    bright, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def shown_texts(figure) -> list[Text]:
    figure.draw_without_rendering()
    ticks = set()
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                if not low <= tick.get_loc() <= high:
                    ticks |= {tick.label1, tick.label2}
    return [
        text
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text not in ticks
    ]


@pytest.mark.parametrize("figure", FIGURES)
def test_no_text_of_a_figure_overlaps_another_or_leaves_the_figure(figure):
    drawn = FIGURES[figure](theme="light").figure
    boxes = [(text.get_text(), text.get_window_extent()) for text in shown_texts(drawn)]
    for (one, first), (two, second) in itertools.combinations(boxes, 2):
        across = min(first.x1, second.x1) - max(first.x0, second.x0)
        along = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert across <= 1 or along <= 1, f"{one!r} is over {two!r}"
    for words, box in boxes:
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= drawn.bbox.x1 + 1 and box.y1 <= drawn.bbox.y1 + 1
        assert inside, f"{words!r} leaves the figure"


@pytest.mark.parametrize("theme", _THEMES)
@pytest.mark.parametrize("figure", KINDS)
def test_every_text_can_be_read_on_its_ground(figure, theme):
    drawn = FIGURES[figure](theme=theme).figure
    ground = _THEMES[theme].paper
    assert colors.to_hex(drawn.get_facecolor()) == ground
    blocks = {patch.get_gid(): patch for ax in drawn.axes for patch in ax.patches if patch.get_gid()}
    on_blocks = drawn.axes[0].texts if blocks else []
    for text in shown_texts(drawn):
        if text not in on_blocks:
            assert contrast(text.get_color(), ground) >= 4.5, text.get_text()


@pytest.mark.parametrize("theme", _THEMES)
def test_colours_stand_out_from_the_ground_and_from_each_other(theme):
    look = _THEMES[theme]
    assert min(contrast(colour, look.paper) for colour in look.colours) >= 3
    looks = [(look.colour(place), look.marker(place)) for place in range(70)]
    assert len(set(looks)) == 70


def test_words_on_blocks_can_be_read_on_them():
    ax = plots.prefix_tree(message_frame())
    for text in ax.texts:
        x, y = text.xy
        under = [patch for patch in ax.patches if patch.get_bbox().contains(x, y)]
        assert contrast(text.get_color(), under[0].get_facecolor()) >= 4.5


@pytest.mark.parametrize("figure", KINDS)
def test_a_figure_leaves_matplotlibs_settings_alone_and_draws_into_given_axes(figure):
    before = dict(mpl.rcParams)
    mine, ax = plt.subplots()
    assert FIGURES[figure](ax=ax, theme="dark") is ax
    assert ax.figure is mine
    assert dict(mpl.rcParams) == before


def test_the_ground_of_the_host_chooses_the_theme(monkeypatch):
    light, dark = (_THEMES[name].paper for name in ("light", "dark"))

    def ground(**how) -> str:
        return colors.to_hex(plots.spend(RUNS, **how).get_facecolor())

    assert ground() == light
    monkeypatch.setenv("AGENTLAB_THEME", "dark")
    assert ground() == dark
    assert ground(theme="light") == light
    monkeypatch.delenv("AGENTLAB_THEME")
    with plt.style.context("dark_background"):
        assert ground() == dark
        _, ax = plt.subplots()
    assert ground(ax=ax) == dark


def test_an_unknown_theme_is_named():
    with pytest.raises(UsageError, match="did you mean `dark`"):
        plots.spend(RUNS, theme="drak")


EMPTY = {
    "cost_quality": lambda: plots.cost_quality(RUNS.iloc[:0]),
    "cache_by_turn": lambda: plots.cache_by_turn(turn_frame(ONE).iloc[:0]),
    "ttft": lambda: plots.ttft(turn_frame(ONE).iloc[:0]),
    "turn_tokens": lambda: plots.turn_tokens(turn_frame(ONE).iloc[:0]),
    "forest": lambda: plots.forest(compare(RUNS, "ordering", "score_exact").iloc[:0]),
    "prefix_tree": lambda: plots.prefix_tree(message_frame().iloc[:0]),
    "spend": lambda: plots.spend(RUNS.iloc[:0]),
    "variance_split": lambda: plots.variance_split(RUNS.iloc[:0], "score_exact"),
    "win_tie_loss": lambda: plots.win_tie_loss(RUNS.iloc[:0], "ordering", "score_exact"),
}


@pytest.mark.parametrize("figure", EMPTY)
def test_an_empty_frame_is_an_error_that_says_so_and_leaves_no_figure(figure):
    with pytest.raises(UsageError, match="has no rows"):
        EMPTY[figure]()
    assert plt.get_fignums() == []


WRONG = {
    "metric": (lambda: plots.cost_quality(RUNS, "score_exat"), "did you mean `score_exact`"),
    "axis": (lambda: plots.cost_quality(RUNS, by="modle"), "did you mean `model`"),
    "no score": (lambda: plots.cost_quality(RUNS.drop(columns="score_exact")), "no `score_` column"),
    "turns for runs": (lambda: plots.cost_quality(turn_frame(ONE)), "no column `sample_id`"),
    "runs for turns": (lambda: plots.cache_by_turn(RUNS), "no column `turn`"),
    "run": (lambda: plots.turn_tokens(turn_frame(ONE), run="run-999"), "no turn has the run_id `run-999`"),
    "runs for a table": (lambda: plots.forest(RUNS), "no column `baseline`"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_argument_is_answered_with_what_there_is(wrong):
    call, words = WRONG[wrong]
    with pytest.raises(UsageError, match=words):
        call()
    assert plt.get_fignums() == []


def test_units_are_in_the_labels():
    assert quantity("score_exact") == "exact (mean score)"
    assert quantity("time_to_first_chunk_s") == "time to first chunk (s)"
    assert quantity("cache_read_input_tokens") == "cache read input (tokens)"
    assert quantity("output_tokens_per_s") == "output (tokens/s)"
    assert quantity("cost_output_usd") == "cost output (US$)"
    assert quantity("n_turns") == "n turns"


def test_matplotlib_is_loaded_by_the_first_figure_and_not_by_the_import():
    code = "import sys, agentlab.experiments.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
