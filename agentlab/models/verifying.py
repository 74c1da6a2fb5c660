"""Whether a vendor can be reached, takes the key and has the model: `await verify("openai:gpt-5.6")`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import quote

from msgspec import Struct

from agentlab.errors import ModelError, NotFound, UsageError
from agentlab.http import Clock, HttpClient, Retry
from agentlab.messages import Request, UserMessage
from agentlab.models.asking import ask
from agentlab.models.credentials import Key
from agentlab.models.listing import account_name, listed, listing_address
from agentlab.models.listing_table import Listing, listing_of
from agentlab.models.model import WireModel
from agentlab.models.registry import model
from agentlab.short_repr import ShortRepr

__all__ = ["Verification", "verify"]

_FEW_TOKENS: Final = 16  # the fewest OpenAI's Responses take


class Verification(ShortRepr, Struct, frozen=True, kw_only=True):
    """What was found to be well.

    Attributes:
        name: What was verified, `"openai"` or `"openai:gpt-5.6"`.
        by: What proved it: the vendor's `list` of models, its description of the `model`, its page on the `key`, or a
            `call` of the model, which is billed.
        seconds: How long it took.
    """

    name: str
    by: Literal["list", "model", "key", "call"]
    seconds: float


async def verify(
    name: str,
    *,
    api_key: Key | None = None,
    base_url: str | None = None,
    places: Mapping[str, str] | None = None,
    http: HttpClient | None = None,
    retry: Retry | None = None,
    clock: Clock | None = None,
) -> Verification:
    """Make sure that calls will get through, by the cheapest request that proves it.

    Nothing is billed where the vendor describes its models or has a list that only a valid key opens. Else the model is
    called for at most 16 tokens.

    Args:
        name: `"openai"` for the key alone, `"openai:gpt-5.6"` for the model too; either may be simulated.
        api_key: As in `model`; likewise the others.
        base_url: Another address.
        places: What stands in the places of the vendor's address.
        http: A client with timeouts of your choice.
        retry: When a failed request is sent again.
        clock: Time; for tests.

    Raises:
        MissingKey: The vendor needs a key and there is none.
        AuthenticationFailed: The vendor refused the key.
        NotFound: It has no such model.
        ConnectionFailed: It cannot be reached.
        ResponseTimeout: It did not answer in time.
        ModelError: It answered otherwise, such as `RateLimited` or `ServerError`.
        UsageError: No vendor is called so, or only a call of a model could tell, and none was named.
    """
    before, _, after = name.partition(":")
    whole = bool(after) and (before != "sim" or "/" in after)
    account = model(
        name if whole else account_name(name),
        api_key=api_key,
        base_url=base_url,
        places=places,
        http=http,
        retry=retry,
        clock=clock,
    )
    row, began = listing_of(account.vendor), account.clock.monotonic()
    try:
        by = await (_model_is_there(account, row) if whole else _key_is_good(account, row))
    except ModelError as error:
        said = str(error).removeprefix(f"{account.name}: ")
        error.args = (f"{name} could not be verified: {said}",)
        raise
    return Verification(name=name, by=by, seconds=account.clock.monotonic() - began)


async def _key_is_good(account: WireModel, row: Listing) -> Literal["list", "key"]:
    if row.check:
        await ask(account, row.check)
        return "key"
    if row.public or not row.path:
        raise UsageError(
            f"`{account.vendor.name}` tells nothing of a key without a call; verify a model: "
            f'`verify("{account.vendor.name}:...")`'
        )
    await ask(account, row.path, query=row.query, url=listing_address(account, row, row.path))
    return "list"


async def _model_is_there(account: WireModel, row: Listing) -> Literal["list", "model", "call"]:
    if row.one:
        path = row.one.replace("{model}", quote(account.model_id, safe="/@:"))
        await ask(account, path, url=listing_address(account, row, path))
        return "model"
    if row.path and row.callable_ids:
        models = await listed(account)
        if account.model_id in models.ids:
            if not row.public:
                return "list"
            if row.check:
                await ask(account, row.check)
                return "list"
        elif not row.public and not row.beside_version:
            near = difflib.get_close_matches(account.model_id, models.ids, n=3)
            hint = f"; did you mean {' or '.join(f'`{each}`' for each in near)}?" if near else ""
            raise NotFound(f"{account.vendor.name} lists no model `{account.model_id}`{hint}")
    request = Request(
        model=account.model_id,
        messages=(UserMessage.of("Say yes."),),
        max_tokens=_FEW_TOKENS,
        stream=False,
    )
    await account.complete(request)
    return "call"
