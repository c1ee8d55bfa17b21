"""What ``importlib.metadata`` finds for a package whose names lead to Prill."""

from __future__ import annotations

from importlib.metadata import Distribution
from pathlib import Path
from typing import Any


class EmulatedDistribution(Distribution):
    """A distribution without files: a name and the version whose documented names there are."""

    def __init__(self, name: str, version: str) -> None:
        self._text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"

    def read_text(self, filename: str) -> str | None:
        return self._text if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Path:
        return Path(__file__).parent.joinpath(path)
