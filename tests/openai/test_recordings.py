"""Recorded answers of OpenAI and of the servers that speak its protocols, each read in both colours."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.helpers import is_met, recorded, requires

from prill.errors import ContentFilterError, ModelError, StreamErrorEvent, StreamInterrupted
from prill.messages import message_chunk_to_message
from prill.openai import OpenAI, OpenAIEmbeddings
from prill.testing import Faults, ReplayServer
from recordings import list_recordings, load_recording

pytestmark = requires("recordings")

MIDSTREAM = {
    "groq-chat-midstream-error-1",
    "groq-chat-tool-use-failed-loop-turn0-1",
    "openrouter-chat-midstream-error-1",
}
NO_VECTORS = "openai-embeddings-batch-1"  # a page of an organisation's usage
FILTERED = "azure-chat-content-filter-json-1"


def recordings(endpoint: str, status: int | None = 200, streaming: bool | None = None) -> list[str]:
    if not is_met("recordings"):
        return recorded()
    ids = list_recordings(endpoint, streaming)
    if status is None:
        return [id for id in ids if load_recording(id).status != 200]
    return [id for id in ids if load_recording(id).status == status]


def ask(colour: Any, model: Any, streaming: bool) -> Any:
    if not streaming:
        return colour.invoke(model)
    chunks = colour.stream(model)
    assert chunks[-1].chunk_position == "last"
    assert all(chunk.chunk_position is None for chunk in chunks[:-1])
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    return message_chunk_to_message(whole)


@pytest.mark.parametrize("id", [id for id in recordings("openai.chat") if id not in [*MIDSTREAM, FILTERED]])
def test_a_chat_completion_says_what_was_recorded(
    id: str, colour: Any, model: Any, server: ReplayServer, read_chat: Callable[[bytes], dict[str, Any]]
) -> None:
    recording = server.recording(load_recording(id))
    said = read_chat(recording.body)
    message = ask(colour, model, recording.streaming)
    extra, facts = message.additional_kwargs, message.response_metadata
    assert message.content == (said["text"] or said["refusal"])
    assert extra.get("refusal", "") == said["refusal"]
    assert extra.get("reasoning_content", "") == said["reasoning"]
    assert facts["finish_reason"] == said["finish"]
    assert facts["model_name"] == said["model"]
    calls = [(call["name"], call["args"], call["id"]) for call in message.tool_calls]
    assert calls == [(c["name"], json.loads(c["args"] or "{}"), c["id"]) for c in said["calls"].values()]
    assert message.invalid_tool_calls == []
    if said["usage"] is None:
        assert message.usage_metadata is None
    else:
        assert message.usage_metadata["input_tokens"] == said["usage"]["prompt_tokens"]
        assert message.usage_metadata["output_tokens"] == said["usage"]["completion_tokens"]
        assert message.usage_metadata["total_tokens"] == said["usage"]["total_tokens"]


@pytest.mark.parametrize("id", sorted(MIDSTREAM))
def test_an_error_inside_a_stream_is_raised_with_what_had_arrived(
    id: str, colour: Any, model: Any, server: ReplayServer, read_chat: Callable[[bytes], dict[str, Any]]
) -> None:
    said = read_chat(server.recording(load_recording(id)).body)
    with pytest.raises(StreamErrorEvent) as caught:
        colour.stream(model)
    error = caught.value
    assert said["error"]["message"] in str(error)
    assert error.status == 400
    assert error.partial.content == said["text"]
    assert error.partial.additional_kwargs["reasoning_content"] == said["reasoning"]
    if said["usage"]:
        assert error.usage["total_tokens"] == said["usage"]["total_tokens"]


def test_an_answer_that_was_filtered_whole_is_an_error(colour: Any, model: Any, server: ReplayServer) -> None:
    server.recording(load_recording(FILTERED))
    with pytest.raises(ContentFilterError, match="hate"):
        colour.invoke(model)


@pytest.mark.parametrize("id", recordings("openai.responses"))
def test_a_response_says_what_was_recorded(id: str, colour: Any, make: Any, server: ReplayServer) -> None:
    recording = server.recording(load_recording(id))
    message = ask(colour, make(use_responses_api=True), recording.streaming)
    lines = recording.body.decode().split("\n")
    payloads = [json.loads(line[5:]) for line in lines if line.startswith("data: {")]
    response = payloads[-1]["response"] if recording.streaming else json.loads(recording.body)
    items = response["output"]
    texts = [part["text"] for item in items if item["type"] == "message" for part in item["content"]]
    assert message.text == "".join(texts)
    calls = [item for item in items if item["type"] == "function_call"]
    assert [(call["name"], call["args"], call["id"]) for call in message.tool_calls] == [
        (call["name"], json.loads(call["arguments"]), call["call_id"]) for call in calls
    ]
    assert message.invalid_tool_calls == []
    kinds = {"message": "text"}
    assert [block["type"] for block in message.content] == [kinds.get(item["type"], item["type"]) for item in items]
    for block, item in zip(message.content, items, strict=True):
        if item["type"] == "reasoning":
            # Azure encrypts anew for the last event, so only its presence can be compared.
            assert bool(block.get("encrypted_content")) == bool(item.get("encrypted_content"))
            summary = "".join(part["text"] for part in item.get("summary") or ())
            assert "".join(part["text"] for part in block.get("summary") or ()) == summary
            thought = "".join(part["text"] for part in item.get("content") or ())
            assert block.get("reasoning", "") == thought
        elif item["type"] == "message":
            assert block.get("annotations", []) == item["content"][0].get("annotations", [])
        elif item["type"] != "function_call":
            assert {name: value for name, value in block.items() if name != "index"} == item
    assert message.response_metadata["status"] == response["status"]
    assert message.usage_metadata["total_tokens"] == response["usage"]["total_tokens"]


@pytest.mark.parametrize("id", recordings("openai.responses", streaming=True))
def test_a_streamed_response_equals_the_same_response_in_one_piece(id: str, make: Any, server: ReplayServer) -> None:
    from prill.openai.results import responses_result

    recording = server.recording(load_recording(id))
    model = make(use_responses_api=True)
    streamed = ask_blocking(model)
    lines = [line for line in recording.body.decode().split("\n") if line.startswith("data: {")]
    whole = responses_result(json.loads(lines[-1][5:])["response"], "openai").generations[0].message
    assert [plain(block) for block in streamed.content] == [plain(block) for block in whole.content]
    assert streamed.tool_calls == whole.tool_calls
    assert streamed.usage_metadata == whole.usage_metadata
    assert streamed.id == whole.id


def plain(block: dict[str, Any]) -> dict[str, Any]:
    """Without what Azure encrypts, and OpenRouter names, anew for the last event."""
    return {name: value for name, value in block.items() if name not in ("encrypted_content", "id")}


def ask_blocking(model: Any) -> Any:
    whole = None
    for chunk in model.stream("Hi"):
        whole = chunk if whole is None else whole + chunk
    return message_chunk_to_message(whole)


@pytest.mark.parametrize("id", recordings("openai.completions"))
def test_a_text_completion_says_what_was_recorded(id: str, colour: Any, server: ReplayServer) -> None:
    recording = server.recording(load_recording(id))
    llm = OpenAI(base_url=server.openai_url, api_key="test", max_retries=0)
    if recording.streaming:
        lines = [line for line in recording.body.decode().split("\n") if line.startswith("data: {")]
        choices = [choice for line in lines for choice in json.loads(line[5:])["choices"]]
        text = "".join(choice["text"] for choice in choices if not choice.get("index"))
        assert "".join(colour.stream(llm)) == text
    else:
        prompts = recording.request["body"]["prompt"]
        prompts = prompts if isinstance(prompts, list) else [prompts]
        choices = json.loads(recording.body)["choices"]
        count = len(choices) if len(choices) % len(prompts) == 0 and len(prompts) > 1 else 1
        result = colour.generate(llm, ["Hi"] * count) if count == 1 else None
        if result is not None:
            assert [generation.text for generation in result.generations[0]] == [choice["text"] for choice in choices]
    llm.close()


@pytest.mark.parametrize("id", [id for id in recordings("openai.embeddings") if id != NO_VECTORS])
def test_recorded_vectors_are_read(id: str, server: ReplayServer) -> None:
    recording = server.recording(load_recording(id))
    data = json.loads(recording.body)["data"]
    embeddings = OpenAIEmbeddings(base_url=server.openai_url, api_key="test", max_retries=0)
    vectors = embeddings.embed_documents(["text"] * len(data))
    embeddings.close()
    assert len(vectors) == len(data)
    for vector, entry in zip(vectors, data, strict=True):
        if isinstance(entry["embedding"], list):
            assert vector == entry["embedding"]
        else:
            assert len(vector) == len(entry["embedding"]) * 6 // 8 // 4
            assert all(-1 <= number <= 1 for number in vector)


@pytest.mark.parametrize("id", recordings("openai.chat", None) + recordings("openai.responses", None))
def test_a_recorded_error_status_is_a_typed_error(id: str, colour: Any, make: Any, server: ReplayServer) -> None:
    recording = server.recording(load_recording(id))
    with pytest.raises(ModelError) as caught:
        colour.invoke(make(use_responses_api="responses" in id))
    error = caught.value
    assert type(error) is not ModelError
    assert error.status == recording.status
    assert error.provider == "openai"
    assert server.request_count == 1


SMALL = ["openai-chat-tool-call-1", "perplexity-chat-crlf-citations-1", "openrouter-chat-comments-tools-1"]


@pytest.mark.parametrize("id", SMALL)
def test_a_recording_in_single_bytes_over_a_connection_is_the_same(
    id: str, colour: Any, model: Any, server: ReplayServer
) -> None:
    server.recording(load_recording(id))
    server.recording(load_recording(id), faults=Faults(split=1 if "perplexity" not in id else 7))
    assert ask(colour, model, True) == ask(colour, model, True)


@pytest.mark.parametrize("at", [1, 200, 700, 1200, 1700, 2200])
def test_a_recording_cut_on_its_way_is_interrupted(at: int, colour: Any, model: Any, server: ReplayServer) -> None:
    server.recording(load_recording("openai-chat-tool-call-1"), faults=Faults(cut_after=at))
    with pytest.raises(StreamInterrupted) as caught:
        colour.stream(model)
    if caught.value.partial is not None:
        message = message_chunk_to_message(caught.value.partial)
        assert all(call["args"] for call in message.tool_calls)
