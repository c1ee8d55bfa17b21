"""Recorded answers of real providers, read from a folder outside the project.

The folder holds ``INDEX.tsv`` (columns ``id``, ``provider/endpoint``, ``tags``, ``streaming`` …) and
``recordings/<id>.json``, as ``prill.testing.Recording`` reads them.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path

from prill.errors import ConfigError
from prill.testing import Recording

_PROJECT = Path(__file__).resolve().parents[1]


def recordings_folder() -> Path | None:
    """The folder named by ``PRILL_WIRE``, else ``../shared/wire`` beside the project; ``None`` if it is not there.

    In a test: ``@requires("recordings")`` of ``tests/helpers.py``.
    """
    named = os.environ.get("PRILL_WIRE")
    folder = Path(named) if named else _PROJECT.parent / "shared" / "wire"
    return folder if (folder / "INDEX.tsv").is_file() else None


def load_recording(id: str, *, folder: Path | None = None) -> Recording:
    """Read a recording by its id."""
    return Recording.read(_folder(folder) / "recordings" / f"{id}.json")


def list_recordings(
    endpoint: str | None = None,
    streaming: bool | None = None,
    tag: str | None = None,
    *,
    folder: Path | None = None,
) -> list[str]:
    """The ids of the recordings that fit, in the index's order.

    ``endpoint`` is ``provider/endpoint`` (``"openai/openai.chat"``) or its last part alone (``"openai.chat"``: that
    protocol, whoever spoke it). ``tag`` is one of the index's tags, such as ``tool-calls``.

    Raises:
        ConfigError: there is no folder of recordings.
    """
    with (_folder(folder) / "INDEX.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [row["id"] for row in rows if _fits(row, endpoint, streaming, tag)]


def _fits(row: Mapping[str, str], endpoint: str | None, streaming: bool | None, tag: str | None) -> bool:
    full = row["provider/endpoint"]
    return (
        (endpoint is None or endpoint in (full, full.rpartition("/")[2]))
        and (streaming is None or streaming == (row["streaming"] == "yes"))
        and (tag is None or tag in row["tags"].split(","))
    )


def _folder(given: Path | None) -> Path:
    folder = given or recordings_folder()
    if folder is None:
        raise ConfigError("There is no folder of recordings: set PRILL_WIRE to one, or give the folder.")
    return folder
