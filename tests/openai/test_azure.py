"""Models that are deployed in Azure: where they are asked, who asks, and what Azure adds to the answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from tests.helpers import requires

from prill.caches import InMemoryCache
from prill.errors import (
    AsyncRequiredError,
    ConfigError,
    ContentFilterError,
    ModelAuthenticationError,
    ModelConnectionError,
)
from prill.load import dumps, load
from prill.messages import merge_chunks
from prill.openai import AzureChatOpenAI, AzureOpenAI, AzureOpenAIEmbeddings
from prill.testing import Recording, ReplayServer
from prill.testing.wire import data
from recordings import load_recording

KEY = "azure-very-secret-key"
VERSION = "2024-10-21"
VARIABLES = (
    *("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_AD_TOKEN", "OPENAI_API_VERSION"),
    *("OPENAI_API_KEY", "OPENAI_BASE_URL"),
)

Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def make(server: ReplayServer) -> Iterator[Make]:
    made: list[Any] = []

    def make(cls: type[Any] = AzureChatOpenAI, **settings: Any) -> Any:
        given = {"azure_deployment": "mine", "api_version": VERSION, "api_key": KEY, "max_retries": 0}
        if not settings.keys() & {"azure_endpoint", "base_url"}:
            given["azure_endpoint"] = server.url
        given = {name: value for name, value in {**given, **settings}.items() if value is not None}
        made.append(cls(**given))
        return made[-1]

    yield make
    for model in made:
        model.close()


def last(server: ReplayServer) -> tuple[str, dict[str, Any]]:
    """The path of the last request, and its query."""
    seen = server.requests[-1]
    return seen.path, {name: values[0] for name, values in parse_qs(seen.query).items()}


# Where it is asked


def test_a_deployment_is_asked_at_its_own_address(make: Make, server: ReplayServer, colour: Any) -> None:
    assert colour.invoke(make()).content == "Hi"
    assert last(server) == ("/openai/deployments/mine/chat/completions", {"api-version": VERSION})
    assert "".join(chunk.content for chunk in colour.stream(make())) == "Hi"
    assert last(server) == ("/openai/deployments/mine/chat/completions", {"api-version": VERSION})


def test_embeddings_and_text_models_have_their_addresses_too(make: Make, server: ReplayServer) -> None:
    assert len(make(AzureOpenAIEmbeddings).embed_query("text")) == 1536
    assert last(server)[0] == "/openai/deployments/mine/embeddings"
    assert make(AzureOpenAI).invoke("Hi") == "Hi"
    assert last(server)[0] == "/openai/deployments/mine/completions"


def test_without_a_deployment_the_models_name_is_that_of_one(make: Make, server: ReplayServer) -> None:
    make(azure_deployment=None, model="gpt-4o").invoke("Hi")
    assert last(server)[0] == "/openai/deployments/gpt-4o/chat/completions"


def test_a_model_without_a_name_is_called_as_its_deployment(make: Make) -> None:
    assert make().model == "mine"
    assert make(model="gpt-4o").model == "gpt-4o"
    assert make(model="gpt-4o", model_version="0613")._get_ls_params()["ls_model_name"] == "gpt-4o-0613"
    assert make(azure_deployment=None, base_url="http://x/openai/deployments/theirs").model == "theirs"


def test_a_model_without_any_name_is_refused() -> None:
    with pytest.raises(ValueError, match="model"):
        AzureChatOpenAI(azure_endpoint="https://x.openai.azure.com")


@pytest.mark.parametrize(
    ("end", "path"),
    [
        ("/openai/deployments/theirs", "/openai/deployments/theirs/chat/completions"),
        ("/openai", "/openai/deployments/mine/chat/completions"),
        ("/gateway", "/gateway/deployments/mine/chat/completions"),
        ("", "/openai/deployments/mine/chat/completions"),
    ],
)
def test_a_base_url_says_how_much_of_the_path_it_is(end: str, path: str, make: Make, server: ReplayServer) -> None:
    make(base_url=server.url + end).invoke("Hi")
    assert last(server) == (path, {"api-version": VERSION})


@pytest.mark.parametrize("end", ["/", "/openai", "/openai/"])
def test_an_endpoint_may_end_as_people_write_it(end: str, make: Make, server: ReplayServer) -> None:
    make(azure_endpoint=server.url + end).invoke("Hi")
    assert last(server)[0] == "/openai/deployments/mine/chat/completions"


@pytest.mark.parametrize("name", ["base_url", "azure_endpoint"])
def test_the_newer_address_needs_no_version_and_names_the_deployment(
    name: str, make: Make, server: ReplayServer, colour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_VERSION", "2024-02-01")  # which that API does not know
    model = make(model="gpt-4o", api_version=None, **{name: server.url + "/openai/v1/"})
    colour.invoke(model)
    assert last(server) == ("/openai/v1/chat/completions", {})
    assert server.requests[-1].json["model"] == "mine"
    assert server.requests[-1].headers["api-key"] == KEY
    make(api_version="preview", **{name: server.url + "/openai/v1/"}).invoke("Hi")
    assert last(server) == ("/openai/v1/chat/completions", {"api-version": "preview"})


def test_responses_take_the_deployment_as_the_model(make: Make, server: ReplayServer, colour: Any) -> None:
    assert colour.invoke(make(model="gpt-4o", use_responses_api=True)).text == "Hi"
    assert last(server) == ("/openai/responses", {"api-version": VERSION})
    assert server.requests[-1].json["model"] == "mine"


def test_a_version_may_be_in_the_query_of_the_address(make: Make, server: ReplayServer) -> None:
    make(api_version=None, base_url=f"{server.url}/openai/deployments/x?api-version=2025").invoke("Hi")
    assert last(server) == ("/openai/deployments/x/chat/completions", {"api-version": "2025"})
    make(api_version=None, default_query={"api-version": "2026"}).invoke("Hi")
    assert last(server)[1] == {"api-version": "2026"}


def test_all_may_be_in_the_environment(server: ReplayServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", server.url)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_VERSION", "2024-02-01")
    model = AzureChatOpenAI(azure_deployment="mine")
    model.invoke("Hi")
    model.close()
    assert last(server) == ("/openai/deployments/mine/chat/completions", {"api-version": "2024-02-01"})
    assert server.requests[-1].headers["api-key"] == KEY


@pytest.mark.parametrize(
    ("names", "field"),
    [
        (("deployment_name", "azure_deployment", "deployment"), "azure_deployment"),
        (("openai_api_version", "api_version"), "api_version"),
    ],
)
def test_the_other_names_of_arguments(names: tuple[str, ...], field: str) -> None:
    for name in names:
        model: Any = AzureChatOpenAI(**{"model": "m", name: "given"})
        assert getattr(model, field) == "given"


def test_what_is_missing_is_named_when_it_is_used(make: Make) -> None:
    with pytest.raises(ConfigError, match="AZURE_OPENAI_ENDPOINT"):
        AzureChatOpenAI(model="m", api_version=VERSION, api_key=KEY).invoke("Hi")
    with pytest.raises(ConfigError, match="OPENAI_API_VERSION"):
        make(api_version=None).invoke("Hi")
    with pytest.raises(ModelAuthenticationError, match="AZURE_OPENAI_API_KEY"):
        make(api_key=None).check_key()


def test_two_addresses_and_another_server_are_refused(make: Make) -> None:
    with pytest.raises(ConfigError, match="give one"):
        make(azure_endpoint="http://x", base_url="http://y")
    with pytest.raises(ConfigError, match="use ChatOpenAI"):
        make(server="groq")


# Who asks


def test_the_key_of_openai_is_not_sent_to_azure(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    with pytest.raises(ModelAuthenticationError, match="AZURE_OPENAI_API_KEY"):
        make(api_key=None).invoke("Hi")


def test_a_key_is_sent_in_azures_header(make: Make, server: ReplayServer) -> None:
    make().invoke("Hi")
    headers = server.requests[-1].headers
    assert headers["api-key"] == KEY
    assert "authorization" not in headers


def test_a_token_is_sent_as_a_bearers(make: Make, server: ReplayServer, monkeypatch: pytest.MonkeyPatch) -> None:
    make(api_key=None, azure_ad_token="token-1").invoke("Hi")
    monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", "token-2")
    make(api_key=None).invoke("Hi")
    headers = [seen.headers for seen in server.requests]
    assert [one["authorization"] for one in headers] == ["Bearer token-1", "Bearer token-2"]
    assert not any("api-key" in one for one in headers)
    make().invoke("Hi")  # what is given goes before the environment
    assert server.requests[-1].headers["api-key"] == KEY


def test_a_token_provider_is_asked_for_each_request(make: Make, server: ReplayServer, colour: Any) -> None:
    tokens = iter(["token-1", "token-2", "token-3"])
    model = make(api_key=None, azure_ad_token_provider=lambda: next(tokens), max_retries=1)
    colour.invoke(model)
    server.fail(503, retry_after=0)
    colour.stream(model)
    sent = [seen.headers["authorization"] for seen in server.requests]
    assert sent == ["Bearer token-1", "Bearer token-2", "Bearer token-3"]


def test_an_async_token_provider_is_awaited_in_asyncio(make: Make, server: ReplayServer, colour: Any) -> None:
    async def fetch() -> str:
        return "token-async"

    both = make(api_key=None, azure_ad_token_provider=lambda: "token-plain", azure_ad_async_token_provider=fetch)
    colour.invoke(both)
    blocking = type(colour).__name__ == "BlockingModel"
    assert server.requests[-1].headers["authorization"] == f"Bearer token-{'plain' if blocking else 'async'}"
    for name in ("azure_ad_token_provider", "azure_ad_async_token_provider"):
        model = make(api_key=None, **{name: fetch})
        if blocking:
            with pytest.raises(AsyncRequiredError, match="ainvoke"):
                colour.invoke(model)
        else:
            assert colour.invoke(model).content == "Hi"


def test_what_a_token_provider_raises_is_raised(make: Make, server: ReplayServer, colour: Any) -> None:
    def refuse() -> str:
        raise LookupError("no identity here")

    with pytest.raises(LookupError, match="no identity here"):
        colour.invoke(make(azure_ad_token_provider=refuse))
    with pytest.raises(ModelAuthenticationError, match="returned NoneType"):
        colour.invoke(make(azure_ad_token_provider=lambda: None))
    assert server.request_count == 0


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"azure_ad_token": "azure-very-secret-token", "api_key": None},
        {"azure_ad_token_provider": lambda: "azure-very-secret-token", "api_key": None},
    ],
    ids=["key", "token", "provider"],
)
def test_no_secret_is_shown(settings: Any, make: Make, server: ReplayServer, colour: Any) -> None:
    model = make(**settings)
    secret = KEY if settings == {} else "azure-very-secret-token"
    server.fail(401, error_message=f"Access denied for {secret}.")
    with pytest.raises(ModelAuthenticationError, match=r"Access denied for \*+\.") as caught:
        colour.invoke(model)
    shown = [str(caught.value), repr(caught.value), repr(model), dumps(model), str(model.model_dump())]
    with pytest.raises(ModelConnectionError) as lost:
        colour.invoke(make(azure_endpoint="http://127.0.0.1:9", **settings))
    assert not any("very-secret" in text for text in (*shown, str(lost.value), repr(lost.value.__cause__)))


def test_a_model_that_was_written_is_read_again(make: Make) -> None:
    read: Any = load(json.loads(dumps(make(temperature=0.5))), allowed_objects="all", secrets_from_env=False)
    assert (read.azure_deployment, read.api_version, read.temperature) == ("mine", VERSION, 0.5)


def test_who_asks_does_not_change_what_is_remembered(make: Make, server: ReplayServer) -> None:
    cache = InMemoryCache()
    make(cache=cache).invoke("Hi")
    again = make(cache=cache, api_key=None, azure_ad_token_provider=lambda: "token").invoke("Hi")
    assert again.response_metadata["cached"]
    make(cache=cache, azure_deployment="other").invoke("Hi")
    assert server.request_count == 2


# What Azure adds


FILTERED = {"hate": {"filtered": False, "severity": "safe"}}
PROMPT_FILTER = [{"prompt_index": 0, "content_filter_results": FILTERED}]


def chunk(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": None, **more}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o", "choices": [choice]}


def send(server: ReplayServer, *payloads: Any) -> None:
    body = b"".join(map(data, payloads)) + b"data: [DONE]\n\n"
    server.recording(Recording("azure", 200, {"content-type": "text/event-stream"}, body))


def test_results_of_the_filter_are_metadata(make: Make, server: ReplayServer, colour: Any) -> None:
    first = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": PROMPT_FILTER}
    late = chunk({}, content_filter_results=FILTERED, content_filter_offsets={"check_offset": 2})
    del late["choices"][0]["delta"]  # asynchronous filtering reports without a delta
    send(server, first, chunk({"content": "Hello"}), late, chunk({}, finish_reason="stop"))
    message = merge_chunks(colour.stream(make()))
    facts = message.response_metadata
    assert message.content == "Hello"
    assert facts["prompt_filter_results"] == PROMPT_FILTER
    assert facts["content_filter_results"] == FILTERED
    assert (facts["finish_reason"], facts["model_provider"], facts["model_name"]) == ("stop", "azure", "gpt-4o")


def test_a_prompt_that_the_filter_refuses_is_an_error_of_its_own(make: Make, server: ReplayServer, colour: Any) -> None:
    for ask in (colour.invoke, colour.stream):
        server.fail(400, error_code="content_filter", error_message="The prompt triggered the content policy.")
        with pytest.raises(ContentFilterError, match="The prompt triggered the content policy") as caught:
            ask(make())
        assert caught.value.code == "content_filter"


def test_an_answer_that_the_filter_cut_says_so_and_one_that_it_withheld_is_an_error(
    make: Make, server: ReplayServer, colour: Any
) -> None:
    send(server, chunk({"content": "Hel"}), chunk({}, finish_reason="content_filter"))
    assert merge_chunks(colour.stream(make())).response_metadata["finish_reason"] == "content_filter"
    send(server, chunk({}, finish_reason="content_filter", content_filter_results=FILTERED))
    with pytest.raises(ContentFilterError):
        colour.stream(make())


@requires("recordings")
@pytest.mark.parametrize("id", ["azure-chat-text-1", "azure-chat-text-2", "azure-chat-foundry-1"])
def test_recorded_streams_are_read(id: str, make: Make, server: ReplayServer, colour: Any) -> None:
    recording = server.recording(load_recording(id))
    message = merge_chunks(colour.stream(make()))
    assert message.content
    assert message.response_metadata["finish_reason"] == "stop"
    assert ("prompt_filter_results" in message.response_metadata) == (b"prompt_filter_results" in recording.body)
