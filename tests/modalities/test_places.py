"""A value that was put at a place is found there; a form can be read back."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agentlab.modalities.multipart import encode_multipart
from agentlab.modalities.places import put, read

NAMES = st.sampled_from(["a", "b", "c"])
STEPS = st.lists(st.one_of(NAMES, st.sampled_from(["0", "1", "2"])), max_size=4)


@given(NAMES, STEPS, st.integers(), st.integers())
def test_what_is_put_is_read(first: str, steps: list[str], value: int, other: int) -> None:
    body: dict[str, Any] = {"kept": 1}
    place = ".".join([first, *steps])
    put(body, f"{place}.x", value)
    put(body, f"{place}.y", other)
    assert read(body, f"{place}.x") == [value]
    assert read(body, f"{place}.y") == [other]
    assert body["kept"] == 1


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
    ),
    NAMES,
    STEPS,
)
def test_a_star_at_the_end_of_any_place_in_any_json_reads_what_is_in_the_lists_there(
    payload: Any, first: str, steps: list[str]
) -> None:
    place = ".".join([first, *steps])
    lists = [each for each in read(payload, place) if isinstance(each, list)]
    assert read(payload, f"{place}.*") == [value for each in lists for value in each]


def test_a_star_stands_for_each_and_what_is_missing_is_left_out() -> None:
    payload = {"data": [{"x": 1}, {}, {"x": None}, 3, {"x": 2}]}
    assert read(payload, "data.*.x") == [1, 2]
    assert read(payload, "data.9.x") == []


@given(
    st.dictionaries(
        NAMES, st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=20), max_size=3
    ),
    st.binary(max_size=60),
)
def test_a_form_is_read_back_by_pythons_own_reader(fields: dict[str, str], content: bytes) -> None:
    body, content_type = encode_multipart(fields, "file", "a.bin", content, "audio/wav", boundary="b" * 30)
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    parts = list(message.iter_parts())  # type: ignore[attr-defined]
    names = [part.get_param("name", header="content-disposition") for part in parts]
    assert names == [*fields, "file"]
    assert parts[-1].get_filename() == "a.bin"
    # What follows the last head, up to the boundary, is the file, byte for byte.
    assert body.endswith(b"\r\n\r\n" + content + b"\r\n--" + b"b" * 30 + b"--\r\n")
