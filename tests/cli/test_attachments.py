"""Files that go with a question."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from prill.cli.attachments import read_attachment, split_path
from prill.errors import ConfigError

PNG = b"\x89PNG\r\n\x1a\n\0\0"


def test_images_and_pdfs_go_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.PNG").write_bytes(PNG)
    (tmp_path / "b").write_bytes(b"%PDF-1.7 \xff")
    image, pdf = read_attachment(tmp_path / "a.PNG"), read_attachment(tmp_path / "b")
    assert image == {"type": "image", "base64": base64.b64encode(PNG).decode(), "mime_type": "image/png"}
    assert (pdf["type"], pdf["mime_type"], pdf["filename"]) == ("file", "application/pdf", "b")


def test_texts_go_with_their_name(tmp_path: Path) -> None:
    (tmp_path / "notes.py").write_text("\ufeffprint('你好')", encoding="utf-8")
    assert read_attachment(tmp_path / "notes.py") == {"type": "text", "text": "notes.py:\n\nprint('你好')\n"}


@pytest.mark.parametrize("data", [b"\xff\xfe\0", b"with\0zeros"])
def test_what_is_neither_is_an_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.bin").write_bytes(data)
    with pytest.raises(ConfigError, match="not a text in UTF-8"):
        read_attachment(tmp_path / "a.bin")


def test_a_file_that_no_provider_would_take_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(33 << 20)
    with pytest.raises(ConfigError, match="larger than 32 MB"):
        read_attachment(tmp_path / "large.png")


@pytest.mark.parametrize(
    ("argument", "name", "question"),
    [
        ("{0}/a.txt what is it?", "a.txt", "what is it?"),
        ("{0}/a.txt", "a.txt", ""),
        ("{0}/two words.txt what is it?", "two words.txt", "what is it?"),
        (r"{0}/two\ words.txt what?", "two words.txt", "what?"),
        ("'{0}/two words.txt' what?", "two words.txt", "what?"),
        ("{0}/a.txt what\nis it?", "a.txt", "what\nis it?"),
        ("{0}/missing.txt what?", "missing.txt", "what?"),
    ],
)
def test_a_path_is_told_from_the_question(tmp_path: Path, argument: str, name: str, question: str) -> None:
    (tmp_path / "a.txt").touch()
    (tmp_path / "two words.txt").touch()
    assert split_path(argument.format(tmp_path)) == (tmp_path / name, question)


def test_a_question_may_be_longer_than_a_path_may_be(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    question = "why? " * 2000 + "!"
    assert split_path(f"{tmp_path}/a.txt {question}") == (tmp_path / "a.txt", question)
