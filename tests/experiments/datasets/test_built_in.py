"""The datasets that come with agentlab: made by a script, documented, answerable."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from agentlab.caching.tokens import pieces
from agentlab.errors import ToolError, UsageError
from agentlab.experiments.datasets import (
    card_of,
    dataset_names,
    documents_of,
    load_dataset,
    preambles_of,
    recorded_sweep_path,
    samples_of,
    tools_of,
)
from agentlab.experiments.datasets.arithmetic import add, divide, multiply, subtract
from agentlab.experiments.datasets.built_in import data_file
from agentlab.experiments.datasets.towns import list_towns, look_up_town, towns
from agentlab.experiments.sample import Sample
from agentlab.experiments.scoring import contains, numeric, preflight

FOLDER = Path(__file__).parents[3] / "datasets"
SCORERS = {"arithmetic_tools": numeric(), "long_documents": contains(), "lookup_tools": contains()}


def test_the_script_writes_the_files_that_are_kept(tmp_path: Path) -> None:
    subprocess.run([sys.executable, FOLDER / "make.py", tmp_path], check=True, timeout=60)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert len(made) == 9
    for path, content in made.items():
        assert (FOLDER / path).read_bytes() == content, f"{path} differs: run `python datasets/make.py`"


def test_a_wheel_has_every_dataset() -> None:
    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    names = {card.parent.name for card in FOLDER.glob("*/card.md")}
    assert names == {*dataset_names(), "recorded_sweep"}
    assert included == {
        f"datasets/{name}": f"agentlab/experiments/datasets/data/{name}" for name in sorted(names)
    }


@pytest.mark.parametrize("name", dataset_names())
def test_a_dataset_has_its_columns_and_a_card_that_tells_them(name: str) -> None:
    frame, card = load_dataset(name), card_of(name)
    assert list(frame.columns[:4]) == ["sample_id", "input", "target", "cluster_id"]
    for column in frame.columns:
        assert f"`{column}`" in card, column
    for heading in ("## Origin", "## Licence", "## Columns", "## Scoring", "## Size"):
        assert heading in card
    size = re.search(r"## Size\n\n(\d+) rows in (\d+) clusters", card)
    assert size is not None
    assert (int(size[1]), int(size[2])) == (len(frame), frame["cluster_id"].nunique())


@pytest.mark.anyio
@pytest.mark.parametrize("name", SCORERS)
async def test_its_targets_can_be_scored_and_are_right_by_their_own_scorer(name: str) -> None:
    scorer = SCORERS[name]
    samples = samples_of(name, scorer.needs)
    await preflight([scorer], samples)
    assert all(scorer.verdict(f"It is {each.target}.", each).value == 1 for each in samples)


@pytest.mark.parametrize("each", samples_of("arithmetic_tools"), ids=lambda each: each.sample_id)
def test_the_sums_are_right(each: Sample) -> None:
    numbers = [int(number) for number in re.findall(r"\d+", each.input)]
    worked_out = {
        "sum_of_two": add,
        "product_of_two": multiply,
        "add_then_multiply": lambda a, b, c: multiply(add(a, b), c),
        "three_steps": lambda a, b, c, d: multiply(add(multiply(a, b), c), d),
        "subtract_from": lambda a, b: subtract(b, a),
        "divide_then_add": lambda a, b, c: add(divide(a, b), c),
        "crates": lambda held, days, came, left: held + days * came - left,
        "tickets": lambda adults, price, children, half: adults * price + children * half,
        "rope": lambda whole, pieces_, spare: divide(whole - spare, pieces_),
        "savings": lambda start, weekly, weeks, spent: start + weekly * weeks - spent,
    }[each.cluster_id](*map(float, numbers))
    assert worked_out == each.target


def test_every_lookup_is_answered_by_its_tools() -> None:
    for each in samples_of("lookup_tools"):
        named = [row["town"] for row in towns().values() if re.search(rf"\b{row['town']}\b", each.input)]
        kind = each.columns["kind"]
        if kind == "difference":
            found = [int(look_up_town(town, "population")) for town in named]
            assert abs(found[0] - found[1]) == int(each.target)
        else:
            assert look_up_town(named[0], kind) == each.target
    assert list_towns().count(", ") == 23
    with pytest.raises(ToolError, match="`list_towns` names those there are"):
        look_up_town("Atlantis", "mayor")
    with pytest.raises(ToolError, match="division by zero"):
        divide(1.0, 0.0)


def test_every_answer_stands_in_its_document_and_no_question_twice() -> None:
    documents = {each.id: each.source.text for each in documents_of()}  # type: ignore[union-attr]
    samples = samples_of("long_documents")
    assert len({each.input for each in samples}) == len(samples)
    for each in samples:
        assert each.target in documents[each.cluster_id], each.sample_id
    for text in documents.values():
        assert 3000 <= len(pieces(text)) <= 8000


def test_documents_come_by_cluster_in_the_order_asked_for() -> None:
    assert [each.id for each in documents_of("long_documents", "trail_guide", "harbour_report")] == [
        "trail_guide",
        "harbour_report",
    ]
    assert {each.id for each in documents_of()} == set(load_dataset("long_documents")["cluster_id"])


def test_preambles_are_levels_of_an_axis_and_only_one_tells_the_time() -> None:
    early, late = preambles_of(now="09:00"), preambles_of(now="10:00")
    assert list(early) == ["terse", "plain", "cot", "few_shot", "with_clock", "verbose"]
    assert [name for name in early if early[name] != late[name]] == ["with_clock"]
    assert early["with_clock"].startswith("It is 09:00.")
    assert len(pieces(early["verbose"])) > 1024


def test_tools_can_be_sent_to_another_process() -> None:
    for name in ("arithmetic_tools", "lookup_tools"):
        for tool in tools_of(name):
            module = sys.modules[tool.function.__module__]  # type: ignore[attr-defined]
            assert getattr(module, tool.definition.name) is tool
    assert pickle.loads(pickle.dumps(samples_of("lookup_tools"))) == samples_of("lookup_tools")


def test_what_does_not_belong_to_a_dataset_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ask, words in (
        (lambda: tools_of("long_documents"), "no tools belong to `long_documents`"),
        (lambda: documents_of("lookup_tools"), "no documents belong to `lookup_tools`"),
        (
            lambda: documents_of("long_documents", "atlas"),
            "has no document `atlas`; there are harbour_report",
        ),
        (lambda: preambles_of("lookup_tools"), "holds no preambles"),
        (lambda: card_of("nothing"), "there is no dataset `nothing`"),
    ):
        with pytest.raises(UsageError, match=words):
            ask()
    assert card_of("recorded_sweep").startswith("# recorded_sweep")
    (tmp_path / "recorded_sweep").mkdir()
    monkeypatch.setattr("agentlab.experiments.datasets.built_in._CHECKOUT", tmp_path)
    with pytest.raises(UsageError, match="the recorded sweep is not in this installation"):
        recorded_sweep_path()
    with pytest.raises(UsageError, match="the datasets of this installation are incomplete"):
        data_file("lookup_tools")
    store = tmp_path / "recorded_sweep/sweep.agentlab.db"
    store.touch()
    assert recorded_sweep_path() == store
