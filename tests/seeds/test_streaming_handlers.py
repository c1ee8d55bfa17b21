"""How to stream with handlers: the examples of the documentation, with what they print."""

from contextlib import aclosing

import pytest

from prill.anthropic import Anthropic
from prill.callbacks import StreamingStdOutCallbackHandler
from prill.messages import HumanMessage
from prill.openai import ChatOpenAI, OpenAI
from prill.outputs import Generation, LLMResult

SONG = ["Verse 1\n", "I'm sippin' on", " sparkling water,\n", "It's so refreshing and light,"]


def openai_settings(server):
    return {"base_url": server.openai_url, "api_key": "test"}


def test_a_text_model_prints_its_tokens_and_returns_the_text(server, capsys):
    llm = OpenAI(streaming=True, callbacks=[StreamingStdOutCallbackHandler()], temperature=0, **openai_settings(server))
    server.reply(*SONG)
    resp = llm("Write me a song about sparkling water.")
    assert capsys.readouterr().out == resp == "".join(SONG)
    assert server.requests[0].streaming


def test_generate_prints_and_returns_a_result(server, capsys):
    llm = OpenAI(streaming=True, callbacks=[StreamingStdOutCallbackHandler()], temperature=0, **openai_settings(server))
    server.reply("Q: What did the fish say when it hit the wall?\n", "A: Dam!")
    result = llm.generate(["Tell me a joke."])
    text = "Q: What did the fish say when it hit the wall?\nA: Dam!"
    assert capsys.readouterr().out == text
    assert isinstance(result, LLMResult)
    assert result.generations == [[Generation(text=text, generation_info={"finish_reason": "stop", "logprobs": None})]]
    assert result.llm_output["token_usage"] == {}
    assert result.llm_output["model_name"] == "gpt-3.5-turbo-instruct"


def test_a_chat_model_prints_its_tokens_and_returns_the_message(server, capsys):
    chat = ChatOpenAI(
        streaming=True, callbacks=[StreamingStdOutCallbackHandler()], temperature=0, **openai_settings(server)
    )
    server.reply(*SONG)
    resp = chat([HumanMessage(content="Write me a song about sparkling water.")])
    assert capsys.readouterr().out == resp.content == "".join(SONG)


def test_anthropic_s_text_model_prints_its_tokens(server, capsys):
    llm = Anthropic(
        streaming=True,
        callbacks=[StreamingStdOutCallbackHandler()],
        temperature=0,
        base_url=server.anthropic_url,
        api_key="test",
    )
    server.reply(*SONG)
    assert llm("Write me a song about sparkling water.") == capsys.readouterr().out.strip("\n") == "".join(SONG)


def test_each_token_is_told_once(server, capsys):
    """Also where the model's own handler is given again by the caller."""
    handler = StreamingStdOutCallbackHandler()
    chat = ChatOpenAI(streaming=True, callbacks=[handler], **openai_settings(server))
    server.reply("a", "b")
    chat.invoke("x", {"callbacks": [handler]})
    assert capsys.readouterr().out == "ab"


@pytest.mark.parametrize("verb", ["stream", "astream"])
def test_the_text_model_streams_as_it_is_printed(server, run, verb):
    printed = "\n\n|Spark|ling| water|,| oh| so clear|\n|Bubbles dancing|,| without| fear|"
    llm = OpenAI(model="gpt-3.5-turbo-instruct", temperature=0, max_tokens=512, **openai_settings(server))
    server.reply(*printed.removesuffix("|").split("|"))

    async def main():
        return [chunk async for chunk in llm.astream("Write me a 1 verse song about sparkling water.")]

    chunks = run(main()) if verb == "astream" else list(llm.stream("Write me a 1 verse song about sparkling water."))
    assert "|".join(filter(None, chunks)) + "|" == printed


def test_the_first_events_of_a_text_model_in_v1(server, run):
    llm = OpenAI(model="gpt-3.5-turbo-instruct", temperature=0, max_tokens=512, **openai_settings(server))
    server.reply("\n\n", "Gold", "fish", " float")

    async def main():
        stream = llm.astream_events("Write me a 1 verse song about goldfish on the moon", version="v1")
        async with aclosing(stream) as events:
            return [await anext(events) for _ in range(4)]

    events = run(main())
    assert [event["event"] for event in events] == ["on_llm_start", *["on_llm_stream"] * 3]
    assert events[0]["data"] == {"input": "Write me a 1 verse song about goldfish on the moon"}
    assert [event["data"]["chunk"] for event in events[1:]] == ["\n\n", "Gold", "fish"]
    assert {(event["name"], event["run_id"]) for event in events} == {("OpenAI", events[0]["run_id"])}
