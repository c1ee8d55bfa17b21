"""Objects are written as JSON and read again: here, by LangChain, and from LangChain."""

import json

import langchain_core.load as their_load
import pytest
from pydantic import BaseModel, ConfigDict, SecretStr

from prill.anthropic import Anthropic, ChatAnthropic
from prill.documents import Document
from prill.errors import ConfigError, ModelTimeoutError
from prill.load import Serializable, dumpd, dumps, load, loads
from prill.load.forms import ATTRIBUTES, FORMS, get_form
from prill.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from prill.openai import ChatOpenAI, OpenAI
from prill.output_parsers import CommaSeparatedListOutputParser, JsonOutputParser, StrOutputParser, XMLOutputParser
from prill.outputs import ChatGeneration, ChatResult, Generation, LLMResult
from prill.prompt_values import ChatPromptValue, StringPromptValue
from prill.prompts import ChatPromptTemplate, FewShotPromptTemplate, MessagesPlaceholder, PromptTemplate
from prill.runnables import (
    RouterRunnable,
    RunnableBranch,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    RunnablePick,
)

TEXT = StrOutputParser()
PROMPT = PromptTemplate.from_template("a {b}")

DATA = [
    AIMessage("hi", id="x", usage_metadata={"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}),
    AIMessage("", tool_calls=[{"name": "a", "args": {"b": [1]}, "id": "1"}], response_metadata={"model_name": "m"}),
    AIMessageChunk(content="a", tool_call_chunks=[{"name": "a", "args": '{"b": 1', "id": "1", "index": 0}]),
    HumanMessage([{"type": "text", "text": "a"}], name="Ann"),
    SystemMessage("s", additional_kwargs={"kept": True}),
    ToolMessage("x", tool_call_id="1", status="error"),
    FunctionMessage("x", name="f"),
    ChatMessage("x", role="r"),
    RemoveMessage(id="1"),
    Document("a", metadata={"b": 1}, id="3"),
    ChatGeneration(message=AIMessage("x")),
    Generation(text="x", generation_info={"a": None}),
    ChatPromptValue(messages=[HumanMessage("x")]),
    StringPromptValue(text="x"),
    PROMPT,
    PromptTemplate.from_template("{{a}}", template_format="mustache"),
    ChatPromptTemplate.from_messages([("system", "s {x}"), MessagesPlaceholder("h", optional=True), ("ai", "{y}")]),
    CommaSeparatedListOutputParser(),
    PROMPT | TEXT,
    PROMPT | TEXT | RunnablePassthrough(),
    RunnableParallel(a=RunnablePassthrough(), b=TEXT),
    RunnablePassthrough.assign(a=TEXT),
    RunnablePick(["a", "b"]),
    RouterRunnable({"a": TEXT}),
    TEXT.bind(stop=["a"]),
    TEXT.with_config(tags=["t"], metadata={"a": 1}),
    TEXT.map(),
]
"""What LangChain writes and reads too."""

OURS = [
    RunnableBranch((TEXT, TEXT), TEXT),
    LLMResult(generations=[[Generation(text="x")]], llm_output={"a": 1}),
    ChatResult(generations=[ChatGeneration(message=AIMessage("x"))]),
    JsonOutputParser(),
    XMLOutputParser(tags=["a"]),
    PROMPT | JsonOutputParser(),
    FewShotPromptTemplate(examples=[{"b": "1"}], example_prompt=PROMPT, suffix="{q}", input_variables=["q"]),
    TEXT.with_retry(stop_after_attempt=2, exponential_jitter_params={"initial": 0.5}, mid_stream="restart"),
    TEXT.with_fallbacks([TEXT], exceptions_to_handle=(ValueError, ModelTimeoutError), exception_key="e"),
    TEXT.with_timeout(total=3),
]


def told(thing):
    """What tells two objects apart that are equal by what they do."""
    return type(thing), thing if not hasattr(thing, "kwargs") else (thing.bound, thing.kwargs, thing.config)


@pytest.mark.parametrize("thing", [*DATA, *OURS], ids=lambda thing: type(thing).__name__)
def test_what_is_read_is_what_was_written(thing):
    assert told(loads(dumps(thing))) == told(thing)


@pytest.mark.parametrize("thing", DATA, ids=lambda thing: type(thing).__name__)
@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
def test_langchain_reads_what_is_written_here_and_the_other_way_round(thing):
    theirs = their_load.load(dumpd(thing), allowed_objects="core")
    assert type(theirs).__module__.startswith("langchain_core.")
    assert told(load(json.loads(their_load.dumps(theirs)))) == told(thing)


@pytest.mark.parametrize("value", [None, 1, 1.5, True, "x", [1, {"a": None}], {}, {"a": {"b": []}}, {1: 2}, (1, 2)])
def test_plain_data_is_written_as_it_is(value):
    assert dumpd(value) == json.loads(their_load.dumps(value))


def test_objects_are_found_wherever_they_are():
    value = {"messages": [HumanMessage("a"), [Document("b")]], "n": 1}
    assert loads(dumps(value)) == value


def test_a_chain_that_was_read_works():
    chain = loads(dumps(ChatPromptTemplate.from_template("say {x}") | RunnablePassthrough() | RunnablePick("messages")))
    assert [type(step).__name__ for step in chain.steps] == [
        "ChatPromptTemplate",
        "RunnablePassthrough",
        "RunnablePick",
    ]
    assert (loads(dumps(PROMPT)) | (lambda value: value.to_string())).invoke({"b": 1}) == "a 1"


def test_a_name_is_kept():
    assert loads(dumps(PROMPT.pipe(TEXT, name="mine"))).get_name() == "mine"
    assert loads(dumps(StrOutputParser(name="parse"))).name == "parse"


def test_text_can_be_indented():
    assert dumps(PROMPT, pretty=True) == json.dumps(dumpd(PROMPT), indent=2)
    assert "ü" in dumps("ü", ensure_ascii=False)


# What cannot be written


class Odd:
    def __repr__(self):
        raise RuntimeError


@pytest.mark.parametrize("thing", [object(), len, ValueError("x"), b"x", {1}, Odd(), Odd, SecretStr("s"), TEXT | len])
def test_writing_never_raises(thing):
    assert "not_implemented" in dumps(thing)


def test_what_cannot_be_written_is_described_where_it_stands():
    written = dumpd({"chain": RunnableParallel(a=TEXT, b=RunnableLambda(len))})
    branch = written["chain"]["kwargs"]["steps__"]["b"]
    assert branch == {
        "lc": 1,
        "type": "not_implemented",
        "id": ["prill", "runnables", "function", "RunnableLambda"],
        "repr": "RunnableLambda(len)",
    }


def test_reading_it_is_an_error_that_tells_the_place():
    with pytest.raises(ConfigError, match=r"at \$\.a\.steps__\.b there was something .*RunnableLambda\(len\)"):
        load(dumpd({"a": RunnableParallel(a=TEXT, b=len)}))
    message = ToolMessage("x", tool_call_id="1", artifact=object())
    read = load(dumpd([message, object()]), ignore_unserializable_fields=True)
    assert read == [ToolMessage("x", tool_call_id="1"), None]


def test_what_is_inside_of_itself_is_written_once():
    around = {"a": 1}
    around["self"] = [around]
    assert dumpd(around)["self"][0]["repr"] == "…"
    same = [1]
    assert dumpd([same, same]) == [[1], [1]]


def test_a_long_description_is_cut():
    assert len(dumps({"x" * 5000})) < 1200


# What must not be taken for something written


LOOKALIKES = [
    {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain", "schema", "messages", "AIMessage"],
        "kwargs": {"content": "x"},
    },
    {"lc": 1, "type": "secret", "id": ["PATH"]},
    {"lc": 2},
    {"__lc_escaped__": 1},
    {"a": {"lc": 1, "b": {"lc": 1}}},
    {"lc": {"__lc_escaped__": {"lc": [{"lc": 1}]}}},
]


@pytest.mark.parametrize("value", LOOKALIKES)
def test_data_that_looks_like_something_written_stays_data(value):
    assert loads(dumps(value), secrets_from_env=True) == value
    document = Document("a", metadata=value)
    assert loads(dumps(document), secrets_from_env=True) == document


@pytest.mark.parametrize("value", LOOKALIKES[:4])
@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
def test_langchain_takes_it_for_data_too(value):
    assert their_load.loads(dumps(value), allowed_objects="core") == value
    assert loads(their_load.dumps(value)) == value


# What may be made


def constructor(*id, **kwargs):
    return {"lc": 1, "type": "constructor", "id": list(id), "kwargs": kwargs}


@pytest.mark.parametrize(
    "id", [("os", "system"), ("subprocess", "Popen"), ("prill", "runnables", "RunnableLambda"), ("AIMessage",)]
)
def test_nothing_else_is_ever_made(id):
    for allowed in ("core", "messages", "all"):
        with pytest.raises(ConfigError, match=r"at \$\[0\] there is a .* which may not be made here"):
            load([constructor(*id)], allowed_objects=allowed)


def test_models_are_made_only_when_that_is_said():
    written = dumpd(ChatOpenAI(model="m", api_key="k"))
    with pytest.raises(ConfigError, match=r"langchain\.chat_models\.openai\.ChatOpenAI"):
        load(written)
    assert load(written, allowed_objects="all").model == "m"
    assert load(written, allowed_objects=[ChatOpenAI]).model == "m"


def test_messages_alone_may_be_allowed():
    assert load(dumpd([AIMessage("x")]), allowed_objects="messages") == [AIMessage("x")]
    with pytest.raises(ConfigError, match="PromptTemplate"):
        load(dumpd(PROMPT), allowed_objects="messages")


def test_what_is_allowed_must_be_known():
    with pytest.raises(ConfigError, match="'core', 'messages', 'all'"):
        load(1, allowed_objects="everything")
    with pytest.raises(ConfigError, match="Serializable"):
        load(1, allowed_objects=[dict])


def test_templates_of_jinja2_are_refused_unless_they_are_wanted():
    written = dumpd(PromptTemplate.from_template("{{ a }}", template_format="jinja2"))
    with pytest.raises(ConfigError, match="init_validator=None"):
        load(written)
    assert load(written, init_validator=None).format(a=1) == "1"


def test_a_validator_sees_each_object_before_it_is_made():
    seen = []
    load(dumpd(PROMPT | TEXT), init_validator=lambda id, kwargs: seen.append((id[-1], sorted(kwargs))))
    assert [name for name, _ in seen] == ["PromptTemplate", "StrOutputParser", "RunnableSequence"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"lc": 1, "type": "constructor"}, "without an id"),
        ({"lc": 1, "type": "secret", "id": "X"}, "without an id"),
        (constructor("langchain", "AIMessage"), "cannot be made: 1 validation error for AIMessage"),
        (constructor("langchain", "RunnableSequence"), "cannot be made: a RunnableSequence needs"),
        (constructor("langchain", "RunnableBranch"), "cannot be made: .branches"),
        (
            constructor("langchain", "StrOutputParser", unknown=1),
            "fields that this version does not know: .unknown",
        ),
    ],
)
def test_what_is_written_wrongly_is_refused_with_its_place(written, said):
    with pytest.raises(ConfigError, match=rf"at \$\.x.*{said}"):
        load({"x": written})


