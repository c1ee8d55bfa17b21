"""Whether a block is in the form of OpenAI's chat completions: compared with LangChain."""

import pytest
from langchain_core.language_models import is_openai_data_block as theirs

from prill.language_models import is_openai_data_block

IMAGE = {"type": "image_url", "image_url": {"url": "u"}}
SOUND = {"type": "input_audio", "input_audio": {"data": "d", "format": "wav"}}
FILE = {"type": "file", "file": {"file_id": "f"}}


@pytest.mark.parametrize(
    "block",
    [
        IMAGE,
        {**IMAGE, "detail": "low"},
        {**IMAGE, "cache_control": {}},
        {"type": "image_url", "image_url": "u"},
        {"type": "image_url", "image_url": {"url": 1}},
        {"type": "image_url"},
        SOUND,
        {**SOUND, "x": 1},
        {"type": "input_audio", "input_audio": {"data": b"d", "format": "wav"}},
        {"type": "input_audio", "input_audio": {"data": "d"}},
        FILE,
        {"type": "file", "file": {"file_data": "d"}},
        {"type": "file", "file": {"filename": "n"}},
        {"type": "file", "file": "f"},
        {"type": "image", "url": "u"},
        {"type": "text", "text": "t"},
        {},
    ],
)
@pytest.mark.parametrize("kind", [None, "image", "audio", "file"])
def test_blocks_are_told_from_others(block, kind):
    assert is_openai_data_block(block, kind) == theirs(block, kind)
