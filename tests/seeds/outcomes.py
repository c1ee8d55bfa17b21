"""Runs the documents against the server, and holds what each block printed to what the document shows."""

from __future__ import annotations

import traceback
from typing import Any, NamedTuple

from prill.testing import ReplayServer
from seeds.cases import DOCUMENTS, Case
from seeds.differences import Difference, reconciled
from seeds.documents import Block, blocks_of
from seeds.notebook import Notebook, environment, instead_of_langchain
from seeds.printed import read, without_ids


class Outcome(NamedTuple):
    """What became of one block."""

    block: Block
    case: Case
    printed: tuple[str, ...]
    error: str
    """The traceback, where it failed."""

    @property
    def is_shown(self) -> bool:
        """Whether the document shows what the block prints."""
        return bool(self.block.printed)

    def compared(self, differences: tuple[Difference, ...] | None = None) -> tuple[list[Any], list[Any]]:
        """What was printed and what the document shows, without ids and ``differences``: by default, the block's."""
        ours, theirs = read(self.printed), read(self.block.printed)
        known = self.case.differs if differences is None else differences
        mine, shown = reconciled(ours, theirs, known)
        return without_ids(mine), without_ids(shown)

    @property
    def verdict(self) -> str:
        """``fails``, ``runs`` (there is nothing to compare), ``differs``, ``equal``."""
        if self.error:
            return "fails"
        if not self.is_shown:
            return "runs"
        ours, theirs = self.compared()
        return "equal" if ours == theirs else "differs"


def outcomes() -> list[list[Outcome]]:
    """Each block of each document, run in order."""
    with ReplayServer() as server, environment(server), instead_of_langchain():
        return [_run(number, server) for number in range(len(DOCUMENTS))]


def _run(number: int, server: ReplayServer) -> list[Outcome]:
    document, blocks = DOCUMENTS[number], blocks_of(number)
    with Notebook() as notebook:
        notebook.run(document.before)
        return [
            _outcome(notebook, server, f"document {number:03}, line {block.line}", blocks, block, case)
            for block, case in zip(blocks, document.cases, strict=True)
        ]


def _outcome(
    notebook: Notebook, server: ReplayServer, title: str, blocks: tuple[Block, ...], block: Block, case: Case
) -> Outcome:
    server.clear()
    if case.says is not None:
        reply = case.says(blocks, block)
        server.replies(lambda request: reply)
    try:
        printed = notebook.run(block.source, title)
        if case.after:
            printed += notebook.run(case.after, title)
    except Exception:
        return Outcome(block, case, (), traceback.format_exc())
    return Outcome(block, case, printed, "")
