"""Documents to look for, and what watches who asks whom."""

from __future__ import annotations

from typing import Any

import pytest

from prill.callbacks.run import Observer, Run
from prill.documents import Document

DOCUMENTS = [
    Document("Send an item back within 30 days.", id="1", metadata={"source": "returns.md"}),
    Document("Parcels take two to three days.", id="2", metadata={"source": "shipping.md"}),
    Document("Our shop in Bergen is open from ten to six.", id="3", metadata={"source": "shops.md"}),
]


class Seen(Observer):
    """The runs that were started, each with the name of the one around it."""

    def __init__(self) -> None:
        self.runs: list[tuple[str | None, str, str]] = []
        self.tags: list[list[str]] = []

    def on_start(self, run: Run, input: Any) -> None:
        self.runs.append((run.parent.name if run.parent is not None else None, run.name, run.kind))
        self.tags.append(run.tags)


@pytest.fixture
def documents() -> list[Document]:
    return DOCUMENTS


@pytest.fixture
def seen() -> Seen:
    return Seen()
