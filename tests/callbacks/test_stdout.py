"""Handlers that print, and what they print."""

import pytest

from prill.callbacks import FileCallbackHandler, StdOutCallbackHandler, StreamingStdOutCallbackHandler
from prill.language_models import FakeListChatModel
from prill.messages import AIMessageChunk
from prill.runnables import RunnableLambda
from prill.tools import tool


def fails(x):
    raise ValueError("no")


def test_chains_are_announced(capsys):
    part = (RunnableLambda(str, name="text") | len).with_config(run_name="chain")
    part.invoke(1, {"callbacks": [StdOutCallbackHandler()]})
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["> chain starts", "> text starts", "> text ended", "> len starts", "> len ended", "> chain ended"]


def test_failures_are_announced(capsys):
    with pytest.raises(ValueError, match="no"):
        RunnableLambda(fails).invoke(1, {"callbacks": [StdOutCallbackHandler()]})
    assert "ValueError: no" in capsys.readouterr().out


def test_a_file_is_written_and_closed(tmp_path):
    path = tmp_path / "log.txt"

    @tool
    def shout(word: str):
        """Shout."""
        return word.upper()

    with FileCallbackHandler(str(path)) as handler:
        shout.invoke("hi", {"callbacks": [handler]})
    handler.close()
    assert path.read_text() == "HI\n"


def test_a_stream_is_printed_as_it_comes(capsys):
    seen = []
    for _ in FakeListChatModel(responses=["abc"]).stream("x", {"callbacks": [StreamingStdOutCallbackHandler()]}):
        seen.append(capsys.readouterr().out)
    assert seen == ["a", "b", "c"]


def test_of_blocks_only_the_text_is_printed(capsys):
    handler = StreamingStdOutCallbackHandler()
    blocks = [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "ok"}, "!"]
    handler.on_llm_new_token(AIMessageChunk(content=blocks).content)
    assert capsys.readouterr().out == "ok!"
