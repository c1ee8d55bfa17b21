"""The five documents whose examples Prill has to run: where they are, and the blocks of Python in them.

They are not part of the project. They lie beside it, in ``shared/seeds`` or where ``PRILL_SEEDS`` says; without them
their tests are skipped, and the tests written after them, in this folder too, remain.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from functools import cache

from tests.helpers import SEEDS


@dataclass(frozen=True)
class Block:
    """A block of Python of a document, and what the document shows that it prints."""

    number: int
    """Counted from 1 within the document."""
    line: int
    """The line of the document at which it begins."""
    source: str
    printed: tuple[str, ...] = ()
    """First what was written to the standard output, then the value of the last expression; none, one or both."""

    @property
    def telling_line(self) -> str:
        """What one knows the block by: its first function or loop, else its first statement that is no import."""
        statements = ast.parse(self.source).body
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.For, ast.AsyncFor)
        telling = [one for one in statements if isinstance(one, kinds)]
        others = [one for one in statements if not isinstance(one, ast.Import | ast.ImportFrom)]
        return self.source.splitlines()[[*telling, *others, *statements][0].lineno - 1].strip()


@cache
def blocks_of(number: int) -> tuple[Block, ...]:
    """The blocks of a document, in order."""
    (file,) = SEEDS.glob(f"{number:03}_*.txt")
    text = file.read_text(encoding="utf-8")
    return tuple(page_blocks(text) if "```" not in text else fenced_blocks(decoded(text)))


def decoded(text: str) -> str:
    """UTF-8 that was taken for Windows-1252 and encoded once more, undone as far as the bytes are still there."""
    if "æ" not in text or "ä¸" not in text:
        return text
    raw = b"".join(_byte(letter) for letter in text)
    return raw.decode("utf-8", errors="replace")


def _byte(letter: str) -> bytes:
    try:
        return letter.encode("cp1252")
    except UnicodeEncodeError:
        return letter.encode("latin-1" if ord(letter) < 256 else "utf-8")


# Documents in Markdown

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def fenced_blocks(text: str) -> list[Block]:
    """The blocks of a document in Markdown. What is in the fences after a block, up to the next, it has printed."""
    blocks: list[Block] = []
    for fence in _FENCE.finditer(text):
        label, content = fence.groups()
        if label == "python" or (label == "" and is_code(content)):
            line = text.count("\n", 0, fence.start()) + 2
            blocks.append(Block(len(blocks) + 1, line, only_python(content)))
        elif blocks:
            blocks[-1] = replace(blocks[-1], printed=(*blocks[-1].printed, content))
    return blocks


def is_code(content: str) -> bool:
    """Whether a fence without a label holds code: it is Python, and more than a value spelled out."""
    try:
        first = ast.parse(content).body[0]
    except (SyntaxError, IndexError):
        return False
    if not isinstance(first, ast.Expr):
        return True
    call = first.value
    spelled = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id[0].isupper()
    return isinstance(call, ast.Call) and not spelled


def only_python(source: str) -> str:
    """A block without what is no Python in it: a notebook's commands, and the comment with which a site links names."""
    return "".join(
        line for line in source.splitlines(keepends=True) if not re.match(r"<!--IMPORTS:.*-->$|[%!]|pip install ", line)
    )


# Documents copied from a page: no fences, and the spaces at the beginnings of lines are lost

_LEAVES = ("break", "return", "continue", "raise", "pass")


def page_blocks(text: str) -> list[Block]:
    """The blocks of a page that was copied as text: from the imports to the line that names the page's references."""
    lines = text.splitlines()
    begins = [at for at, line in enumerate(lines) if line.startswith("from langchain")]
    blocks = []
    for at in begins:
        end = next(end for end in range(at, len(lines)) if lines[end].startswith("API "))
        blocks.append(Block(len(blocks) + 1, at + 1, indented(lines[at:end]), (_printed(lines[end + 1 :]),)))
    return blocks


def indented(lines: list[str]) -> str:
    """Give lines back their spaces: what follows a colon is inside, and a line that leaves (``break``) is the last."""
    depth, brackets, result = 0, 0, []
    for line in lines:
        inside = depth + (brackets > 0 and line[:1] not in (")", "]", "}"))
        result.append("    " * inside + line)
        code = line.split(" #")[0].rstrip()
        brackets += sum(code.count(one) for one in "([{") - sum(code.count(one) for one in ")]}")
        if code.endswith(":") and not brackets:
            depth += 1
        elif code.startswith(_LEAVES):
            depth -= 1
    return "\n".join(result) + "\n"


def _printed(rest: list[str]) -> str:
    """The paragraph that follows, and the ones after it that have the mark between tokens."""
    first, *more = "\n".join(rest).split("\n\n")
    printed = [first]
    for paragraph in more:
        if "|" not in paragraph:
            break
        printed.append(paragraph)
    return "\n\n".join(printed)
