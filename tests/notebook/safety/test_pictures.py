"""Images of tools: known by their bytes, bounded, never an address."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.messages import Base64Source, FileSource, Image, UrlSource
from agentlab.notebook.safety.pictures import LARGEST, Album, Picture, examined
from agentlab.notebook.safety.safe_html import image
from tests.notebook.hostile import Contents
from tests.notebook.run.made_images import IMAGES, PNG, png


@pytest.mark.parametrize("name", IMAGES)
def test_kind_and_size_are_read_from_the_bytes(name: str) -> None:
    kind, raw = IMAGES[name]
    assert examined(raw) == Picture(kind, raw, 3, 2)  # type: ignore[arg-type] - a table of literals


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_cut_off_anywhere_is_shown_whole_or_not_at_all(name: str) -> None:
    _, raw = IMAGES[name]
    for end in range(len(raw)):
        found = examined(raw[:end])
        assert found is None or (found.width, found.height) == (3, 2)


@given(st.binary(max_size=60), st.sampled_from([raw for _, raw in IMAGES.values()]), st.integers(0, 40))
def test_any_bytes_are_an_image_to_show_or_none(tail: bytes, raw: bytes, kept: int) -> None:
    found = examined(raw[:kept] + tail)
    assert found is None or (found.width > 0 and found.height > 0)


@pytest.mark.parametrize(
    "raw",
    [b"", b"<svg onload=alert(1)>", b"<html>", b"%PDF-1.7", b"BM" + b"\0" * 60, png(3, 2)[1:], png(0, 2)],
)
def test_other_kinds_and_broken_ones_are_not_shown(raw: bytes) -> None:
    assert examined(raw) is None


def test_an_image_that_would_fill_the_memory_of_the_page_is_not_shown() -> None:
    bomb = PNG[:16] + (60_000).to_bytes(4, "big") * 2 + PNG[24:]
    assert examined(bomb) is None


def test_what_an_image_says_of_itself_is_not_believed() -> None:
    taken = Album().take(Image.from_bytes(PNG, "text/html"))
    assert isinstance(taken, Picture)
    assert taken.address.startswith("data:image/png;base64,")
    assert base64.b64decode(taken.address.partition(",")[2]) == PNG


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        (Image(UrlSource("https://a.invalid/?q=secret")), "[image: not shown, its bytes are elsewhere]"),
        (Image(FileSource("f"), "image/png"), "[image image/png: not shown, its bytes are elsewhere]"),
        (
            Image(Base64Source("not base64!"), "image/png"),
            "[image image/png: not shown, its base64 is broken]",
        ),
        (Image.from_bytes(b"<svg>"), "its bytes are no PNG, JPEG, GIF or WebP"),
        (Image.from_bytes(PNG + b"\0" * LARGEST), "bytes are too many]"),
    ],
)
def test_what_is_not_shown_says_why(shown: Image, why: str) -> None:
    taken = Album().take(shown)
    assert isinstance(taken, str)
    assert why in taken


def test_a_run_holds_so_many_images_and_names_the_rest() -> None:
    album = Album(room=2 * len(PNG))
    taken = [album.take(Image.from_bytes(PNG)) for _ in range(3)]
    assert [type(one) for one in taken] == [Picture, Picture, str]


def test_the_element_holds_the_bytes_and_asks_for_nothing() -> None:
    found = examined(PNG)
    assert found is not None
    contents = Contents(image(found, style="max-width: 100%").html)
    assert contents.tags == {"img"}
    attributes = {name: value for _, name, value in contents.attributes}
    assert set(attributes) == {"src", "alt", "width", "height", "style"}
    assert attributes["src"] == found.address
