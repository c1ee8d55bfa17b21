"""The batch APIs of [OpenAI](https://platform.openai.com/docs/guides/batch) and
[Anthropic](https://docs.anthropic.com/en/docs/build-with-claude/batch-processing)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

from pydantic_core import from_json, to_json

from prill.bulk.engines.batch_store import Stored
from prill.errors import MalformedResponseError
from prill.io import closing
from prill.providers.calls import Call
from prill.providers.http.body import Body
from prill.providers.http.message import Request
from prill.runnables.engine.runs import start_asyncio_run

RUNNING, ENDED, FAILED, TOO_MANY = "running", "ended", "failed", "too many"
"""Not there yet; results can be read; refused as a whole; refused because too much is waiting already."""


class Result(NamedTuple):
    """The result of a row: the status and the JSON of its answer, or ``None`` and why there is none."""

    key: str
    status: int | None
    body: bytes = b""
    problem: str = ""


class BatchAPI(Protocol):
    """What a provider's batch API does."""

    most_rows: int
    most_bytes: int

    def encode(self, key: str, request: Request) -> bytes:
        """A row of a batch."""

    async def upload(self, lines: Sequence[bytes]) -> str | None:
        """Upload rows before the batch is created, where the API wants it; the file's id."""

    async def create(self, batch: Stored, lines: Sequence[bytes]) -> str:
        """Create a batch, and return its id. It is sent once; an error does not say that there is no batch."""

    async def find(self, batch: Stored, known: set[str]) -> str | None:
        """The id of a batch whose creation was sent, but not confirmed; ``None`` if there is none."""

    async def check(self, batch: Stored) -> tuple[str, str, Mapping[str, Any]]:
        """Where a batch is, why it failed, and what the provider says of it."""

    def results(self, batch: Stored, described: Mapping[str, Any]) -> AsyncIterator[Result]:
        """Iterate the results of a batch that has ended, in any order."""


class _HTTP:
    """Requests with a model's address and key."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._run = start_asyncio_run({})

    def _request(self, method: str, path: str, content: bytes, kind: str) -> Request:
        path, _, query = path.partition("?")
        request: Request = self._model._http_request(Call(path, {}), self._run, False)
        headers = {**request.headers, "content-type": kind}
        return replace(request, method=method, content=content, body={}, headers=headers, query=query or request.query)

    async def send(self, method: str, path: str, content: bytes = b"", kind: str = "application/json") -> Any:
        """Send a request, and return the JSON of its answer. Only what changes nothing is sent again if it fails."""
        request = self._request(method, path, content, kind)
        send = self._model._send_request if method == "GET" else self._model._send_once
        answer = await send(self._run, request)
        return from_json(answer.content)

    async def lines(self, path: str) -> AsyncIterator[Any]:
        """Iterate the JSON lines of a file, as they come."""
        request = replace(self._request("GET", path, b"", "application/json"), stream=True)
        body = Body(await self._model._send_request(self._run, request))
        rest = b""
        try:
            while data := await body.read():
                *whole, rest = (rest + data).split(b"\n")
                for line in whole:
                    if line.strip():
                        yield from_json(line)
            if rest.strip():
                yield from_json(rest)
        finally:
            await body.aclose()


class OpenAIBatches:
    """OpenAI's: a file of rows, a batch of that file, two files of results."""

    most_rows = 50_000
    most_bytes = 200_000_000

    def __init__(self, model: Any) -> None:
        self._http = _HTTP(model)

    def encode(self, key: str, request: Request) -> bytes:
        head = to_json({"custom_id": key, "method": "POST", "url": f"/v1{request.path}"})
        return head[:-1] + b',"body":' + request.content + b"}"

    async def upload(self, lines: Sequence[bytes]) -> str:
        boundary = uuid4().hex
        field = f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        file = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="rows.jsonl"\r\n'
        head = f"{field}{file}Content-Type: application/jsonl\r\n\r\n".encode()
        content = b"".join((head, *(line + b"\n" for line in lines), f"\r\n--{boundary}--\r\n".encode()))
        uploaded = await self._http.send("POST", "/files", content, f"multipart/form-data; boundary={boundary}")
        return str(uploaded["id"])

    async def create(self, batch: Stored, lines: Sequence[bytes]) -> str:
        body = {
            "input_file_id": batch.file,
            "endpoint": batch.name.partition(" ")[2],
            "completion_window": "24h",
            "metadata": {"prill_batch": batch.name},
        }
        return str((await self._http.send("POST", "/batches", to_json(body)))["id"])

    async def find(self, batch: Stored, known: set[str]) -> str | None:
        after = ""
        while True:
            page = await self._http.send("GET", f"/batches?limit=100{after}")
            for each in page["data"]:
                ours = (each.get("metadata") or {}).get("prill_batch") == batch.name
                if ours and each["status"] != "failed" and each["id"] not in known:
                    return str(each["id"])
            if not page.get("has_more") or not page["data"]:
                return None
            after = f"&after={page['data'][-1]['id']}"

    async def check(self, batch: Stored) -> tuple[str, str, Mapping[str, Any]]:
        found = await self._http.send("GET", f"/batches/{batch.id}")
        status = found["status"]
        if status == "failed":
            errors = (found.get("errors") or {}).get("data") or [{}]
            too_many = any(error.get("code") == "token_limit_exceeded" for error in errors)
            return TOO_MANY if too_many else FAILED, str(errors[0].get("message")), found
        return ENDED if status in ("completed", "expired", "cancelled") else RUNNING, "", found

    async def results(self, batch: Stored, described: Mapping[str, Any]) -> AsyncIterator[Result]:
        for name in ("output_file_id", "error_file_id"):
            if described.get(name):
                async with closing(self._http.lines(f"/files/{described[name]}/content")) as lines:
                    async for line in lines:
                        yield _openai_result(line)


