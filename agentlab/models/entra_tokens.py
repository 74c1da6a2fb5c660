"""Microsoft's login: tokens of Entra ID (Azure AD), by `azure-identity`.

Source: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/managed-identity
"""

from __future__ import annotations

from typing import Any, Final

from agentlab.errors import MissingExtra
from agentlab.http import AccessToken, Clock, RenewedToken, Secret

__all__ = ["entra_tokens"]

_SCOPE: Final = "https://cognitiveservices.azure.com/.default"


def entra_tokens(credential: Any = None, *, scope: str = _SCOPE, clock: Clock | None = None) -> RenewedToken:
    """Tokens for Azure, in the place of an API key: `model("azure:my-deployment", api_key=entra_tokens())`.

    Args:
        credential: One of `azure-identity`, or anything with its `get_token`; `DefaultAzureCredential` where None, which
            tries environment, managed identity, and the logins of Azure's command lines.
        scope: What the tokens are for.
        clock: Time; for tests.

    Raises:
        MissingExtra: `azure-identity` is not installed, and no credential was given.
    """
    found = credential
    if found is None:
        try:
            from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - optional
        except ImportError:
            raise MissingExtra(
                "Microsoft's login needs `azure-identity`: pip install 'agentlab[azure]'"
            ) from None
        found = DefaultAzureCredential()

    def token() -> AccessToken:
        given = found.get_token(scope)
        return AccessToken(Secret(given.token), float(given.expires_on))

    return RenewedToken(token, name="Microsoft's login", clock=clock)
