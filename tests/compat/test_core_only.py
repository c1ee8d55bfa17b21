"""Only the core's names lead to Prill: the real packages that are built on it run on Prill."""

import importlib.util
import subprocess
import sys
import textwrap

import pytest

from prill.compat import CompatError, install, installed, is_installed, uninstall
from prill.compat.scan import scan
from prill.testing import ReplayServer

CORE = ["langchain_core"]


def run(*parts):
    """Run a program with the core's names leading to Prill."""
    code = "\n".join(map(textwrap.dedent, parts))
    command = [sys.executable, "-W", "ignore", "-m", "prill.compat", "--core", "-c"]
    done = subprocess.run(
        [*command, code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def test_only_the_packages_that_are_named_lead_here(aside):
    with installed(packages=CORE):
        import langchain_core.messages

        import prill.messages

        assert langchain_core.messages.AIMessage is prill.messages.AIMessage
        found = importlib.util.find_spec("langchain_openai")
        assert found is None or "prill" not in str(found.origin)
    assert not is_installed()


def test_a_package_that_prill_has_no_names_of_is_refused(aside):
    with pytest.raises(CompatError, match=r"Did you mean 'langchain_core'\?"):
        install(packages=["langchain-cor"])
    with pytest.raises(CompatError, match="must be a list"):
        install(packages="langchain_core")
    assert not is_installed()


def test_the_environment_says_which_packages(aside, monkeypatch):
    monkeypatch.setenv("PRILL_COMPAT", "langchain_core")
    install()
    try:
        from prill.compat.views import CORE_ONLY, FINDER

        assert FINDER.roots == CORE_ONLY
    finally:
        uninstall()


def test_names_of_the_inside_are_there_for_packages_alone(aside):
    with installed():
        with pytest.raises(ImportError):
            from langchain_core._api import beta
    for name in [name for name in sys.modules if name.startswith("langchain_core")]:
        del sys.modules[name]
    with installed(packages=CORE):
        from langchain_core._api import beta

        assert callable(beta)


def test_versions_that_packages_check_are_those_of_the_names():
    code = """
        from importlib.metadata import version
        import langchain_core
        print(version("langchain-core"), langchain_core.__version__)
    """
    assert run(code) == ["1.8.3 1.8.3"]


@pytest.mark.parametrize(
    "package",
    ["langgraph", "langgraph-prebuilt", "langchain", "langchain-openai", "langchain-anthropic", "langserve"],
)
def test_nothing_that_a_package_imports_is_missing(package):
    assert [lack for lack in scan(package).lacks if "when it is used" not in lack.problem] == []


def test_a_scan_says_which_names_only_raise_an_error():
    problems = {lack.problem for lack in scan("langgraph").lacks}
    assert any("ChatModelStream raises an error when it is used" in problem for problem in problems)


def test_a_scan_names_what_is_missing_and_where(tmp_path, monkeypatch):
    (tmp_path / "a_package").mkdir()
    text = "from langchain_core.messages import Nothing, AIMessage\nfrom langchain_core.nowhere import x\n"
    (tmp_path / "a_package" / "__init__.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    found = scan("a_package")
    assert found.names == 3
    assert [(lack.problem, lack.use.line, lack.use.when) for lack in found.lacks] == [
        ("no name langchain_core.messages.Nothing", 1, "import"),
        ("no module langchain_core.nowhere", 2, "import"),
    ]
    with pytest.raises(CompatError, match="no package 'no_such_package'"):
        scan("no_such_package")


GRAPH = """
    import asyncio
    from typing import Annotated, TypedDict
    from langchain_core.language_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage
    from langgraph.checkpoint.memory import MemorySaver
    from langgraph.graph import START, StateGraph
    from langgraph.graph.message import add_messages
    from langgraph.types import Command, interrupt

    class State(TypedDict):
        messages: Annotated[list, add_messages]

    model = GenericFakeChatModel(messages=iter([AIMessage(content="one two")] * 9))

    def answer(state):
        return {"messages": [model.invoke(state["messages"])]}

    graph = StateGraph(State).add_node("answer", answer).add_edge(START, "answer").compile()
    given = {"messages": [("user", "hi")]}
"""


def test_langgraph_runs_and_tokens_stream_through_it():
    code = """
        print(graph.invoke(given)["messages"][-1].content)
        print([message.content for message, _ in graph.stream(given, stream_mode="messages")])
        print([mode for mode, _ in graph.stream(given, stream_mode=["values", "updates"])])

        async def main():
            print([message.content async for message, _ in graph.astream(given, stream_mode="messages")])
            print([event["event"] async for event in graph.astream_events(given, version="v2")])

        asyncio.run(main())
    """
    whole, blocking, modes, asyncio_tokens, events = run(GRAPH, code)
    assert whole == "one two"
    assert blocking == asyncio_tokens == "['one', ' ', 'two']"
    assert modes == "['values', 'updates', 'values']"
    chat = ["on_chat_model_start", *["on_chat_model_stream"] * 3, "on_chat_model_end"]
    ends = ["on_chain_stream", "on_chain_end"] * 2
    assert events == str(["on_chain_start", "on_chain_start", *chat, *ends])


def test_langgraph_pauses_and_is_resumed():
    code = """
        def ask(state):
            return {"messages": [("ai", "you said " + interrupt("well?"))]}

        asking = StateGraph(State).add_node("ask", ask).add_edge(START, "ask").compile(checkpointer=MemorySaver())
        thread = {"configurable": {"thread_id": "1"}}
        print(asking.invoke(given, thread)["__interrupt__"][0].value)
        print(asking.invoke(Command(resume="yes"), thread)["messages"][-1].content)
    """
    assert run(GRAPH, code) == ["well?", "you said yes"]


AGENT = """
    from langchain.agents import create_agent

    def weather(city: str) -> str:
        "The weather in a city."
        return f"sunny in {city}"

    agent = create_agent(model, [weather])
    print(agent.invoke({"messages": [("user", "Oslo?")]})["messages"][-1].content)
"""


@pytest.fixture
def server():
    with ReplayServer() as server:
        yield server


def test_langchain_s_agent_calls_tools_with_the_real_openai_package(server):
    server.reply(tool_calls=[{"name": "weather", "args": {"city": "Oslo"}, "id": "c1"}])
    server.reply("It is ", "sunny.")
    code = f"""
    from langchain_openai import ChatOpenAI
    model = ChatOpenAI(model="m", base_url={server.openai_url!r}, api_key="none")
    """
    assert run(code, AGENT) == ["It is sunny."]


def test_the_real_anthropic_package_streams(server):
    server.reply("Bon", "jour")
    code = f"""
    from langchain_anthropic import ChatAnthropic
    from langchain_core.output_parsers import StrOutputParser
    model = ChatAnthropic(model="m", base_url={server.anthropic_url!r}, api_key="none")
    print("|".join(piece for piece in (model | StrOutputParser()).stream("hi") if piece))
    """
    assert run(code) == ["Bon|jour"]


def test_langserve_serves_a_chain_of_prill(server):
    code = """
    from fastapi import FastAPI
    from langchain_core.runnables import RunnableLambda
    from langserve import add_routes
    from starlette.testclient import TestClient

    app = FastAPI()
    add_routes(app, RunnableLambda(lambda x: x + 1).with_types(input_type=int, output_type=int))
    print(TestClient(app).post("/invoke", json={"input": 1}).json()["output"])
    """
    assert run(code) == ["2"]


def test_prill_s_chat_models_are_chat_models_to_packages():
    code = """
        from langchain_core.language_models import BaseChatModel, FakeListLLM, GenericFakeChatModel
        from langchain_openai import ChatOpenAI

        ours = GenericFakeChatModel(messages=iter([]))
        print(isinstance(ours, BaseChatModel), issubclass(ChatOpenAI, BaseChatModel))
        print(isinstance(ours, ChatOpenAI), issubclass(FakeListLLM, BaseChatModel))
    """
    assert run(code) == ["True True", "False False"]
