"""`agentlab lint` finds what changes by itself on its way into a prefix, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentlab.caching.linting.source_lint import lint_notebook, lint_script
from agentlab.cli import main
from agentlab.errors import UsageError


def notebook(*cells: str) -> str:
    return json.dumps(
        {
            "cells": [
                {"cell_type": "code", "source": cell.splitlines(keepends=True), "metadata": {}, "outputs": []}
                for cell in cells
            ],
            "nbformat": 4,
        }
    )


def codes(*cells: str) -> tuple[str, ...]:
    return lint_notebook(notebook(*cells)).codes


@pytest.mark.parametrize(
    ("code", "cells"),
    [
        ("clock-in-prefix", ["from datetime import datetime\nal.Agent('m:x', preamble=f'It is {datetime.now()}')"]),
        ("clock-in-prefix", ["import datetime as dt\nAgent('m:x', preamble='now ' + dt.datetime.utcnow().isoformat())"]),
        ("clock-in-prefix", ["import time\nstamp = time.time()", "text = f'at {stamp}'", "Agent('m:x', context=[text])"]),
        ("clock-in-prefix", ["from time import time as t\nAgent('m:x', preamble=str(t()))"]),
        ("clock-in-prefix", ["def head():\n    day = date.today()\n    return f'{day}'\nAgent('m:x', preamble=head())"]),
        ("clock-in-prefix", ["p = 'a'\np += str(time.time())\nagent.with_(preamble=p)"]),
        ("clock-in-prefix", ["parts = []\nparts.append(datetime.now())\nAgent('m:x', preamble=str(parts))"]),
        ("clock-in-prefix", ["agent.append_preamble(f'{datetime.now():%H:%M}')"]),
        ("random-in-prefix", ["import uuid\nAgent('m:x', context=[f'session {uuid.uuid4().hex}'])"]),
        ("random-in-prefix", ["import random\nAgent('m:x', preamble=random.choice(['a', 'b']))"]),
        ("random-in-prefix", ["import numpy as np\nAgent('m:x', preamble=str(np.random.rand()))"]),
        ("random-in-prefix", ["Agent('m:x', preamble=f'{hash(name)}')"]),
        ("set-in-prefix", ["Agent('m:x', preamble=f\"Use {', '.join({'a', 'b'})}\")"]),
        ("set-in-prefix", ["names = set(rows)\nAgent('m:x', tools=[make(n) for n in names])"]),
        ("set-in-prefix", ["import os\nAgent('m:x', context=[open(f).read() for f in os.listdir('d')])"]),
        ("set-in-prefix", ["for name in {'b', 'a'}:\n    docs.append(name)\nAgent('m:x', context=docs)".replace("docs.append(name)", "agent.with_(context=[name])")]),
        ("clock-in-prefix", ["@tool(description=f'as of {datetime.now()}')\ndef f(): ...\nAgent('m:x', tools=[f])"]),
        ("clock-in-prefix", ["import pandas as pd\nAgent('m:x', preamble=str(pd.to_datetime('today')))"]),
        ("clock-in-prefix", ["options = dict(preamble=str(datetime.now()))\nAgent('m:x', **options)"]),
        ("clock-in-prefix", ["Agent('m:x', **{'preamble': str(datetime.now())})"]),
        ("clock-in-prefix", ["class Bot:\n    def make(self):\n        return Agent('m:x', preamble=f'{self.now}')\n    def __init__(self):\n        self.now = time.time()"]),
        ("clock-in-prefix", ["match x:\n    case 1:\n        p = str(time.time())\nAgent('m:x', preamble=p)"]),
        ("clock-in-prefix", ["try:\n    p = str(time.time())\nexcept OSError:\n    p = ''\nAgent('m:x', preamble=p)"]),
        ("clock-in-prefix", ["if test:\n    p = str(time.time())\nelse:\n    p = ''\nAgent('m:x', preamble=p)"]),
        ("random-in-prefix", ["import uuid\nif (name := uuid.uuid4()):\n    pass\nAgent('m:x', preamble=str(name))"]),
        ("random-in-prefix", ["import numpy as np\nrng = np.random.default_rng()\nAgent('m:x', preamble=str(rng.integers(3)))"]),
        ("random-in-prefix", ["import random\ndocs = ['a', 'b']\nrandom.shuffle(docs)\nAgent('m:x', context=docs)"]),
        ("set-in-prefix", ["Agent('m:x', context=[p.read_text() for p in Path('d').glob('*.md')])"]),
        ("clock-in-prefix", ["async def main():\n    with open('x') as f:\n        Agent('m:x', preamble=str(time.time()))"]),
    ],
)  # fmt: skip
def test_a_value_that_changes_by_itself_is_found(code: str, cells: list[str]) -> None:
    assert codes(*cells) == (code,)


@pytest.mark.parametrize(
    "cells",
    [
        ["from datetime import datetime\nprint(datetime.now())\nAgent('m:x', preamble='Be terse.')"],
        ["import time\n@tool\ndef now():\n    return time.time()\nAgent('m:x', tools=[now])"],
        ["names = set(rows)\nAgent('m:x', preamble=', '.join(sorted(names)))"],
        ["Agent('m:x', preamble=f'{len({1, 2})} rules')"],
        ["Agent('m:x', preamble='a' if kind in {'x', 'y'} else 'b')"],
        ["stamp = time.time()\nstamp = 'fixed'\nAgent('m:x', preamble=stamp)"],
        ["run = agent.prompt_sync(f'It is {datetime.now()}')"],
        ["Agent('m:x', volatile=[str(datetime.now())])"],
        ["import random\nrng = random.Random(0)\nAgent('m:x', preamble='a', temperature=rng.random())"],
        ["Other(preamble=datetime.now())"],
        ["import random\nrandom.seed(3)\nAgent('m:x', few_shots=random.sample(shots, 3))"],
        ["import numpy as np\nrng = np.random.default_rng(3)\nAgent('m:x', preamble=str(rng.integers(3)))"],
        ["if x:\n    p = 'a'\nelse:\n    p = 'b'\nAgent('m:x', preamble=p)"],
        ["p = time.time()\nif x:\n    p = 'a'\nelse:\n    p = 'b'\nAgent('m:x', preamble=p)"],
        [
            "class Bot:\n    def make(self):\n        self.began = time.time()\n        return Agent('m:x', preamble=self.text)"
        ],
        ["Agent('m:x', context=[p.read_text() for p in sorted(Path('d').glob('*.md'))])"],
        ["options = dict(model='m:x', volatile=[str(datetime.now())])\nAgent(**options)"],
        ["import hashlib\nAgent('m:x', preamble=hashlib.sha256(b'a').hexdigest())"],
        ["import uuid\nAgent('m:x', preamble=str(uuid.uuid5(uuid.NAMESPACE_DNS, 'a')))"],
        ["def loop():\n    return loop()\nAgent('m:x', preamble=loop())"],
        ["%matplotlib inline\n!pip list\nagent?\nAgent('m:x', preamble='fixed')", "%%bash\ndate; {now}"],
    ],
)
def test_what_does_not_reach_the_prefix_is_left_alone(cells: list[str]) -> None:
    assert codes(*cells) == ()


def test_the_place_is_the_cell_and_the_line() -> None:
    found = lint_notebook(
        notebook("import time", "%%time\nx = 1\nAgent('m:x',\n  preamble=str(time.time()))")
    )
    assert [(each.place, each.severity) for each in found] == [("cell 2, line 4", "error")]
    assert "`time.time()`" in found[0].sentence


def test_a_cell_that_is_no_python_is_said_to_be_unread() -> None:
    found = lint_notebook(notebook("def (", "Agent('m:x', preamble=str(time.time()))"))
    assert found.codes == ("clock-in-prefix", "unreadable-cell")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the file is empty"),
        ("nothing", "which would be JSON"),
        (b"\xff\xfe", "which would be JSON"),
        ("[]", "no list of `cells`"),
        ('{"cells": 3}', "no list of `cells`"),
        ('{"cells": [1]}', "cell 1 has no `cell_type`"),
        ('{"cells": [{"cell_type": "code"}]}', "the `source` of cell 1"),
    ],
)
def test_what_is_no_notebook_is_refused(text: str | bytes, sentence: str) -> None:
    with pytest.raises(UsageError, match="no notebook") as refused:
        lint_notebook(text)
    assert sentence in str(refused.value)


def test_a_script_is_read_as_a_notebook_is() -> None:
    found = lint_script("import time\nAgent('m:x', preamble=str(time.time()))\n")
    assert [(each.code, each.place) for each in found] == [("clock-in-prefix", "line 2")]
    with pytest.raises(UsageError, match=r"no Python: .* in line 2"):
        lint_script("x = 1\ndef (:\n")
    with pytest.raises(UsageError, match="no Python"):
        lint_script(b"\0")


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_still_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, broken = tmp_path / "bad.py", tmp_path / "broken.py"
    bad.write_text("Agent('m:x', preamble=str(time.time()))")
    broken.write_text("def (:")
    assert main(["lint", str(tmp_path), str(broken), str(tmp_path / "none.ipynb"), str(bad)]) == 2
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{bad}: error clock-in-prefix at line 1:")
    folder, script, missing = printed.err.splitlines()
    assert f"{tmp_path} is a folder" in folder
    assert f"{broken}: this is no Python" in script
    assert "none.ipynb cannot be read" in missing


def test_the_command_prints_findings_and_exits_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, good = tmp_path / "bad.ipynb", tmp_path / "good.ipynb"
    bad.write_text(notebook("Agent('m:x', preamble=f'{datetime.now()}')"))
    good.write_text(notebook("Agent('m:x', preamble='fixed')"))
    assert main(["lint", str(good)]) == 0
    assert capsys.readouterr() == ("", "agentlab: nothing found\n")
    assert main(["lint", str(good), str(bad)]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith(f"{bad}: error clock-in-prefix at cell 1, line 1:")
    assert main(["lint", str(tmp_path / "none.ipynb")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_the_notebooks_of_the_project_are_clean() -> None:
    for path in (Path(__file__).parents[3] / "notebooks").glob("*.ipynb"):
        assert not lint_notebook(path.read_bytes()), path
