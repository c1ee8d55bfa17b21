"""A process that is killed between any two writes: another one goes on, and runs nothing again that was recorded."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agents.scripted import Scripted, assert_valid, calls, shape
from prill.agents import SQLiteThreads, create_agent
from prill.tools import tool

HERE = Path(__file__).parents[1]

SCRIPT = """
import os, signal, sys
sys.path[:0] = {paths!r}
from agents.test_crash import agent_for
from prill.agents import SQLiteThreads

class Killed(SQLiteThreads):
    left = {writes}

    def append(self, *args):
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1
        return super().append(*args)

agent_for(Killed({database!r}), {log!r}, 0).invoke("hi", {{"configurable": {{"thread_id": "7"}}}})
"""

WRITES = 7  # the question, two messages with three calls, three answers, the last message


def script():
    return [calls(("note", {"n": 1}), ("note", {"n": 2})), calls(("note", {"n": 3}, "c3")), "done"]


def agent_for(threads, log, said):
    """An agent whose model has said ``said`` messages already; its tool writes into a file what it does."""

    @tool
    def note(n: int) -> str:
        """Note."""
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{n}\n")
        return f"noted {n}"

    return create_agent(Scripted(script=script()[said:]), [note], threads=threads, parallel_tools=False)


@pytest.mark.parametrize("writes", range(1, WRITES + 1))
def test_a_killed_run_goes_on_in_another_process(tmp_path, writes):
    database, log = str(tmp_path / "chats.db"), str(tmp_path / "log")
    code = SCRIPT.format(paths=[str(HERE), str(HERE.parent / "src")], writes=writes, database=database, log=log)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    with SQLiteThreads(database) as threads:
        kept = agent_for(threads, log, 0).get_state({"configurable": {"thread_id": "7"}}).values["messages"]
        said = sum(message.type == "ai" for message in kept)
        recorded = [int(message.content.split()[1]) for message in kept if message.type == "tool"]
        ran_before = [int(line) for line in Path(log).read_text("utf8").split()] if Path(log).exists() else []
        output = agent_for(threads, log, said).invoke(None, {"configurable": {"thread_id": "7"}})
    assert_valid(output["messages"])
    assert shape(output["messages"])[-1] == ("ai", "done")
    ran = [int(line) for line in Path(log).read_text("utf8").split()][len(ran_before) :]
    assert set(ran) & set(recorded) == set()
    assert sorted({*recorded, *ran}) == [1, 2, 3]
