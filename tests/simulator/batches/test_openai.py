"""OpenAI's Files and Batches, by OpenAI's own SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from agentlab.simulator import BatchPace, ErrorReply, Fault, Recorded, SimRequest, Simulator, Turn, reply
from agentlab.simulator.behaviours import Function

LONG = "The archive of the northern light holds every ship that passed. " * 400


@pytest.fixture
def client(sim: Simulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=sim.base_url("openai"), api_key=sim.token, max_retries=0) as sdk:
        yield sdk


def line(custom_id: str, text: str = "hello", **other: Any) -> dict[str, Any]:
    body = {"model": "gpt-5.6", "messages": [{"role": "user", "content": text}], **other.pop("body", {})}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body, **other}


def made(client: openai.OpenAI, lines: list[Any], **params: Any) -> Any:
    text = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines)
    file = client.files.create(file=("in.jsonl", text.encode()), purpose="batch")
    return client.batches.create(
        **{
            "input_file_id": file.id,
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            **params,
        }
    )


def read(client: openai.OpenAI, file_id: str | None) -> list[dict[str, Any]]:
    assert file_id is not None
    return [json.loads(text) for text in client.files.content(file_id).text.splitlines()]


def test_a_batch_passes_through_its_states_as_the_clock_goes_on(
    client: openai.OpenAI, sim: Simulator
) -> None:
    sim.batches.pace = BatchPace(validating_s=10, request_s=5, finalizing_s=20)
    batch = made(client, [line("a"), line("b")], metadata={"sweep": "one"})
    seen = [(batch.status, batch.request_counts.completed)]
    for _ in range(5):
        sim.advance(5)
        batch = client.batches.retrieve(batch.id)
        seen.append((batch.status, batch.request_counts.completed))
    sim.advance(15)
    batch = client.batches.retrieve(batch.id)
    assert seen == [
        ("validating", 0),
        ("validating", 0),
        ("in_progress", 0),
        ("in_progress", 1),
        ("finalizing", 2),
        ("finalizing", 2),
    ]
    assert (batch.status, batch.request_counts.total, batch.request_counts.failed) == ("completed", 2, 0)
    times = (batch.in_progress_at, batch.finalizing_at, batch.completed_at, batch.expires_at)
    assert [at - batch.created_at for at in times] == [10, 20, 40, 86_400]
    assert (batch.metadata, batch.model, batch.error_file_id) == ({"sweep": "one"}, "gpt-5.6", None)


def test_the_output_is_what_the_same_requests_alone_would_have_got(
    client: openai.OpenAI, sim: Simulator
) -> None:
    alone = client.chat.completions.create(
        model="gpt-5.6", messages=[{"role": "user", "content": "What is 2 + 3?"}]
    )
    batch = client.batches.retrieve(made(client, [line("a", "What is 2 + 3?"), line("b", "Hi")]).id)
    first, second = read(client, batch.output_file_id)
    assert [first["custom_id"], second["custom_id"]] == ["a", "b"]
    assert (first["error"], first["response"]["status_code"]) == (None, 200)
    answer = openai.types.chat.ChatCompletion.model_validate(first["response"]["body"])
    assert answer.choices == alone.choices
    assert answer.usage == alone.usage
    assert first["id"] != second["id"]
    assert first["response"]["body"]["id"] != second["response"]["body"]["id"]


def test_a_responses_batch_answers_in_its_own_shape(client: openai.OpenAI) -> None:
    body = {"model": "gpt-5.6", "input": "What is 2 + 3?"}
    lines = [{"custom_id": "a", "method": "POST", "url": "/v1/responses", "body": body}]
    batch = client.batches.retrieve(made(client, lines, endpoint="/v1/responses").id)
    (only,) = read(client, batch.output_file_id)
    answer = openai.types.responses.Response.model_validate(only["response"]["body"])
    assert answer.output_text == client.responses.create(**body).output_text
    assert batch.usage is not None
    assert answer.usage is not None
    assert batch.usage.total_tokens == answer.usage.total_tokens


def test_requests_of_a_batch_read_the_cache_that_live_requests_wrote(client: openai.OpenAI) -> None:
    client.chat.completions.create(model="gpt-5.6", messages=[{"role": "user", "content": LONG}])
    batch = client.batches.retrieve(made(client, [line("a", LONG)]).id)
    (only,) = read(client, batch.output_file_id)
    assert only["response"]["body"]["usage"]["prompt_tokens_details"]["cached_tokens"] > 1024
    assert batch.usage is not None
    assert batch.usage.input_tokens_details.cached_tokens > 1024


def test_a_request_that_fails_is_in_the_error_file_and_the_others_are_not(
    client: openai.OpenAI, sim: Simulator
) -> None:
    def answers(request: SimRequest) -> Turn:
        text = request.messages[-1].text
        return ErrorReply(429, "Slow down.") if text == "no" else reply(f"said {text}")

    sim.behaviour = Function(answers)
    batch = client.batches.retrieve(
        made(client, [line("a", "yes"), line("b", "no"), line("c", body={"max_tokens": "many"})]).id
    )
    assert (batch.status, batch.request_counts.completed, batch.request_counts.failed) == ("completed", 1, 2)
    assert [each["custom_id"] for each in read(client, batch.output_file_id)] == ["a"]
    slow, bad = read(client, batch.error_file_id)
    assert (slow["response"]["status_code"], slow["response"]["body"]["error"]["message"]) == (
        429,
        "Slow down.",
    )
    assert (bad["response"]["status_code"], bad["error"]) == (400, None)


def test_what_is_not_answered_in_a_day_expires(client: openai.OpenAI, sim: Simulator) -> None:
    sim.batches.pace = BatchPace(request_s=50_000)
    batch = made(client, [line("a"), line("b")])
    sim.advance("25h")
    batch = client.batches.retrieve(batch.id)
    assert (batch.status, batch.expired_at) == ("expired", batch.created_at + 86_400)
    assert [each["custom_id"] for each in read(client, batch.output_file_id)] == ["a"]
    (late,) = read(client, batch.error_file_id)
    assert (late["custom_id"], late["response"], late["error"]["code"]) == ("b", None, "batch_expired")


def test_a_cancelled_batch_keeps_what_was_answered(client: openai.OpenAI, sim: Simulator) -> None:
    sim.batches.pace = BatchPace(request_s=10, cancelling_s=30)
    batch = made(client, [line("a"), line("b")])
    sim.advance(15)
    cancelled = client.batches.cancel(batch.id)
    assert (cancelled.status, cancelled.output_file_id) == ("cancelling", None)
    sim.advance(30)
    batch = client.batches.retrieve(batch.id)
    assert (batch.status, batch.request_counts.completed) == ("cancelled", 1)
    assert [each["custom_id"] for each in read(client, batch.output_file_id)] == ["a"]
    assert read(client, batch.error_file_id)[0]["error"]["code"] == "batch_cancelled"
    with pytest.raises(openai.ConflictError, match="Cannot cancel a batch with status 'cancelled'"):
        client.batches.cancel(batch.id)


@pytest.mark.parametrize(
    ("lines", "code", "number", "param"),
    [
        ([], "empty_file", None, None),
        ([line("a"), "{not json"], "invalid_json_line", 2, None),
        ([line("a"), line("a")], "duplicate_custom_id", 2, "custom_id"),
        ([{"custom_id": "a"}], "missing_required_parameter", 1, "method"),
        (["[1]"], "missing_required_parameter", 1, "custom_id"),
        ([line("a", method="GET")], "invalid_method", 1, "method"),
        ([line("a", url="/v1/responses")], "url_mismatch", 1, "url"),
        ([line("a"), line("b", body={"model": "gpt-4o"})], "model_mismatch", 2, "body.model"),
        ([{**line("a"), "custom_id": 7}], "invalid_request", 1, None),
    ],
)
def test_a_bad_file_fails_the_whole_batch_and_says_where(
    client: openai.OpenAI, lines: list[Any], code: str, number: int | None, param: str | None
) -> None:
    batch = made(client, lines)
    assert batch.status == "validating"
    batch = client.batches.retrieve(batch.id)
    assert (batch.status, batch.failed_at, batch.output_file_id) == ("failed", batch.created_at, None)
    assert batch.errors is not None
    assert batch.errors.data is not None
    (error,) = batch.errors.data
    assert (error.code, error.line, error.param) == (code, number, param)


def test_a_batch_of_no_file_fails(client: openai.OpenAI) -> None:
    batch = client.batches.create(input_file_id="file-x", endpoint="/v1/responses", completion_window="24h")
    assert client.batches.retrieve(batch.id).status == "failed"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"endpoint": "/v1/nothing"}, "Invalid value: '/v1/nothing'"),
        ({"completion_window": "1h"}, "Supported value is: '24h'"),
        ({"input_file_id": 3}, "expected a string, but got an integer"),
        ({"metadata": {"a": 1}}, "Invalid type for 'metadata.a'"),
        ({"metadata": {"a": "x" * 513}}, "string too long"),
        ({"metadata": {str(number): "" for number in range(17)}}, "at most 16 properties"),
    ],
)
def test_a_batch_that_is_asked_for_wrongly_is_refused(
    client: openai.OpenAI, params: dict[str, Any], message: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=message):
        made(client, [line("a")], **params)


def test_what_is_not_there_is_404(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="No batch found with id 'batch_x'"):
        client.batches.retrieve("batch_x")
    with pytest.raises(openai.NotFoundError, match="No such File object: file-x"):
        client.files.content("file-x")


def test_lists_are_paged_the_newest_first(client: openai.OpenAI) -> None:
    ids = [made(client, [line(str(number))]).id for number in range(5)]
    assert [batch.id for batch in client.batches.list(limit=2)] == ids[::-1]
    with pytest.raises(openai.BadRequestError, match="between 1 and 100"):
        client.batches.list(limit=101)


def test_files_are_kept_shown_and_deleted(client: openai.OpenAI) -> None:
    content = b'{"a": "\r\n--x"}\n\r\n'
    file = client.files.create(file=("in.jsonl", content), purpose="batch")
    assert (file.filename, file.bytes, file.purpose, file.status) == (
        "in.jsonl",
        len(content),
        "batch",
        "processed",
    )
    assert client.files.content(file.id).read() == content
    assert [each.id for each in client.files.list(purpose="batch")] == [file.id]
    assert client.files.retrieve(file.id) == file
    assert client.files.delete(file.id).deleted
    assert list(client.files.list()) == []


def test_a_batch_file_must_be_jsonl_and_have_a_known_purpose(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=r"Must be \.jsonl"):
        client.files.create(file=("in.txt", b"{}"), purpose="batch")
    with pytest.raises(openai.BadRequestError, match="'purpose'"):
        client.files.create(file=("in.jsonl", b"{}"), purpose="fun")  # type: ignore[arg-type]


def test_a_connection_that_breaks_after_the_request_leaves_the_batch_made(
    client: openai.OpenAI, sim: Simulator
) -> None:
    file = client.files.create(file=("in.jsonl", json.dumps(line("a")).encode()), purpose="batch")
    sim.faults.add(Fault("rst", before_headers=True))
    with pytest.raises(openai.APIConnectionError):
        client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    assert len(list(client.batches.list())) == 1


def test_vendors_do_not_see_each_others_batches(client: openai.OpenAI, sim: Simulator) -> None:
    made(client, [line("a")])
    with openai.OpenAI(base_url=sim.base_url("openai-chat"), api_key=sim.token) as other:
        assert list(other.batches.list()) == []


def test_a_wrong_key_is_refused(sim: Simulator) -> None:
    with (
        openai.OpenAI(base_url=sim.base_url("openai"), api_key="wrong", max_retries=0) as sdk,
        pytest.raises(openai.AuthenticationError),
    ):
        sdk.batches.list()


def test_what_the_simulator_cannot_say_in_a_batch_is_an_error_of_the_request(
    client: openai.OpenAI, sim: Simulator
) -> None:
    sim.behaviour = lambda _: Recorded((b"data: [DONE]",))
    batch = client.batches.retrieve(made(client, [line("a")]).id)
    (only,) = read(client, batch.error_file_id)
    assert only["response"]["status_code"] == 500
    assert "cannot be part of a batch" in only["response"]["body"]["error"]["message"]
