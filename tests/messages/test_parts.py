"""Parts: arguments, reasoning blocks, documents, media."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentlab.errors import InvalidHistory, InvalidToolArguments, UsageError
from agentlab.messages import (
    Audio,
    Base64Source,
    Document,
    Image,
    Json,
    Reasoning,
    ReasoningEncrypted,
    ReasoningRedacted,
    ReasoningSummary,
    ReasoningText,
    Text,
    ToolCall,
    ToolResult,
    Video,
    media_type_of,
)


def test_empty_arguments_are_an_empty_object() -> None:
    assert ToolCall(id="c", name="t", arguments_json="").arguments == {}


@pytest.mark.parametrize("text", ['{"a": 1', "[1]", '"x"', "nonsense", "\ud800"])
def test_arguments_that_are_no_object_are_refused(text: str) -> None:
    call = ToolCall(id="c", name="t", arguments_json=text)
    assert not call.has_valid_arguments
    with pytest.raises(InvalidToolArguments, match="`t`"):
        call.arguments  # noqa: B018


def test_reasoning_blocks_merge_only_with_equal_ids() -> None:
    first = Reasoning((ReasoningText("a", "sig1"),), id="rs_1")
    second = Reasoning((ReasoningText("b", "sig2"),), id="rs_1")
    merged = first.merged(second)
    assert merged is not None
    assert merged.content == (ReasoningText("a", "sig1"), ReasoningText("b", "sig2"))
    assert first.merged(Reasoning((), id="rs_2")) is None
    assert Reasoning((ReasoningText("a"),)).merged(Reasoning((ReasoningText("b"),))) is None


def test_readable_reasoning_leaves_out_what_only_the_provider_reads() -> None:
    block = Reasoning(
        (ReasoningText("clear"), ReasoningEncrypted("xx"), ReasoningRedacted("yy"), ReasoningSummary("short"))
    )
    assert block.text == "clear\nshort"


def test_document_metadata_is_rendered_sorted() -> None:
    one = Document.from_text("body", "doc", b="2", a="1").rendered()
    other = Document.from_text("body", "doc", a="1", b="2").rendered()
    assert one == other == '<file id: doc>\n<metadata a: "1" b: "2" />\nbody\n</file>\n'


def test_binary_document_has_no_text_form() -> None:
    document = Document(Base64Source.from_bytes(b"%PDF"), id="d", media_type="application/pdf")
    with pytest.raises(InvalidHistory, match="'d' of type application/pdf"):
        document.rendered()


def test_image_file_keeps_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "dot.PNG"
    path.write_bytes(b"\x89PNG")
    image = Image.from_file(path)
    assert image.media_type == "image/png"
    assert isinstance(image.source, Base64Source)
    assert image.source.to_bytes() == b"\x89PNG"


def test_unknown_suffix_names_the_file_and_the_way_out() -> None:
    with pytest.raises(UsageError, match=r"`x\.blend`.*media_type="):
        media_type_of("folder/x.blend")


@pytest.mark.parametrize("kind", [Image, Audio, Video])
def test_a_file_of_another_kind_is_refused_by_name(kind: type[Image | Audio | Video], tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("text", encoding="utf-8")
    with pytest.raises(UsageError, match=r"`notes\.txt` is text/plain, and (image|audio|video) is wanted"):
        kind.from_file(path)


def test_result_text_is_compact_json_with_sorted_keys() -> None:
    result = ToolResult("c", "t", (Text("a"), Json({"b": 1, "a": [1, 2]}), Image.from_bytes(b"")))
    assert result.text == 'a\n{"a":[1,2],"b":1}\n[image image/png]'


@pytest.mark.parametrize(
    ("status", "error"), [("success", False), ("skipped", False), ("failed", True), ("interrupted", True)]
)
def test_only_failed_and_interrupted_results_are_errors(status: str, error: bool) -> None:
    assert ToolResult("c", "t", (Text(""),), status).is_error is error  # type: ignore[arg-type]