def test_classes_of_errors_are_read_others_are_not():
    kind = {"lc": 1, "type": "not_implemented", "id": ["builtins", "eval"], "repr": repr(eval)}
    with pytest.raises(ConfigError, match="built-in function eval"):
        load(kind)
    assert load(dumpd(KeyError)) is KeyError
    with pytest.raises(ConfigError):
        load(dumpd(int))


# Secrets


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (ChatOpenAI(model="m", api_key="sk-hidden", temperature=0.5), "OPENAI_API_KEY"),
        (OpenAI(model="m", api_key="sk-hidden"), "OPENAI_API_KEY"),
        (ChatAnthropic(model="m", api_key="sk-hidden", max_tokens=7), "ANTHROPIC_API_KEY"),
        (Anthropic(model="m", api_key="sk-hidden"), "ANTHROPIC_API_KEY"),
        (ChatOpenAI(model="m", server="groq", api_key="sk-hidden"), "GROQ_API_KEY"),
    ],
)
def test_a_key_is_written_by_its_name(model, name, monkeypatch):
    text = dumps(model)
    assert "sk-hidden" not in text
    assert json.loads(text)["kwargs"]["api_key"] == {"lc": 1, "type": "secret", "id": [name]}
    assert loads(text, allowed_objects="all", secrets_map={name: "sk-hidden"}) == model
    monkeypatch.setenv(name, "sk-other")
    assert loads(text, allowed_objects="all").api_key is None
    assert loads(text, allowed_objects="all", secrets_from_env=True).api_key.get_secret_value() == "sk-other"


