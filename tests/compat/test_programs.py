"""Programs of the documented API print the same on LangChain and, unchanged, on Prill."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from prill.testing import ReplayServer, Reply

HERE = Path(__file__).parent
PROGRAMS = sorted((HERE / "programs").glob("*.py"))
ALONE = [program for program in PROGRAMS if program.stem != "providers"]


def run(programs, *, compat, env=None):
    """What each program prints, in a Python of its own."""
    command = [sys.executable, *(["-m", "prill.compat"] if compat else ["-W", "ignore"]), HERE / "each_program.py"]
    done = subprocess.run(
        [*command, *programs], capture_output=True, text=True, env={**os.environ, **(env or {})}, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def theirs():
    return run(ALONE, compat=False)


@pytest.fixture(scope="module")
def ours():
    return run(ALONE, compat=True)


@pytest.mark.parametrize("program", [program.stem for program in ALONE])
def test_a_program_prints_the_same(program, theirs, ours):
    assert len(ours[program]) > 5
    assert ours[program] == theirs[program]


ANSWERS = [
    Reply(["Hello", " there"]),
    Reply(["Hello", " there"]),
    Reply(["Why", " not?"]),
    Reply(["Blub", "."]),
    Reply(["Grr", "."]),
    Reply(["Bye"]),
    Reply(tool_calls=[{"name": "weather", "args": {"city": "Rome"}, "id": "call_1"}]),
    Reply(tool_calls=[{"name": "Joke", "args": {"setup": "a", "punchline": "b"}, "id": "call_2"}]),
    Reply([" upon a time"]),
]


def test_a_program_with_the_vendors_models_prints_and_sends_the_same():
    printed, sent = [], []
    for compat in (False, True):
        with ReplayServer() as server:
            server.queue(*ANSWERS)
            env = {
                "OPENAI_API_KEY": "none",
                "OPENAI_BASE_URL": server.openai_url,
                "OPENAI_API_BASE": server.openai_url,
                "ANTHROPIC_API_KEY": "none",
                "ANTHROPIC_BASE_URL": server.anthropic_url,
                "ANTHROPIC_API_URL": server.anthropic_url,
            }
            printed.append(run([HERE / "programs" / "providers.py"], compat=compat, env=env)["providers"])
            sent.append([(request.path, request.streaming, request.json["model"]) for request in server.requests])
    assert len(sent[0]) == len(ANSWERS)
    assert printed[1] == printed[0]
    assert sent[1] == sent[0]


def test_programs_of_older_times_run(tmp_path):
    """The imports that are shown in the documents of 2023 and 2024."""
    program = tmp_path / "older.py"
    program.write_text(
        """
import langchain
from langchain.callbacks.streaming_stdout import StreamingStdOutCallbackHandler
from langchain.chat_models import ChatOpenAI
from langchain.llms import OpenAI, Anthropic
from langchain.schema import HumanMessage
from langchain.schema.runnable import RunnablePassthrough
from langchain.text_splitter import RecursiveCharacterTextSplitter
from langchain_anthropic.chat_models import ChatAnthropic
from langchain_community.vectorstores import FAISS
from langchain_openai import OpenAIEmbeddings
from langchain_text_splitters import CharacterTextSplitter

llm = OpenAI(streaming=True, callbacks=[StreamingStdOutCallbackHandler()], temperature=0)
print(llm("Write me a song about sparkling water."))
chat = ChatOpenAI(streaming=True, callbacks=[StreamingStdOutCallbackHandler()], temperature=0)
print(chat([HumanMessage(content="Write me a song about sparkling water.")]).content)
for chunk in ChatAnthropic(model="claude-3-haiku-20240307").stream("Write me a verse"):
    print(chunk.content, end="|")
print()
print(RecursiveCharacterTextSplitter(chunk_size=5, chunk_overlap=0).split_text("ab cd ef"))
langchain.debug = False
print(langchain.debug, FAISS.__name__, OpenAIEmbeddings.__name__, RunnablePassthrough().invoke(1))
""",
        encoding="utf-8",
    )
    with ReplayServer() as server:
        for said in ("Bub", "bles", "Glub"):
            server.reply(said)
        env = {
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": server.openai_url,
            "ANTHROPIC_API_KEY": "none",
            "ANTHROPIC_BASE_URL": server.anthropic_url,
        }
        printed = run([program], compat=True, env=env)["older"]
    assert [printed[0], printed[1], printed[2].strip("|")] == ["BubBub", "blesbles", "Glub"]
    assert printed[3:] == ["['ab cd', 'ef']", "False FAISS OpenAIEmbeddings 1"]
