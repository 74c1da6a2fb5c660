"""One model in several places: the next region answers where the first fails, and the record says which and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from agentlab.agent import Agent
from agentlab.errors import ServerError, UsageError
from agentlab.http import ManualClock, Retry
from agentlab.messages import Notice, RequestSent
from agentlab.models import FallbackModel, Model, fallback, model
from agentlab.models.fallback import in_place
from agentlab.models.interface import address_of
from agentlab.models.model import WireModel
from agentlab.simulator import ErrorReply, Simulator, reply, serve

pytestmark = pytest.mark.anyio

ONCE = Retry(attempts=1)


@pytest.fixture
def here() -> Iterator[Simulator]:
    with serve() as sim:
        yield sim


@pytest.fixture
def there() -> Iterator[Simulator]:
    with serve() as sim:
        yield sim


def placed(*sims: Simulator, clock: Any = None, retry: Retry = ONCE, **options: Any) -> FallbackModel:
    """The same model at several simulators."""
    made: list[Model] = [
        model(
            "openai:gpt-5.6",
            base_url=sim.base_url("openai"),
            api_key=sim.token,
            retry=retry,
            clock=ManualClock(),
        )
        for sim in sims
    ]
    return FallbackModel(made, clock=clock, **options)


def host(sim: Simulator) -> str:
    return sim.base_url("openai").split("/")[2]


async def test_the_second_place_answers_and_the_reason_names_class_status_attempts_and_places(
    here: Simulator, there: Simulator
) -> None:
    here.behaviour = lambda _: ErrorReply(503, "no capacity in this region")
    there.behaviour = lambda _: reply("From there.")
    run = await Agent(placed(here, there, retry=Retry(attempts=3))).prompt("Hi")
    assert run.text == "From there."
    (notice,) = run.trace.of(Notice)
    assert notice.kind == "fallback"
    assert notice.text.startswith("ServerError, HTTP 503, 3 attempts: openai:gpt-5.6: HTTP 503: no capacity")
    assert (
        f"`openai:gpt-5.6 at {host(there)}` is asked instead of `openai:gpt-5.6 at {host(here)}`"
        in notice.text
    )
    (turn,) = run.trace.turns
    assert (turn.model, turn.place) == ("openai:gpt-5.6", host(there))
    assert host(there) in [sent.url for sent in run.trace.of(RequestSent)][-1]
    assert run.turns["provider"].tolist() == ["openai"]
    assert run.cost_usd is not None


async def test_the_first_place_answers_without_a_word(here: Simulator, there: Simulator) -> None:
    here.behaviour = lambda _: reply("From here.")
    run = await Agent(placed(here, there)).prompt("Hi")
    (turn,) = run.trace.turns
    assert (run.text, turn.model, turn.place, list(run.trace.of(Notice))) == ("From here.", "", "", [])
    assert list(there.requests) == []


async def test_a_place_that_failed_rests_and_the_other_does_not(here: Simulator, there: Simulator) -> None:
    here.behaviour = lambda _: ErrorReply(503, "down")
    there.behaviour = lambda _: reply("From there.")
    clock = ManualClock()
    agent = Agent(placed(here, there, clock=clock, cooldown_s=30))
    await agent.prompt("1")
    await agent.prompt("2")
    assert (len(here.requests), len(there.requests)) == (1, 2)
    await clock.sleep(31)
    await agent.prompt("3")
    assert (len(here.requests), len(there.requests)) == (2, 3)


async def test_where_no_place_answers_the_error_tells_of_each(here: Simulator, there: Simulator) -> None:
    here.behaviour = lambda _: ErrorReply(503, "down here")
    there.behaviour = lambda _: ErrorReply(500, "down there")
    with pytest.raises(
        ServerError, match=r"down there.*given up before it: ServerError, HTTP 503, 1 attempt"
    ) as failed:
        await Agent(placed(here, there)).prompt("Hi")
    assert "down here" in str(failed.value)


async def test_no_connection_says_so_in_place_of_a_status(there: Simulator) -> None:
    there.behaviour = lambda _: reply("From there.")
    away = model("openai:gpt-5.6", base_url="http://127.0.0.1:9", api_key="k", retry=ONCE)
    beyond = in_place("sim:openai/gpt-5.6", {"base_url": there.base_url("openai")}, api_key=there.token)
    run = await Agent(FallbackModel([away, beyond])).prompt("Hi")
    (notice,) = run.trace.of(Notice)
    assert notice.text.startswith("ConnectionFailed, connect, 1 attempt: ")


def addresses(made: FallbackModel) -> list[str]:
    return [address_of(each) for each in made.models]


def test_places_are_regions_of_the_vendor_s_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "k")
    name = "bedrock:anthropic.claude-sonnet-5"
    made = fallback(name, places=[{"region": "eu-central-1"}, {"region": "us-east-1"}])
    assert addresses(made) == [
        "https://bedrock-runtime.eu-central-1.amazonaws.com",
        "https://bedrock-runtime.us-east-1.amazonaws.com",
    ]
    assert made.name == name
    assert repr(made) == (
        f"FallbackModel('{name} at bedrock-runtime.eu-central-1.amazonaws.com', "
        f"'{name} at bedrock-runtime.us-east-1.amazonaws.com')"
    )
    kept = made.with_models(lambda each: each)
    assert kept.models == made.models


def test_each_named_model_is_asked_in_each_place_and_objects_where_they_are() -> None:
    places = [{"base_url": "http://a.example"}, {"base_url": "http://b.example"}]
    alone = model("openai:gpt-5.6", api_key="k")
    made = fallback("ollama:qwen3:4b", "ollama:gemma4", alone, places=places)
    assert [(each.name, address_of(each)) for each in made.models] == [
        ("ollama:qwen3:4b", "http://a.example"),
        ("ollama:qwen3:4b", "http://b.example"),
        ("ollama:gemma4", "http://a.example"),
        ("ollama:gemma4", "http://b.example"),
        ("openai:gpt-5.6", "https://api.openai.com/v1"),
    ]


def test_one_place_twice_or_one_the_vendor_does_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match="each once"):
        fallback("ollama:qwen3", places=[{"base_url": "http://a"}, {"base_url": "http://a/"}])
    with pytest.raises(UsageError, match="no place called region"):
        fallback("ollama:qwen3", places=[{"region": "eu"}, {"region": "us"}])
    with pytest.raises(UsageError, match="two models or more"):
        fallback("ollama:qwen3", places=[{"base_url": "http://a"}])


class Wrapping:
    """A model that stands in front of another, as one that meters it."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


async def test_wrapped_models_keep_their_places(here: Simulator, there: Simulator) -> None:
    here.behaviour = lambda _: ErrorReply(503, "down")
    there.behaviour = lambda _: reply("From there.")
    wrapped = placed(here, there).with_models(lambda each: Wrapping(each))  # noqa: PLW0108 - a class is no function of models to mypy
    run = await Agent(wrapped).prompt("Hi")
    assert run.trace.turns[0].place == host(there)


def test_an_address_with_a_password_is_shown_without_it() -> None:
    made = fallback(
        "ollama:qwen3",
        places=[{"base_url": "http://u:sk-CANARY@a.example"}, {"base_url": "http://b.example"}],
    )
    assert "CANARY" not in repr(made)
    assert isinstance(made.models[0], WireModel)
