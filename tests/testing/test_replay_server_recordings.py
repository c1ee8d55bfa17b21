"""Recorded answers of real providers, served to the byte."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.helpers import requires

import anthropic
import openai
from prill.errors import ConfigError
from prill.testing import Faults, Recording, ReplayServer
from recordings import list_recordings, load_recording, recordings_folder

needs_recordings = requires("recordings")

CRLF = "data: {}\r\n\r\ndata: [DONE]\r\n\r\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two recordings, written here."""
    (tmp_path / "recordings").mkdir()
    rows = ["id\tprovider/endpoint\ttags\tstreaming"]
    for name, endpoint, streaming, status, body in (
        ("stream-1", "acme/openai.chat", "yes", 200, CRLF),
        ("error-1", "acme/openai.embeddings", "no", 429, '{"error":"é"}'),
    ):
        rows.append(f"{name}\t{endpoint}\ttag-a,tag-b\t{streaming}")
        headers = {"X-Own": "1", "Content-Length": "5", "content-encoding": "gzip"}
        response = {"status": status, "headers": headers, "body": body}
        request = {"method": "POST", "path": f"/v1/{endpoint.split('.')[1]}", "body": {}}
        record = {"id": name, "request": request, "response": response, "tags": ["tag-a"]}
        (tmp_path / "recordings" / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")
    (tmp_path / "INDEX.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def fetch(server: ReplayServer, path: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    try:
        connection.request("POST", path or "/v1/chat/completions", "{}")
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def test_a_recording_is_served_with_its_status_its_headers_and_its_bytes(folder: Path) -> None:
    with ReplayServer() as server:
        server.recording(load_recording("stream-1", folder=folder))
        response, body = fetch(server, "/anywhere")
        assert (response.status, body.decode()) == (200, CRLF)
        assert response.headers["x-own"] == "1"
        assert response.headers["content-encoding"] is None
        assert response.headers["content-type"].startswith("text/event-stream")

        recording = server.recording(folder / "recordings" / "error-1.json")
        response, body = fetch(server, "/v1/embeddings")
        assert (response.status, body) == (429, recording.body)


def test_the_faults_of_streams_hold_for_recordings(folder: Path) -> None:
    with ReplayServer() as server:
        server.recording(load_recording("stream-1", folder=folder), faults=Faults(cut_after_events=1))
        with pytest.raises(http.client.IncompleteRead) as caught:
            fetch(server, "/v1/chat/completions")
        assert caught.value.partial == b"data: {}\r\n\r\n"


def test_the_index_is_searched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRILL_WIRE", str(folder))
    assert recordings_folder() == folder
    assert list_recordings() == ["stream-1", "error-1"]
    assert list_recordings("openai.chat") == list_recordings("acme/openai.chat") == ["stream-1"]
    assert list_recordings(streaming=False, tag="tag-b") == ["error-1"]
    assert list_recordings("openai.embeddings", streaming=True) == []
    assert load_recording("stream-1").tags == ("tag-a",)


def test_what_is_not_there_is_said(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="no recording 'nothing'"):
        load_recording("nothing", folder=folder)
    monkeypatch.setenv("PRILL_WIRE", str(tmp_path / "nowhere"))
    assert recordings_folder() is None
    with pytest.raises(ConfigError, match="PRILL_WIRE"):
        list_recordings()


@needs_recordings
def test_every_recording_arrives_to_the_byte() -> None:
    with ReplayServer() as server:
        for name in list_recordings():
            recording = server.recording(load_recording(name))
            response, body = fetch(server, recording.path)
            assert (name, response.status, body) == (name, recording.status, recording.body)


@needs_recordings
def test_recordings_are_cut_into_the_events_that_the_index_calls_streams() -> None:
    streams = set(list_recordings(streaming=True))
    for name in list_recordings():
        recording = load_recording(name)
        assert recording.streaming == (name in streams)
        assert b"".join(recording.events) == recording.body


@needs_recordings
def test_the_sdks_read_what_was_recorded() -> None:
    with ReplayServer() as server:
        server.recording(load_recording("openai-chat-text-usage-1"))
        with openai.OpenAI(base_url=server.openai_url, api_key="test") as gpt:
            chunks = list(gpt.chat.completions.create(model="m", messages=[], stream=True))
        assert chunks[-1].usage is not None
        server.recording(load_recording("anthropic-messages-parallel-tools-1"))
        with anthropic.Anthropic(base_url=server.anthropic_url, api_key="test") as claude:
            with claude.messages.stream(model="m", messages=[], max_tokens=9) as stream:
                message = stream.get_final_message()
        assert [block.type for block in message.content].count("tool_use") == 2


def test_a_recording_with_an_empty_body_leaves_the_connection_open() -> None:
    with ReplayServer() as server, httpx2.Client() as client:
        for _ in range(3):
            server.queue(Recording("nothing", 200, {"content-type": "application/json"}, b""))
            answer = client.post(f"{server.openai_url}/chat/completions", json={})
            assert (answer.status_code, answer.content) == (200, b"")
        assert server.wait_closed(10)
        assert server.closed_early == 0
