"""``python -m prill.compat --rewrite`` changes imports of LangChain's packages into imports of Prill."""

import ast
import subprocess
import sys

import pytest

from prill.compat.core import CORE
from prill.compat.module_map import names_in
from prill.compat.rewrite import rewrite

DEEP = {
    "langchain_core.outputs.chat_generation": "ChatGeneration",
    "langchain_core.outputs.llm_result": "LLMResult",
    "langchain_core.callbacks.streaming_stdout": "StreamingStdOutCallbackHandler",
    "langchain_core.callbacks.base": "BaseCallbackManager",
    "langchain_core.tools.base": "InjectedToolCallId",
    "langchain_core.load.load": "loads",
    "langchain_core.documents.base": "Document",
    "langchain_core.embeddings.embeddings": "Embeddings",
    "langchain_core.messages.content": "create_text_block",
    "langchain_core.tracers.schemas": "Run",
    "langchain_core.vectorstores.utils": "maximal_marginal_relevance",
    "langchain_core.prompts.structured": "StructuredPrompt",
}


@pytest.mark.parametrize("module", DEEP)
def test_a_name_of_a_deep_path_is_imported_from_its_home(module):
    done = rewrite(f"from {module} import {DEEP[module]} as found\n")
    assert done.problems == []
    space = {}
    exec(done.text, space)
    assert space["found"].__module__.startswith("prill.")


@pytest.mark.parametrize("module", sorted(CORE))
def test_every_name_of_the_tables_can_be_rewritten(module):
    names = [name for name in names_in(module) if not name.startswith("__")]
    done = rewrite("".join(f"from {module} import {name}\n" for name in names))
    assert done.problems == []
    space = {}
    exec(done.text, space)
    assert set(names) <= set(space)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (
            "from langchain_core.messages import AIMessage, HumanMessage as Human\n",
            "from prill.messages import AIMessage, HumanMessage as Human\n",
        ),
        (
            "if x:\n    from langchain_core.callbacks.base import (  # c\n        Callbacks,\n    )\ny = 1\n",
            "if x:\n    from prill.callbacks import Callbacks\ny = 1\n",
        ),
        (
            "é = 1; from langchain_openai import ChatOpenAI; z = 2\n",
            "é = 1; from prill.openai import ChatOpenAI; z = 2\n",
        ),
        ("from langchain_core import messages\n", "from prill import messages\n"),
        ("import os, langchain_core.messages.tool as t\n", "import os, prill.messages.tool as t\n"),
        ("from langchain_core.tracers.schemas import Run\n", "from prill.tracers import Run\n"),
        (
            "from .langchain_core import x\nimport langchain_corex\n",
            "from .langchain_core import x\nimport langchain_corex\n",
        ),
    ],
    ids=["names", "indented", "one line", "module", "module as", "deep", "others"],
)
def test_imports_are_rewritten_in_place(given, written):
    assert rewrite(given) == (written, [])


def test_long_imports_are_wrapped():
    names = [f"AIMessage as name_{number}" for number in range(10)]
    text = rewrite(f"from langchain_core.messages import {', '.join(names)}\n").text
    assert max(map(len, text.splitlines())) < 100
    assert len(ast.parse(text).body[0].names) == 10


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("from langchain_core.tracers import LangChainTracer\n", "opentelemetry"),
        ("from langchain.memory import ConversationBufferMemory\n", "RunnableWithMessageHistory"),
        ("import langchain_core.messages\n", "import prill.messages"),
        ("import langchain_core.messages.ai as m\n", "import the names that are used"),
    ],
    ids=["name", "module", "attribute", "several homes"],
)
def test_an_import_without_a_counterpart_stays_and_is_reported(given, reason):
    done = rewrite("x = 1\n" + given)
    assert done.text == "x = 1\n" + given
    ((line, told),) = done.problems
    assert line == 2
    assert reason in told


def test_the_command_rewrites_files_and_reports_what_stays(tmp_path):
    good, bad, other = (tmp_path / name for name in ("good.py", "bad.py", "other.py"))
    good.write_bytes(b"from langchain_core.messages import AIMessage\r\nx = 1\r\n")
    bad.write_text("from langchain.chains import LLMChain\n", encoding="utf-8")
    other.write_text("import os\n", encoding="utf-8")
    command = [sys.executable, "-m", "prill.compat", "--rewrite", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert good.read_bytes() == b"from prill.messages import AIMessage\r\nx = 1\r\n"
    assert done.stdout.split() == [str(bad), str(good)]
    assert done.stderr.startswith(f"{bad}:1: ")
    assert done.returncode == 1
    bad.unlink()
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert subprocess.run([*command, "no-such-folder"], capture_output=True, check=False).returncode == 2
