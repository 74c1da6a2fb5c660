"""Which calls go into one batch."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from agentlab.errors import UsageError
from agentlab.experiments.batch.call import BatchCall, EncodedCall, encode_calls
from agentlab.experiments.batch.packing import pack
from agentlab.experiments.batch.running import batch_apis
from agentlab.messages import Request, UserMessage
from agentlab.models.model import WireModel
from agentlab.models.registry import model

APIS = batch_apis()
NAMES = ("openai:gpt-5.6", "openai:gpt-4o", "openai-chat:gpt-4o", "anthropic:claude-sonnet-5")


def asked(name: str, key: str = "k") -> WireModel:
    return model(name, base_url="http://127.0.0.1:1/v1", api_key=key)


MODELS = {name: asked(name) for name in NAMES}


def encoded(chosen: list[tuple[str, int]], **limits: int) -> list[EncodedCall]:
    calls = [
        BatchCall(
            str(place),
            MODELS[name],
            Request(model=MODELS[name].model_id, messages=(UserMessage.of("x" * length),), max_tokens=5),
        )
        for place, (name, length) in enumerate(chosen)
    ]
    found = encode_calls(calls)
    return [_limited(call, **limits) for call in found]


def _limited(call: EncodedCall, **limits: Any) -> EncodedCall:
    vendor = structs.replace(call.vendor, **limits)
    return EncodedCall(call.call, vendor, call.wire_id, call.path, call.headers, call.body)


@given(
    chosen=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 300)), max_size=25),
    most=st.integers(1, 6),
    size=st.integers(1000, 3000),
)
def test_every_call_is_in_one_batch_that_keeps_the_limits(
    chosen: list[tuple[str, int]], most: int, size: int
) -> None:
    calls = encoded(chosen, max_requests=most, max_bytes=size)
    parts = pack(calls, APIS)
    assert sorted(call.wire_id for part in parts for call in part) == sorted(call.wire_id for call in calls)
    for part in parts:
        vendor = part[0].vendor
        api = APIS[vendor.api]
        assert 1 <= len(part) <= most
        assert sum(map(api.size, part)) <= size
        assert len({(call.call.model.vendor.name, call.path) for call in part}) == 1
        if vendor.one_model:
            assert len({call.call.model.model_id for call in part}) == 1
        assert [int(call.wire_id) for call in part] == sorted(int(call.wire_id) for call in part)


@given(chosen=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 300)), min_size=1, max_size=8))
def test_the_size_of_a_call_is_what_it_adds_to_the_body(chosen: list[tuple[str, int]]) -> None:
    for part in pack(encoded(chosen), APIS):
        api = APIS[part[0].vendor.api]
        upload = api.upload(part, "key")
        if upload is None:
            from_calls = len(b'{"requests":[') + sum(map(api.size, part)) - 1 + len(b"]}")
            assert len(api.create(part, None, None).body) == from_calls  # type: ignore[arg-type]
        else:
            frame = api.upload((), "key")
            assert frame is not None
            assert len(upload.body) == len(frame.body) + sum(map(api.size, part))


def test_a_call_too_large_for_any_batch_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"the request '0' takes .* bytes, and a batch of `openai` may hold 200"
    ):
        pack(encoded([(NAMES[0], 500)], max_bytes=200), APIS)


def test_two_accounts_of_one_vendor_do_not_share_a_batch() -> None:
    request = Request(model="gpt-4o", messages=(UserMessage.of("hi"),))
    calls = [BatchCall(key, asked("openai:gpt-4o", key), request) for key in ("one", "other")]
    assert len(pack(encode_calls(calls), APIS)) == 2
    same = [BatchCall(name, asked("openai:gpt-4o"), request) for name in ("a", "b")]
    assert len(pack(encode_calls(same), APIS)) == 1
