"""The public face of the room."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agentlab import notebook


def test_every_public_name_is_there() -> None:
    assert sorted(notebook.__all__) == sorted(notebook._HOMES) == dir(notebook)
    for name in notebook.__all__:
        assert getattr(notebook, name) is not None


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        notebook.nothing  # noqa: B018 - reading it is the test


def test_a_still_picture_needs_no_widgets_and_no_plain_import_needs_anything() -> None:
    code = (
        "import sys, agentlab.notebook as n\n"
        "assert not {'markdown_it', 'nh3', 'IPython'} & set(sys.modules)\n"
        "n.mimebundle(n.RunState('t'))\n"
        "assert not {'anywidget', 'ipywidgets', 'IPython', 'nest_asyncio'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_nesting_is_patched_in_only_when_it_is_asked_for() -> None:
    code = (
        "import asyncio, warnings\n"
        "async def inner():\n    return 3\n"
        "async def outer():\n    return asyncio.run(inner())\n"
        "import agentlab.notebook as n\n"
        "warnings.simplefilter('ignore')\n"
        "try:\n    asyncio.run(outer())\n    raise SystemExit('patched too early')\n"
        "except RuntimeError:\n    pass\n"
        "n.allow_nested_asyncio()\n"
        "assert asyncio.run(outer()) == 3\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
