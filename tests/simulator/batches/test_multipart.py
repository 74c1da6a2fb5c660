"""Uploads: whatever is put into a form comes out of it."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.simulator.batches.multipart import form_fields
from agentlab.simulator.dialects import Rejected


@given(
    content=st.binary(max_size=300),
    value=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    name=st.text("abcXYZ 0-_.äß", min_size=1, max_size=12),
)
def test_a_form_is_read_as_an_http_library_writes_it(content: bytes, value: str, name: str) -> None:
    sent = httpx.Request("POST", "http://x", data={"purpose": value}, files={"file": (name, content)})
    fields = form_fields(sent.headers["content-type"], sent.read())
    assert fields["file"].content == content
    assert fields["file"].filename == name
    assert fields["purpose"].text == value
    assert fields["purpose"].filename is None


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("", b""),
        ("application/json", b"{}"),
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\ncut"),
    ],
)
def test_what_is_no_form_is_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(Rejected):
        form_fields(content_type, body)
