"""Settings and steps that a config changes."""

from functools import partial

import langchain_core.language_models.fake as peer_fake
import langchain_core.runnables as peer
import pytest

from prill.errors import ConfigError
from prill.language_models.fake import FakeListLLM
from prill.language_models.fake_chat_models import FakeListChatModel
from prill.output_parsers import StrOutputParser
from prill.prompts import PromptTemplate
from prill.runnables import (
    ConfigurableField,
    ConfigurableFieldMultiOption,
    ConfigurableFieldSingleOption,
    RunnableLambda,
    RunnableSerializable,
)

PROMPT = PromptTemplate.from_template("{a}")
TEXT = FakeListLLM(responses=["text"])
CHAT = FakeListChatModel(responses=["chat"])
ANSWERS = TEXT.configurable_fields(responses=ConfigurableField(id="answers", name="Answers"))


def test_a_setting_is_changed_by_the_config_of_a_call_or_of_the_chain(verbs):
    assert verbs.invoke(ANSWERS, "x") == "text"
    assert verbs.invoke(ANSWERS, "x", {"configurable": {"answers": ["other"]}}) == "other"
    assert verbs.invoke(PROMPT | ANSWERS.with_config(configurable={"answers": ["bound"]}), {"a": 1}) == "bound"


def test_an_alternative_is_chosen_and_streams_piece_by_piece(verbs):
    model = TEXT.configurable_alternatives(ConfigurableField(id="model"), default_key="text", chat=CHAT)
    chain = PROMPT | model | StrOutputParser()
    assert verbs.stream(chain, {"a": 1}, {"configurable": {"model": "chat"}}) == list("chat")
    assert verbs.invoke(chain, {"a": 1}) == "text"


def test_an_alternative_may_be_a_function_that_makes_it_when_it_is_chosen(verbs):
    made = []

    def make():
        made.append(1)
        return CHAT

    model = TEXT.configurable_alternatives(ConfigurableField(id="model"), chat=make)
    assert verbs.invoke(model, "x") == "text"
    assert made == []
    assert verbs.invoke(model, "x", {"configurable": {"model": "chat"}}).content == "chat"


def test_prefixed_keys_reach_the_chosen_alternative_alone(verbs):
    model = ANSWERS.configurable_alternatives(
        ConfigurableField(id="model"), default_key="one", prefix_keys=True, two=ANSWERS
    )
    said = {"model==one/answers": ["first"], "model==two/answers": ["second"]}
    assert verbs.invoke(model, "x", {"configurable": said}) == "first"
    assert verbs.invoke(model, "x", {"configurable": {**said, "model": "two"}}) == "second"


def test_options_are_chosen_by_name(verbs):
    tone = ConfigurableFieldSingleOption(id="tone", options={"kind": ["dear"], "curt": ["no"]}, default="kind")
    model = TEXT.configurable_fields(responses=tone)
    assert verbs.invoke(model, "x") == "dear"
    assert verbs.invoke(model, "x", {"configurable": {"tone": "curt"}}) == "no"
    several = ConfigurableFieldMultiOption(id="tones", options={"kind": "dear", "curt": "no"}, default=["curt"])
    assert verbs.invoke(TEXT.configurable_fields(responses=several), "x") == "no"
    with pytest.raises(ConfigError, match="one of curt, kind, not 'rude'"):
        verbs.invoke(model, "x", {"configurable": {"tone": "rude"}})


@pytest.mark.parametrize("chain", [ANSWERS, PROMPT | ANSWERS, PROMPT | ANSWERS | StrOutputParser()])
def test_an_unknown_field_is_refused_when_the_chain_is_built(chain):
    with pytest.raises(ConfigError, match="no configurable field 'tempo'; it has answers"):
        chain.with_config(configurable={"tempo": 1})


def test_an_unknown_alternative_is_refused_when_the_chain_is_built_and_when_it_runs(verbs):
    model = TEXT.configurable_alternatives(ConfigurableField(id="model"), chat=CHAT)
    with pytest.raises(ConfigError, match="one of chat, default, not 'other'"):
        model.with_config(configurable={"model": "other"})
    with pytest.raises(ConfigError, match="one of chat, default, not 'other'"):
        verbs.invoke(model, "x", {"configurable": {"model": "other"}})


def test_a_function_that_takes_the_config_may_read_keys_of_its_own(verbs):
    def who(x, config):
        return config["configurable"]["user"]

    assert verbs.invoke(RunnableLambda(who).with_config(configurable={"user": "ada"}), 1) == "ada"


