"""What ``explain_streaming`` says is what happens."""

import pytest

from prill.language_models.fake import FakeListLLM
from prill.language_models.fake_chat_models import FakeListChatModel
from prill.output_parsers import BaseOutputParser, JsonOutputParser, StrOutputParser
from prill.prompts import ChatPromptTemplate
from prill.runnables import Runnable, RunnableBranch, RunnableLambda, RunnableParallel, RunnablePassthrough

PROMPT = ChatPromptTemplate.from_messages([("human", "{topic}")])
CHAT = FakeListChatModel(responses=["[1, 2]"])
TEXT = FakeListLLM(responses=["a"])


class Whole(BaseOutputParser[str]):
    def parse(self, text: str) -> str:
        return text


class Streamer(Runnable):
    def invoke(self, input, config=None, **kwargs):
        return input

    def stream(self, input, config=None, **kwargs):
        yield "a"
        yield "b"

    async def astream(self, input, config=None, **kwargs):
        yield "a"
        yield "b"


def tidy(text):
    return text


def each(chunks):
    yield from chunks


def spread(text):
    yield from text


def lists(x):
    yield [1]
    yield [2]


async def aeach(chunks):
    async for chunk in chunks:
        yield chunk


ASKED = PROMPT | CHAT
CHAINS = {
    "to a parser": (ASKED | StrOutputParser(), None),
    "to a json parser": (ASKED | JsonOutputParser(), None),
    "to a function": (ASKED | StrOutputParser() | tidy, "step 4 (tidy)"),
    "function first": (RunnableLambda(tidy) | ASKED | StrOutputParser(), None),
    "parser of wholes": (ASKED | Whole(), "step 3 (Whole)"),
    "generator": (ASKED | StrOutputParser() | each, None),
    "function that yields": (ASKED | StrOutputParser() | RunnableLambda(spread), None),
    "async generator": (ASKED | StrOutputParser() | aeach, None),
    "passthrough": (ASKED | StrOutputParser() | RunnablePassthrough(), None),
    "with retry": (PROMPT | CHAT.with_retry() | StrOutputParser(), None),
    "with fallbacks": (PROMPT | CHAT.with_fallbacks([CHAT]) | StrOutputParser(), None),
    "in a branch": (RunnableBranch((tidy, ASKED), ASKED) | StrOutputParser(), None),
    "side by side": (RunnableParallel(a=ASKED | StrOutputParser()), None),
    "picked": (RunnableParallel(a=ASKED | StrOutputParser()).pick("a"), None),
    "streamed by a class": (RunnableLambda(tidy) | Streamer(), None),
    "each": (RunnableLambda(lists) | RunnableLambda(tidy).map(), "step 2 (RunnableEach<tidy>)"),
}


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_streams_unless_the_report_names_what_holds_it_back(name, verbs):
    chain, held = CHAINS[name]
    report = chain.explain_streaming()
    assert (report.held_back_by.step if report.held_back_by else None) == held
    chunks = verbs.stream(chain, {"topic": "x"})
    assert (len(chunks) > 1) == (held is None)


def test_the_first_step_that_buffers_is_named_with_its_reason():
    report = (ASKED | StrOutputParser()).explain_streaming()
    assert report.first_buffering.step == "step 1 (ChatPromptTemplate)"
    assert [row.verdict for row in report.rows] == ["buffers", "buffers", "streams"]
    assert [row.pieces for row in report.rows] == [False, True, True]
    assert "a prompt needs all of its variables" in str(report)


def test_the_table_says_what_to_do():
    text = str((ASKED | StrOutputParser() | tidy).explain_streaming())
    assert "make it a generator" in text
    assert text.endswith(
        "The stream is held back by step 4 (tidy): a plain function is given the whole input, and returns the whole "
        "output."
    )


def test_a_model_that_cannot_or_shall_not_stream_is_told_from_one_that_does():
    def model_row(model):
        return (PROMPT | model).explain_streaming().rows[1]

    assert model_row(CHAT).pieces
    assert not model_row(CHAT.model_copy(update={"disable_streaming": True})).pieces
    assert not model_row(TEXT).pieces


def test_a_class_of_ones_own_may_say_how_it_streams():
    from prill.runnables.structure import Streaming

    class Own(Runnable):
        def _describe_streaming(self):
            return Streaming("unknown", False, "it depends on the weather")

        def invoke(self, input, config=None, **kwargs):
            return input

    assert Own().explain_streaming().rows[0].why == "it depends on the weather"


def test_rich_prints_the_table():
    from rich.console import Console

    console = Console(width=160)
    with console.capture() as captured:
        console.print((ASKED | tidy).explain_streaming())
    assert "held back by step 3 (tidy)" in captured.get()
