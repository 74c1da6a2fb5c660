"""What travels to a worker, and what is refused by name before any work."""

from __future__ import annotations

import pickle
import sys
import threading
from typing import Any

import httpx
import pytest
from msgspec import structs

from agentlab.agent.agent import Agent
from agentlab.agent.approving import ApprovalPolicy, Rule
from agentlab.errors import MissingExtra, MissingKey, UsageError
from agentlab.experiments.engine.agent_spec import check_shippable, packed_for_worker, unpacked_on_worker
from agentlab.experiments.fingerprint import agent_parts
from agentlab.experiments.plan.axes import Arm
from agentlab.experiments.plan.template import Template
from agentlab.experiments.scoring import judge
from agentlab.experiments.scoring.functions import scorer_of
from agentlab.http import HttpClient, Retry, Timeouts
from agentlab.models import WireModel, model
from agentlab.tools import FunctionTool, ToolContext, tool
from tests.experiments.engine import shipped

URL = "http://127.0.0.1:9/openai/v1"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment-1")


def there_and_back(value: Any) -> Any:
    return unpacked_on_worker(packed_for_worker(value))


def asked(**options: Any) -> WireModel:
    return model("openai:gpt-5.6", base_url=URL, **options)


def refusal(agent: Agent, *scorers: Any) -> str:
    arm = Arm({"model": "gpt"}, agent, Template())
    with pytest.raises(UsageError) as caught:
        check_shippable([arm], [scorer_of(each) for each in scorers], [])
    return str(caught.value)


def test_a_model_travels_by_name_address_and_options_and_finds_its_key_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent = asked(retry=Retry(attempts=2), http=HttpClient(timeouts=Timeouts(event_gap=7)))
    data = packed_for_worker(sent)
    assert b"of-the-environment" not in data
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-worker-12")
    found = unpacked_on_worker(data)
    assert (found.name, found.base_url, found.retry.attempts, found.http.timeouts.event_gap) == (
        "openai:gpt-5.6",
        URL,
        2,
        7,
    )
    assert found.key.reveal() == "sk-of-the-worker-12"
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(MissingKey, match="OPENAI_API_KEY"):
        unpacked_on_worker(data)


def test_a_simulated_model_takes_the_drivers_simulator_with_it() -> None:
    sent = model("sim:openai/gpt-5.6")
    found = there_and_back(sent)
    assert (found.name, found.base_url, found.key) == (sent.name, sent.base_url, sent.key)


def test_a_key_given_in_the_program_is_refused_and_never_shown() -> None:
    said = refusal(Agent(asked(api_key="sk-given-in-the-program")))
    assert "`openai:gpt-5.6`" in said
    assert "set OPENAI_API_KEY in the workers' environment" in said
    assert "given-in-the-program" not in said
    simulated = model("sim:openai/gpt-5.6", base_url=URL, api_key="sk-given-in-the-program")
    assert "keys are not sent" in refusal(Agent(simulated))


def test_an_agent_arrives_as_it_left() -> None:
    @tool(timeout_s=3)
    def inside(text: str) -> str:
        """Echo."""
        return text

    renamed = FunctionTool(shipped.add_one.function, name="plus", description="Plus.", timeout_s=2)
    sent = Agent(
        asked(),
        preamble="Be terse.",
        context=["A document."],
        tools=[shipped.add_one, renamed, inside, shipped.doubled],
        hooks=[shipped.Seeing()],
        volatile=[lambda: "now"],
        max_tokens=9,
    )
    found = there_and_back(sent)
    assert found.settings.tools.definitions == sent.settings.tools.definitions
    assert [each.timeout_s for each in found.tools] == [each.timeout_s for each in sent.tools]
    assert found.tools.get("add_one") is shipped.add_one
    assert found.tools.get("plus")(1) == 2
    assert found.tools.get("inside")("x") == "x"
    assert found.settings.volatile[0]() == "now"
    plain = {"tools": (), "hooks": (), "volatile": ()}
    assert agent_parts(found.with_(**plain)) == agent_parts(sent.with_(**plain))


