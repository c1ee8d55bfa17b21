"""The standard form of content blocks, whatever provider they came from, and back."""

import pytest

from prill.anthropic.blocks import request_blocks
from prill.messages import AIMessage, AIMessageChunk


def blocks(*content, **fields):
    return AIMessage(list(content), **fields).content_blocks


@pytest.mark.parametrize(
    ("given", "standard"),
    [
        (
            {
                "type": "char_location",
                "cited_text": "sky",
                "document_index": 0,
                "document_title": "Colours",
                "start_char_index": 4,
            },
            {
                "type": "citation",
                "title": "Colours",
                "cited_text": "sky",
                "extras": {"document_index": 0, "start_char_index": 4},
            },
        ),
        (
            {"type": "web_search_result_location", "url": "https://a.b", "title": None, "encrypted_index": "x"},
            {"type": "citation", "url": "https://a.b", "extras": {"encrypted_index": "x"}},
        ),
        ({"type": "made_up", "x": 1}, {"type": "non_standard_annotation", "value": {"type": "made_up", "x": 1}}),
    ],
    ids=["a place in a document", "a page of the web", "an unknown kind"],
)
def test_citations_of_anthropic_are_standard_annotations(given, standard):
    assert blocks({"type": "text", "text": "blue", "citations": [given]}) == [
        {"type": "text", "text": "blue", "annotations": [standard]}
    ]


def test_annotations_of_openai_are_standard():
    page = {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 3}
    file = {"type": "file_citation", "filename": "f.txt", "file_id": "file-1", "index": 2}
    path = {"type": "file_path", "file_id": "file-2"}
    (block,) = blocks({"type": "output_text", "text": "x", "annotations": [page, file, path]})
    assert block["annotations"] == [
        {**page, "type": "citation"},
        {"type": "citation", "title": "f.txt", "extras": {"file_id": "file-1", "index": 2}},
        {"type": "non_standard_annotation", "value": path},
    ]


def test_standard_annotations_and_text_without_any_stay_as_they_are():
    citation = {"type": "citation", "url": "u"}
    other = {"type": "non_standard_annotation", "value": {"a": 1}}
    text = {"type": "text", "text": "x", "id": "1", "annotations": [citation, other]}
    plain = {"type": "text", "text": "y", "cache_control": {"type": "ephemeral"}}
    assert blocks(text, plain) == [text, plain]
    assert blocks({"type": "text", "text": "x", "citations": None}) == [{"type": "text", "text": "x"}]


def test_a_call_keeps_what_only_its_provider_knows_in_extras():
    call = {"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}, "caller": {"type": "direct"}}
    item = {"type": "function_call", "id": "fc", "call_id": "2", "name": "g", "arguments": "{}", "async": True}
    assert blocks(call, item) == [
        {"type": "tool_call", "name": "f", "args": {"a": 1}, "id": "1", "extras": {"caller": {"type": "direct"}}},
        {"type": "tool_call", "name": "g", "args": {}, "id": "2", "extras": {"item_id": "fc", "async": True}},
    ]


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"type": "web_search_tool_result", "content": [{"type": "web_search_result", "url": "u"}]}, "success"),
        ({"type": "web_search_tool_result", "content": {"type": "web_search_tool_result_error"}}, "error"),
        ({"type": "mcp_tool_result", "content": "no", "is_error": True}, "error"),
        ({"type": "code_execution_tool_result", "content": {"return_code": 0}}, "success"),
    ],
    ids=["found", "search failed", "tool failed", "code"],
)
def test_results_of_tools_that_anthropic_ran_are_standard_and_can_be_sent_back(given, status):
    given = {**given, "tool_use_id": "1"}
    (block,) = blocks(given)
    assert block == {
        "type": "server_tool_result",
        "tool_call_id": "1",
        "status": status,
        "output": given["content"],
        "extras": {"block_type": given["type"]},
    }
    (sent,) = request_blocks([block])
    assert sent == {**given, **({"is_error": True} if "is_error" in given else {})}


def test_a_call_of_an_mcp_server_is_standard_and_can_be_sent_back():
    given = {"type": "mcp_tool_use", "id": "1", "name": "find", "server_name": "s", "input": {"q": "x"}}
    (block,) = blocks(given)
    assert (block["type"], block["name"], block["args"]) == ("server_tool_call", "remote_mcp", {"q": "x"})
    assert block["extras"] == {"tool_name": "find", "server_name": "s"}
    assert request_blocks([block]) == [given]


def test_a_result_of_another_providers_tool_is_not_sent_to_anthropic():
    assert request_blocks([{"type": "server_tool_result", "tool_call_id": "1", "status": "success"}]) == []