def test_an_unknown_setting_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"has no setting tempo; it has .*responses"):
        TEXT.configurable_fields(tempo=ConfigurableField(id="tempo"))


def test_a_changed_setting_is_checked_as_a_new_ones_is(verbs):
    with pytest.raises(ValueError, match="responses"):
        verbs.invoke(ANSWERS, "x", {"configurable": {"answers": 3}})


def test_methods_of_the_model_are_still_there_and_called_on_what_is_chosen(verbs):
    model = TEXT.configurable_alternatives(ConfigurableField(id="model"), chat=CHAT)
    bound = model.bind(stop=["x"])
    assert verbs.invoke(bound, "x", {"configurable": {"model": "chat"}}).content == "chat"
    assert ANSWERS.responses == ["text"]
    with pytest.raises(AttributeError):
        ANSWERS.nonsense


def specs(runnables, model):
    answers = model.configurable_fields(responses=runnables.ConfigurableField(id="answers", name="A", description="D"))
    which = runnables.ConfigurableField(id="which")
    return answers.configurable_alternatives(which, default_key="x", prefix_keys=True, other=model)


def test_specs_and_config_schema_are_those_of_the_peer():
    import prill.runnables as ours

    own, theirs = specs(ours, TEXT), specs(peer, peer_fake.FakeListLLM(responses=["text"]))
    chains = (PROMPT | own, peer.RunnablePassthrough() | theirs)
    mine, others = ([spec._replace(annotation=None) for spec in each.config_specs] for each in chains)
    assert [tuple(spec) for spec in mine] == [tuple(spec) for spec in others]
    assert chains[0].get_config_jsonschema() == chains[1].get_config_jsonschema()


def test_two_fields_of_one_id_that_differ_are_refused():
    other = FakeListLLM(responses=["else"]).configurable_fields(responses=ConfigurableField(id="answers"))
    with pytest.raises(ConfigError, match="two configurable fields have the id 'answers'"):
        (ANSWERS | other).config_specs


class Greeter(RunnableSerializable):
    """A Runnable with methods of its own."""

    greeting: str

    def invoke(self, input, config=None, **kwargs):
        return f"{self.greeting} {input}"

    def ask(self):
        return self.greeting

    def ask_with(self, config=None):
        return self.greeting


GREETER = Greeter(greeting="hello").configurable_fields(greeting=ConfigurableField(id="greeting"))
GOODBYE = {"configurable": {"greeting": "bye"}}


@pytest.mark.parametrize(
    "ask",
    [
        lambda: GREETER.with_config(GOODBYE).ask(),
        lambda: GREETER.with_config(GOODBYE).with_config(tags=["a"]).ask(),
        lambda: GREETER.with_retry().with_config(GOODBYE).ask(),
        lambda: GREETER.ask_with(config=GOODBYE),
        lambda: GREETER.ask_with(GOODBYE),
        lambda: GREETER.with_config(GOODBYE).greeting,
    ],
    ids=["bound", "bound twice", "behind a retry", "named", "by place", "attribute"],
)
def test_a_method_runs_on_the_object_that_the_config_selects(ask):
    assert (GREETER.ask(), GREETER.ask_with(), ask()) == ("hello", "hello", "bye")


def test_a_method_runs_on_the_alternative_that_the_config_selects():
    either = Greeter(greeting="hello").configurable_alternatives(
        ConfigurableField(id="who"), other=Greeter(greeting="bye")
    )
    assert (either.ask(), either.with_config(configurable={"who": "other"}).ask()) == ("hello", "bye")


def test_any_callable_without_required_arguments_makes_an_alternative(verbs):
    def make(greeting="bye"):
        return Greeter(greeting=greeting)

    either = Greeter(greeting="hello").configurable_alternatives(
        ConfigurableField(id="who"),
        partial=partial(Greeter, greeting="hey"),
        default_argument=make,
        function=lambda x: x,
    )
    said = [
        verbs.invoke(either, "you", {"configurable": {"who": key}})
        for key in ("partial", "default_argument", "function")
    ]
    assert said == ["hey you", "bye you", "you"]


def test_options_are_called_by_the_name_of_their_field():
    field = ConfigurableFieldSingleOption(id="g", name="The Greeting", options={"a": "hello", "b": "bye"}, default="a")
    schema = Greeter(greeting="hello").configurable_fields(greeting=field).config_schema().model_json_schema()
    assert schema["$defs"]["The_Greeting"] == {"enum": ["a", "b"], "title": "The Greeting", "type": "string"}
    assert schema["title"] == "RunnableConfigurableFieldsConfig"
