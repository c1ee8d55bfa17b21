"""Steps of the guide's build: a search index for each language, the public names of a reference page, folded output.

A page of `docs/reference` has a line ``::: prill.messages``. It becomes one entry for each public name of that module,
as written in its source (``::: prill.errors classes`` leaves out functions): nothing of Prill is imported.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

_MODULE = re.compile(r"^::: (prill[\w.]*)( classes)?$", re.MULTILINE)
_PRINTED = re.compile(r'(<div class="language-text)( highlight">.*?</div>)', re.DOTALL)
_COLUMNS = re.compile(r"\S {3,}\S|[\u2500-\u259f]")
_BASE = re.compile(r'(<script id="__config" type="application/json">[^<]*?"base": ?)"[^"]*"')


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write the entries of the public names of a module."""
    if not page.file.src_uri.startswith("reference/"):
        return markdown
    source = Path(config.config_file_path).parent / "src"

    def write(match: re.Match[str]) -> str:
        names = list_public_names(match[1], source)
        return "\n\n".join(f"::: {match[1]}.{name}" for name in names if not match[2] or name[0].isupper())

    return _MODULE.sub(write, markdown)


def list_public_names(module: str, source: Path) -> list[str]:
    """Return the public names of a module, classes first, without executing it."""
    place = source.joinpath(*module.split("."))
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    statements = ast.parse(file.read_text(encoding="utf-8")).body
    names = set(_read_all(statements)) or set(_read_names(statements))
    return sorted((name for name in names if name[0] != "_"), key=lambda name: (not name[0].isupper(), name))


def _read_all(statements: list[ast.stmt]) -> Iterator[str]:
    """What a module lists in its ``__all__``."""
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Name("__all__")], value=ast.List(elements)):
                yield from (each.value for each in elements if isinstance(each, ast.Constant))


def _read_names(statements: list[ast.stmt]) -> Iterator[str]:
    """What a module imports for type checkers, under a name of its own, and what it defines."""
    for statement in statements:
        match statement:
            case ast.If():
                yield from _read_names(statement.body)
            case ast.ImportFrom():
                yield from (each.asname for each in statement.names if each.asname)
            case ast.ClassDef(name) | ast.FunctionDef(name) | ast.AsyncFunctionDef(name):
                yield name


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Have long lines of printed text folded, unless the text is drawn in columns."""
    return _PRINTED.sub(lambda match: match[0] if _COLUMNS.search(match[2]) else f"{match[1]} folded{match[2]}", html)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Have the search of a Chinese page look into the Chinese index, which is beside the Chinese pages."""
    if not page.url.startswith("zh/"):
        return output
    base = "/".join([".."] * page.url.removeprefix("zh/").count("/")) or "."
    return _BASE.sub(rf'\g<1>"{base}"', output)


@event_priority(-200)  # after the plugins have written the index of both languages
def on_post_build(config: MkDocsConfig) -> None:
    """Give each language its own search index."""
    site = Path(config.site_dir)
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    entries = index["docs"]
    chinese = [entry for entry in entries if entry["location"].startswith("zh/")]
    _write_index(site, index, [entry for entry in entries if entry not in chinese])
    _write_index(site / "zh", index, [{**entry, "location": entry["location"][3:]} for entry in chinese])


def _write_index(site: Path, index: dict[str, Any], entries: list[dict[str, Any]]) -> None:
    """Write an index as JSON, for a web server, and as a script, for pages that are opened as files."""
    folder = site / "search"
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**index, "docs": entries}, ensure_ascii=False, separators=(",", ":"))
    (folder / "search_index.json").write_text(text, encoding="utf-8")
    (folder / "search_index.js").write_text(f"var __index = {text}", encoding="utf-8")
