"""A widget's script is one module that imports nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentlab.notebook.assets import script, style

STATIC = Path(__file__).parents[2] / "agentlab/notebook/static"


@pytest.mark.parametrize("name", ["run_view.js", "comparison_view.js", "chat_view.js"])
def test_a_script_holds_all_it_needs_once_and_exports_the_widget_alone(name: str) -> None:
    text = script(name)
    lines = text.splitlines()
    (exported,) = (line for line in lines if line.startswith(("import ", "export ")))
    assert exported.startswith("export default documentWidget(")
    assert text.count("class Receiver") == 1
    assert text.index("class Receiver") < text.index("new Receiver(")


def test_style_sheets_are_put_one_after_the_other() -> None:
    assert style("run.css", "run.css") == style("run.css") * 2


@pytest.mark.parametrize("file", sorted(STATIC.glob("*.js")), ids=lambda file: file.name)
def test_no_text_of_a_script_runs_over_a_line_whose_indentation_would_be_lost(file: Path) -> None:
    assert all(line.count("`") % 2 == 0 for line in file.read_text(encoding="utf-8").splitlines())


def test_comments_and_indentation_are_not_sent() -> None:
    lines = script("run_view.js").splitlines()
    assert not any(line.startswith(("//", "/*", " ", "*")) or not line for line in lines)
