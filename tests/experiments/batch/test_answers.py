"""What a provider says of its batches, and what becomes of each line of the results."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.errors import BadRequest, ModelError, ProtocolError, RateLimited, StreamInterrupted
from agentlab.experiments.batch.api import BatchApi, BatchState, ItemResult
from agentlab.experiments.batch.call import BatchCall, encode_calls
from agentlab.experiments.batch.decoding import outcome_of
from agentlab.experiments.batch.running import batch_apis
from agentlab.messages import Request, TurnFinished, UserMessage
from agentlab.models.registry import model

APIS = batch_apis()
each_api = pytest.mark.parametrize("api", APIS.values(), ids=list(APIS))
KEY = "sk-very-secret-key-000"


def said(**fields: Any) -> bytes:
    return msgspec.json.encode(fields)


@each_api
@settings(max_examples=30)
@given(body=st.binary(max_size=40) | st.recursive(st.none() | st.text(), st.lists).map(msgspec.json.encode))
def test_whatever_else_a_provider_says_is_an_error_of_its_own_kind(api: BatchApi, body: bytes) -> None:
    for read in (api.state, api.page, api.item):
        with pytest.raises(ProtocolError, match="something else than it says"):
            read(body)


@each_api
@pytest.mark.parametrize("batch_id", ["", "..", ".", "a/b", "a?b", "../files", "a b"])
def test_an_id_that_would_lead_elsewhere_is_refused(api: BatchApi, batch_id: str) -> None:
    with pytest.raises(ProtocolError, match="an id that is none"):
        api.retrieve(batch_id)
    with pytest.raises(ProtocolError, match="an id that is none"):
        api.state(said(id=batch_id, status="completed", processing_status="ended"))


def test_a_word_that_is_not_known_yet_means_the_batch_goes_on() -> None:
    assert APIS["openai"].state(said(id="b", status="pondering")).phase == "running"
    assert APIS["anthropic"].state(said(id="b", processing_status="pondering")).phase == "running"


def test_a_batch_of_the_wrong_size_for_the_account_can_be_tried_later() -> None:
    errors = {"data": [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}]}
    state = APIS["openai"].state(said(id="b", status="failed", errors=errors))
    assert isinstance(state.error, RateLimited)
    many = {
        "data": [
            {"code": "invalid_request", "message": f"no {place}", "line": place} for place in range(1, 6)
        ]
    }
    refused = APIS["openai"].state(said(id="b", status="failed", errors=many)).error
    assert isinstance(refused, BadRequest)
    assert str(refused).endswith("line 1: no 1; line 2: no 2; line 3: no 3 (and 2 more)")
    bare = APIS["openai"].state(said(id="b", status="failed")).error
    assert "no reason given" in str(bare)


def outcome(vendor: str, item: ItemResult) -> TurnFinished | ModelError:
    asked = model(vendor, base_url="http://127.0.0.1:1/v1", api_key=KEY)
    request = Request(model=asked.model_id, messages=(UserMessage.of("hi"),), max_tokens=10)
    (call,) = encode_calls([BatchCall("a", asked, request)])
    return outcome_of(item, call, BatchState(id="b", phase="ended", status="ended", created_at=5.0))


@pytest.mark.parametrize("vendor", ["openai:gpt-5.6", "openai-chat:gpt-5.6", "anthropic:claude-sonnet-5"])
def test_an_answer_that_cannot_be_read_is_an_error_and_shows_no_key(vendor: str) -> None:
    for body in (b"{", b"[]", b"3", said(error={"message": f"bad key {KEY}"})):
        found = outcome(vendor, ItemResult(wire_id="a", status=200, body=body, request_id="req_1"))
        assert isinstance(found, ModelError)
        assert KEY not in str(found)
        assert str(found).startswith(f"{vendor}: ")
        assert found.request_id == "req_1"


def test_an_answer_without_its_end_is_not_taken_for_a_whole_one() -> None:
    body = said(id="r", object="response", status="in_progress", model="gpt-5.6", output=[])
    found = outcome("openai:gpt-5.6", ItemResult(wire_id="a", status=200, body=body))
    assert isinstance(found, StreamInterrupted | ProtocolError)


def test_an_error_keeps_status_body_and_code_and_masks_the_key() -> None:
    body = said(error={"message": f"Incorrect key {KEY}", "type": "invalid_request_error", "code": "bad_key"})
    found = outcome("openai:gpt-5.6", ItemResult(wire_id="a", status=400, body=body))
    assert isinstance(found, BadRequest)
    assert (found.status, found.code) == (400, "bad_key")
    assert found.body is not None
    assert KEY not in str(found) + found.body


def test_the_kind_of_anthropics_errors_is_told_by_their_type() -> None:
    body = said(type="error", error={"type": "rate_limit_error", "message": "Slow down."})
    found = outcome("anthropic:claude-sonnet-5", ItemResult(wire_id="a", body=body))
    assert isinstance(found, RateLimited)
    assert found.status == 429
