"""Bedrock's two ways in: a key of its own, or AWS credentials that sign each request."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentlab.errors import AuthenticationFailed, MissingExtra, MissingKey, UsageError
from agentlab.http import AwsSigner, Secret
from agentlab.messages import Request, UserMessage
from agentlab.models import WireModel, model
from agentlab.models.aws_login import region_of
from agentlab.models.vendors import vendor
from agentlab.simulator import Simulator, reply, serve

NAMES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
    "BEDROCK_REGION",
)
ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-6"


@pytest.fixture(autouse=True)
def _no_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with serve(lambda request: reply(f"I am {request.model}.")) as running:
        yield running


async def answer(spoken: WireModel, *, stream: bool = True) -> str:
    asked = Request(model=spoken.model_id, messages=(UserMessage.of("Hi"),), stream=stream)
    return (await spoken.complete(asked)).message.text


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("name", ["amazon.nova-lite-v1:0", ARN])
async def test_a_signed_request_is_answered(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch, name: str, stream: bool
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASIMULATED0000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", sim.token)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-of-a-session-0123456789")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    spoken = model(f"bedrock:{name}", base_url=sim.base_url("bedrock"))
    assert isinstance(spoken.credential, AwsSigner)
    assert spoken.key is None
    assert await answer(spoken, stream=stream) == f"I am {name}."
    assert "authorization" not in sim.requests[-1].headers


@pytest.mark.anyio
async def test_wrong_credentials_are_refused_and_never_shown(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = "wrong-secret-0123456789-abcdef"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASIMULATED0000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", wrong)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    with pytest.raises(
        AuthenticationFailed, match="security token included in the request is invalid"
    ) as caught:
        await answer(model("bedrock:amazon.nova-lite-v1:0", base_url=sim.base_url("bedrock")))
    assert caught.value.status == 403
    assert wrong not in str(caught.value) + str(caught.value.body)


@pytest.mark.anyio
async def test_a_key_of_bedrock_goes_before_credentials(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASIMULATED0000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret-0123456789-abcdef")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", sim.token)
    spoken = model("bedrock:amazon.nova-lite-v1:0", base_url=sim.base_url("bedrock"))
    assert spoken.credential == Secret(sim.token)
    assert await answer(spoken) == "I am amazon.nova-lite-v1:0."
    assert "x-amz-date" not in sim.requests[-1].headers


def test_without_key_and_credentials_the_error_says_what_to_set() -> None:
    with pytest.raises(MissingKey, match=r"AWS_BEARER_TOKEN_BEDROCK .* AWS_ACCESS_KEY_ID .* AWS_PROFILE"):
        model("bedrock:amazon.nova-lite-v1:0", places={"region": "eu-central-1"})


def test_without_botocore_the_error_says_both_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    with pytest.raises(MissingExtra, match=r"AWS_BEARER_TOKEN_BEDROCK.*agentlab\[bedrock\]"):
        model("bedrock:amazon.nova-lite-v1:0", places={"region": "eu-central-1"})
    assert model(
        "bedrock:amazon.nova-lite-v1:0", api_key="k", places={"region": "eu-central-1"}
    ).key == Secret("k")


def test_the_region_is_part_of_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"BEDROCK_REGION or AWS_REGION or AWS_DEFAULT_REGION.*`places="):
        model("bedrock:x", api_key="k")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    assert model("bedrock:x", api_key="k").base_url == "https://bedrock-runtime.us-west-2.amazonaws.com"
    monkeypatch.setenv("AWS_REGION", "us-gov-west-1")
    assert model("bedrock:x", api_key="k").base_url == "https://bedrock-runtime.us-gov-west-1.amazonaws.com"
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "https://vpce-1.example/")
    assert model("bedrock:x", api_key="k").base_url == "https://vpce-1.example"


@pytest.mark.parametrize("region", ["us east 1", "frankfurt", "evil.example/#", "US-EAST-1", "eu-central-"])
def test_what_is_no_region_is_refused(region: str) -> None:
    with pytest.raises(UsageError, match="is no region of `bedrock`"):
        model("bedrock:x", api_key="k", places={"region": region})


@pytest.mark.parametrize(
    ("address", "region"),
    [
        ("https://bedrock-runtime.us-east-1.amazonaws.com", "us-east-1"),
        ("https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("https://vpce-0a1-2b.bedrock-runtime.ap-southeast-2.vpce.amazonaws.com:443/x", "ap-southeast-2"),
        ("http://127.0.0.1:8000/bedrock", "eu-north-1"),
    ],
)
def test_requests_are_signed_for_the_region_of_the_address(address: str, region: str) -> None:
    assert region_of(vendor("bedrock"), address, environment={"AWS_REGION": "eu-north-1"}) == region


def test_an_address_without_region_needs_one() -> None:
    with pytest.raises(
        UsageError, match=r"127\.0\.0\.1:8000 does not name one: set BEDROCK_REGION or AWS_REGION"
    ):
        region_of(vendor("bedrock"), "http://127.0.0.1:8000/bedrock", environment={})
