"""Loaders of one file: what they read, and which error says what is wrong with a broken one."""

from __future__ import annotations

import asyncio
import io
import os
import zipfile
from pathlib import Path

import pytest

from document_loaders.conftest import write, write_docx, write_pdf
from prill.document_loaders import (
    BSHTMLLoader,
    Docx2txtLoader,
    LoadEncodingError,
    LoadError,
    LoadFormatError,
    LoadLimitError,
    LoadPasswordError,
    LoadSourceError,
    MarkdownLoader,
    PyPDFLoader,
    TextLoader,
)
from prill.documents import Document
from prill.errors import ConfigError

pytestmark = pytest.mark.usefixtures("folder")


def only(loader: object) -> Document:
    (document,) = loader.load()  # type: ignore[attr-defined]
    assert asyncio.run(loader.aload()) == [document]  # type: ignore[attr-defined]
    return document


def test_text_is_read_with_its_source_and_plain_line_ends() -> None:
    assert only(TextLoader(write("a.txt", "\ufeffü\r\nb\rc"))) == Document("ü\nb\nc", metadata={"source": "a.txt"})
    assert only(TextLoader(Path(write("empty.txt", "")))).page_content == ""


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_byte_order_mark_says_the_encoding(encoding: str) -> None:
    assert only(TextLoader(write("a.txt", "天空 sky".encode(encoding)))).page_content == "天空 sky"


@pytest.mark.parametrize(
    ("text", "encoding"), [("天空是蓝色的。", "gb18030"), ("Grüße aus Köln", "cp1252"), ("é \x81", "latin-1")]
)
def test_other_encodings_are_an_error_unless_they_are_given_or_may_be_guessed(text: str, encoding: str) -> None:
    path = write("a.txt", text.encode(encoding))
    with pytest.raises(LoadEncodingError, match=r"a\.txt: it is not UTF-8 at byte .*autodetect_encoding=True"):
        TextLoader(path).load()
    assert only(TextLoader(path, encoding=encoding)).page_content == text
    assert only(TextLoader(path, autodetect_encoding=True)).page_content == text
    with pytest.raises(LoadEncodingError, match="no encoding 'klingon'"):
        TextLoader(path, encoding="klingon").load()


@pytest.mark.parametrize("data", [b"\x7fELF\0\0\xff", b"a\0b"])
def test_binary_data_is_not_text(data: bytes) -> None:
    with pytest.raises(LoadFormatError, match="binary"):
        TextLoader(write("a.txt", data), autodetect_encoding=True).load()


def test_what_cannot_be_opened_says_why() -> None:
    os.mkdir("folder")
    os.symlink("loop", "loop")
    os.mkfifo("pipe")
    for path, reason in (
        ("gone.txt", "no such file"),
        ("folder", "use DirectoryLoader"),
        ("loop", "symbolic link"),
        ("pipe", "not a regular file"),
        ("a\0b", "NUL character"),
        ("x" * 5000, "too long"),
    ):
        with pytest.raises(LoadSourceError, match=reason) as caught:
            TextLoader(path).load()
        assert caught.value.source == path
        assert isinstance(caught.value, OSError)


def test_a_name_with_a_nul_character_is_no_file_and_no_encoding() -> None:
    with pytest.raises(LoadSourceError, match="NUL"):
        TextLoader("a\0b").load()
    write("a.txt", "a")
    with pytest.raises(LoadEncodingError, match="there is no encoding"):
        TextLoader("a.txt", encoding="utf\0").load()


def test_a_broken_file_may_be_skipped_or_be_a_document(caplog: pytest.LogCaptureFixture) -> None:
    skipping = TextLoader("gone.txt", on_error="skip")
    assert skipping.load() == asyncio.run(skipping.aload()) == []
    assert [(error.source, error.reason) for error in skipping.errors] == [
        ("gone.txt", "there is no such file, or it was removed meanwhile")
    ]
    assert "gone.txt" in caplog.text
    (document,) = TextLoader("gone.txt", on_error="document").load()
    assert document.page_content == ""
    assert document.metadata["source"] == "gone.txt"
    assert document.metadata["error_type"] == "LoadSourceError"
    with pytest.raises(ConfigError, match="on_error"):
        TextLoader("gone.txt", on_error="ignore")  # type: ignore[arg-type]


def test_markdown_stays_as_it_is_or_comes_in_sections() -> None:
    path = write("a.md", "intro\n\n# Sky\nBlue *and*\n\nNight\n-----\nBlack")
    assert only(MarkdownLoader(path)).metadata == {"source": "a.md", "title": "Sky"}
    found = MarkdownLoader(path, mode="sections").load()
    assert [(each.page_content, each.metadata.get("Header 2")) for each in found] == [
        ("intro", None),
        ("Blue *and*", None),
        ("Black", "Night"),
    ]
    assert found[2].metadata == {"source": "a.md", "title": "Sky", "Header 1": "Sky", "Header 2": "Night"}
    with pytest.raises(ConfigError, match="mode"):
        MarkdownLoader(path, mode="elements")  # type: ignore[arg-type]


PAGE = (
    "<html lang=de><head><title>Wetter</title><meta name=description content=Heute><style>x</style></head>"
    "<body><p>Grüße</p><script>1</script></body></html>"
)


