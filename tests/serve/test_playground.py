"""The page to try a chain: its files, what the server tells it, and the page itself in a browser."""

from __future__ import annotations

import asyncio
import re
import shlex
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel
from tests.helpers import requires
from tests.serve.browser import chromium, opened, words_by_language
from tests.serve.chains import ask, events, joke, model
from tests.serve.serving import Served, serving
from typing_extensions import TypedDict

import prill.serve.playground
from prill import init_chat_model, tool
from prill.agents import create_agent
from prill.prompts import ChatPromptTemplate, MessagesPlaceholder
from prill.runnables import Runnable, RunnableGenerator, RunnableLambda
from prill.serve import App, require_key
from prill.serve.config_hash import encode_config_hash
from prill.serve.inputs import read_schema
from prill.serve.playground.pages import find_chat
from prill.serve.turns import choose_input, choose_source
from prill.testing import ReplayServer

FILES = Path(prill.serve.playground.__file__).parent
BIG = 10 * 1024 * 1024


class Trip(BaseModel):
    days: int
    stops: list[str] = []
    seats: Literal["first", "second"] = "second"
    return_ticket: bool = False


class Gate:
    """A chain that says one word, and the next when it may."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.closed = threading.Event()

    @property
    def chain(self) -> Runnable[Any, str]:
        async def answer(inputs: AsyncIterator[str]) -> AsyncIterator[str]:
            async for _ in inputs:
                pass
            try:
                yield "one "
                while not self.open.is_set():  # noqa: ASYNC110 - it is set by another thread
                    await asyncio.sleep(0.01)
                yield "two "
            finally:
                self.closed.set()

        return RunnableGenerator(answer).with_types(input_type=str)


def fail(inputs: Iterator[str]) -> Iterator[str]:
    yield "half "
    raise RuntimeError("the secret reason")


@tool
def search(query: str) -> str:
    """Search the archive."""
    return f"3 reports on {query}"


@pytest.fixture(scope="module")
def provider() -> Iterator[ReplayServer]:
    with ReplayServer() as server:
        yield server


@pytest.fixture(scope="module")
def served(provider: ReplayServer) -> Iterator[Served]:
    app = App()
    app.add("/joke", joke(), show="steps")
    app.add("/quiet", joke())
    app.add("/trip", RunnableLambda(lambda trip: trip).with_types(input_type=Trip))
    app.add("/big", RunnableLambda(lambda text: text * BIG) | (lambda text: f"{len(text)} letters"), show="steps")
    app.add("/huge", RunnableLambda(lambda text: text * BIG))
    app.add("/fail", RunnableGenerator(fail))
    app.add("/stream-only", joke(), enabled_endpoints=["stream", "playground"])
    app.add("/none", joke(), disabled_endpoints=["playground"])
    scripted = init_chat_model("openai:scripted", base_url=provider.openai_url, api_key="none")
    app.add("/agent", create_agent(scripted, [search]), show="steps")
    app.add("/model", model())
    with serving(app) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


# The files


def test_the_page_is_static_has_a_policy_and_answers_head(served):
    answer = ask(served.port, "/joke/playground/")
    assert answer.status == 200
    assert answer.body == (FILES / "index.html").read_bytes()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    head = ask(served.port, "/joke/playground/", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == answer.headers["content-length"]


def test_the_address_without_its_slash_leads_to_the_page(served):
    answer = ask(served.port, "/joke/playground")
    assert (answer.status, answer.headers["location"]) == (307, "playground/")


def test_everything_that_the_page_loads_is_beside_it_and_nothing_is_inline(served):
    html = (FILES / "index.html").read_text()
    assert re.findall(r"\son\w+=|style=|<style|<script>", html) == []
    named = re.findall(r'(?:href|src)="(?!data:)([^"]*)"', html)
    for file in FILES.glob("*.js"):
        code = file.read_text()
        named += re.findall(r'from "\./([^"]*)"', code)
        assert re.findall(r"https?://|innerHTML|insertAdjacentHTML|\beval\(", code) == []
    for name in named:
        assert ask(served.port, f"/joke/playground/{name}").status == 200
    assert {path.name for path in FILES.glob("*.js")} <= set(named)


@pytest.mark.parametrize("name", ["../app.py", "..%2fapp.py", "pages.py", "__init__.py", "%2e%2e/%2e%2e/errors.py"])
def test_no_other_file_can_be_read(served, name):
    assert ask(served.port, f"/joke/playground/{name}").status == 404


def test_a_runnable_may_be_served_without_the_page(served):
    assert ask(served.port, "/none/playground/").status == 404


def test_the_page_is_public_and_what_it_says_of_the_chain_is_not():
    app = App(auth=require_key(["s3cret"]))
    app.add("/joke", joke())
    with serving(app) as served:
        assert ask(served.port, "/joke/playground/page.js").status == 200
        assert ask(served.port, "/joke/playground/settings.json").status == 401
        allowed = ask(served.port, "/joke/playground/settings.json", headers={"authorization": "Bearer s3cret"})
        assert allowed.json["input"]["properties"].keys() == {"topic"}


def test_the_page_of_a_config_in_the_address_has_the_schemas_of_that_config(served):
    place = f"/joke/c/{encode_config_hash({})}/playground"
    assert ask(served.port, f"{place}/").status == 200
    assert ask(served.port, f"{place}/settings.json").json["name"] == "/joke"


def test_both_languages_have_the_same_words_and_all_that_are_used():
    english, chinese = words_by_language(FILES / "texts.js")
    assert english == chinese
    used = set(re.findall(r'data-text="(\w+)"', (FILES / "index.html").read_text()))
    for file in FILES.glob("*.js"):
        used |= set(re.findall(r'\b(?:text|say|showValue)\("(\w+)"', file.read_text()))
    assert used <= english


# What the server says


def chat(chain: Runnable[Any, Any]) -> Any:
    return find_chat(read_schema(chain.get_input_schema()))


def test_messages_are_found_wherever_a_chain_takes_them(provider):
    scripted = init_chat_model("openai:scripted", base_url=provider.openai_url, api_key="none")
    history = ChatPromptTemplate.from_messages([MessagesPlaceholder("history"), ("human", "{question}")])
    assert chat(model()) == {"messages": None, "text": None}
    assert chat(create_agent(scripted, [search])) == {"messages": "messages", "text": None}
    assert chat(history | model()) == {"messages": "history", "text": "question"}
    assert chat(ChatPromptTemplate.from_messages([MessagesPlaceholder("messages")])) == {
        "messages": "messages",
        "text": None,
    }
    assert chat(joke()) is None
    assert chat(RunnableLambda(len)) is None


class Asked(TypedDict):
    messages: list[Any]
    tone: str


def test_the_schema_of_a_typed_dict_is_read_through_its_reference():
    assert chat(RunnableLambda(len).with_types(input_type=Asked)) == {"messages": "messages", "text": None}


def stream_events(served: Served, path: str, input: Any, **more: Any) -> list[Any]:
    answer = ask(served.port, f"{path}/stream_events", {"input": input, **more})
    return [data for name, data in events(answer.text) if name == "data"]


def test_events_send_only_the_start_of_values_that_are_longer_than_asked_for(served):
    whole = stream_events(served, "/joke", {"topic": "é" * 600})
    short = stream_events(served, "/joke", {"topic": "é" * 600}, max_value=1000)
    assert whole[0]["data"]["input"] == {"topic": "é" * 600}
    shortened = short[0]["data"]["input"]
    assert shortened["shortened"] == len('{"topic":""}') + 1200
    assert shortened["start"].startswith('{"topic":"ééé')
    assert [event["event"] for event in short] == [event["event"] for event in whole]
    assert short[-1]["data"]["output"] == whole[-1]["data"]["output"]


def test_a_limit_of_values_that_is_not_a_number_is_refused(served):
    answer = ask(served.port, "/joke/stream_events", {"input": {"topic": "x"}, "max_value": "many"})
    assert answer.status == 422


def test_events_say_when_they_happened_if_asked(served):
    assert "elapsed" not in stream_events(served, "/joke", {"topic": "x"})[0]
    times = [event["elapsed"] for event in stream_events(served, "/joke", {"topic": "x"}, times=True)]
    assert times == sorted(times)
    assert times[0] >= 0


# The page in a browser


def run(page: Any, *values: str) -> None:
    fields = page.locator("#fields textarea")
    for index, value in enumerate(values):
        fields.nth(index).fill(value)
    page.locator("#run").click()


def wait_for(page: Any, place: str, text: str) -> None:
    from playwright.sync_api import expect

    expect(page.locator(place)).to_contain_text(text)


def wait_idle(page: Any) -> None:
    from playwright.sync_api import expect

    expect(page.locator("#run")).to_be_enabled()


@requires("chromium")
def test_a_form_runs_a_chain_and_shows_its_output_steps_and_times(browser, served):
    with opened(browser, f"{served.url}/joke/playground", locale="en-US") as page:
        run(page, "parrots")
        wait_for(page, "#status", "Done")
        assert page.locator("#output").inner_text() == "Hi é\n!"
        steps = page.locator("#tree .step").all_inner_texts()
        assert steps == ["✓/joke", "✓ChatPromptTemplate", "✓FakeListChatModel", "✓StrOutputParser"]
        assert all(re.fullmatch(r"[\d.]+ (µs|ms|s)", time) for time in page.locator("#tree .time").all_inner_texts())
        assert page.locator("#tree .bar").count() == 4
        page.locator("#tree .line").nth(1).click()
        wait_for(page, "#tree .more >> nth=1", "tell me about parrots")


@requires("chromium")
def test_output_is_shown_while_it_comes_and_a_page_that_is_loaded_again_goes_on(browser):
    gate, app = Gate(), App()
    app.add("/gate", gate.chain)
    with serving(app) as served, opened(browser, f"{served.url}/gate/playground/", locale="en-US") as page:
        run(page, "go")
        wait_for(page, "#output", "one")
        assert not gate.closed.is_set()
        page.reload()
        wait_for(page, "#output", "one")
        wait_for(page, "#fields textarea", "")
        assert page.locator("#fields textarea").input_value() == "go"
        gate.open.set()
        wait_for(page, "#status", "Done")
        assert page.locator("#output").inner_text() == "one two "
        page.reload()  # what has ended is shown again
        wait_for(page, "#output", "one two")
        wait_for(page, "#status", "Done")


@requires("chromium")
def test_stop_ends_the_run_on_the_server_and_keeps_what_had_come(browser):
    gate, app = Gate(), App()
    app.add("/gate", gate.chain)
    with serving(app) as served, opened(browser, f"{served.url}/gate/playground/", locale="en-US") as page:
        run(page, "go")
        wait_for(page, "#output", "one")
        page.locator("#stop").click()
        wait_for(page, "#status", "Stopped")
        assert gate.closed.wait(30)
        assert page.locator("#output").inner_text() == "one "
        assert page.locator("#tree .step").all_inner_texts() == ["■/gate"]
        wait_idle(page)


@requires("chromium")
def test_where_the_connection_breaks_the_page_reads_the_rest(browser, served):
    def cut(route: Any) -> None:
        whole = route.fetch()
        body = whole.body()
        half = body[: body.index(b"on_chat_model_stream") + 30]
        kept = {name: value for name, value in whole.headers.items() if name in ("content-type", "prill-run-id")}
        route.fulfill(status=200, headers=kept, body=half)

    asked = []
    with opened(browser, f"{served.url}/joke/playground/", locale="en-US") as page:
        page.route("**/stream_events", cut)
        page.on("request", lambda request: asked.append(request) if "/runs/" in request.url else None)
        run(page, "parrots")
        wait_for(page, "#status", "Done")
        assert page.locator("#output").inner_text() == "Hi é\n!"
        assert page.locator("#tree .step").count() == 4
    assert [re.fullmatch(r".+:\d+", request.headers["last-event-id"]) is not None for request in asked] == [True]


@requires("chromium")
def test_an_intermediate_result_of_ten_megabytes_is_survived(browser, served):
    with opened(browser, f"{served.url}/big/playground/", locale="en-US") as page:
        run(page, '"x"')
        wait_for(page, "#status", "Done")
        assert page.locator("#output").inner_text() == f"{BIG} letters"
        page.locator("#tree .line").nth(1).click()
        wait_for(page, "#tree .more >> nth=1", "10.0 MiB in all")
        assert page.evaluate("document.body.textContent.length") < 50_000


@requires("chromium")
def test_an_output_of_ten_megabytes_shows_its_start(browser, served):
    with opened(browser, f"{served.url}/huge/playground/", locale="en-US") as page:
        run(page, '"x"')
        wait_for(page, "#output-note", "10.0 MiB in all")
        wait_for(page, "#status", "Done")


@requires("chromium")
def test_typed_fields_make_the_input_and_refuse_what_is_missing(browser, served):
    with opened(browser, f"{served.url}/trip/playground/", locale="en-US") as page:
        page.locator("#run").click()
        wait_for(page, "#problem", "Days is missing.")
        assert page.locator("[aria-invalid]").count() == 1
        page.locator("input[type=number]").fill("3")
        page.get_by_role("button", name="Add").click()
        page.locator(".item textarea").fill("Oslo")
        page.locator("select").select_option(label="first")
        page.locator("input[type=checkbox]").check()
        page.locator("#run").click()
        wait_for(page, "#status", "Done")
        shown = page.locator("#output").inner_text()
        assert Trip.model_validate_json(shown) == Trip(days=3, stops=["Oslo"], seats="first", return_ticket=True)


@requires("chromium")
def test_what_the_server_refuses_is_said_with_its_place(browser, served):
    with opened(browser, f"{served.url}/trip/playground/", locale="en-US") as page:
        page.locator("input[type=number]").fill("1.5")
        page.evaluate("document.querySelector('#input-form').noValidate = true")
        page.locator("#run").click()
        wait_for(page, "#problem", "input.days:")
        wait_for(page, "#status", "Failed")


@requires("chromium")
def test_a_failure_is_shown_beside_what_had_come_without_its_text(browser, served):
    with opened(browser, f"{served.url}/fail/playground/", locale="en-US") as page:
        run(page, '"x"')
        wait_for(page, "#status", "Failed")
        assert page.locator("#output").inner_text() == "half "
        assert "secret" not in page.content()
        assert page.locator("#tree .step").all_inner_texts() == ["✗/fail"]


@requires("chromium")
def test_where_events_are_not_served_the_output_is(browser, served):
    with opened(browser, f"{served.url}/stream-only/playground/", locale="en-US") as page:
        run(page, "parrots")
        wait_for(page, "#status", "Done")
        assert page.locator("#output").inner_text() == "Hi é\n!"


@requires("chromium")
def test_the_command_for_curl_asks_the_same_and_holds_no_key(browser):
    app = App(auth=require_key(["s3cret"]))
    app.add("/joke", joke())
    with serving(app) as served, opened(browser, f"{served.url}/joke/playground/", locale="en-US") as page:
        wait_for(page, "#status", "asks for a key")
        page.locator("#key").fill("s3cret")
        page.locator("#key").press("Enter")
        page.locator("#fields textarea").fill("Ada's 'parrots' $HOME")
        page.locator("#curl").click()
        wait_for(page, "#status", "command")
        command = page.locator("#command").input_value()
        assert "s3cret" not in command
        words = shlex.split(command.replace("$PRILL_KEY", "s3cret"))
        assert words[0] == "curl"
        assert words[2] == f"{served.url}/joke/stream"
        body = words[words.index("-d") + 1].encode()
        answer = ask(served.port, "/joke/stream", body, headers={"authorization": "Bearer s3cret"})
        assert answer.status == 200
        run(page, "parrots")
        wait_for(page, "#output", "Hi")


@requires("chromium")
def test_a_conversation_with_an_agent_shows_its_tools_and_is_continued(browser, served, provider):
    provider.reply("Let me look. ", tool_calls=[{"name": "search", "args": {"query": "ice"}, "id": "call_1"}])
    provider.reply("There are ", "3 reports.")
    with opened(browser, f"{served.url}/agent/playground/", locale="en-US") as page:
        page.locator("#said").fill("What is there on ice?")
        page.locator("#said").press("Enter")
        wait_for(page, "#conversation", "There are 3 reports.")
        wait_for(page, "#conversation", 'search {"query":"ice"} → 3 reports on ice')
        wait_idle(page)
        page.reload()
        wait_for(page, "#conversation", "There are 3 reports.")
        wait_idle(page)
        provider.reply("You are ", "welcome.")
        page.locator("#said").fill("Thank you")
        page.locator("#said").press("Enter")
        wait_for(page, "#conversation", "You are welcome.")
    roles = [message["role"] for message in provider.requests[-1].json["messages"]]
    assert roles == ["user", "assistant", "user"]


@requires("chromium")
def test_a_model_is_talked_to(browser, served):
    with opened(browser, f"{served.url}/model/playground/", locale="en-US") as page:
        page.locator("#said").fill("Hello")
        page.locator("#said").press("Enter")
        wait_for(page, ".message.ai", "Hi é\n!")


@requires("chromium")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_scheme_and_language_and_remembers_a_choice(browser, served, scheme):
    with opened(browser, f"{served.url}/joke/playground/", locale="zh-CN", color_scheme=scheme) as page:
        wait_for(page, "#run", "运行")
        back = "getComputedStyle(document.body).backgroundColor"
        dark = page.evaluate(back) == "rgb(22, 24, 28)"
        assert dark == (scheme == "dark")
        page.locator("#scheme").click()
        page.locator("#language").click()
        page.reload()
        wait_for(page, "#run", "Run")
        assert (page.evaluate(back) == "rgb(22, 24, 28)") == (scheme != "dark")


@requires("chromium")
def test_the_page_fits_a_phone(browser, served):
    with opened(browser, f"{served.url}/joke/playground/", viewport={"width": 390, "height": 800}) as page:
        run(page, "parrots " + "very-long-word" * 40)
        wait_for(page, "#output", "Hi")
        page.locator("#tree .line").nth(1).click()
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_chat_of_an_agent_is_found_by_its_schema(provider):
    scripted = init_chat_model("openai:scripted", base_url=provider.openai_url, api_key="none")
    agent = create_agent(scripted, [search])
    assert choose_source(agent) == "models"
    assert choose_input(agent)(["said"]) == {"messages": ["said"]}
    assert agent.get_input_schema().model_validate({"messages": "hi", "own": 1}).model_dump() == {
        "messages": "hi",
        "own": 1,
    }
