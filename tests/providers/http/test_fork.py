"""A forked process never uses the connections of its parent."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

# In a process of its own: that of the tests has threads, which fork does not copy.
PROGRAM = """
import asyncio, os, sys
sys.path[:0] = {path!r}
from prill.openai import ChatOpenAI
from providers.http.raw_server import RawServer, with_length
import json

def answer(received, connection):
    asked = json.loads(received.body)["messages"][-1]["content"]
    message = {{"role": "assistant", "content": asked}}
    said = {{"id": "c", "choices": [{{"index": 0, "message": message, "finish_reason": "stop"}}]}}
    connection.sendall(with_length(json.dumps(said).encode(), "content-type: application/json"))

async def ask_all(model, asked):
    return [text for text in asked if (await model.ainvoke(text)).content != text]

def work(model, name):
    asked = [f"{{name}}-{{n}}" for n in range(10)]
    wrong = [text for text in asked if model.invoke(text).content != text]
    return wrong + asyncio.run(ask_all(model, asked))

server = RawServer(answer).__enter__()
model = ChatOpenAI(base_url=server.url, api_key="sk-123456", max_retries=0)
bad = work(model, "before")
connections = server.connections
reading, writing = os.pipe()
children = []
for child in range(3):
    pid = os.fork()
    if pid == 0:
        try:
            wrong = work(model, f"child {{child}}")
        except BaseException as error:
            wrong = [repr(error)]
        os.write(writing, json.dumps(wrong).encode() + b"\\n")
        os._exit(0)
    children.append(pid)
bad += work(model, "parent")
for pid in children:
    os.waitpid(pid, 0)
os.close(writing)
told = [json.loads(line) for line in os.fdopen(reading)]
print(json.dumps([bad, *told]))
# Of the parent one more, for its second event loop; of each child one for blocking code and one for its loop.
print(server.connections - connections)
os._exit(0)
"""


def test_no_process_is_given_the_answer_of_another() -> None:
    tests = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    program = textwrap.dedent(PROGRAM).format(path=[tests, os.path.dirname(tests)])
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines() == ["[[], [], [], []]", "7"], done.stderr
