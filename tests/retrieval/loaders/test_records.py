"""CSV, JSON, JSON Lines and notebooks."""

from __future__ import annotations

import csv
import io
import json
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import LoadFailed
from agentlab.retrieval.loaders import (
    Limits,
    Reader,
    load,
    read_csv,
    read_json,
    read_json_lines,
    read_notebook,
)


def read(data: str | bytes, name: str, reader: Reader | None = None, **limits: int) -> list:
    raw = data.encode() if isinstance(data, str) else data
    return list(load(raw, name=name, reader=reader, limits=Limits(**limits)))


def test_each_row_is_a_document_with_its_columns_as_text_and_metadata() -> None:
    first, second = read('id,title,year,zip\n1,"A, ""quoted""\nline",1999,01234\n2,,2.5,\n', "a.csv")
    assert first.id == "a.csv#row=1"
    assert first.text == 'id: 1\ntitle: A, "quoted"\nline\nyear: 1999\nzip: 01234'
    assert first.metadata == {
        "id": 1,
        "title": 'A, "quoted"\nline',
        "year": 1999,
        "zip": "01234",
        "path": "a.csv",
        "row": 1,
    }
    assert second.metadata == {"id": 2, "year": 2.5, "path": "a.csv", "row": 2}


def test_text_columns_make_the_text() -> None:
    data = "id,title,body\n1,T,B\n"
    assert read(data, "a.csv", partial(read_csv, text_columns=["body"]))[0].text == "B"
    assert (
        read(data, "a.csv", partial(read_csv, text_columns=["title", "body"]))[0].text == "title: T\nbody: B"
    )
    with pytest.raises(LoadFailed, match="has no column x; it has id, title, body"):
        read(data, "a.csv", partial(read_csv, text_columns=["x"]))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    (document,) = read(f"a{delimiter}b\n1{delimiter}2\n\n", "a.csv")
    assert document.text == "a: 1\nb: 2"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("a,b\n1,2\n1,2,3\n", "3 fields in line 3, and 2 columns"),
        ("a,a\n1,2\n", "names a column twice"),
        ("", "names no column"),
        ('a,b\n"1,2\n', "is no CSV"),
        ("a,b\n" + "x" * 200_000 + ",1\n", "is no CSV: field larger than field limit"),
    ],
)
def test_what_is_no_table_is_refused(data: str, said: str) -> None:
    with pytest.raises(LoadFailed, match=said):
        read(data, "a.csv")
    with pytest.raises(LoadFailed, match="more than 1 rows"):
        read("a\n1\n2\n", "a.csv", parts=1)


CELLS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=6))
def test_whatever_python_writes_is_read(rows: list[tuple[str, str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([("first", "second"), *rows])
    documents = read(out.getvalue(), "a.csv")
    kept = [row for row in rows if any(row)]
    assert len(documents) == len(kept)
    for document, row in zip(documents, kept, strict=True):
        assert [str(document.metadata.get(name, "")) for name in ("first", "second")] == list(row) or any(
            isinstance(document.metadata.get(name), float) for name in ("first", "second")
        )


def test_elements_of_an_array_are_documents() -> None:
    data = json.dumps([{"title": "A", "n": 1, "tags": ["x"], "on": True}, "plain", 3])
    first, second, third = read(data, "a.json")
    assert json.loads(first.text) == {"title": "A", "n": 1, "tags": ["x"], "on": True}
    assert "\n" in first.text
    assert first.metadata == {"title": "A", "n": 1, "on": True, "item": 0, "path": "a.json"}
    assert [each.id for each in (first, second, third)] == ["a.json#item=0", "a.json#item=1", "a.json#item=2"]
    assert (second.text, third.text) == ("plain", "3")


def test_an_object_is_one_document_and_a_key_may_hold_its_text() -> None:
    (whole,) = read('{"a": {"b": 1}}', "a.json")
    assert (whole.id, json.loads(whole.text)) == ("a.json", {"a": {"b": 1}})
    reader = partial(read_json, text_key="body")
    (document,) = read('[{"body": "text", "n": 1}]', "a.json", reader)
    assert (document.text, document.metadata) == ("text", {"n": 1, "item": 0, "path": "a.json"})
    with pytest.raises(LoadFailed, match="has no text under `body` at item=1"):
        read('[{"body": "x"}, {"n": 1}]', "a.json", reader)


def test_lines_are_documents() -> None:
    documents = read('{"n": 1}\n\n{"n": 2}\r\n"text\u2028same line"\n', "a.jsonl")
    assert [each.id for each in documents] == ["a.jsonl#line=1", "a.jsonl#line=3", "a.jsonl#line=4"]
    assert documents[2].text == "text\u2028same line"
    with pytest.raises(LoadFailed, match="is no JSON in line 2"):
        read('{"n": 1}\n{"n": \n', "a.jsonl")
    with pytest.raises(LoadFailed, match="more than 1 lines"):
        read("1\n2\n", "a.jsonl", parts=1)
    assert [each.text for each in read('{"t": "x"}', "a.ndjson", partial(read_json_lines, text_key="t"))] == [
        "x"
    ]


@pytest.mark.parametrize("data", ["", "{", "[1,", "[" * 100_000, b"\xff", '{"a": NaN}'])
def test_what_is_no_json_is_refused(data: str | bytes) -> None:
    for name in ("a.json", "a.ipynb"):
        with pytest.raises(LoadFailed, match="is no"):
            read(data, name)
    with pytest.raises(LoadFailed, match="more than 2 elements"):
        read("[1, 2, 3]", "a.json", parts=2)


NOTEBOOK: dict[str, Any] = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {"kernelspec": {"language": "python"}, "language_info": {"name": "python"}},
    "cells": [
        {"cell_type": "markdown", "source": ["# Title\n", "text"], "metadata": {}},
        {
            "cell_type": "code",
            "source": "print(1)",
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["1\n"]},
                {"output_type": "display_data", "data": {"text/plain": "<Figure>", "image/png": "iVBOR"}},
            ],
        },
        {"cell_type": "code", "source": [], "outputs": []},
        {"cell_type": "raw", "source": "raw"},
    ],
}


def test_a_notebook_is_a_document_with_code_between_fences() -> None:
    (document,) = read(json.dumps(NOTEBOOK), "a.ipynb")
    assert document.text == "# Title\ntext\n\n```python\nprint(1)\n```\n\nraw"
    assert document.metadata == {"path": "a.ipynb", "cells": 4, "language": "python"}
    (document,) = read(json.dumps(NOTEBOOK), "a.ipynb", partial(read_notebook, outputs=True))
    assert "```\n1\n```\n\n```\n<Figure>\n```" in document.text


def test_older_notebooks_are_read_and_empty_ones_refused() -> None:
    old = {
        "nbformat": 3,
        "worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1"]}]}],
        "metadata": {},
    }
    assert read(json.dumps(old), "a.ipynb")[0].text == "```\nx = 1\n```"
    with pytest.raises(LoadFailed, match="holds no text"):
        read('{"nbformat": 4, "cells": []}', "a.ipynb")
    with pytest.raises(LoadFailed, match="more than 1 cells"):
        read(json.dumps(NOTEBOOK), "a.ipynb", parts=1)
