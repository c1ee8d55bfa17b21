"""Loaders of rows and values: CSV, JSON and JSON lines, read as they are needed."""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
import json
import tracemalloc
from typing import Any

import jq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from document_loaders.conftest import write
from prill.document_loaders import (
    CSVLoader,
    JSONLoader,
    LoadEncodingError,
    LoadFormatError,
    LoadLimitError,
    LoadSourceError,
)
from prill.document_loaders.json_path import _parse, compile_query
from prill.errors import ConfigError

pytestmark = pytest.mark.usefixtures("folder")


def texts(loader: Any) -> list[str]:
    found = loader.load()
    assert asyncio.run(loader.aload()) == found
    return [each.page_content for each in found]


def test_each_row_is_a_document_of_lines() -> None:
    loader = CSVLoader(write("a.csv", '\ufeffname, age\nAnn,3\n"Bo, B",\n'))
    assert texts(loader) == ["name: Ann\nage: 3", "name: Bo, B\nage: "]
    assert [each.metadata for each in loader.load()] == [{"source": "a.csv", "row": 0}, {"source": "a.csv", "row": 1}]


def test_columns_go_to_the_metadata_the_source_or_the_text() -> None:
    path = write("a.csv", "id;name;age\nx;Ann;3\n")
    (found,) = CSVLoader(path, "id", ["age"], {"delimiter": ";"}).load()
    assert (found.page_content, found.metadata) == ("id: x\nname: Ann", {"source": "x", "row": 0, "age": "3"})
    (found,) = CSVLoader(path, csv_args={"delimiter": ";"}, content_columns=["name"]).load()
    assert found.page_content == "name: Ann"
    for wrong in ({"source_column": "no"}, {"metadata_columns": ["no"]}, {"content_columns": ["no"]}):
        with pytest.raises(LoadFormatError, match="no column 'no'; there are id;name;age"):
            CSVLoader(path, **wrong).load()  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="lists of names"):
        CSVLoader(path, metadata_columns="age")


def test_a_broken_row_is_an_error_with_its_line_and_the_others_are_read() -> None:
    loader = CSVLoader(write("a.csv", b"a,b\n1,2\n3\n4,5,6\n\xff,7\n8,9\n"), on_error="skip")
    assert [each.metadata["row"] for each in loader.load()] == [0, 4]
    assert [(type(error), error.reason.partition(":")[0]) for error in loader.errors] == [
        (LoadFormatError, "row 1 (up to line 3) has fewer fields than there are columns"),
        (LoadFormatError, "row 2 (up to line 4) has more fields than there are columns"),
        (LoadEncodingError, "row 3 (up to line 5) has another encoding"),
    ]
    with pytest.raises(LoadFormatError, match="fewer fields"):
        CSVLoader("a.csv").load()


def test_the_arguments_of_csv_may_allow_other_numbers_of_fields() -> None:
    path = write("a.csv", "a,b\n1\n2,3,4\n")
    rest = {"restval": "-", "restkey": "more"}
    assert texts(CSVLoader(path, csv_args=rest)) == ["a: 1\nb: -", "a: 2\nb: 3\nmore: 4"]


def test_a_quotation_mark_that_is_never_closed_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prill.document_loaders.csv_rows.LONGEST", 5000)
    before = csv.field_size_limit(1000)
    try:
        loader = CSVLoader(write("a.csv", 'a\nx\n"' + "y\n" * 10_000), on_error="skip")
        assert loader.load()[0].page_content == "a: x"
        assert type(loader.errors[0]) is LoadLimitError
    finally:
        csv.field_size_limit(before)


def test_the_encoding_of_a_table_may_be_given_or_found_out() -> None:
    path = write("a.csv", "名字\n天空\n".encode("gb18030"))
    assert (
        texts(CSVLoader(path, encoding="gb18030")) == texts(CSVLoader(path, autodetect_encoding=True)) == ["名字: 天空"]
    )
    assert texts(CSVLoader(write("b.csv", "a\nü\n".encode("utf-16")), encoding="utf-16")) == ["a: ü"]
    with pytest.raises(LoadEncodingError):
        CSVLoader(path).load()
    with pytest.raises(LoadEncodingError, match="no encoding"):
        CSVLoader(path, encoding="klingon").load()
    assert texts(CSVLoader(write("c.csv", ""))) == []


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)


@given(rows=st.lists(st.lists(cells, min_size=2, max_size=2), max_size=8))
def test_any_table_is_read_as_it_was_written(rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])
    loader = CSVLoader(write("a.csv", out.getvalue()))
    assert [each.page_content for each in loader.load()] == [f"a: {a.strip()}\nb: {b.strip()}" for a, b in rows]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abé "), inner, max_size=3),
    max_leaves=8,
)
STEPS = [".a", ".[]", "[]", ".[0]", "[-1]", '."a"', '["b"]', '.["é"]', ".b"]


@given(value=values, steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=4))
def test_a_path_finds_what_jq_finds(value: Any, steps: list[str]) -> None:
    expression = "".join(steps)
    if not expression.startswith("."):
        expression = "." + expression
    assert _parse(expression) is not None
    try:
        theirs = list(jq.compile(expression).input_value(value))
    except ValueError:
        with pytest.raises(ValueError, match=r"there is no|asks for"):
            list(compile_query(expression)(value))
    else:
        assert list(compile_query(expression)(value)) == theirs


