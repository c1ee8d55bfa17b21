"""The documents block by block: what the model says to each, what is different here, and our own test like it."""

from __future__ import annotations

from dataclasses import dataclass

from seeds.differences import (
    BETA,
    BLANK_LINES,
    COUNTED,
    FACTS,
    FIRST_CHUNK,
    LAST_CHUNK,
    OLD_MODEL,
    OTHER_MODEL,
    OWN_SUM,
    TOLD_LATER,
    Difference,
)
from seeds.replies import Says, at_the_end_of, countries, of_events, said, tokens, words


@dataclass(frozen=True)
class Case:
    """One block."""

    says: Says | None = None
    """What the model answers; ``None`` where it is not asked."""
    differs: tuple[Difference, ...] = ()
    after: str = ""
    """What is run after the block, where it only defines what it is about."""
    own: str = ""
    """The test of this folder that shows the same without the document."""


@dataclass(frozen=True)
class Document:
    """One document."""

    title: str
    title_zh: str
    cases: tuple[Case, ...]
    before: str = ""
    """What the document leaves to its reader, written as it would be there."""
    notes: tuple[tuple[str, str], ...] = ()
    """What is to be said of it, each in English and Chinese."""


CLAUDE = """
from langchain_anthropic import ChatAnthropic
model = ChatAnthropic(model="claude-3-haiku-20240307")
"""

NO_IMPORTS = """
from langchain_core.output_parsers import JsonOutputParser
from langchain_openai import ChatOpenAI
"""

CHOSEN = (
    "The document lets its reader choose the model. Its printed events name `ChatAnthropic`, so that is chosen.",
    "文档让读者自行选择模型。它打印的事件中写的是 `ChatAnthropic`，因此这里选它。",
)

EDGES = (FIRST_CHUNK, LAST_CHUNK)

CHAT_MODELS = Document(
    title='LangChain\'s guide "How to stream chat model responses" (000)',
    title_zh="LangChain 指南《如何流式传输聊天模型响应》（000）",
    cases=(
        Case(tokens, EDGES, own="seeds/test_chat_models.py::test_stream_prints_each_token"),
        Case(tokens, EDGES, own="seeds/test_chat_models.py::test_astream_prints_each_token"),
        Case(
            of_events,
            (FACTS, COUNTED),
            own="seeds/test_chat_models.py::test_the_first_events_are_those_that_are_printed",
        ),
    ),
    notes=(
        (
            "The text is a copy of a page that has lost the spaces at the beginnings of lines; they are given back by "
            "rule: what follows a colon is inside, and `break` is the last line inside.",
            "文本是网页的副本，行首的空格已丢失；测试按规则补回：冒号之后的行属于其内部，`break` 是内部的最后一行。",
        ),
    ),
)

HANDLERS = Document(
    title='LangChain\'s guide "How to stream LLM and chat model responses", of its first releases (001)',
    title_zh="LangChain 早期版本的指南《如何流式传输 LLM 和聊天模型响应》（001）",
    cases=(
        Case(own="seeds/test_streaming_handlers.py::test_a_text_model_prints_its_tokens_and_returns_the_text"),
        Case(words(), own="seeds/test_streaming_handlers.py::test_a_text_model_prints_its_tokens_and_returns_the_text"),
        Case(
            words("\n\n"),
            (BLANK_LINES, OLD_MODEL),
            own="seeds/test_streaming_handlers.py::test_generate_prints_and_returns_a_result",
        ),
        Case(
            words(), own="seeds/test_streaming_handlers.py::test_a_chat_model_prints_its_tokens_and_returns_the_message"
        ),
        Case(
            words("\n"),
            (BLANK_LINES,),
            own="seeds/test_streaming_handlers.py::test_anthropic_s_text_model_prints_its_tokens",
        ),
    ),
)

LLMS = Document(
    title='LangChain\'s guide "How to stream responses from an LLM" (002)',
    title_zh="LangChain 指南《如何从 LLM 流式传输响应》（002）",
    cases=(
        Case(tokens, own="seeds/test_streaming_handlers.py::test_the_text_model_streams_as_it_is_printed"),
        Case(tokens, own="seeds/test_streaming_handlers.py::test_the_text_model_streams_as_it_is_printed"),
        Case(
            said("\n\n", "Gold", "fish", " float"),
            own="seeds/test_streaming_handlers.py::test_the_first_events_of_a_text_model_in_v1",
        ),
    ),
    notes=(
        (
            "The document ends with the code of the third block; what it prints is not shown.",
            "文档在第三段代码处结束，没有给出它的输出。",
        ),
    ),
)

