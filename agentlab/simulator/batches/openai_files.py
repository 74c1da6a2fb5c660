"""OpenAI's Files, as far as batches need them (https://platform.openai.com/docs/api-reference/files)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from agentlab.simulator.batches.multipart import form_fields
from agentlab.simulator.dialects import Ids, Rejected
from agentlab.simulator.dialects.openai_errors import missing

__all__ = ["Files", "StoredFile", "page_of"]

_PURPOSES: Final = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
_KEPT_S: Final = 30 * 86_400
_LARGEST_PAGE: Final = 100


class StoredFile(Struct, frozen=True):
    """A file of one vendor's account.

    Attributes:
        id: Its id.
        filename: Its name.
        purpose: What it is for.
        content: Its bytes.
        created: Seconds since 1970.
    """

    id: str
    filename: str
    purpose: str
    content: bytes
    created: float

    def shown(self) -> dict[str, Any]:
        """The `file` object."""
        return {
            "object": "file",
            "id": self.id,
            "purpose": self.purpose,
            "filename": self.filename,
            "bytes": len(self.content),
            "created_at": int(self.created),
            "expires_at": int(self.created) + _KEPT_S if self.purpose.startswith("batch") else None,
            "status": "processed",
            "status_details": None,
        }


class Files:
    """The files of every vendor of one server."""

    def __init__(self) -> None:
        self._files: dict[tuple[str, str], StoredFile] = {}

    def get(self, vendor: str, file_id: str) -> StoredFile | None:
        """A file by its id; None where there is none."""
        return self._files.get((vendor, file_id))

    def keep(self, vendor: str, filename: str, purpose: str, content: bytes, ids: Ids) -> StoredFile:
        """Store a file."""
        kept = StoredFile(ids.new("file-", 22), filename, purpose, content, ids.created)
        self._files[vendor, kept.id] = kept
        return kept

    def upload(self, vendor: str, content_type: str, body: bytes, ids: Ids) -> dict[str, Any]:
        """`POST /v1/files`.

        Raises:
            Rejected: The form is not as the API wants it.
        """
        fields = form_fields(content_type, body)
        if "purpose" not in fields:
            raise missing("purpose")
        if "file" not in fields:
            raise missing("file")
        purpose, uploaded = fields["purpose"].text, fields["file"]
        if purpose not in _PURPOSES:
            raise Rejected.because(
                f"'{purpose}' is not one of {list(_PURPOSES)} - 'purpose'", param="purpose"
            )
        filename = uploaded.filename or "upload"
        if purpose == "batch" and not filename.endswith(".jsonl"):
            raise Rejected.because("Invalid file format for Batch API. Must be .jsonl")
        return self.keep(vendor, filename, purpose, uploaded.content, ids).shown()

    def retrieve(self, vendor: str, file_id: str) -> StoredFile:
        """A file that must be there.

        Raises:
            Rejected: It is not: 404.
        """
        kept = self.get(vendor, file_id)
        if kept is None:
            raise Rejected.because(f"No such File object: {file_id}", status=404, param="id")
        return kept

    def delete(self, vendor: str, file_id: str) -> dict[str, Any]:
        """`DELETE /v1/files/{id}`."""
        del self._files[vendor, self.retrieve(vendor, file_id).id]
        return {"object": "file", "deleted": True, "id": file_id}

    def listed(self, vendor: str, query: Mapping[str, str]) -> dict[str, Any]:
        """`GET /v1/files`: the newest first."""
        own = [kept.shown() for (owner, _), kept in reversed(self._files.items()) if owner == vendor]
        wanted = query.get("purpose")
        return page_of([file for file in own if wanted in {None, file["purpose"]}], query, largest=10_000)


def page_of(
    objects: Sequence[dict[str, Any]],
    query: Mapping[str, str],
    *,
    largest: int = _LARGEST_PAGE,
    usual: int | None = None,
) -> dict[str, Any]:
    """A page of OpenAI's lists: `after` is the id of the last object of the page before.

    Args:
        objects: All of them, in order.
        query: `after` and `limit`.
        largest: The most a page may hold.
        usual: What it holds where nothing is asked; None is the most.

    Raises:
        Rejected: The limit is no number in range.
    """
    asked = query.get("limit", str(largest if usual is None else usual))
    limit = int(asked) if asked.isdigit() else 0
    if not 1 <= limit <= largest:
        raise Rejected.because(
            f"Invalid 'limit': expected a value between 1 and {largest}, but got {asked} instead.",
            param="limit",
        )
    start = 0
    if "after" in query:
        places = [place for place, each in enumerate(objects) if each["id"] == query["after"]]
        start = places[0] + 1 if places else len(objects)
    shown = list(objects[start : start + limit])
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": start + limit < len(objects),
    }
