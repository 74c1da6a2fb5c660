"""The models a vendor has: `await list_models("openai")`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, overload

from msgspec import Struct, field

from agentlab.errors import ProtocolError, UsageError
from agentlab.http import Clock, HttpClient, Retry
from agentlab.models.asking import ask
from agentlab.models.credentials import Key
from agentlab.models.listing_table import Listing, listing_of
from agentlab.models.model import WireModel
from agentlab.models.registry import model
from agentlab.short_repr import ShortRepr, one_line

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ModelInfo", "ModelList", "list_models", "listed", "listing_address"]

_MOST_PAGES: Final = 1_000
_MOST_NAMED: Final = 12


class ModelInfo(ShortRepr, Struct, frozen=True, kw_only=True):
    """What a vendor says of one of its models; None where it says nothing.

    Attributes:
        vendor: Its vendor.
        id: The provider's name of the model.
        title: A name for people.
        context_window: The most tokens of a prompt.
        max_output_tokens: The most tokens of an answer.
        created: When it was made or published.
        raw: All the vendor says.
    """

    vendor: str
    id: str
    title: str | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    created: datetime | None = None
    raw: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`"vendor:model"`, as `Agent` and `model` take it."""
        return f"{self.vendor}:{self.id}"


class ModelList(Sequence[ModelInfo]):
    """The models of a vendor, in the vendor's order; read-only.

    Args:
        models: The models.
    """

    def __init__(self, models: Sequence[ModelInfo]) -> None:
        self._models = tuple(models)

    @overload
    def __getitem__(self, index: int) -> ModelInfo: ...
    @overload
    def __getitem__(self, index: slice) -> ModelList: ...
    def __getitem__(self, index: int | slice) -> ModelInfo | ModelList:
        return ModelList(self._models[index]) if isinstance(index, slice) else self._models[index]

    def __len__(self) -> int:
        return len(self._models)

    def __iter__(self) -> Iterator[ModelInfo]:
        return iter(self._models)

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of the models."""
        return tuple(each.id for each in self._models)

    @property
    def frame(self) -> pd.DataFrame:
        """One row a model: vendor, model, title, context_window, max_output_tokens, created."""
        import pandas as pd  # noqa: PLC0415 - heavy, and only a frame needs it

        rows = [
            (each.vendor, each.id, each.title, each.context_window, each.max_output_tokens, each.created)
            for each in self._models
        ]
        names = ["vendor", "model", "title", "context_window", "max_output_tokens", "created"]
        frame = pd.DataFrame(rows, columns=names)
        frame["created"] = pd.to_datetime(frame["created"], utc=True)
        return frame.astype({"context_window": "Int64", "max_output_tokens": "Int64"})

    def __repr__(self) -> str:
        left = len(self) - _MOST_NAMED
        more = f", and {left} more" if left > 0 else ""
        return one_line(f"ModelList({len(self)}: {', '.join(self.ids[:_MOST_NAMED])}{more})")

    def _repr_html_(self) -> str:
        return self.frame.to_html(index=False)


async def list_models(
    vendor: str,
    *,
    api_key: Key | None = None,
    base_url: str | None = None,
    places: Mapping[str, str] | None = None,
    http: HttpClient | None = None,
    retry: Retry | None = None,
    clock: Clock | None = None,
) -> ModelList:
    """The models a vendor has, all pages of them.

        (await list_models("openrouter")).frame.nlargest(5, "context_window")

    Args:
        vendor: Its name, `"openai"`, or `"sim:openai"`.
        api_key: As in `model`; likewise the others.
        base_url: Another address.
        places: What stands in the places of the vendor's address.
        http: A client with timeouts of your choice.
        retry: When a failed request is sent again.
        clock: Time; for tests.

    Raises:
        UsageError: No vendor is called so, or it has no list.
        MissingKey: The vendor needs a key and there is none.
        ModelError: The list could not be read.
    """
    account = model(
        account_name(vendor),
        api_key=api_key,
        base_url=base_url,
        places=places,
        http=http,
        retry=retry,
        clock=clock,
    )
    return await listed(account)


def account_name(vendor: str) -> str:
    """A name of the form that `model` takes, for what concerns no model of the vendor."""
    before, _, simulated = vendor.partition(":")
    return f"sim:{simulated}/-" if before == "sim" and simulated else f"{before}:-"


async def listed(account: WireModel) -> ModelList:
    """The models of the vendor that a model is of. Errors as in `list_models`."""
    row = listing_of(account.vendor)
    if not row.path:
        raise UsageError(
            f"`{account.vendor.name}` has no list of its models that its calls' key and address open"
        )
    found: list[ModelInfo] = []
    query = dict(row.query)
    for _ in range(_MOST_PAGES):
        page = await ask(account, row.path, query=query, url=listing_address(account, row, row.path))
        found += read_page(row, page, account.vendor.name)
        following = next_page(row, page)
        if following is None or query.get(row.next_param) == following:
            return ModelList(found)
        query[row.next_param] = following
    raise ProtocolError(f"{account.vendor.name}: the list of models did not end after {_MOST_PAGES:,} pages")


def listing_address(account: WireModel, row: Listing, path: str) -> str | None:
    """The whole address of a path that stands beside the base URL's version; None for one that stands behind it."""
    return account.base_url.partition("/v1")[0] + path if row.beside_version else None


def next_page(row: Listing, page: Mapping[str, Any]) -> str | None:
    """What asks for the next page; None where this was the last."""
    following = page.get(row.next) if row.next else None
    if not following or (row.more and not page.get(row.more)):
        return None
    return str(following)


def read_page(row: Listing, page: Mapping[str, Any], vendor: str) -> list[ModelInfo]:
    """The models of an answer.

    Raises:
        ProtocolError: It is no list of models.
    """
    items = page.get(row.items, () if row.next else None)
    if items is None or not isinstance(items, list | tuple):
        raise ProtocolError(
            f"{vendor}: the answer has no list called `{row.items}`, only {sorted(page)!r:.200}"
        )
    return [read_model(row, item, vendor) for item in items]


def read_model(row: Listing, item: object, vendor: str) -> ModelInfo:
    """One model of a list.

    Raises:
        ProtocolError: It has no name.
    """
    name = item.get(row.id) if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(name, str) or not name:
        raise ProtocolError(f"{vendor}: a model of the list has no `{row.id}`: {item!r:.200}")
    return ModelInfo(
        vendor=vendor,
        id=name if row.whole_id else name.rpartition("/")[2],
        title=next((str(each) for each in _said(item, row.title) if each), None),
        context_window=_count(item, row.context_window),
        max_output_tokens=_count(item, row.max_output_tokens),
        created=next(filter(None, map(_time, _said(item, row.created))), None),
        raw=item,
    )


def _said(item: Mapping[str, Any], paths: Sequence[str]) -> Iterator[Any]:
    """What stands at these places, list by list."""
    for path in paths:
        values: list[Any] = [item]
        for name in path.split("."):
            values = [
                each[name]
                for value in values
                for each in (value if isinstance(value, list) else [value])
                if isinstance(each, dict) and name in each
            ]
        yield from values


def _count(item: Mapping[str, Any], paths: Sequence[str]) -> int | None:
    """The count at the first place that has one; the largest of several there (hosts behind a router)."""
    for path in paths:
        counts = [
            int(value)
            for value in _said(item, (path,))
            if isinstance(value, int | float)
            and not isinstance(value, bool)
            and math.isfinite(value)
            and value >= 1
        ]
        if counts:
            return max(counts)
    return None


def _time(value: object) -> datetime | None:
    """A moment; None for what is none, such as the 0 of servers that do not know."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None