def test_a_secret_that_nobody_knows_is_nothing():
    assert load([{"lc": 1, "type": "secret", "id": ["NOBODY_KNOWS"]}]) == [None]


def test_what_langchain_wrote_of_a_model_is_read():
    written = constructor(
        *("langchain", "chat_models", "openai", "ChatOpenAI"),
        model_name="gpt-4o",
        temperature=0.5,
        openai_api_key={"lc": 1, "type": "secret", "id": ["OPENAI_API_KEY"]},
    )
    model = load(written, allowed_objects="all", secrets_map={"OPENAI_API_KEY": "k"})
    assert (model.model, model.temperature, model.api_key.get_secret_value()) == ("gpt-4o", 0.5, "k")


# Classes of one's own


class Place(Serializable):
    city: str
    key: SecretStr | None = None
    inside: Document | None = None

    @classmethod
    def is_lc_serializable(cls):
        return True

    @property
    def lc_secrets(self):
        return {"key": "PLACE_KEY"}


class Closed(Serializable):
    a: int = 1


def test_a_class_of_one_s_own_is_written_and_read():
    place = Place(city="Oslo", key="hidden", inside=Document("x"))
    text = dumps([place])
    assert "hidden" not in text
    assert loads(text, allowed_objects=[Place, Document], secrets_map={"PLACE_KEY": "hidden"}) == [place]
    with pytest.raises(ConfigError, match="Place"):
        loads(text)


