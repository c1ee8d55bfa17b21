"""The inside of the core's names that packages import: small functions, texts that they compare, what is put back."""

import json
import sys
import types
import warnings

import pytest
from pydantic import SecretStr
from typing_extensions import TypedDict

from prill.callbacks import BaseCallbackHandler
from prill.callbacks.handled import HandlerObserver
from prill.compat import installed
from prill.compat.inner import deprecation, helpers, openai_parsing
from prill.compat.inner.chat_models import BaseChatModel, FakeListChatModel, GenericFakeChatModel
from prill.compat.inner.events import handle_event
from prill.compat.inner.gateway import GATEWAY_METADATA_RESPONSE_KEY
from prill.compat.inner.methods import attach, detach
from prill.compat.inner.serialized import Reviver
from prill.errors import ModelRefusalError, OutputParserException
from prill.language_models import LLM
from prill.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
from prill.messages.human import HumanMessage as Human
from prill.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from prill.prompts import ChatPromptTemplate
from prill.runnables import RunnableLambda
from prill.tools import tool


@pytest.fixture
def attached():
    attach()
    yield
    detach()


def caught(function):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        function()
    return [str(each.message) for each in seen]


# deprecation


def test_the_warning_of_a_class_names_what_to_use():
    @deprecation.deprecated("0.1.0", alternative="New", removal="2.0")
    class Old:
        pass

    name = Old.__qualname__
    assert caught(Old) == [
        f"The class `{name}` was deprecated in LangChain 0.1.0 and will be removed in 2.0. Use `New` instead."
    ]
    assert Old.__doc__.startswith(".. deprecated:: 0.1.0")


def test_a_warning_without_a_date_or_for_later():
    warn = deprecation.warn_deprecated
    assert caught(lambda: warn("1", name="n")) == ["`n` was deprecated in LangChain 1"]
    assert caught(lambda: warn("1", name="n", pending=True)) == ["`n` will be deprecated in a future version"]


def test_what_is_in_beta_says_so_in_its_documentation():
    @deprecation.beta()
    def function():
        """Do it."""

    assert function.__doc__ == ".. beta::\n\nDo it."


def test_arguments_that_a_model_does_not_know_are_transferred():
    made = []
    said = caught(lambda: made.append(helpers._build_model_kwargs({"a": 1, "b": 2}, {"a", "model_kwargs"})))
    assert made == [{"a": 1, "model_kwargs": {"b": 2}}]
    assert "transferred to model_kwargs" in said[0]
    assert helpers._build_model_kwargs({"a": 1}, {"a", "model_kwargs"}) == {"a": 1, "model_kwargs": {}}


def test_only_the_first_use_warns():
    @deprecation.deprecated("1", removal="2")
    class Old:
        @property
        @deprecation.beta()
        def new(self):
            return 1

    assert len(caught(lambda: [Old().new, Old().new])) == 2


# parsing


def call(arguments):
    return {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}


def test_the_error_of_a_tool_call_that_cannot_be_read():
    with pytest.raises(OutputParserException) as error:
        openai_parsing.parse_tool_call(call("oops"))
    assert error.value.message.startswith(
        "Function f arguments:\n\noops\n\nare not valid JSON. Received JSONDecodeError Expecting value: line 1"
    )
    assert openai_parsing.parse_tool_call(call('{"a": 1}'))["args"] == {"a": 1}


def test_the_errors_of_several_tool_calls_are_one():
    assert [each["id"] for each in openai_parsing.parse_tool_calls([call("{}"), call("{}")])] == ["1", "1"]
    with pytest.raises(OutputParserException, match=r"(?s)f arguments.*g arguments"):
        openai_parsing.parse_tool_calls([call("x"), {**call("y"), "function": {"name": "g", "arguments": "y"}}])


def test_json_is_read_as_far_as_it_goes():
    assert openai_parsing.parse_partial_json('{"a": [1, 2') == {"a": [1, 2]}
    assert openai_parsing.parse_partial_json('{"a": stand') == {}
    with pytest.raises(json.JSONDecodeError):
        openai_parsing.parse_partial_json("oops")


# models


def test_fakes_have_a_profile():
    model = GenericFakeChatModel(messages=iter([AIMessage(content="x")]), profile={"tool_calling": True})
    assert model.profile == {"tool_calling": True}
    assert model.invoke("hi").content == "x"
    assert isinstance(model, BaseChatModel)


def test_dict_is_what_tells_models_apart():
    model = FakeListChatModel(responses=["a"])
    assert model.dict() == model.asdict()
    assert model.dict()["_type"] == model._llm_type


FACTS = {GATEWAY_METADATA_RESPONSE_KEY: {"provider": "p"}}


