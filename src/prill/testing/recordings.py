"""Recorded answers of real providers, read from a folder outside the project.

The folder holds ``INDEX.tsv`` (columns ``id``, ``provider/endpoint``, ``tags``, ``streaming`` …) and
``recordings/<id>.json`` with ``request`` (method, path, body) and ``response`` (status, headers, body: the exact text).
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prill.errors import ConfigError
from prill.testing.faults import Faults

_PROJECT = Path(__file__).resolve().parents[3]
_EVENT = re.compile(rb".*?(?:\r\n\r\n|\n\n|\r\r)", re.DOTALL)


@dataclass(frozen=True)
class Recording:
    """A recorded answer: ``status``, ``headers``, ``body`` are what was sent, ``request`` what was asked."""

    id: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    request: Mapping[str, Any] = field(default_factory=dict, repr=False)
    tags: tuple[str, ...] = ()
    faults: Faults | None = None

    @property
    def path(self) -> str:
        """The path that the recorded request went to, without its query: ``/v1/chat/completions``."""
        return str(self.request.get("path", "")).partition("?")[0]

    @property
    def streaming(self) -> bool:
        """Whether the body is a stream of events; some servers label such a body as JSON."""
        return self.body.lstrip().startswith((b"data:", b"event:", b":", b"id:"))

    @property
    def events(self) -> list[bytes]:
        """The body cut after each blank line; joined they are the body again."""
        if not self.streaming:
            return [self.body]
        events = _EVENT.findall(self.body)
        rest = self.body[sum(map(len, events)) :]
        return [*events, rest] if rest else events


def recordings_folder() -> Path | None:
    """The folder named by ``PRILL_WIRE``, else ``../shared/wire`` beside the project; ``None`` if it is not there.

    In a test: ``pytest.mark.skipif(recordings_folder() is None, reason="needs recordings: set PRILL_WIRE")``.
    """
    named = os.environ.get("PRILL_WIRE")
    folder = Path(named) if named else _PROJECT.parent / "shared" / "wire"
    return folder if (folder / "INDEX.tsv").is_file() else None


def load_recording(id: str | Path, *, folder: Path | None = None) -> Recording:
    """Read a recording by its id, or by the path of its file.

    Raises:
        ConfigError: there is no such recording, or no folder of recordings.
    """
    path = Path(id)
    if path.suffix != ".json":
        path = _folder(folder) / "recordings" / f"{id}.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"There is no recording {str(id)!r}: no file {path}.") from None
    response = record["response"]
    return Recording(
        id=record.get("id", path.stem),
        status=response["status"],
        headers=response["headers"],
        body=response["body"].encode(),
        request=record.get("request", {}),
        tags=tuple(record.get("tags") or ()),
    )


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
