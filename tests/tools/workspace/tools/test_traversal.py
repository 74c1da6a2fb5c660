"""No text leads a tool out of the workspace, wherever in a call it stands."""

import asyncio
import os
from collections import Counter

import pytest

from agentlab.errors import ToolError
from agentlab.tools.workspace import DiskWorkspace, MemoryWorkspace
from tests.tools.workspace.tools.calling import Caller
from tests.tools.workspace.traversal import FOLDER, own_traversals, public_traversals
from tests.tools.workspace.watching import CANARY, canary_tree, watched

GAUNTLET = os.environ.get("AGENTLAB_GAUNTLET") == "1"
EVERY = 10
PARTS = 8


class Switch:
    """Approves every plan."""

    def exit_plan(self, plan_path):
        return {"mode": "build", "plan": plan_path}


def calls_with(text):
    """Every tool with the text in every place where a path or a pattern of paths can stand."""
    return (
        ("ls", {"path": text}),
        ("ls", {"path": text, "recursive": True}),
        ("read", {"path": text}),
        ("write", {"path": text, "content": "inside\n"}),
        ("edit", {"path": text, "old_string": "inside", "new_string": "Inside"}),
        ("edit", {"path": text, "insert_line": 0, "insert_content": "more"}),
        ("touch", {"path": text}),
        ("mkdir", {"path": text}),
        ("grep", {"pattern": "canary", "path_pattern": text}),
        ("grep", {"pattern": text}),
        ("glob", {"patterns": [text]}),
        ("glob", {"patterns": ["*"], "path": text}),
        ("find", {"path": text}),
        ("find", {"name": text}),
        ("cat", {"paths": [text, "docs/a.txt"]}),
        ("file_info", {"path": text}),
        ("read_multiple_files", {"paths": ["docs/a.txt", text]}),
        ("plan_write", {"title": text or "x", "content": "# Plan"}),
        ("exit_plan_mode", {"plan": text}),
        ("mv", {"source": "docs/a.txt", "destination": text}),
        ("mv", {"source": text, "destination": "docs/b.txt"}),
        ("mv", {"source": "docs/a.txt", "destination": f"{text}/"}),
        ("rm", {"path": text}),
    )


def attempt(call, text, outcomes, runner):
    """Run every call, without the threads of `Tool.call`; only `ToolError` may come, and no canary."""
    for name, arguments in calls_with(text):
        try:
            if name == "exit_plan_mode":
                answer = runner.run(call.later(name, **arguments))
            else:
                answer = call.tools.get(name)(**arguments)
        except ToolError as error:
            outcomes[name, "refused"] += 1
            assert CANARY.decode() not in str(error)  # noqa: PT017 - either is right
        else:
            outcomes[name, "done"] += 1
            assert CANARY.decode() not in str(answer)


def restored(root):
    """Puts back what the last text may have moved away."""
    if not (root / "docs").is_dir() or not (root / "docs/a.txt").is_file():
        (root / "docs").mkdir(exist_ok=True)
        (root / "docs/a.txt").write_bytes(b"inside\n")


def run_all(folder, texts):
    tree = canary_tree(folder)
    outcomes = Counter()
    touches, seen = [], 0
    for start in range(0, len(texts), EVERY):
        # What harmless texts left would be walked through by all after them.
        for name in os.listdir(tree.root):
            if name not in {"docs", "out", "secret"}:
                os.rename(tree.root / name, folder / f"{start}-{name[:50]}".replace("/", "_"))
        with DiskWorkspace(tree.root) as workspace, asyncio.Runner() as runner:
            runner.get_loop()
            call = Caller(workspace, None, Switch(), engine="re2")
            with watched(tree.root) as watch:
                for text in texts[start : start + EVERY]:
                    restored(tree.root)
                    attempt(call, text, outcomes, runner)
            touches += watch.touches
            seen += watch.seen
    tree.check()
    return touches, seen, outcomes


def test_300_texts_of_our_own_lead_no_tool_outside(quick_path):
    touches, seen, outcomes = run_all(quick_path, own_traversals())
    assert touches == []
    assert seen > 10_000
    names = {name for name, _ in outcomes}
    assert len(names) == 16, "every tool that takes a path"
    for name in names - {"cat", "read_multiple_files", "plan_write", "grep", "glob", "find"}:
        assert outcomes[name, "refused"] > 100, name


def test_300_texts_of_our_own_are_as_harmless_in_memory():
    outcomes = Counter()
    with asyncio.Runner() as runner:
        for text in own_traversals():
            call = Caller(MemoryWorkspace({"docs/a.txt": "inside\n"}), None, Switch(), engine="re2")
            attempt(call, text, outcomes, runner)
    assert outcomes["read", "refused"] > 150


@pytest.mark.gauntlet
@pytest.mark.skipif(not GAUNTLET, reason="the whole set runs in `make gauntlet`")
@pytest.mark.skipif(not FOLDER, reason="AGENTLAB_TRAVERSALS names no folder")
@pytest.mark.parametrize("part", range(PARTS))
def test_every_public_text_leads_no_tool_outside(part, quick_path):
    texts = public_traversals()
    assert len(texts) == 23_058
    touches, seen, outcomes = run_all(quick_path, texts[part::PARTS])
    print(
        part, len(texts[part::PARTS]), "texts,", sum(outcomes.values()), "calls,", seen, "system calls seen"
    )
    print(sorted(outcomes.items()))
    assert touches == []