class Gateway(BaseChatModel):
    @property
    def _llm_type(self):
        return "gateway"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        message = AIMessage(content="x", response_metadata={**FACTS})
        return ChatResult(generations=[ChatGeneration(message=message, generation_info={**FACTS})])


class StreamingGateway(Gateway):
    def _stream(self, messages, stop=None, run_manager=None, **kwargs):
        yield ChatGenerationChunk(message=AIMessageChunk(content="x"), generation_info={**FACTS})
        yield ChatGenerationChunk(message=AIMessageChunk(content="y"))


class Metadata(BaseCallbackHandler):
    def on_chat_model_start(self, serialized, messages, *, metadata, **kwargs):
        self.metadata = metadata


@pytest.mark.parametrize(
    "answers",
    [
        lambda config: [Gateway().invoke("hi", config)],
        lambda config: list(StreamingGateway().stream("hi", config)),
    ],
    ids=["invoke", "stream"],
)
def test_what_a_gateway_says_goes_into_the_metadata_of_the_run(answers):
    handler = Metadata()
    for message in answers({"callbacks": [handler]}):
        assert GATEWAY_METADATA_RESPONSE_KEY not in message.response_metadata
    assert handler.metadata["ls_gateway_info"] == {"provider": "p"}
    assert handler.metadata["ls_provider"] == "p"
    for message in answers(None):
        assert GATEWAY_METADATA_RESPONSE_KEY not in message.response_metadata


class InBlocks(Gateway):
    def _stream(self, messages, stop=None, run_manager=None, **kwargs):
        for args in ('{"a"', ": 1}"):
            piece = {"type": "tool_call_chunk", "id": "1", "name": "f", "args": args, "index": 0}
            if args != '{"a"':
                piece |= {"id": None, "name": None}
            yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[piece]))


def test_a_stream_of_blocks_ends_with_whole_tool_calls():
    chunks = list(InBlocks(output_version="v1").stream("hi"))
    whole = sum(chunks[1:], chunks[0])
    assert chunks[-1].chunk_position == "last"
    assert [(block["type"], block["args"]) for block in whole.content_blocks] == [("tool_call", {"a": 1})]


class Caller(Gateway):
    def bind_tools(self, tools, **kwargs):
        return self.bind(tools=tools, **kwargs)

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        call = {"name": "Row", "args": {"other": 1}, "id": "1"}
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content="", tool_calls=[call]))])


