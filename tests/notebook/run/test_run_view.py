"""The widget: what it says of itself, and what it passes on."""

from __future__ import annotations

import json

from agentlab.notebook.run.run_view import RunView
from tests.notebook.synthetic import CANARY


def test_its_repr_is_the_same_in_every_run() -> None:
    assert repr(RunView({}, can_stop=True)) == "RunView()"


def test_its_state_is_the_snapshot_and_what_a_widget_needs() -> None:
    view = RunView({"sequence": 0}, can_stop=True)
    synced = {name for name in view.keys if not name.startswith("_")}
    assert synced == {"snapshot", "segments", "can_stop", "can_decide", "layout", "tabbable", "tooltip"}
    assert CANARY not in json.dumps({name: getattr(view, name) for name in ("snapshot", "segments")})
    view.close()


def test_a_mounted_view_and_a_gap_ask_for_a_snapshot_and_stop_is_confirmed_before_it_is_passed_on() -> None:
    heard: list[object] = []
    view = RunView({}, can_stop=True)
    view.send = heard.append
    view.listen(
        on_request=lambda: heard.append("request"),
        on_stop=lambda: heard.append("stop"),
        on_decide=lambda call_id, approved: heard.append((call_id, approved)),
    )
    for message in (
        {"type": "ready"},
        {"type": "resync"},
        {"type": "stop"},
        {"type": "decide", "call_id": "call_1", "approved": True},
        {"type": "decide", "call_id": "call_2", "approved": "yes"},
        {"type": "other"},
        {},
        "stop",
        None,
    ):
        view._take_message(view, message, [])
    assert heard == ["request", "request", {"type": "stopping"}, "stop", ("call_1", True), ("call_2", False)]


def test_messages_before_anybody_listens_are_harmless() -> None:
    sent: list[object] = []
    view = RunView({"sequence": 1}, can_stop=False)
    view.send = sent.append
    for message in (
        {"type": "ready"},
        {"type": "stop"},
        {"type": "decide", "call_id": "c", "approved": True},
    ):
        view._take_message(view, message, [])
    assert (view.snapshot, sent) == ({"sequence": 1}, [{"type": "stopping"}])


def test_a_snapshot_replaces_the_one_before() -> None:
    view = RunView({"sequence": 0}, can_stop=True)
    view.put_snapshot({"sequence": 4})
    assert view.snapshot == {"sequence": 4}
