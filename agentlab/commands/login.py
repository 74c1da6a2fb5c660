"""`agentlab login` and `agentlab logout`: keys and addresses that are stored once."""

from __future__ import annotations

import argparse
import asyncio
import difflib
import sys
from collections.abc import Mapping
from typing import Final

from agentlab.commands.parser import Commands
from agentlab.commands.table import print_json, print_table
from agentlab.errors import UsageError
from agentlab.http import Secret
from agentlab.http.credential_file import address_or_refusal, checked_address
from agentlab.modalities.vendors import own_vendors as vendors_of_modalities
from agentlab.models import Vendor, vendors
from agentlab.models.logins import LoggedIn, asked_key, forget_login, known_logins, store_login
from agentlab.models.verifying import verify
from agentlab.retrieval.vendors import own_vendors as vendors_of_retrieval

__all__ = ["add_login", "add_logout", "login"]

_HEADINGS: Final = ("vendor", "name", "needed", "key from", "where", "address", "address from", "problem")
_LONGEST: Final = 64 * 1024


def add_login(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "login",
        help="store the key of a vendor, so that no cell and no command line needs it",
        description="Asks for the key, unseen, and stores it in a file that only you can read.",
    )
    parser.add_argument("vendor", nargs="?", help="what stands before the colon in vendor:model")
    parser.add_argument("--keyring", action="store_true", help="store it in the operating system's keyring")
    parser.add_argument("--stdin", action="store_true", help="read the key from a pipe")
    parser.add_argument("--base-url", metavar="URL", help="reach the vendor here from now on; '' forgets it")
    parser.add_argument("--verify", action="store_true", help="store the key only if the vendor takes it")
    parser.add_argument("--list", action="store_true", help="show which vendors have a key, and from where")
    parser.add_argument("--json", action="store_true", help="with --list: print JSON")
    parser.set_defaults(run=_login)


def add_logout(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("logout", help="forget the stored key and address of a vendor")
    parser.add_argument("vendor", help="what stands before the colon in vendor:model")
    parser.set_defaults(run=_logout)


def login(vendor: str, *, base_url: str | None = None, keyring: bool = False) -> LoggedIn:
    """Store the key of a vendor; for notebooks, where a key has no business in a cell.

        al.login("anthropic")

    The key is asked for, and not shown while it is typed. It is stored in a file that only you can read; `Agent`,
    `model` and all that calls a vendor look there after the environment and the keyring.

    Args:
        vendor: What stands before the colon in `"vendor:model"`.
        base_url: Where the vendor is to be reached from now on; with one, Enter alone keeps the key as it is.
        keyring: Store the key in the operating system's keyring in place of the file.

    Raises:
        UsageError: No vendor is called so, or what was typed cannot be a key; the message does not quote it.
        MissingExtra: The keyring's package is not installed.
        CredentialsUnusable: The file or the keyring could not be used.
    """
    row = _row(vendor)
    address = address_or_refusal(base_url) if base_url else base_url
    del base_url  # a traceback that shows locals would show it
    if isinstance(address, UsageError):
        raise address
    return store_login(row, _asked(row, address), base_url=address, in_keyring=keyring)


def _login(options: argparse.Namespace) -> int:
    if options.list:
        return _list(as_json=options.json)
    if options.vendor is None:
        raise UsageError(
            "name the vendor: `agentlab login openai`; `agentlab login --list` shows what is stored"
        )
    row = _row(options.vendor)
    address = (
        checked_address(options.base_url) if options.base_url else options.base_url
    )  # before a key is typed
    if options.stdin:
        key: Secret | None = _piped()
    elif address is not None and not row.key_required:
        key = None
    else:
        key = _asked(row, address)
    if options.verify:
        if row.name not in vendors():
            raise UsageError(
                f"`{row.name}` has no chat models here, and cannot be verified; leave `--verify` out"
            )
        proved = asyncio.run(verify(row.name, api_key=key, base_url=address or None))
        print(f"`{row.name}` takes it: proved by its {proved.by} in {proved.seconds:.2f} s")
    _tell(store_login(row, key, base_url=address, in_keyring=options.keyring))
    return 0


def _tell(done: LoggedIn) -> None:
    if done.key_in:
        print(f"the key of `{done.vendor}` is in {done.key_in}")
    if done.base_url:
        print(f"`{done.vendor}` is reached at {done.base_url}")
    if done.key_in and done.comes_before:
        print(
            f"agentlab: {done.comes_before} is set, and its key comes before the stored one", file=sys.stderr
        )


def _list(*, as_json: bool) -> int:
    found = known_logins(_rows().values())
    known = [each for each in found if each.key_from or each.base_url or each.problem]
    if as_json:
        print_json(known)
    elif known:
        print_table(known, _HEADINGS)
    else:
        print("agentlab: no vendor has a key; `agentlab login VENDOR` stores one", file=sys.stderr)
    return 0


def _logout(options: argparse.Namespace) -> int:
    row = _row(options.vendor)
    places = forget_login(row)
    print(
        f"{' and '.join(places)}: `{row.name}` is forgotten"
        if places
        else f"nothing was stored of `{row.name}`"
    )
    return 0


def _asked(row: Vendor, address: str | None) -> Secret | None:
    key = asked_key(row)
    if key is None and address is None:
        raise UsageError("no key was given")
    return key


def _piped() -> Secret:
    """The key that a pipe holds; bytes that are no text become one that is refused without being shown."""
    if sys.stdin.isatty():
        raise UsageError("`--stdin` reads from a pipe: `pass show openai | agentlab login openai --stdin`")
    return Secret(sys.stdin.buffer.read(_LONGEST).decode("utf-8", "replace"))


def _rows() -> Mapping[str, Vendor]:
    """All vendors that take a key, those without chat models too."""
    return {**vendors(), **vendors_of_retrieval(), **vendors_of_modalities()}


def _row(name: str) -> Vendor:
    found = _rows().get(name)
    if found is None:
        near = difflib.get_close_matches(name, _rows(), n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(f'`{each}`' for each in near)}?" if near else ""
        raise UsageError(f"there is no vendor `{name:.60}`{hint or '; `agentlab models` lists them'}")
    return found
