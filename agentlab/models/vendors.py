"""The table of vendors: which wire each speaks, where, with which key and in which dialect.

Vendors are data. A new one that speaks a known wire is a row of `vendors.toml`, and no code.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

import msgspec

from agentlab.errors import UsageError
from agentlab.http import stored_login
from agentlab.models.wire import Place, Vendor
from agentlab.rich_display import html_of
from agentlab.short_repr import one_line

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Vendors", "base_url_of", "split_name", "vendor", "vendors", "with_default_model"]

_MOST_NAMED: Final = 24
_MOST_HINTED: Final = 12
_COLUMNS: Final = (
    *("title", "wire", "default_model", "key_env", "key_required"),
    *("base_url", "base_url_env", "lacks"),
)
_PLACE: Final = re.compile(r"\{(\w+)\}")


class Vendors(Mapping[str, Vendor]):
    """Vendors by name; read-only.

    Args:
        rows: The rows of the table.
    """

    def __init__(self, rows: Mapping[str, Vendor]) -> None:
        self._rows = dict(rows)

    def __getitem__(self, name: str) -> Vendor:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def frame(self) -> pd.DataFrame:
        """One row a vendor.

        The columns are vendor, title, wire, default_model, key_env, key_required, base_url, base_url_env and lacks, as
        in the vendor's row.
        """
        import pandas as pd  # noqa: PLC0415 - heavy, and only a frame needs it

        rows = [(name, *(getattr(row, column) for column in _COLUMNS)) for name, row in self.items()]
        return pd.DataFrame(rows, columns=["vendor", *_COLUMNS])

    def __repr__(self) -> str:
        names = ", ".join(list(self._rows)[:_MOST_NAMED])
        left = len(self._rows) - _MOST_NAMED
        return one_line(f"Vendors({len(self._rows)}: {names}{f', and {left} more' if left > 0 else ''})")

    def _repr_html_(self) -> str:
        return html_of(self)


@cache
def vendors() -> Vendors:
    """All vendors by name, in the order of the table; read-only."""
    text = resources.files("agentlab.models").joinpath("vendors.toml").read_text(encoding="utf-8")
    rows = {
        name: msgspec.convert({"name": name, **row}, Vendor, strict=True)
        for name, row in tomllib.loads(text).items()
    }
    return Vendors(rows)


def vendor(name: str) -> Vendor:
    """Look a vendor up.

    Args:
        name: What stands before the colon in `"vendor:model"`.

    Raises:
        UsageError: There is no such vendor; the message names those with a similar name.
    """
    found = vendors().get(name)
    if found is None:
        raise UsageError(f"there is no vendor `{name}`; {_hint(name, vendors())}")
    return found


def split_name(name: str) -> tuple[str, str]:
    """Split `"vendor:model"` at the first colon; the model may hold more of them (`ollama:qwen3:4b`).

    Raises:
        UsageError: There is no colon, or nothing on one side of it.
    """
    before, colon, after = name.partition(":")
    if not (before and colon and after):
        raise UsageError(
            f'a model is named "vendor:model", such as "openai:gpt-5.6"; `{name}` is not: '
            f"{_hint(before, vendors())}"
        )
    return before, after


def with_default_model(name: str) -> str:
    """A model's whole name: that of a vendor's default model where only the vendor is named.

    Args:
        name: `"openai"` or `"sim:openai"`; any other name is given back as it is.

    Raises:
        UsageError: The vendor has no default model.
    """
    simulated = name.startswith("sim:")
    row = vendors().get(name.removeprefix("sim:"))
    if row is None:
        return name
    if row.default_model is None:
        raise UsageError(
            f"`{row.name}` has no default model; name one as "
            f'"{f"sim:{row.name}/..." if simulated else f"{row.name}:..."}" '
            f"(`agentlab models {row.name} --live` lists what it has)"
        )
    return f"{name}/{row.default_model}" if simulated else f"{name}:{row.default_model}"


def base_url_of(
    row: Vendor,
    base_url: str | None = None,
    *,
    places: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Where a vendor is reached: the argument, its environment variable, what `agentlab login` stored, or the table.

    A place such as `{resource}` in the URL is filled from `places`, else from the environment variable that is the
    vendor's name and the place's, in capitals: `AZURE_RESOURCE`; else as the vendor's row says.

    Args:
        row: The vendor.
        base_url: Wins over everything; may hold places too.
        places: Values for places, by name.
        environment: Read in place of `os.environ`.

    Returns:
        The URL without trailing slash.

    Raises:
        UsageError: A place has no value, or one that it cannot have.
        CredentialsUnusable: The file of stored keys and addresses was asked, and cannot be trusted or read.
    """
    found = _address_of(row, base_url, dict(places or {}), environment)
    del environment  # a traceback that shows locals would show the keys in it
    if isinstance(found, UsageError):
        raise found
    return found


def _address_of(
    row: Vendor, base_url: str | None, given: dict[str, str], environment: Mapping[str, str] | None
) -> str | UsageError:
    """The URL, or the error to raise: a frame of this function shows the environment."""
    env = os.environ if environment is None else environment
    from_env = env.get(row.base_url_env) if row.base_url_env else None

    def filled(text: str) -> str:
        return _PLACE.sub(lambda match: value_of(match.group(1)), text)

    def value_of(place: str) -> str:
        described = row.places.get(place, Place())
        if described.of is not None:
            return filled(described.values.get(value_of(described.of), described.default or ""))  # noqa: PD011 - no frame
        variables = [f"{row.name}_{place}".upper().replace("-", "_"), *described.env]
        value = given.get(place) or next(
            (env[each] for each in variables if env.get(each)), described.default
        )
        if not value:
            raise UsageError(
                f"`{row.name}` needs to know its {place}: set {' or '.join(variables)} in the environment, or give "
                f"`places={{{place!r}: ...}}` or `base_url=`"
            )
        value = filled(value).rstrip("/")
        if described.pattern is not None and not re.fullmatch(described.pattern, value):
            raise UsageError(f"`{value}` is no {place} of `{row.name}`; one looks like {described.pattern}")
        return value

    unknown = given.keys() - {*_PLACE.findall(row.base_url), *row.places}
    if unknown:
        return UsageError(f"the address of `{row.name}` has no place called {', '.join(sorted(unknown))}")
    try:
        given_url = base_url or from_env or stored_login(row.name, env).base_url
        return filled(given_url or row.base_url).rstrip("/")
    except UsageError as error:
        return error.with_traceback(None)


def _hint(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return "did you mean " + " or ".join(f"`{each}`" for each in near) + "?"
    left = len(names) - _MOST_HINTED
    more = f" and {left} more, see `agentlab.vendors()`" if left > 0 else ""
    return f"known are {', '.join(names[:_MOST_HINTED])}{more}"
