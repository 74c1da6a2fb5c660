"""The client that the public conformance suite runs: `python -m tests.tools.mcp.conformance_client URL`, the scenario in the environment."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.client.auth.extensions.identity_assertion import IdentityAssertionOAuthProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from agentlab.errors import AgentlabError
from agentlab.tools.mcp import McpClient

CALLBACK = "http://localhost:3030/callback"
METADATA_URL = "https://conformance-test.local/client-metadata.json"


class Storage:
    """Tokens in memory."""

    def __init__(self, client: OAuthClientInformationFull | None = None) -> None:
        self.tokens: OAuthToken | None = None
        self.client = client

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Browser:
    """Follows the login page as a user would, and keeps what it redirects to."""

    async def visit(self, url: str) -> None:
        async with httpx2.AsyncClient() as client:
            self.location = (await client.get(url)).headers["location"]

    async def callback(self) -> AuthorizationCodeResult:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.location).query).items()}
        return AuthorizationCodeResult(code=query["code"], state=query.get("state"), iss=query.get("iss"))


async def enterprise_auth(context: dict[str, Any], url: str) -> httpx2.Auth:
    """The identity provider's assertion, exchanged for the user's token, and presented to the server's own authority (SEP-990)."""
    parts = urlsplit(url)
    async with httpx2.AsyncClient() as http:
        resource = await http.get(
            f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{parts.path}"
        )
    issuer = resource.json()["authorization_servers"][0]

    async def assertion(audience: str, wanted: str) -> str:
        asked = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "requested_token_type": "urn:ietf:params:oauth:token-type:id-jag",
            "subject_token": context["idp_id_token"],
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "audience": audience,
            "resource": wanted,
            "client_id": context["idp_client_id"],
        }
        async with httpx2.AsyncClient() as http:
            return str((await http.post(context["idp_token_endpoint"], data=asked)).json()["access_token"])

    return IdentityAssertionOAuthProvider(
        url,
        Storage(),
        context["client_id"],
        context["client_secret"],
        issuer,
        assertion,
        token_endpoint_auth_method="client_secret_basic",
    )


async def auth_of(scenario: str, context: dict[str, Any], url: str) -> httpx2.Auth:
    if scenario.startswith("auth/cross-app-access"):
        return await enterprise_auth(context, url)
    if scenario == "auth/client-credentials-basic":
        return ClientCredentialsOAuthProvider(url, Storage(), context["client_id"], context["client_secret"])
    if scenario == "auth/client-credentials-jwt":
        signed = SignedJWTParameters(
            issuer=context["client_id"],
            subject=context["client_id"],
            signing_key=context["private_key_pem"],
            signing_algorithm=context["signing_algorithm"],
        )
        return PrivateKeyJWTOAuthProvider(
            url, Storage(), context["client_id"], signed.create_assertion_provider()
        )
    browser = Browser()
    known = None
    if "client_id" in context:
        known = OAuthClientInformationFull(
            client_id=context["client_id"],
            client_secret=context.get("client_secret"),
            redirect_uris=[AnyUrl(CALLBACK)],
            token_endpoint_auth_method="client_secret_basic",
        )
    metadata = OAuthClientMetadata(
        client_name="agentlab",
        redirect_uris=[AnyUrl(CALLBACK)],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
    )
    return OAuthClientProvider(
        url,
        metadata,
        Storage(known),
        redirect_handler=browser.visit,
        callback_handler=browser.callback,
        client_metadata_url=METADATA_URL,
    )


async def main(url: str) -> None:
    scenario = os.environ["MCP_CONFORMANCE_SCENARIO"]
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
    auth = await auth_of(scenario, context, url) if scenario.startswith("auth/") else None
    async with McpClient(url, auth=auth, elicitation=lambda _request: {}) as client:
        for tool in client.tools:
            try:
                await client.call_tool(
                    tool.server_name, {"a": 5, "b": 3} if tool.server_name == "add_numbers" else {}
                )
            except AgentlabError as error:
                print(error)


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1]))
    except AgentlabError as error:
        sys.exit(str(error))
