"""Providers' batches, as OpenAI and Anthropic answer for them: uploaded, waited for, read; with faults on demand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from time import monotonic, time
from typing import Any

from prill.testing.faults import Faults
from prill.testing.playback import Answer
from prill.testing.seen_request import SeenRequest
from prill.testing.wire import dump

AnswerRow = Callable[[SeenRequest], tuple[int, bytes]]
"""The status and the JSON body of the answer to a row."""

_LINES = {"content-type": "application/jsonl"}
_JSON = {"content-type": "application/json"}


@dataclass
class Batches:
    """How a ``ReplayServer`` handles batches; ``server.batches``, whose attributes may be set.

    Args:
        delay: seconds until a batch has ended.
        expires: for which rows (by their ``custom_id``) the time is over before they were answered.
        drops: which rows are in no result, as happens.
        status: what an OpenAI batch ends as: ``completed``, ``expired`` or ``cancelled``.
        most_rows: how many rows may wait at once; an OpenAI batch beyond that fails with ``token_limit_exceeded``.
        lost_answers: how many times a batch is created, but the answer that says so is lost.
    """

    delay: float = 0.0
    expires: Callable[[str], bool] = lambda custom_id: False
    drops: Callable[[str], bool] = lambda custom_id: False
    status: str = "completed"
    most_rows: int | None = None
    lost_answers: int = 0
    created: list[Batch] = field(default_factory=list)
    """The batches that were created, in order."""
    files: dict[str, bytes] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: count(1), repr=False)

    def answer(self, seen: SeenRequest, answer_row: AnswerRow) -> Answer | None:
        """The answer to a request about batches or their files; ``None`` if it is about something else."""
        method, path = seen.method, seen.path.rstrip("/")
        if "/messages/batches" in path:
            return self._answer_anthropic(method, path.partition("/messages/batches")[2].strip("/"), seen, answer_row)
        if path.endswith("/files") and method == "POST":
            return self._store(seen)
        if "/files/" in path and path.endswith("/content"):
            content = self.files.get(path.split("/")[-2])
            return _answer(404, b"{}") if content is None else _answer(200, content, _LINES)
        if "/batches" in path:
            return self._answer_openai(method, path.partition("/batches")[2].strip("/"), seen, answer_row)
        return None

    # OpenAI

    def _store(self, seen: SeenRequest) -> Answer:
        boundary = seen.headers["content-type"].partition("boundary=")[2].strip('"').encode()
        parts = seen.body.split(b"--" + boundary)
        content = next(part for part in parts if b'name="file"' in part).partition(b"\r\n\r\n")[2]
        name = f"file-{next(self._numbers)}"
        self.files[name] = content.removesuffix(b"\r\n")
        return _answer(200, dump({"id": name, "object": "file", "purpose": "batch"}))

    def _answer_openai(self, method: str, name: str, seen: SeenRequest, answer_row: AnswerRow) -> Answer:
        if method == "POST" and not name:
            lines = self.files[seen.json["input_file_id"]].splitlines()
            rows = [json.loads(line) for line in lines]
            batch = self._create(rows, seen.json.get("metadata") or {})
            waiting = sum(len(each.rows) for each in self.created if each is not batch and not each.has_ended())
            if self.most_rows is not None and waiting + len(rows) > self.most_rows:
                batch.failed, batch.ends = True, 0.0
            if self._loses():
                return _answer(500, dump({"error": {"message": "lost"}}))
            return _answer(200, dump(self._describe_openai(batch, answer_row)))
        if method == "GET" and not name:
            found = [self._describe_openai(batch, answer_row) for batch in reversed(self.created)]
            return _answer(200, dump({"object": "list", "data": found, "has_more": False}))
        wanted = next((batch for batch in self.created if batch.name == name.partition("/")[0]), None)
        if wanted is None:
            return _answer(404, dump({"error": {"message": f"No batch found with id '{name}'"}}))
        return _answer(200, dump(self._describe_openai(wanted, answer_row)))

    def _describe_openai(self, batch: Batch, answer_row: AnswerRow) -> dict[str, Any]:
        shown: dict[str, Any] = {"id": batch.name, "object": "batch", "metadata": batch.metadata}
        if batch.failed:
            error = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached for small"}
            return {**shown, "status": "failed", "errors": {"object": "list", "data": [error]}}
        if not batch.has_ended():
            return {**shown, "status": "in_progress"}
        good, bad = self._finish_openai(batch, answer_row)
        return {**shown, "status": self.status, "output_file_id": good, "error_file_id": bad}

    def _finish_openai(self, batch: Batch, answer_row: AnswerRow) -> tuple[str | None, str | None]:
        files = []
        good: list[bytes] = []
        bad: list[bytes] = []
        for row in batch.rows:
            line = {"id": f"batch_req_{row['custom_id'][:8]}", "custom_id": row["custom_id"]}
            if self.drops(row["custom_id"]):
                continue
            if self.expires(row["custom_id"]):
                error = {"code": "batch_expired", "message": "This request could not be executed before it expired."}
                bad.append(dump({**line, "response": None, "error": error}))
                continue
            status, body = batch.answer(row["custom_id"], row["url"], row["body"], answer_row)
            response = {"status_code": status, "body": json.loads(body)}
            (good if status < 400 else bad).append(dump({**line, "response": response, "error": None}))
        for kind, lines in (("good", good), ("bad", bad)):
            name = f"file-{batch.name}-{kind}"
            self.files[name] = b"".join(line + b"\n" for line in reversed(lines))
            files.append(name if lines else None)
        return files[0], files[1]

    # Anthropic

    def _answer_anthropic(self, method: str, name: str, seen: SeenRequest, answer_row: AnswerRow) -> Answer:
        if method == "POST" and not name:
            batch = self._create(seen.json["requests"], {})
            if self._loses():
                return _answer(500, dump({"type": "error", "error": {"type": "api_error", "message": "lost"}}))
            return _answer(200, dump(_describe_anthropic(batch)))
        if not name:
            found = [_describe_anthropic(batch) for batch in reversed(self.created)]
            return _answer(200, dump({"data": found, "has_more": False}))
        wanted = next((batch for batch in self.created if batch.name == name.partition("/")[0]), None)
        if wanted is None:
            error = {"type": "not_found_error", "message": "no such batch"}
            return _answer(404, dump({"type": "error", "error": error}))
        if name.endswith("/results"):
            lines = [self._result(wanted, row, answer_row) for row in reversed(wanted.rows)]
            return _answer(200, b"".join(line + b"\n" for line in lines if line), _LINES)
        return _answer(200, dump(_describe_anthropic(wanted)))

    def _result(self, batch: Batch, row: Mapping[str, Any], answer_row: AnswerRow) -> bytes:
        name = row["custom_id"]
        if self.drops(name):
            return b""
        if self.expires(name):
            return dump({"custom_id": name, "result": {"type": "expired"}})
        status, body = batch.answer(name, "/v1/messages", row["params"], answer_row)
        if status < 400:
            return dump({"custom_id": name, "result": {"type": "succeeded", "message": json.loads(body)}})
        return dump({"custom_id": name, "result": {"type": "errored", "error": json.loads(body)}})

    # Both

    def _create(self, rows: list[Any], metadata: Mapping[str, Any]) -> Batch:
        batch = Batch(f"batch_{next(self._numbers)}", rows, metadata, monotonic() + self.delay)
        self.created.append(batch)
        return batch

    def _loses(self) -> bool:
        if self.lost_answers:
            self.lost_answers -= 1
            return True
        return False


@dataclass
class Batch:
    """A batch that was created."""

    name: str
    rows: list[Any]
    metadata: Mapping[str, Any]
    ends: float
    failed: bool = False
    at: float = field(default_factory=time)
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict, repr=False)

    def has_ended(self) -> bool:
        """Whether its results are there."""
        return monotonic() >= self.ends

    def answer(self, name: str, path: str, body: Any, answer_row: AnswerRow) -> tuple[int, bytes]:
        """The answer to a row; the same each time."""
        if name not in self.answers:
            self.answers[name] = answer_row(SeenRequest("POST", path, {}, dump(body), body))
        return self.answers[name]


def _describe_anthropic(batch: Batch) -> dict[str, Any]:
    ended = batch.has_ended()
    counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
    counts["succeeded" if ended else "processing"] = len(batch.rows)
    made = datetime.fromtimestamp(batch.at, UTC)
    return {
        "id": batch.name,
        "type": "message_batch",
        "processing_status": "ended" if ended else "in_progress",
        "request_counts": counts,
        "created_at": made.isoformat(),
        "expires_at": (made + timedelta(days=1)).isoformat(),
        "results_url": f"/v1/messages/batches/{batch.name}/results" if ended else None,
    }


def _answer(status: int, body: bytes, headers: Mapping[str, str] = _JSON) -> Answer:
    return Answer(status, headers, [body], False, Faults())