def test_what_a_model_gives_for_a_json_schema_is_given_as_it_is():
    schema = {"title": "Row", "type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    Row = TypedDict("Row", {"a": int})  # noqa: UP013 - the same as above
    assert Caller().with_structured_output(schema).invoke("hi") == {"other": 1}
    assert Caller().with_structured_output(Row).invoke("hi") == {"other": 1}
    error = Caller().with_structured_output(schema, include_raw=True).invoke("hi")["parsing_error"]
    assert isinstance(error, OutputParserException)


# what is attached


def test_handlers_are_given_a_step_as_it_is_stored(attached):
    seen = []

    class Handler(BaseCallbackHandler):
        def on_chat_model_start(self, serialized, messages, **kwargs):
            seen.append(serialized)

        def on_chain_start(self, serialized, inputs, **kwargs):
            seen.append(serialized)

        def on_tool_start(self, serialized, input_str, **kwargs):
            seen.append(serialized)

    @tool
    def double(x: int) -> int:
        """Twice."""
        return 2 * x

    chain = ChatPromptTemplate.from_template("{x}") | GenericFakeChatModel(messages=iter([AIMessage(content="x")]))
    chain.invoke({"x": 1}, {"callbacks": [Handler()]})
    double.invoke({"x": 1}, {"callbacks": [Handler()]})
    names = ["RunnableSequence", "ChatPromptTemplate", "GenericFakeChatModel", "double"]
    assert [each["name"] for each in seen] == names
    assert seen[1]["kwargs"]["messages"]
    assert seen[3] == {"name": "double", "description": "Twice."}


def test_the_text_of_an_error_is_without_its_path_which_is_a_note(attached):
    def refuse(x):
        raise ModelRefusalError.from_refusal({"refusal": "no", "extras": {"category": "c"}}, raw_message=None)

    with pytest.raises(ModelRefusalError) as error:
        (RunnableLambda(lambda x: x) | RunnableLambda(refuse, name="refuse")).invoke(1)
    assert str(error.value) == "Model refused to produce the requested output (category='c'): no"
    assert error.value.__notes__ == ["in the chain: RunnableSequence > step 2 (refuse)"]


def test_a_message_and_what_follows_it_make_a_prompt(attached):
    prompt = SystemMessage(content="be brief") + HumanMessage(content="hi") + "{x}"
    assert [message.content for message in prompt.invoke({"x": "?"}).messages] == ["be brief", "hi", "?"]
    assert (AIMessageChunk(content="a") + AIMessageChunk(content="b")).content == "ab"


def test_a_model_s_part_of_the_key_of_a_cache(attached):
    model = FakeListChatModel(responses=["a"])
    assert model._get_llm_string(stop=["x"]) != model._get_llm_string()


def test_subclasses_of_text_models_take_what_they_do_not_know(attached):
    class Own(LLM):
        key: SecretStr | None = None

        @property
        def _llm_type(self):
            return "own"

        def _call(self, prompt, stop=None, run_manager=None, **kwargs):
            return prompt

    assert Own(unknown=1).invoke("x") == "x"


def test_everything_is_put_back():
    before = {
        "str": str(ModelRefusalError.from_refusal({"refusal": "no"}, raw_message=None)),
        "described": HandlerObserver._describe,
        "config": dict(LLM.model_config),
        "getattr": BaseCallbackHandler.__dict__.keys(),
    }
    attach()
    detach()
    assert str(ModelRefusalError.from_refusal({"refusal": "no"}, raw_message=None)) == before["str"]
    assert HandlerObserver._describe is before["described"]
    assert dict(LLM.model_config) == before["config"]
    assert not hasattr(HumanMessage(content="x"), "__add__")
    assert not hasattr(RunnableLambda(lambda x: x), "_call_with_config")


def test_it_is_put_back_when_the_names_lead_to_the_packages_again(aside):
    with installed(packages=["langchain_core"]):
        from langchain_core.runnables import RunnableLambda as Theirs

        assert hasattr(Theirs, "_call_with_config")
    assert not hasattr(RunnableLambda, "_call_with_config")


# others


def test_a_handler_that_takes_chat_models_as_text_models():
    seen = []

    class Handler(BaseCallbackHandler):
        def on_chat_model_start(self, *args, **kwargs):
            raise NotImplementedError

        def on_llm_start(self, serialized, prompts, **kwargs):
            seen.extend(prompts)

    handle_event([Handler()], "on_chat_model_start", "ignore_chat_model", {}, [[HumanMessage(content="hi")]])
    assert seen == ["Human: hi"]


def test_checkpoints_may_read_the_classes_behind_the_names_that_they_allow(monkeypatch):
    listed = types.ModuleType("langgraph.checkpoint.serde._msgpack")
    listed.SAFE_MSGPACK_TYPES = frozenset({("langchain_core.messages.human", "HumanMessage"), ("other", "Name")})
    monkeypatch.setitem(sys.modules, listed.__name__, listed)
    Reviver()
    assert ("other", "Name") in listed.SAFE_MSGPACK_TYPES
    assert (Human.__module__, "HumanMessage") in listed.SAFE_MSGPACK_TYPES


# Google's blocks

GOOGLE = {"model_provider": "google_genai"}


def test_the_sources_of_an_answer_of_google_are_citations(attached):
    grounding = {
        "grounding_chunks": [{"web": {"uri": "https://e.org", "title": "T"}}, {"maps": {"placeId": "p"}}],
        "grounding_supports": [
            {
                "segment": {"start_index": 0, "end_index": 5, "text": "Hello"},
                "grounding_chunk_indices": [0, 1, 9],
                "confidence_scores": [0.9],
            }
        ],
        "web_search_queries": ["q"],
    }
    message = AIMessage(content="Hello world", response_metadata={**GOOGLE, "grounding_metadata": grounding})
    first, second = message.content_blocks[0]["annotations"]
    assert (first["url"], first["title"], first["cited_text"], first["end_index"]) == ("https://e.org", "T", "Hello", 5)
    assert first["extras"]["google_ai_metadata"] == {
        "web_search_queries": ["q"], "grounding_chunk_index": 0, "confidence_scores": [0.9]
    }  # fmt: skip
    assert second["extras"]["google_ai_metadata"]["place_id"] == "p"


def test_speech_and_bare_data_of_google_are_blocks_of_data(attached):
    images = [{"type": "image_url", "image_url": {"url": url}} for url in ("aGk=", "not base64!", "https://e.org/a")]
    message = AIMessage(content=images, additional_kwargs={"audio": b"hi"}, response_metadata=GOOGLE)
    data, odd, remote, speech = message.content_blocks
    assert (data["base64"], odd["url"], remote["url"]) == ("aGk=", "not base64!", "https://e.org/a")
    assert speech == {"type": "audio", "base64": "aGk=", "mime_type": "audio/wav"}
    assert AIMessage(content=images).content_blocks[0] == {"type": "image", "url": "aGk="}