def test_html_is_its_text_with_title_description_and_language() -> None:
    found = only(BSHTMLLoader(write("a.html", PAGE), get_text_separator=" "))
    assert found.page_content.split() == ["Wetter", "Grüße"]
    assert found.metadata == {"source": "a.html", "title": "Wetter", "description": "Heute", "language": "de"}
    latin = write("b.html", f'<meta charset="latin-1">{PAGE}'.encode("latin-1"))
    assert "Grüße" in only(BSHTMLLoader(latin)).page_content
    assert "天空" in only(BSHTMLLoader(write("c.html", "<p>天空".encode("gbk")), open_encoding="gbk")).page_content
    with pytest.raises(LoadFormatError, match="binary"):
        BSHTMLLoader(write("d.html", b"\0\1")).load()


def test_a_pdf_gives_its_pages_with_their_numbers() -> None:
    path = write_pdf("a.pdf", "Blue sky", "Black night")
    pages = PyPDFLoader(path).load()
    assert [(each.page_content.strip(), each.metadata["page"], each.metadata["page_label"]) for each in pages] == [
        ("Blue sky", 0, "1"),
        ("Black night", 1, "2"),
    ]
    known = pages[0].metadata
    assert (known["source"], known["title"], known["total_pages"]) == ("a.pdf", "Weather", 2)
    assert known["creationdate"][:2] == "20"
    whole = only(PyPDFLoader(path, mode="single", pages_delimiter="|"))
    assert whole.page_content.replace("\n", "") == "Blue sky|Black night"
    assert "page" not in whole.metadata
    with pytest.raises(ConfigError, match="mode"):
        PyPDFLoader(path, mode="lines")  # type: ignore[arg-type]


def test_an_encrypted_pdf_needs_its_password_which_no_error_shows() -> None:
    path = write_pdf("a.pdf", "Blue", password="secret-word")
    assert only(PyPDFLoader(path, password="secret-word")).page_content.strip() == "Blue"
    with pytest.raises(LoadPasswordError, match="give its password"):
        PyPDFLoader(path).load()
    with pytest.raises(LoadPasswordError, match="does not open it") as caught:
        PyPDFLoader(path, password="wrong-word").load()
    assert "word" not in str(caught.value).replace("password", "")


def test_a_pdf_without_text_says_that_it_is_pictures() -> None:
    with pytest.raises(LoadFormatError, match=r"none of its 2 pages has text.*scans"):
        PyPDFLoader(write_pdf("scan.pdf", "", "")).load()
    mixed = PyPDFLoader(write_pdf("mixed.pdf", "", "text", "")).load()
    assert [each.metadata["page"] for each in mixed] == [0, 1, 2]
    assert [bool(each.page_content.strip()) for each in mixed] == [False, True, False]


@pytest.mark.parametrize("data", [b"", b"no pdf at all", b"%PDF-1.4\n%%EOF"])
def test_a_damaged_pdf_is_a_format_error(data: bytes) -> None:
    with pytest.raises(LoadFormatError, match=r"a\.pdf"):
        PyPDFLoader(write("a.pdf", data)).load()


def test_a_pdf_that_was_cut_off_is_read_or_an_error_but_nothing_else() -> None:
    whole = Path(write_pdf("a.pdf", "Blue", "Black")).read_bytes()
    for end in range(0, len(whole), 97):
        loader = PyPDFLoader(write("cut.pdf", whole[:end]), on_error="document")
        assert all(isinstance(each, Document) for each in loader.load())


def test_a_word_file_gives_paragraphs_and_tables_in_order() -> None:
    found = only(Docx2txtLoader(write_docx("a.docx", "Blue", "Black", table=[["a", "b\nc"], ["1", "2"]])))
    assert found.page_content == "Blue\n\nBlack\n\na\tb c\n1\t2"
    assert found.metadata == {"source": "a.docx", "title": "Weather", "author": "python-docx"}


def test_broken_word_files_are_errors_of_their_kind() -> None:
    for data, kind in ((b"", LoadFormatError), (b"text", LoadFormatError), (b"\xd0\xcf\x11\xe0", LoadPasswordError)):
        with pytest.raises(kind):
            Docx2txtLoader(write("a.docx", data)).load()
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as parts:
        parts.writestr("a.txt", "no document")
    with pytest.raises(LoadFormatError, match="DOCX"):
        Docx2txtLoader(write("a.docx", other.getvalue())).load()


def test_a_word_file_that_is_made_to_fill_the_memory_is_refused_before_it_is_decompressed() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("word/document.xml", b"\0" * 3_000_000)
    path = write("bomb.docx", bomb.getvalue())
    assert os.path.getsize(path) < 10_000
    with pytest.raises(LoadLimitError, match="3,000,000 bytes"):
        Docx2txtLoader(path, max_bytes=1_000_000).load()


def test_all_errors_are_load_errors_and_keep_where_they_came_from() -> None:
    for kind in (LoadSourceError, LoadFormatError, LoadEncodingError, LoadPasswordError, LoadLimitError):
        error = kind("it is broken", source="a.txt")
        assert isinstance(error, LoadError)
        assert (str(error), error.reason, error.source) == ("a.txt: it is broken", "it is broken", "a.txt")
