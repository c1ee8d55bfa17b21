"""Chains that tests serve, and requests to them."""

from __future__ import annotations

import http.client
import json
from typing import Any

from prill.language_models import FakeListChatModel
from prill.output_parsers import StrOutputParser
from prill.prompts import ChatPromptTemplate

ANSWER = "Hi é\n!"


def joke() -> Any:
    """Prompt, model, parser: the chain of the recordings."""
    return ChatPromptTemplate.from_template("tell me about {topic}") | model() | StrOutputParser()


def model() -> Any:
    return FakeListChatModel(responses=[ANSWER])


class Answer:
    """An HTTP answer, read to its end."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()
        self.text = self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    port: int, path: str, body: Any = None, *, method: str | None = None, headers: dict[str, str] | None = None
) -> Answer:
    """Send a request and read the answer; a body that is not bytes is sent as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    given = {"content-type": "application/json"} if body is not None else {}
    try:
        connection.request(method or ("GET" if body is None else "POST"), path, sent, {**given, **(headers or {})})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def events(text: str) -> list[tuple[str, Any]]:
    """The server-sent events of a body: the type and the data, as JSON where it is that."""
    found = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        if fields:
            data = fields.get("data")
            found.append((fields.get("event", "message"), _parse(data)))
    return found


def _parse(data: str | None) -> Any:
    try:
        return json.loads(data) if data is not None else None
    except ValueError:
        return data