@given(rows=st.lists(values, max_size=6))
def test_any_values_are_read_line_by_line(rows: list[Any]) -> None:
    path = write("a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    found = JSONLoader(path, text_content=False, json_lines=True).load()
    wanted = [
        row if isinstance(row, str) else "" if row is None else json.dumps(row, ensure_ascii=False) for row in rows
    ]
    assert [each.page_content for each in found] == wanted
    assert [each.metadata["seq_num"] for each in found] == list(range(1, len(rows) + 1))


CHAT = {"messages": [{"text": "天空", "by": "Ann"}, {"text": "sea", "by": "Bo"}]}


def test_values_are_chosen_by_a_path_or_by_jq() -> None:
    path = write("a.json", json.dumps(CHAT))
    assert texts(JSONLoader(path, ".messages[].text")) == ["天空", "sea"]
    assert texts(JSONLoader(path, '.messages[] | select(.by == "Bo")', content_key="text")) == ["sea"]
    assert texts(JSONLoader(path, ".messages[]", content_key=".text", is_content_key_jq_parsable=True)) == [
        "天空",
        "sea",
    ]
    assert texts(JSONLoader(path, text_content=False)) == [json.dumps(CHAT, ensure_ascii=False)]

    def name(value: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
        return {**known, "by": value["by"]}

    found = JSONLoader(path, ".messages[]", "text", metadata_func=name).load()
    assert found[1].metadata == {"source": "a.json", "seq_num": 2, "by": "Bo"}


def test_half_of_a_character_is_replaced_so_that_the_text_can_be_stored() -> None:
    write("v.json", '["a\\ud800b", "\\ud83d\\ude00", {"c": "\\udc00"}]')
    texts = [each.page_content for each in JSONLoader("v.json", ".[]", text_content=False).load()]
    assert texts == ["a\ufffdb", "😀", '{"c": "\ufffd"}']


def test_what_is_wrong_with_a_value_is_said_with_its_place() -> None:
    lines = '{"t": "a"}\n{broken\n\n{"t": 1}\n[]\n{"t": "b"}\n'
    loader = JSONLoader(write("a.jsonl", lines), content_key="t", json_lines=True, on_error="skip")
    assert [each.page_content for each in loader.load()] == ["a", "b"]
    assert [error.reason.partition(":")[0] for error in loader.errors] == [
        "line 2 is not JSON",
        "value 2 (line 4) is not a text but int",
        "value 3 (line 5) has no key 't'",
    ]
    for data, kind in (("", LoadFormatError), ("{", LoadFormatError), (b'"\xff"', LoadEncodingError)):
        with pytest.raises(kind):
            JSONLoader(write("a.json", data)).load()
    with pytest.raises(LoadFormatError, match="what jq_schema asks for"):
        JSONLoader(write("a.json", "1"), ".a").load()
    with pytest.raises(LoadSourceError):
        JSONLoader("gone.json").load()
    with pytest.raises(ConfigError, match="not an expression of jq"):
        JSONLoader("a.json", "| |")
    with pytest.raises(ConfigError, match="needs a content_key"):
        JSONLoader("a.json", is_content_key_jq_parsable=True)


def test_what_a_function_for_the_metadata_raises_is_not_taken_for_an_error_of_the_file() -> None:
    def fail(value: Any, known: Any) -> Any:
        raise OSError("of one's own")

    with pytest.raises(OSError, match="of one's own") as caught:
        JSONLoader(write("a.json", '"x"'), metadata_func=fail, on_error="skip").load()
    assert not isinstance(caught.value, LoadSourceError)


def test_a_line_that_is_too_long_is_an_error_and_the_next_one_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prill.document_loaders.json_values.LONGEST", 100)
    path = write("a.jsonl", json.dumps("x" * 1000) + "\n" + '"y"\n')
    loader = JSONLoader(path, json_lines=True, on_error="skip")
    assert [each.page_content for each in loader.load()] == ["y"]
    assert type(loader.errors[0]) is LoadLimitError


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_large_file_is_read_in_little_memory(kind: str) -> None:
    with open(f"a.{kind}", "w") as file:
        file.write("text\n" if kind == "csv" else "")
        for number in range(40_000):
            file.write(f"{number} {'x' * 100}\n" if kind == "csv" else f'"{number} {"x" * 100}"\n')
    loader = CSVLoader("a.csv") if kind == "csv" else JSONLoader("a.jsonl", json_lines=True)
    next(iter(loader.lazy_load()))  # imports and caches
    tracemalloc.start()
    try:
        count = sum(1 for _ in loader.lazy_load())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 40_000
    assert peak < 1_000_000  # the file has 4 MB


def test_reading_stops_where_the_consumer_does() -> None:
    path = write("a.csv", "a\n" + "1\n" * 100_000)
    assert len(list(itertools.islice(CSVLoader(path).lazy_load(), 3))) == 3

    async def first() -> str:
        stream = CSVLoader(path).alazy_load()
        found = await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        return found.page_content

    assert asyncio.run(first()) == "a: 1"


def test_in_asyncio_an_error_comes_behind_the_rows_that_were_read_before_it() -> None:
    path = write("a.csv", "a,b\n" + "1,2\n" * 100 + "3\n" + "4,5\n" * 100)

    async def read() -> tuple[int, str]:
        count = 0
        try:
            async for _ in CSVLoader(path).alazy_load():
                count += 1
        except LoadFormatError as error:
            return count, error.reason
        return count, ""

    count, reason = asyncio.run(read())
    assert count == 100
    assert "row 100" in reason
