"""Files that are written for a test, in a folder that is the current one."""

from __future__ import annotations

from pathlib import Path

import docx
import pytest
from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen import canvas


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, data: str | bytes) -> str:
    Path(path).write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def write_pdf(path: str, *pages: str, title: str = "Weather", password: str | None = None) -> str:
    page = canvas.Canvas(path)
    page.setTitle(title)
    for text in pages:
        if text:
            page.drawString(72, 720, text)
        else:
            page.rect(72, 72, 100, 100)
        page.showPage()
    page.save()
    if password is not None:
        writer = PdfWriter(clone_from=PdfReader(path))
        writer.encrypt(password, algorithm="RC4-128")
        writer.write(path)
    return path


def write_docx(path: str, *paragraphs: str, table: list[list[str]] | None = None) -> str:
    document = docx.Document()
    document.core_properties.title = "Weather"
    for text in paragraphs:
        document.add_paragraph(text)
    if table:
        grid = document.add_table(len(table), len(table[0]))
        for row, texts in zip(grid.rows, table, strict=True):
            for cell, text in zip(row.cells, texts, strict=True):
                cell.text = text
    document.save(path)
    return path
