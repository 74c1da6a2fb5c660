"""Models that are spoken to with tokens, on their way to a worker and in the key of a cell."""

from __future__ import annotations

import pytest

from agentlab.agent import Agent
from agentlab.errors import UsageError
from agentlab.experiments.engine.agent_spec import ModelSpec
from agentlab.experiments.fingerprint import _place
from agentlab.http import RenewedToken
from agentlab.models import model


def test_a_function_of_tokens_is_not_sent_to_a_worker() -> None:
    made = model("azure:gpt-5", api_key=lambda: "token-12345678", places={"resource": "lab"})
    with pytest.raises(UsageError, match="AZURE_OPENAI_API_KEY or AZURE_API_KEY"):
        ModelSpec.of(made)


def test_a_worker_logs_in_by_itself_where_the_vendors_cloud_has_a_login(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("VERTEX_ACCESS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    made = model("vertex:gemini-2.5-flash", places={"project": "lab"})
    found = ModelSpec.of(made).model()
    assert isinstance(found.credential, RenewedToken)
    assert found.base_url == made.base_url


def test_a_place_given_in_the_program_is_part_of_a_cells_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_RESOURCE", raising=False)
    monkeypatch.delenv("AZURE_OPENAI_BASE_URL", raising=False)
    made = model("azure:gpt-5", api_key="key-12345678", places={"resource": "lab"})
    assert _place(Agent(made)) == made.base_url
    monkeypatch.setenv("AZURE_RESOURCE", "lab")
    assert _place(Agent(made)) == ""
