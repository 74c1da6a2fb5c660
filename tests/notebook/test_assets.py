"""A widget's script is one module that imports nothing."""

from __future__ import annotations

import pytest

from agentlab.notebook.assets import script, style


@pytest.mark.parametrize("name", ["run_view.js"])
def test_a_script_holds_all_it_needs_once_and_exports_the_widget_alone(name: str) -> None:
    text = script(name)
    lines = text.splitlines()
    assert [line for line in lines if line.startswith(("import ", "export "))] == ["export default () => {"]
    assert text.count("class Receiver") == 1
    assert text.index("class Receiver") < text.index("new Receiver(")


def test_style_sheets_are_put_one_after_the_other() -> None:
    assert style("run.css", "run.css") == "\n".join([style("run.css")] * 2)
