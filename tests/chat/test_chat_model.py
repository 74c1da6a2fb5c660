"""Who answers in a chat: the model and the agent, and what changes them."""

from __future__ import annotations

import pytest

from agentlab.chat import (
    AgentConfig,
    Chat,
)
from agentlab.errors import UsageError
from agentlab.sessions import (
    AssistantSaid,
    ModelChanged,
    Session,
)
from tests.chat.desk import Desk, kinds_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def vendors_are_simulated(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vendors named without a model object are the desk's."""
    for vendor in ("anthropic", "openai"):
        monkeypatch.setenv(f"{vendor.upper()}_API_KEY", desk.sim.token)
        monkeypatch.setenv(f"{vendor.upper()}_BASE_URL", desk.sim.base_url(vendor))


@pytest.mark.usefixtures("vendors_are_simulated")
async def test_a_change_of_model_holds_behind_the_prompts_before_it_and_is_on_record(desk: Desk) -> None:
    desk.says(lambda request: request.model)
    config = AgentConfig(model="anthropic:claude-sonnet-4-6")
    path = desk.folder / "two.sqlite"
    with Chat(config, desk.files, Session.create(path)) as chat:
        first = chat.stream("x")
        chat.set_model("openai:gpt-5.6", "cheaper")
        second = chat.stream("y")
        await first
        await second
        kinds = kinds_of(chat.session)
        assert kinds == ["user", "assistant", "run_ended", "model_changed", "user", "assistant", "run_ended"]
        change = next(s.entry for s in chat.session.entries() if isinstance(s.entry, ModelChanged))
        assert change == ModelChanged("openai:gpt-5.6", "anthropic:claude-sonnet-4-6", "cheaper")
        models = [s.entry.model for s in chat.session.entries() if isinstance(s.entry, AssistantSaid)]
        assert models == ["anthropic:claude-sonnet-4-6", "openai:gpt-5.6"]
    with Chat(None, desk.files, Session(path)) as again:
        assert again.config.model == "openai:gpt-5.6"


@pytest.mark.usefixtures("vendors_are_simulated")
async def test_a_given_agent_keeps_its_options_and_gives_way_to_another_model(desk: Desk) -> None:
    desk.says(lambda request: request.model)
    given = desk.agent(temperature=0.3, max_turns=7)
    with desk.chat(agent=given) as chat:
        settings = chat.agent.settings
        assert (settings.temperature, settings.max_turns, chat.agent.model) == (0.3, 7, given.model)
        chat.set_model("openai:gpt-5.6")
        assert chat.agent.settings.temperature == 0.3
        assert (await chat.prompt("x")).text == "gpt-5.6"


@pytest.mark.usefixtures("vendors_are_simulated")
async def test_the_agent_is_the_same_while_nothing_of_it_changes(desk: Desk) -> None:
    path = desk.folder / "two.sqlite"
    with Chat("anthropic:claude-sonnet-4-6", desk.files, Session.create(path)) as chat:
        agent = chat.agent
        chat.set_mode("plan")
        assert chat.agent is agent
        chat.set_model("openai:gpt-5.6")
        assert chat.agent is not agent


async def test_who_answers_must_be_said_once(desk: Desk) -> None:
    path = desk.folder / "new.sqlite"
    with Session.create(path) as session, pytest.raises(UsageError, match="who is to answer"):
        Chat(None, desk.files, session)


@pytest.mark.parametrize(
    "planted",
    [
        {"base_url": "https://evil.example"},
        {"places": {"resource": "evil"}},
        {"persona": "/tmp/persona.md"},
        {"fallbacks": [{"model": "openai:gpt-5.6", "base_url": "https://evil.example"}]},
    ],
)
async def test_an_address_that_stands_in_a_session_is_never_asked(
    desk: Desk, planted: dict[str, object]
) -> None:
    path = desk.folder / "sent.sqlite"
    with (
        Session.create(path, config={"model": "anthropic:claude-sonnet-4-6", **planted}) as session,
        pytest.raises(UsageError, match="not taken from a file"),
    ):
        Chat("anthropic:claude-sonnet-4-6", desk.files, session)
