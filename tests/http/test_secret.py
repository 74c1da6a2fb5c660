from __future__ import annotations

import base64
import copy
import json
import logging
import pickle
import time
import traceback
from dataclasses import asdict
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import UsageError
from agentlab.http import MASK, HttpRequest, RedactingFilter, Secret, redact

CANARY = 'sk-CANARY/4f+9Q=="quoted"\\x-0123456789'
keys = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=60)


def spellings(value: str) -> list[str]:
    """Forms in which servers, logs and tracebacks have been seen to show a key."""
    raw = value.encode()
    return [
        value,
        f"Bearer {value}",
        repr(value),
        repr(raw),
        json.dumps({"key": value}),
        json.dumps({"key": value}).replace("/", "\\/"),
        json.dumps(json.dumps({"key": value})),
        repr(json.dumps(value).replace("/", "\\/").encode()),
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        quote(value, safe="").lower() if value.islower() else quote(value, safe=""),
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
        *(base64.b64encode(b"u" * pad + b":" + raw).decode() for pad in range(4)),
    ]


def leaks(value: str, text: str) -> bool:
    """Whether the value, or enough of one of its encodings, can be read from the text."""
    raw = value.encode()
    inner = {base64.b64encode(b"\0" * pad + raw).decode()[2 + pad : -4] for pad in range(3)}
    forms = {value, quote(value, safe=""), json.dumps(value)[1:-1], *inner}
    return any(form in text for form in forms if len(form) >= 8)


@given(value=keys)
def test_every_spelling_of_a_known_key_is_masked(value: str) -> None:
    secret = Secret(value)
    for text in spellings(value):
        masked = redact(f"before {text} after", [secret])
        assert value not in masked
        assert MASK in masked
        assert not leaks(value, masked)


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        format,
        "{}".format,
        "{:>40}".format,
        "{!r}".format,
        "%s".__mod__,
        lambda secret: f"{secret!s}{secret!r}",
        lambda secret: repr([secret, {"key": secret}]),
        lambda secret: repr(HttpRequest("POST", "https://x", auth=("authorization", "Bearer ", secret))),
        lambda secret: repr(
            asdict(HttpRequest("POST", "https://x", auth=("authorization", "Bearer ", secret)))
        ),
        lambda secret: repr(copy.deepcopy({"key": secret})),
    ],
)
def test_a_secret_shows_a_mask(show: Any) -> None:
    shown = show(Secret(CANARY))
    assert MASK in shown
    assert not leaks(CANARY, shown)


@pytest.mark.parametrize(
    "write",
    [
        pickle.dumps,
        json.dumps,
        msgspec.json.encode,
        msgspec.msgpack.encode,
        dict,
        list,
        vars,
        lambda secret: secret.__dict__,
        lambda secret: pickle.dumps(secret, protocol=0),
        lambda secret: copy.copyreg.__reduce_ex__(secret, 2),  # type: ignore[attr-defined]
    ],
)
def test_a_secret_cannot_be_written_down(write: Any) -> None:
    with pytest.raises((TypeError, AttributeError)) as refused:
        write(Secret(CANARY))
    assert not leaks(CANARY, str(refused.value))


def test_a_secret_is_the_same_as_another_of_its_value() -> None:
    assert Secret(CANARY) == Secret(f"  {CANARY}\n")
    assert Secret(CANARY) != Secret(CANARY + "x")
    assert Secret(CANARY) != CANARY
    assert len({Secret(CANARY), Secret(CANARY)}) == 1
    assert Secret(Secret(CANARY)).reveal() == CANARY
    assert copy.copy(secret := Secret(CANARY)) is secret
    assert bool(secret)


def test_a_secret_does_not_change() -> None:
    secret = Secret(CANARY)
    with pytest.raises(AttributeError):
        secret._Secret__value = "other"  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        secret.value = "other"  # type: ignore[attr-defined]
    assert secret.reveal() == CANARY