def test_when_a_tool_asks_and_what_it_declares_arrive_with_it_and_so_does_the_policy() -> None:
    """Else a worker would run unasked what asks at home."""
    given = {"approval": "it costs", "effect": "network", "returns": "untrusted", "confined": True}
    made = [FunctionTool(shipped.add_one.function, **given), FunctionTool(shipped.doubled, **given)]
    policy = ApprovalPolicy(rules=(Rule("add_one", "deny", {"number": {"at_most": 3}}, "too little"),))
    there = there_and_back(Agent(asked(), tools=made, approvals=policy))
    assert there.settings.approvals == policy
    assert there.settings.approvals.judge("add_one", {"number": 2}, reach="network").reason == "too little"
    for tool_there in there.tools:
        assert {name: getattr(tool_there, name) for name in given} == given


def test_scorers_travel_with_their_fingerprints() -> None:
    for scorer in (judge(asked(), rubric="Right?"), scorer_of(lambda output, sample: len(output))):
        assert there_and_back(scorer).name == scorer.name
    judging = judge(asked(), rubric="Right?")
    assert there_and_back(judging).fingerprint == judging.fingerprint


@pytest.mark.parametrize("place", ["tool", "hook", "scorer", "volatile", "context"])
def test_what_cannot_travel_is_named_with_its_place(place: str) -> None:
    lock = threading.Lock()

    class Holding(shipped.Seeing):
        def __init__(self) -> None:
            self.lock = lock

    def locked(text: str) -> str:
        """Echo."""
        with lock:
            return text

    options: dict[str, Any] = {
        "tool": {"tools": [locked]},
        "hook": {"hooks": [Holding()]},
        "volatile": {"volatile": [lambda: str(lock)]},
        "context": {"tool_context": ToolContext(lock)},
    }
    scorers = [lambda output, sample: locked(output)] if place == "scorer" else []
    said = refusal(Agent(asked(), **options.get(place, {})), *scorers)
    named = {
        "tool": "the tool `locked` of the arm `gpt`",
        "hook": "the hook `Holding` of the arm `gpt`",
        "scorer": "the scorer `score` cannot be sent to a worker: it has `function`",
        "volatile": "the volatile fact `<lambda>` of the arm `gpt`",
        "context": "the tool context of the arm `gpt`",
    }
    assert named[place] in said
    assert "a `lock`" in said


def test_a_client_of_ones_own_is_named() -> None:
    said = refusal(Agent(asked(http=HttpClient(client=httpx.AsyncClient()))))
    assert "the model `openai:gpt-5.6`" in said
    assert "an HTTP client of your own cannot be sent" in said


def test_code_of_the_notebook_without_cloudpickle_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def typed(text: str) -> str:
        """Echo."""
        return text

    typed.__module__ = "__main__"
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    arm = Arm({}, Agent(asked(), tools=[typed]), Template())
    with pytest.raises(MissingExtra, match=r"agentlab\[dask\]"):
        check_shippable([arm], [], [])
    imported = Agent(asked(), tools=[shipped.add_one, shipped.doubled])
    assert there_and_back(imported).tools.names == ("add_one", "doubled")


def test_a_module_the_worker_lacks_is_named() -> None:
    gone = pickle.dumps(shipped.doubled).replace(
        b"tests.experiments.engine.shipped", b"tests.experiments.engine.missing"
    )
    with pytest.raises(UsageError, match=r"worker cannot import.*tests\.experiments\.engine\.missing"):
        unpacked_on_worker(gone)


def test_a_vendor_of_ones_own_travels_as_data() -> None:
    sent = asked()
    own = replace_vendor(sent, "proxy")
    found = there_and_back(own)
    assert (found.vendor.name, found.wire.name) == ("proxy", sent.wire.name)


def replace_vendor(sent: WireModel, name: str) -> WireModel:
    row = structs.replace(sent.vendor, name=name, key_required=False)
    return WireModel(row, sent.model_id, sent.wire, base_url=URL, key=None)
