"""AWS signatures: made by botocore, judged by the simulator's own reading of the specification."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import AuthenticationFailed, MissingExtra, MissingKey
from agentlab.http import AwsSigner, HttpRequest
from agentlab.http.signing import aws_signer
from agentlab.simulator.aws_signature import is_signed_with

SECRET = "sEcReT/0123456789+abcdefghijklmnopqrstuv"
TOKEN = "session-token-0123456789-abcdefghij"
URL = "http://127.0.0.1:8000/bedrock/model/a.b-v1%3A0/converse?x=1&y=a%20b"
JSON = {"content-type": "application/json"}


@pytest.fixture(autouse=True)
def _no_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of the machine the test runs on."""
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def signer(token: str | None = None) -> AwsSigner:
    return AwsSigner(
        Credentials("AKIASIMULATED0000000", SECRET, token), service="bedrock", region="eu-central-1"
    )


def checks(
    secret: str, made: dict[str, str], url: str = URL, body: bytes = b"{}", method: str = "POST"
) -> bool:
    """Whether the server that got this request finds it signed with the secret."""
    host, _, target = url.partition("://")[2].partition("/")
    headers = {name.lower(): value for name, value in {**JSON, "host": host, **made}.items()}
    return is_signed_with(secret, method, f"/{target}", headers, body)


@pytest.mark.anyio
async def test_a_signature_holds_for_its_request_and_no_other() -> None:
    made = await signer().headers("POST", URL, JSON, b"{}")
    assert sorted(name.lower() for name in made) == ["authorization", "x-amz-date"]
    assert "/eu-central-1/bedrock/aws4_request" in made["Authorization"]
    assert checks(SECRET, made)
    assert not checks("another-secret-0123456789", made)
    assert not checks(SECRET, made, body=b"{ }")
    assert not checks(SECRET, made, url=URL + "1")
    assert not checks(SECRET, made, url=URL.replace("a.b", "a.c"))
    assert not checks(SECRET, made, method="GET")
    assert not checks(SECRET, {**made, "X-Amz-Date": "20000101T000000Z"})
    assert not checks(SECRET, {"Authorization": "Bearer x"})


@pytest.mark.anyio
async def test_a_session_token_is_signed_along_and_masked() -> None:
    made_by = signer(TOKEN)
    assert made_by.secrets == ()
    made = await made_by.headers("POST", URL, JSON, b"{}")
    assert made["X-Amz-Security-Token"] == TOKEN
    assert checks(SECRET, made)
    assert [each.reveal() for each in made_by.secrets] == [SECRET, TOKEN]
    assert SECRET not in repr(made_by) + str(made_by.secrets) + repr(HttpRequest("POST", URL, signer=made_by))


@pytest.mark.anyio
async def test_credentials_that_cannot_be_renewed_are_an_error_without_secrets() -> None:
    class Ended:
        def get_frozen_credentials(self) -> Any:
            raise RuntimeError("refused: Bearer abcdefgh12345678")

    with pytest.raises(AuthenticationFailed, match="cannot be used: RuntimeError: refused") as caught:
        await AwsSigner(Ended(), service="bedrock", region="eu-central-1").headers("POST", URL, JSON, b"")
    assert "abcdefgh12345678" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_credentials_are_those_awss_own_tools_take(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert aws_signer("bedrock", "eu-central-1") is None
    (tmp_path / "credentials").write_text(
        f"[lab]\naws_access_key_id = AKIA\naws_secret_access_key = {SECRET}\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "lab")
    found = aws_signer("bedrock", "eu-central-1")
    assert repr(found) == "AwsSigner(service='bedrock', region='eu-central-1')"
    monkeypatch.setenv("AWS_PROFILE", "labb")
    with pytest.raises(MissingKey, match="labb"):
        aws_signer("bedrock", "eu-central-1")


def test_without_botocore_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    with pytest.raises(MissingExtra, match=r"pip install 'agentlab\[bedrock\]'"):
        aws_signer("bedrock", "eu-central-1")


@pytest.mark.anyio
async def test_every_model_id_can_stand_in_a_signed_path() -> None:
    for name in ("a.b-v1%3A0", "arn%3Aaws%3Abedrock%3A%3A1%3Ainference-profile%2Fus.a", "%C3%A9%20%7E~_-"):
        url = f"http://127.0.0.1:8000/model/{name}/converse"
        assert checks(SECRET, await signer().headers("POST", url, JSON, b"{}"), url)


@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=200))
def test_no_authorization_header_breaks_the_check(header: str) -> None:
    assert not is_signed_with(SECRET, "POST", "/x", {"authorization": header, "host": "h"}, b"")