def test_streamed_parts_of_one_reasoning_are_told_apart_by_their_index():
    def piece(text, part):
        summary = [{"type": "summary_text", "text": text, "index": part}]
        return AIMessageChunk([{"type": "reasoning", "summary": summary, "index": 0}])

    chunks = [AIMessageChunk(chunk.content_blocks) for chunk in (piece("a", 0), piece("b", 0), piece("c", 1))]
    whole = chunks[0] + chunks[1] + chunks[2]
    assert [block["reasoning"] for block in whole.content] == ["ab", "c"]


def test_a_message_with_its_items_outside_of_the_content_shows_them_as_blocks():
    message = AIMessage(
        [{"type": "text", "text": "hi"}],
        tool_calls=[{"name": "f", "args": {}, "id": "1"}],
        additional_kwargs={
            "reasoning": {"id": "rs", "summary": [{"type": "summary_text", "text": "hm"}]},
            "tool_outputs": [{"type": "web_search_call", "id": "ws"}],
            "__openai_function_call_ids__": {"1": "fc"},
        },
    )
    assert message.content_blocks == [
        {"type": "reasoning", "id": "rs", "reasoning": "hm"},
        {"type": "text", "text": "hi"},
        {"type": "tool_call", "name": "f", "args": {}, "id": "1", "extras": {"item_id": "fc"}},
        {"type": "non_standard", "value": {"type": "web_search_call", "id": "ws"}},
    ]


def test_a_call_in_the_content_of_a_chunk_is_a_piece_until_the_last_chunk():
    block = {"type": "function_call", "name": "f", "arguments": "", "call_id": "c", "id": "fc"}
    first = AIMessageChunk([block], tool_call_chunks=[{"name": "f", "args": "", "id": "c", "index": 0}])
    assert [block["type"] for block in first.content_blocks] == ["tool_call_chunk"]
    rest = AIMessageChunk("", tool_call_chunks=[{"name": None, "args": "{}", "id": None, "index": 0}])
    whole = first + rest + AIMessageChunk("", chunk_position="last")
    assert "tool_call_chunk" not in [block["type"] for block in whole.content_blocks]


def test_the_text_of_an_old_message_of_responses_has_the_id_of_its_item():
    given = {"__openai_function_call_ids__": {"c1": "fc_1"}}
    message = AIMessage([{"type": "text", "text": "x"}], id="msg_1", additional_kwargs=given)
    assert message.content_blocks == [{"type": "text", "text": "x", "id": "msg_1"}]
    assert AIMessage("x", id="msg_1").content_blocks == [{"type": "text", "text": "x"}]


@pytest.mark.parametrize(
    ("block", "standard"),
    [
        (
            {"type": "image_generation_call", "id": "ig", "status": "completed", "result": "AAAA"},
            {
                "type": "image",
                "base64": "AAAA",
                "mime_type": "image/png",
                "id": "ig",
                "extras": {"status": "completed"},
            },
        ),
        (
            {"type": "image_generation_call", "partial_image_b64": "AAAA", "output_format": "webp", "index": 2},
            {
                "type": "image",
                "base64": "AAAA",
                "mime_type": "image/webp",
                "index": 2,
                "extras": {"output_format": "webp"},
            },
        ),
        (
            {"type": "input_image", "image_url": "data:image/gif;base64,AAAA", "detail": "low"},
            {"type": "image", "base64": "AAAA", "mime_type": "image/gif", "extras": {"detail": "low"}},
        ),
        ({"type": "input_image", "file_id": "f"}, {"type": "image", "file_id": "f"}),
        ({"type": "input_file", "file_url": "https://x/a.pdf"}, {"type": "file", "url": "https://x/a.pdf"}),
        (
            {"type": "input_file", "file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"},
            {"type": "file", "base64": "AAAA", "mime_type": "application/pdf", "extras": {"filename": "a.pdf"}},
        ),
        ({"type": "computer_screenshot", "image_url": "https://x/a"}, {"type": "image", "url": "https://x/a"}),
    ],
    ids=lambda block: block["type"],
)
def test_images_and_files_of_responses_are_standard_blocks(block, standard):
    assert AIMessage([block]).content_blocks == [standard]


def test_an_image_that_is_still_being_made_is_kept_as_it_is():
    block = {"type": "image_generation_call", "id": "ig", "status": "in_progress", "result": None}
    assert AIMessage([block]).content_blocks == [{"type": "non_standard", "value": block}]


def test_an_item_whose_arguments_are_not_an_object_is_an_invalid_call():
    item = {"type": "function_call", "name": "f", "arguments": "[1]", "call_id": "1"}
    assert [block["type"] for block in AIMessage([item]).content_blocks] == ["invalid_tool_call"]