TALK = Document(
    title="Notes of a talk on LCEL: Runnables, streams, events (003)",
    title_zh="关于 LCEL 的分享：Runnable、流、事件流（003）",
    before=NO_IMPORTS + CLAUDE,
    cases=(
        Case(tokens, EDGES, own="seeds/test_streaming.py::test_a_model_streams_chunks_that_add_up"),
        Case(tokens, EDGES, own="seeds/test_streaming.py::test_a_model_streams_chunks_that_add_up"),
        Case(own="seeds/test_streaming.py::test_a_model_streams_chunks_that_add_up"),
        Case(None, (FACTS, OWN_SUM), own="seeds/test_streaming.py::test_a_model_streams_chunks_that_add_up"),
        Case(tokens, own="seeds/test_streaming.py::test_a_chain_streams_to_its_end"),
        Case(
            countries(6),
            after="await async_stream()",
            own="seeds/test_streaming.py::test_json_grows_while_it_arrives",
        ),
        Case(own="cli/test_commands.py::test_version"),
        Case(at_the_end_of(10), (BETA,), own="seeds/test_streaming.py::test_the_events_of_a_model"),
        Case(None, (TOLD_LATER, OTHER_MODEL), own="seeds/test_streaming.py::test_the_events_of_a_model"),
        Case(
            None,
            (LAST_CHUNK, TOLD_LATER, FACTS, OTHER_MODEL),
            own="seeds/test_streaming.py::test_the_events_of_a_model",
        ),
    ),
    notes=(
        CHOSEN,
        (
            "The notes leave out the imports of `ChatOpenAI` and `JsonOutputParser`, which are added. Block 6 defines "
            "`async_stream` without calling it; the test awaits it after the block.",
            "文中省略了 `ChatOpenAI` 和 `JsonOutputParser` 的导入，测试中补上。第 6 段只定义了 `async_stream` 而未"
            "调用，测试在其后等待它执行。",
        ),
    ),
)

_JSON = countries(6)
_EVENTS = (FIRST_CHUNK, TOLD_LATER)

RUNNABLES = Document(
    title='LangChain\'s guide "How to stream runnables" (004)',
    title_zh="LangChain 指南《如何流式运行可执行项》（004）",
    before=CLAUDE,
    cases=(
        Case(tokens, EDGES, own="seeds/test_streaming.py::test_a_model_streams_chunks_that_add_up"),
        Case(tokens, EDGES, own="seeds/test_streaming.py::test_a_model_streams_chunks_that_add_up"),
        Case(None, (FIRST_CHUNK, FACTS), own="seeds/test_streaming.py::test_a_model_streams_chunks_that_add_up"),
        Case(None, (FIRST_CHUNK, FACTS), own="seeds/test_streaming.py::test_a_model_streams_chunks_that_add_up"),
        Case(tokens, EDGES, own="seeds/test_streaming.py::test_a_chain_streams_to_its_end"),
        Case(_JSON, own="seeds/test_streaming.py::test_json_grows_while_it_arrives"),
        Case(_JSON, own="seeds/test_streaming.py::test_a_function_waits_for_the_whole"),
        Case(_JSON, own="seeds/test_streaming.py::test_a_generator_goes_on_streaming"),
        Case(own="seeds/test_retrieval.py::test_a_retriever_streams_its_documents_in_one_piece"),
        Case(own="seeds/test_retrieval.py::test_the_chain_streams_what_comes_after_the_retriever"),
        Case(tokens, EDGES, own="seeds/test_retrieval.py::test_the_chain_streams_what_comes_after_the_retriever"),
        Case(own="cli/test_commands.py::test_version"),
        Case(at_the_end_of(15), (BETA,), own="seeds/test_streaming.py::test_the_events_of_a_model"),
        Case(None, _EVENTS, own="seeds/test_streaming.py::test_the_events_of_a_model"),
        Case(None, (LAST_CHUNK, TOLD_LATER, FACTS), own="seeds/test_streaming.py::test_the_events_of_a_model"),
        Case(_JSON, own="seeds/test_streaming.py::test_the_events_of_a_chain_begin_with_three_starts"),
        Case(None, _EVENTS, own="seeds/test_streaming.py::test_the_events_of_a_chain_begin_with_three_starts"),
        Case(_JSON, (FIRST_CHUNK,), own="seeds/test_streaming.py::test_model_and_parser_take_turns"),
        Case(_JSON, (TOLD_LATER,), own="seeds/test_streaming.py::test_events_by_name"),
        Case(_JSON, _EVENTS, own="seeds/test_streaming.py::test_events_by_type"),
        Case(_JSON, _EVENTS, own="seeds/test_streaming.py::test_events_by_tag"),
        Case(own="seeds/test_streaming.py::test_a_function_waits_for_the_whole"),
        Case(_JSON, own="seeds/test_streaming.py::test_a_function_waits_for_the_whole"),
        Case(_JSON, (FIRST_CHUNK,), own="seeds/test_streaming.py::test_model_and_parser_take_turns"),
        Case(None, (TOLD_LATER,), own="seeds/test_streaming.py::test_a_tool_that_does_not_hand_callbacks_on"),
        Case(None, (TOLD_LATER,), own="seeds/test_streaming.py::test_a_tool_that_hands_callbacks_on"),
        Case(None, (TOLD_LATER,), own="seeds/test_streaming.py::test_a_function_hands_callbacks_on_by_itself"),
        Case(None, (TOLD_LATER,), own="seeds/test_streaming.py::test_a_function_hands_callbacks_on_by_itself"),
    ),
    notes=(
        CHOSEN,
        (
            "The text was encoded twice, and some bytes of its Chinese are lost; its code is not. Site comments "
            "(`<!--IMPORTS:…-->`) inside of blocks are left out.",
            "文本被重复编码，部分中文字节已丢失，但代码完好。代码段内的网站注释（`<!--IMPORTS:…-->`）被略去。",
        ),
    ),
)

DOCUMENTS = (CHAT_MODELS, HANDLERS, LLMS, TALK, RUNNABLES)