@pytest.mark.parametrize(
    "value",
    [
        "",
        "  \n",
        f"{CANARY}\x00",
        f"{CANARY}\r\nx: y",
        f"{CANARY}é",
        f"{CANARY}\x7f",
        f"\u200b{CANARY}",
        f"{CANARY} \u2026",
    ],
)
def test_what_no_header_can_carry_is_refused_without_quoting_it(value: str) -> None:
    with pytest.raises(UsageError) as refused:
        Secret(value)
    assert "key" in str(refused.value)
    assert not leaks(CANARY, "".join(traceback.format_exception(refused.value)))
    frames = traceback.TracebackException.from_exception(refused.value, capture_locals=True).stack
    assert not leaks(CANARY, repr(frames[-1].locals))


def test_a_key_that_is_no_string_is_refused() -> None:
    with pytest.raises(UsageError, match="not int"):
        Secret(7)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abcdefghijklmnop1234.",
        "GET https://x/v1/models?alt=sse&key=AIzaSyA1234567890abcdefghijklmnop HTTP/1.1",
        "url=https://x/?key=abcdefgh12345678",
        "Authorization: Bearer eyJhbGciOi.JIUzI1NiIs.InR5cCI6IkpXVCJ9",
        "authorization: Basic dXNlcjpwYXNzd29yZDEyMw==",
        "{'x-api-key': 'abcdefghij0123456789'}",
        '{"api_key": "abcdefghij0123456789"}',
        '"{\\"apiKey\\": \\"abcdefghij0123456789\\"}"',
        "(b'x-goog-api-key', b'AIzaSyA1234567890abcdefghijklmnop')",
        "access_token=ya29.abcdefghijklmnop",
        "aws AKIAIOSFODNN7EXAMPLE",
        "line\\nsk-ant-REDACTED-aaaaaaaaaaaaaaaa",
        "gsk_abcdefghijklmnop1234 and hf_abcdefghijklmnop1234",
    ],
)
def test_what_looks_like_a_key_is_masked(text: str) -> None:
    masked = redact(text)
    assert MASK in masked
    for piece in ("abcdefgh", "1234567890", "aaaaaaaa", "eyJ", "dXNl", "IOSFODNN"):
        assert piece not in masked
    assert redact(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "Missing bearer authentication in header",
        "Unknown key: 'response_format' in generationConfig",
        "The task-management-system failed; risk-adjusted-returns are fine",
        "api_key: Field required",
        "x-api-key header is required",
        "model gpt-5.6-mini-2026-05-01 does not exist (request id req_0123456789abcdef)",
        "connection to api.openai.com:443 refused",
    ],
)
def test_ordinary_messages_stay_readable(text: str) -> None:
    assert redact(text, [Secret("none"), Secret("ollama")]) == text


@pytest.mark.parametrize("piece", ["key=", "bearer ", "api_key  ", "sk-", "x", "=", '"', "Bearer", "key=a"])
def test_hostile_text_is_cleaned_in_linear_time(piece: str) -> None:
    text = piece * (400_000 // len(piece))
    began = time.process_time()
    redact(text, [Secret(CANARY)])
    assert time.process_time() - began < 4  # a quadratic search of 400,000 characters takes minutes


def test_a_filter_masks_message_arguments_and_traceback() -> None:
    record_filter = RedactingFilter([Secret(CANARY)])
    record_filter.add(Secret("another-key-of-mine"))
    try:
        float(CANARY)
    except ValueError as error:
        caught = (ValueError, error, error.__traceback__)
    record = logging.LogRecord(
        "x", logging.DEBUG, "f", 1, "sent %s and %s", (CANARY, "another-key-of-mine"), caught
    )
    assert record_filter.filter(record)
    text = logging.Formatter().format(record)
    assert "ValueError" in text
    assert text.startswith(f"sent {MASK} and {MASK}")
    assert not leaks(CANARY, text)
    assert "another-key" not in text