def _openai_result(line: Mapping[str, Any]) -> Result:
    response, error = line.get("response"), line.get("error")
    if response:
        return Result(line["custom_id"], response["status_code"], to_json(response["body"]))
    return Result(line["custom_id"], None, problem=str((error or {}).get("message") or "no answer"))


class AnthropicBatches:
    """Anthropic's: a batch of rows, and one file of results."""

    most_rows = 100_000
    most_bytes = 256_000_000

    def __init__(self, model: Any) -> None:
        self._http = _HTTP(model)

    def encode(self, key: str, request: Request) -> bytes:
        return to_json({"custom_id": key})[:-1] + b',"params":' + request.content + b"}"

    async def upload(self, lines: Sequence[bytes]) -> None:
        return None

    async def create(self, batch: Stored, lines: Sequence[bytes]) -> str:
        content = b'{"requests":[' + b",".join(lines) + b"]}"
        return str((await self._http.send("POST", "/v1/messages/batches", content))["id"])

    async def find(self, batch: Stored, known: set[str]) -> str | None:
        # Its batches have no name of ours: it is the one of the time and the size that is not another of this run's.
        page = await self._http.send("GET", "/v1/messages/batches?limit=100")
        for each in page["data"]:
            made = datetime.fromisoformat(each["created_at"]).timestamp()
            size = sum(each["request_counts"].values())
            if each["id"] not in known and size == batch.rows and made >= batch.at - 60:
                return str(each["id"])
        return None

    async def check(self, batch: Stored) -> tuple[str, str, Mapping[str, Any]]:
        found = await self._http.send("GET", f"/v1/messages/batches/{batch.id}")
        return ENDED if found["processing_status"] == "ended" else RUNNING, "", found

    async def results(self, batch: Stored, described: Mapping[str, Any]) -> AsyncIterator[Result]:
        async with closing(self._http.lines(f"/v1/messages/batches/{batch.id}/results")) as lines:
            async for line in lines:
                yield _anthropic_result(line)


_STATUS = {
    **{"invalid_request_error": 400, "authentication_error": 401, "billing_error": 402, "permission_error": 403},
    **{"not_found_error": 404, "request_too_large": 413, "rate_limit_error": 429, "timeout_error": 504},
    **{"api_error": 500, "overloaded_error": 529},
}
"""The statuses that Anthropic's errors have outside of batches."""


def _anthropic_result(line: Mapping[str, Any]) -> Result:
    result = line["result"]
    kind = result["type"]
    if kind == "succeeded":
        return Result(line["custom_id"], 200, to_json(result["message"]))
    if kind == "errored":
        error = result["error"]
        inner = error.get("error") or error
        return Result(
            line["custom_id"], _STATUS.get(inner.get("type"), 500), to_json({"type": "error", "error": inner})
        )
    if kind in ("expired", "canceled"):
        return Result(line["custom_id"], None, problem=f"the batch {kind} before it was answered")
    raise MalformedResponseError(f"a result of the batch has the type {kind!r}")