def test_a_class_that_does_not_say_so_is_not_written():
    assert dumpd(Closed(a=2))["type"] == "not_implemented"
    assert Closed().to_json()["type"] == "not_implemented"
    assert Closed.lc_id() == [*__name__.split("."), "Closed"]


def test_a_class_may_write_more_than_its_fields():
    class More(Place):
        @property
        def lc_attributes(self):
            return {"city": self.city.upper()}

    assert More(city="Rome").to_json()["kwargs"] == {"city": "ROME"}


def test_a_subclass_of_ours_is_another_class():
    class Mine(AIMessage):
        pass

    assert dumpd(Mine("x"))["type"] == "not_implemented"


# What comes from elsewhere


def test_a_jinja2_template_is_refused_also_where_it_is_plain_data_inside_of_a_prompt():
    inner = {"template": "{% for i in range(3) %}{{a}}{% endfor %}", "template_format": "jinja2"}
    kwargs = {"examples": [{"a": "1"}], "example_prompt": inner, "suffix": "x"}
    written = {"lc": 1, "type": "constructor", "id": ["prill", "prompts", "FewShotPromptTemplate"], "kwargs": kwargs}
    with pytest.raises(ConfigError, match="jinja2"):
        load(written)
    assert load(written, init_validator=None).format() == "111\n\nx"


@pytest.mark.parametrize("text", ["[" * 100_000 + "]" * 100_000, '{"a":' * 100_000 + "1" + "}" * 100_000])
def test_what_is_nested_too_deeply_is_refused(text):
    with pytest.raises(ConfigError, match="too deeply"):
        loads(text)


def test_values_may_be_nested_as_deeply_as_json_reads_them_or_are_refused():
    with pytest.raises(ConfigError, match="too deeply"):
        loads("[" * 900 + "]" * 900)


@pytest.mark.parametrize("kwargs", ['"x"', "[1]", "7"])
def test_arguments_that_are_no_object_are_refused_with_their_place(kwargs):
    text = '[{"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "AIMessage"], "kwargs": %s}]'
    with pytest.raises(ConfigError, match=r"at \$\[0\] the arguments of AIMessage are not an object"):
        loads(text % kwargs)


# What is written


@pytest.mark.parametrize("header", ["Authorization", "x-api-key", "api_key", "Cookie", "Proxy-Authorization"])
def test_credentials_among_bound_arguments_and_headers_become_names(header):
    model = ChatOpenAI(model="m", api_key="k", default_headers={header: "sk-of-mine", "x-kept": "1"})
    bound = RunnablePassthrough().bind(extra_headers={header: "sk-of-mine", "x-kept": "1"})
    assert "sk-of-mine" not in dumps(model) + dumps(bound)
    assert "x-kept" in dumps(bound)


