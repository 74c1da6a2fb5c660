"""The login of AWS for vendors whose requests are signed: which region, whose credentials."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

from agentlab.errors import MissingExtra, MissingKey, UsageError
from agentlab.http.signing import AwsSigner, aws_signer
from agentlab.models.wire import Vendor

__all__ = ["login", "region_of"]

_REGION: Final = re.compile(r"(?<=[.])[a-z]{2,}(?:-[a-z]+)+-\d+(?=[.])")
_PLACE: Final = "region"


def login(row: Vendor, base_url: str) -> AwsSigner:
    """What signs a vendor's requests.

    Args:
        row: The vendor; `signed_as` names the service.
        base_url: Where it is reached.

    Raises:
        MissingKey: There are no AWS credentials; the message says what may be set.
        MissingExtra: botocore is not installed.
        UsageError: The region is not known.
    """
    assert row.signed_as is not None
    keys = " or ".join(row.key_env)
    try:
        signer = aws_signer(row.signed_as, region_of(row, base_url))
    except MissingExtra as error:
        raise MissingExtra(f"`{row.name}` found no key in {keys}, and {error}") from None
    if signer is None:
        raise MissingKey(
            f"No credentials for {row.name!r}: set {keys} to an API key or pass it as `api_key=`; or give AWS "
            "credentials by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, by AWS_PROFILE, or by `aws configure`."
        )
    return signer


def region_of(row: Vendor, base_url: str, *, environment: Mapping[str, str] | None = None) -> str:
    """The region to sign for: the one in the address, else the one in the environment.

    Args:
        row: The vendor.
        base_url: Where it is reached; AWS's own hosts name their region.
        environment: Read in place of `os.environ`.

    Raises:
        UsageError: Neither tells.
    """
    host = base_url.partition("://")[2].partition("/")[0]
    found = _REGION.search(f"{host}.")
    if found is not None:
        return found[0]
    env = os.environ if environment is None else environment
    names = [f"{row.name}_{_PLACE}".upper().replace("-", "_"), *row.places[_PLACE].env]
    region = next((env[name] for name in names if env.get(name)), None)
    if region is None:
        raise UsageError(
            f"requests to `{row.name}` are signed for a region, and {host} does not name one: set {' or '.join(names)}"
        )
    return region
