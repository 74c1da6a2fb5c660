"""What models of all three kinds share: a request made from a vendor's row, and an answer read by it."""

from __future__ import annotations

import base64
import binascii
import copy
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

import msgspec

from agentlab.errors import ContentFiltered, ProtocolError, UnsupportedCapability, UsageError
from agentlab.http import Clock, HttpClient, Retry, Secret, Timeouts
from agentlab.messages import Usage
from agentlab.modalities.multipart import encode_multipart
from agentlab.modalities.places import put, read
from agentlab.modalities.usage import usage_of
from agentlab.modalities.vendors import Form, address_of
from agentlab.models.endpoint import Answer, Endpoint
from agentlab.models.wire import merge_params

__all__ = ["Answered", "RemoteModel", "Upload", "decoded_base64", "endpoint_of"]

Row = TypeVar("Row", bound=Form)
_SILENCE_S: Final = 600.0  # nothing comes before the whole picture or sound does, which takes minutes


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that goes with a request.

    Attributes:
        content: Its bytes.
        media_type: What it is.
        name: What it is called.
    """

    content: bytes = field(repr=False)
    media_type: str
    name: str


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, read.

    Attributes:
        values: What stood where the result stands; the whole body where that is it.
        payload: The answer, where it is JSON.
        usage: What it reports of its use.
        audio_s: Seconds of sound it reports.
        answer: The answer as it came.
    """

    values: list[Any] = field(repr=False)
    payload: dict[str, Any] | None = field(repr=False)
    usage: Usage
    audio_s: float | None
    answer: Answer


class RemoteModel(Generic[Row]):
    """A model reached over HTTP.

    Args:
        endpoint: Where it is.
        row: What its vendor takes and gives.
    """

    def __init__(self, endpoint: Endpoint, row: Row) -> None:
        self._endpoint = endpoint
        self._row = row

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    @property
    def name(self) -> str:
        """Its name, `"vendor:model"`."""
        return self._endpoint.name

    def session(self) -> AbstractAsyncContextManager[object]:
        """Keep connections open between requests."""
        return self._endpoint.session()

    async def _ask(
        self,
        options: Mapping[str, Any],
        additional_params: Mapping[str, Any] | None,
        upload: Upload | None = None,
    ) -> Answered:
        """Send a request and read its answer.

        Args:
            options: By their names here; those that are None are left out.
            additional_params: Merged into the body.
            upload: A file that goes with it, where the body is a form or the file itself.

        Raises:
            UnsupportedCapability: The vendor does not take an option; nothing was sent.
            ModelError: The request failed, or its answer is not what the wire allows.
        """
        body = copy.deepcopy(self._row.body)
        for option, value in options.items():
            if value is None:
                continue
            if option not in self._row.fields:
                raise UnsupportedCapability(
                    f"`{self._endpoint.vendor.name}` does not take `{option}`; leave it out"
                )
            put(body, self._row.fields[option], value)
        answer = await self._sent(merge_params(body, additional_params or {}), upload)
        try:
            return self._read(answer)
        except (ProtocolError, ContentFiltered) as error:
            raise self._endpoint.found_in(answer, error) from None

    async def _sent(self, body: dict[str, Any], upload: Upload | None) -> Answer:
        path = self._row.path.replace("{model}", quote(self._endpoint.model_id, safe="/"))
        query = self._row.query or None
        if self._row.form == "json" or upload is None:
            return await self._endpoint.post(path, body, query=query)
        if self._row.form == "bytes":
            if body:
                raise UnsupportedCapability(
                    f"`{self._endpoint.vendor.name}` takes the sound alone, without {', '.join(body)}"
                )
            return await self._endpoint.send(path, upload.content, upload.media_type, query=query)
        try:
            form, content_type = encode_multipart(
                body, self._row.fields["audio"], upload.name, upload.content, upload.media_type
            )
        except UnicodeEncodeError as error:
            raise UsageError(
                f"a text for {self.name} holds a lone surrogate, which has no UTF-8 form: {error.object!r:.80}"
            ) from None
        return await self._endpoint.send(path, form, content_type, query=query)

    def _read(self, answer: Answer) -> Answered:
        if not self._row.answer:
            if not answer.body or answer.body.lstrip()[:1] in {b"{", b"<"}:
                raise ProtocolError(f"bytes were expected, and the answer is {answer.body[:200]!r}")
            return Answered([answer.body], None, Usage(), None, answer)
        try:
            payload = msgspec.json.decode(answer.body, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise ProtocolError(f"the answer is not what the wire allows: {error}") from None
        values = read(payload, self._row.answer)
        if not values:
            reasons = [
                str(each) for place in self._row.reason for each in read(payload, place) if each != "STOP"
            ]
            if reasons:
                raise ContentFiltered(f"there is no result: {', '.join(reasons)}", code=reasons[0])
            raise ProtocolError(
                f"the answer has nothing at `{self._row.answer}`: it holds {', '.join(payload) or 'nothing'}"
            )
        usage, seconds = usage_of(payload)
        return Answered(values, payload, usage, seconds, answer)

    def _decoded(self, value: Any, answered: Answered) -> bytes:
        """The bytes a value of an answer stands for."""
        try:
            return decoded_base64(value)
        except ProtocolError as error:
            error.request_id, error.attempts = answered.answer.request_id, answered.answer.attempts
            raise self._endpoint.redacted(error) from None


def decoded_base64(value: Any) -> bytes:
    """Bytes as they are, or out of base64, a `data:` address included.

    Raises:
        ProtocolError: It is neither.
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, str) and value:
        text = value.partition(",")[2] if value.startswith("data:") else value
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise ProtocolError(f"base64 was expected, and the answer holds {str(value)[:80]!r}")


def endpoint_of(
    vendor: str,
    model_id: str,
    *,
    api_key: str | Secret | None,
    base_url: str | None,
    http: HttpClient | None,
    retry: Retry | None,
    clock: Clock | None,
    seed: int | None,
) -> Endpoint:
    """Where a vendor's model is; with patience, for such answers come in one piece."""
    return Endpoint(
        address_of(vendor),
        model_id,
        api_key=api_key,
        base_url=base_url,
        http=http or HttpClient(timeouts=Timeouts(event_gap=_SILENCE_S, write=_SILENCE_S)),
        retry=retry,
        clock=clock,
        seed=seed,
    )