def test_keys_that_would_be_one_as_text_are_not_silently_one():
    assert dumpd({1: "a", "1": "b"})["type"] == "not_implemented"


def test_messages_and_generations_are_written_with_their_type():
    call = {"name": "f", "args": {}, "id": "1", "type": "tool_call"}
    assert dumpd(AIMessage("a"))["kwargs"] == {
        "content": "a",
        "type": "ai",
        "tool_calls": [],
        "invalid_tool_calls": [],
    }
    assert dumpd(AIMessageChunk("a"))["kwargs"]["type"] == "AIMessageChunk"
    assert dumpd(AIMessage("", tool_calls=[call]))["kwargs"]["tool_calls"] == [call]
    assert dumpd(HumanMessage("a"))["kwargs"] == {"content": "a", "type": "human"}
    assert dumpd(ToolMessage("a", tool_call_id="1"))["kwargs"] == {
        "content": "a",
        "type": "tool",
        "tool_call_id": "1",
        "status": "success",
    }
    assert dumpd(Generation(text="a"))["kwargs"] == {"text": "a", "type": "Generation"}
    assert dumpd(ChatGeneration(message=AIMessage("a")))["kwargs"]["type"] == "ChatGeneration"
    assert dumpd(StringPromptValue(text="a"))["kwargs"] == {"text": "a", "type": "StringPromptValue"}


@pytest.mark.parametrize(
    "written",
    [AIMessage("a"), AIMessageChunk("a"), ToolMessage("a", tool_call_id="1"), ChatGeneration(message=AIMessage("a"))],
    ids=lambda written: type(written).__name__,
)
@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
def test_what_is_written_of_a_message_is_what_langchain_writes(written):
    theirs = their_load.load(dumpd(written), allowed_objects="core")
    assert their_load.dumpd(theirs) == dumpd(written)


class City(BaseModel):
    name: str
    key: SecretStr = SecretStr("sk-of-mine")


class Unwritable(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    thing: object


def test_pydantic_values_in_a_message_are_written_as_their_fields():
    parsed = {"parsed": City(name="Oslo"), "all": [City(name="Bergen")]}
    for message in (AIMessage("a", additional_kwargs=parsed), ToolMessage("a", tool_call_id="1", artifact=parsed)):
        text = dumps(ChatGeneration(message=message))
        assert "sk-of-mine" not in text
        again = loads(text).message
        value = again.additional_kwargs or again.artifact
        assert (value["parsed"]["name"], value["all"][0]["name"]) == ("Oslo", "Bergen")


def test_other_values_in_a_message_are_described():
    unwritable = Unwritable(thing=object())
    kwargs = dumpd(AIMessage("a", additional_kwargs={"a": unwritable, "b": object()}))["kwargs"]
    assert {value["type"] for value in kwargs["additional_kwargs"].values()} == {"not_implemented"}
    assert dumpd({"a": City(name="Oslo")})["a"]["type"] == "not_implemented"  # outside of a message


def stored_text(template, **fields):
    given = {"template": template, "template_format": "mustache", **fields}
    return constructor("langchain_core", "PromptTemplate", **given)


def test_a_stored_prompt_with_additional_content_fields_is_read():
    parts = [stored_text("hello", additional_content_fields={"cache_control": {}}), stored_text("{{a}}")]
    human = constructor("langchain_core", "HumanMessagePromptTemplate", prompt=parts)
    prompt = load(constructor("langchain_core", "ChatPromptTemplate", messages=[human]))
    assert prompt.invoke({"a": ""}).messages == [HumanMessage([{"type": "text", "text": "hello"}])]


def test_fields_of_a_later_version_are_named_and_can_be_left_out():
    written = {"x": [stored_text("{{a}}", later=1, latest=2)]}
    with pytest.raises(ConfigError, match=r"at \$\.x\[0\] has fields .* 'later', 'latest'; ignore_unserializable"):
        load(written)
    assert load(written, ignore_unserializable_fields=True)["x"][0].format(a="b") == "b"


# The tables


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_that_of_its_class(name):
    form = FORMS[name]
    assert get_form(form.kind()) is form
    assert form.kind().__name__ == name
    assert (name in ATTRIBUTES) != hasattr(form.kind(), "model_fields")
