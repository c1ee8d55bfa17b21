"""Models that the config of a run chooses or changes: ``init_chat_model`` with ``configurable_fields``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from prill.chat_models import init_chat_model
from prill.errors import ConfigError
from prill.prompts import ChatPromptTemplate
from prill.runnables import Runnable, RunnableConfig
from prill.testing import ReplayServer
from prill.tools import tool

Make = Callable[..., Any]


@pytest.fixture
def addresses(server: ReplayServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both vendors' addresses and keys, in the environment."""
    monkeypatch.setenv("OPENAI_BASE_URL", server.openai_url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai-0123456789")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.anthropic_url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-anthropic-0123456789")


pytestmark = pytest.mark.usefixtures("addresses")


def config(**configurable: Any) -> RunnableConfig:
    return {"configurable": configurable}


def ask(colour: Any, chat: Any, /, **configurable: Any) -> Any:
    return colour.invoke(chat.with_config(config(**configurable)))


def test_a_model_that_the_config_names_is_asked(server: ReplayServer, colour: Any) -> None:
    model = init_chat_model(temperature=0)
    ask(colour, model, model="gpt-4o")
    ask(colour, model, model="claude-sonnet-4-5")
    ask(colour, model, model="mine", model_provider="anthropic")
    sent = [(seen.path, seen.json["model"], seen.json["temperature"]) for seen in server.requests]
    assert sent == [
        ("/v1/chat/completions", "gpt-4o", 0),
        ("/v1/messages", "claude-sonnet-4-5", 0),
        ("/v1/messages", "mine", 0),
    ]


def test_a_run_without_a_model_is_refused(colour: Any) -> None:
    with pytest.raises(ConfigError, match=r"no model is chosen.*\{\"configurable\": \{\"model\": \"openai:"):
        colour.invoke(init_chat_model())


def test_the_default_model_is_asked_where_the_config_says_nothing(server: ReplayServer, colour: Any) -> None:
    model = init_chat_model("openai:gpt-4o", configurable_fields="any", config_prefix="first", temperature=0)
    colour.invoke(model)
    ask(colour, model, first_model="anthropic:claude-x", first_temperature=0.6, first_max_tokens=9)
    ask(colour, model, first_temperature=0.3)
    sent = [(seen.json["model"], seen.json["temperature"], seen.json.get("max_tokens")) for seen in server.requests]
    assert sent == [("gpt-4o", 0, None), ("claude-x", 0.6, 9), ("gpt-4o", 0.3, None)]


def test_it_streams_as_the_chosen_model_does(colour: Any, server: ReplayServer) -> None:
    model: Any = init_chat_model("gpt-4o", configurable_fields=("model",))
    chunks = colour.stream(model.with_config(config(model="claude-x")), "one two three four")
    assert len(chunks) > 2
    assert server.requests[0].json["stream"] is True


@tool
def search(text: str) -> str:
    """Search."""
    return text


@pytest.mark.parametrize("default", ["gpt-4o", None])
def test_tools_are_bound_to_the_model_that_is_chosen(default: str | None, server: ReplayServer, colour: Any) -> None:
    fields = ("model", "model_provider")
    bound: Any = init_chat_model(default, configurable_fields=fields).bind_tools([search])
    ask(colour, bound, model="claude-x")
    ask(colour, bound, model="gpt-4o-mini")
    anthropic, openai = (seen.json["tools"][0] for seen in server.requests)
    assert anthropic["input_schema"]["properties"].keys() == {"text"}
    assert openai["function"]["parameters"]["properties"].keys() == {"text"}


def test_it_is_a_step_of_a_chain(server: ReplayServer, colour: Any) -> None:
    chain = ChatPromptTemplate.from_template("Say {text}") | init_chat_model()
    colour.invoke(chain.with_config(config(model="claude-x")), {"text": "hi"})
    assert server.requests[0].json["messages"] == [{"role": "user", "content": "Say hi"}]


def test_fields_that_are_not_listed_stay_as_they_are() -> None:
    model: Any = init_chat_model("gpt-4o", configurable_fields=["temperature"], temperature=0.1)
    with pytest.raises(ConfigError, match="has no configurable field 'max_tokens'"):
        model.with_config(config(max_tokens=3)).invoke("Hi")
    with pytest.raises(ConfigError, match="has no configurable field 'model'"):
        model.with_config(config(model="gpt-5")).invoke("Hi")


def test_a_field_that_the_model_does_not_have_is_named() -> None:
    with pytest.raises(ConfigError, match=r"'temprature', which a ChatOpenAI does not have; it has model, model_prov"):
        init_chat_model("gpt-4o", configurable_fields=["temprature"])


def test_what_a_config_may_set_is_shown() -> None:
    model: Any = init_chat_model(
        "gpt-4o", configurable_fields=["model", "temperature"], config_prefix="a_", temperature=0.5
    )
    specs = {spec.id: spec for spec in model.config_specs}
    assert specs.keys() == {"a_model", "a_temperature"}
    assert specs["a_temperature"].default == 0.5
    assert model.config_schema().model_json_schema()["$defs"]["Configurable"]["properties"].keys() == specs.keys()


def test_a_name_that_shows_no_provider_is_a_model_of_the_same_one(server: ReplayServer, colour: Any) -> None:
    model = init_chat_model("openai:gpt-4o", configurable_fields=("model",))
    ask(colour, model, model="my-own-finetune")
    assert (server.requests[0].path, server.requests[0].json["model"]) == ("/v1/chat/completions", "my-own-finetune")


def test_the_key_for_one_provider_is_not_shown_to_another(server: ReplayServer, colour: Any) -> None:
    model = init_chat_model(
        "openai:gpt-4o",
        configurable_fields=("model", "api_key"),
        api_key="sk-given-0123456789",
        default_headers={"x-key": "mine"},
    )
    ask(colour, model, model="gpt-4o-mini")
    ask(colour, model, model="claude-x")
    ask(colour, model, model="claude-x", api_key="sk-of-the-run-0123")
    sent = [(seen.headers["authorization"], seen.headers.get("x-key")) for seen in server.requests]
    assert sent == [
        ("Bearer sk-given-0123456789", "mine"),
        ("Bearer sk-anthropic-0123456789", None),
        ("Bearer sk-of-the-run-0123", None),
    ]
    assert "sk-given" not in repr(model)


def test_two_with_the_same_settings_are_equal() -> None:
    def make(**settings: Any) -> Runnable[Any, Any]:
        return init_chat_model("gpt-4o", configurable_fields="any", **settings)

    assert make(temperature=0) == make(temperature=0)
    assert make(temperature=0) != make(temperature=1)
