"""What a user's own parser, a subclass of the bases, can rely on."""

import asyncio
import pickle
import threading
from typing import Any

import pytest

from prill.callbacks.run import Observer, Run
from prill.errors import CompositionError, OutputParserException
from prill.messages.ai import AIMessage, AIMessageChunk
from prill.messages.human import HumanMessage
from prill.output_parsers import BaseGenerationOutputParser, BaseOutputParser
from prill.outputs import ChatGeneration, Generation
from prill.prompt_values import StringPromptValue
from prill.runnables import RunnableLambda


class Shout(BaseOutputParser[str]):
    mark: str = "!"

    def parse(self, text: str) -> str:
        return text.upper() + self.mark


class Kinds(BaseGenerationOutputParser[str]):
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> str:
        return f"{type(result[0]).__name__}: {result[0].text}"


@pytest.mark.parametrize(
    "input",
    ["hi", AIMessage("hi"), AIMessageChunk("hi"), HumanMessage("hi"), Generation(text="hi"), [Generation(text="hi")]],
)
def test_parse_is_given_the_text_of_whatever_a_model_gives(colour: Any, input: Any) -> None:
    assert colour.invoke(Shout(), input) == "HI!"


def test_parse_is_given_the_text_blocks_of_a_content_of_blocks() -> None:
    content = [{"type": "text", "text": "a"}, {"type": "image", "url": "x"}, "b"]
    assert Shout().invoke(AIMessage(content)) == "AB!"


def test_a_parser_of_whole_texts_waits_for_the_whole_text(colour: Any) -> None:
    assert colour.stream(Shout(), ["a", "b"]) == ["AB!"]
    assert colour.stream(Shout(), [AIMessageChunk("a"), AIMessageChunk("b")]) == ["AB!"]


def test_a_parser_of_generations_sees_messages_as_chat_generations(colour: Any) -> None:
    assert colour.invoke(Kinds(), "hi") == "Generation: hi"
    assert colour.invoke(Kinds(), AIMessage("hi")) == "ChatGeneration: hi"
    assert colour.invoke(Kinds(), [ChatGeneration(message=AIMessage("hi"))]) == "ChatGeneration: hi"


def test_what_is_no_message_and_no_text_is_refused_by_name(colour: Any) -> None:
    with pytest.raises(CompositionError, match="got dict"):
        colour.invoke(Shout(), {"text": "hi"})
    with pytest.raises(CompositionError, match="got list"):
        colour.invoke(Shout(), [])


def test_no_generation_at_all_is_an_error_of_the_output() -> None:
    with pytest.raises(OutputParserException, match="no generation"):
        Shout().parse_result([])


def test_in_asyncio_a_blocking_parse_runs_in_a_worker_thread() -> None:
    class Where(BaseOutputParser[bool]):
        def parse(self, text: str) -> bool:
            return threading.current_thread() is threading.main_thread()

    assert Where().invoke("x") is True
    assert asyncio.run(Where().ainvoke("x")) is False
    assert asyncio.run(Where().aparse("x")) is False
    assert asyncio.run(Where().aparse_result([Generation(text="x")])) is False


def test_in_asyncio_an_aparse_is_awaited_instead(colour: Any) -> None:
    class Both(BaseOutputParser[str]):
        def parse(self, text: str) -> str:
            return "parse"

        async def aparse(self, text: str) -> str:
            await asyncio.sleep(0)
            return "aparse"

    expected = "parse" if type(colour).__name__ == "Blocking" else "aparse"
    assert colour.invoke(Both(), "x") == expected
    assert colour.stream(Both(), ["x"]) == [expected]


def test_in_asyncio_an_aparse_result_is_awaited_instead() -> None:
    class Both(Kinds):
        async def aparse_result(self, result: list[Generation], *, partial: bool = False) -> str:
            return "aparse_result"

    assert asyncio.run(Both().ainvoke("x")) == "aparse_result"
    assert Both().invoke("x") == "Generation: x"


def test_an_error_of_parse_comes_out_as_it_is_with_the_step_it_came_from(colour: Any) -> None:
    class Picky(BaseOutputParser[str]):
        def parse(self, text: str) -> str:
            raise OutputParserException("not this", llm_output=text)

    with pytest.raises(OutputParserException, match="not this") as caught:
        colour.invoke(RunnableLambda(lambda text: text) | Picky(), "x")
    assert caught.value.llm_output == "x"
    assert "Picky" in str(caught.value)


def test_a_class_without_parse_cannot_be_made() -> None:
    class Nothing(BaseOutputParser[str]):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Nothing()  # type: ignore[abstract]  # the point


def test_instructions_and_kind_are_asked_for_by_name_where_missing() -> None:
    with pytest.raises(NotImplementedError, match="Shout does not define get_format_instructions"):
        Shout().get_format_instructions()
    assert Shout().asdict() == {"name": None, "mark": "!"}


def test_parse_with_prompt_parses() -> None:
    assert Shout().parse_with_prompt("a", StringPromptValue(text="q")) == "A!"


def test_fields_are_validated_compared_shown_and_pickled() -> None:
    assert Shout(mark="?") == Shout(mark="?") != Shout()
    assert repr(Shout(mark="?")) == "Shout(mark='?')"
    assert repr(Shout()) == "Shout()"
    with pytest.raises(ValueError, match="mark"):
        Shout(mark=3)  # type: ignore[arg-type]  # the point
    kinds = pickle.loads(pickle.dumps(Shout(mark="?")))
    assert kinds.invoke("a") == "A?"


def test_a_parser_is_seen_as_one_and_what_parse_starts_as_its_child(colour: Any) -> None:
    seen: list[tuple[str, str, str | None]] = []

    class Watch(Observer):
        def on_start(self, run: Run, input: Any) -> None:
            seen.append((run.kind, run.name, run.parent.name if run.parent and run.parent.id else None))

    class Asks(BaseOutputParser[str]):
        def parse(self, text: str) -> str:
            return RunnableLambda(lambda given: given * 2, name="twice").invoke(text)

    assert colour.invoke(Asks().with_config(callbacks=[Watch()]), "a") == "aa"
    assert seen == [("parser", "Asks", None), ("chain", "twice", "Asks")]
