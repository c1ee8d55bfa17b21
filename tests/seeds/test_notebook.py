"""How the documents are read, run and compared, shown on documents of our own."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from prill.testing import ReplayServer
from seeds.cases import Case
from seeds.differences import FACTS, FIRST_CHUNK, LAST_CHUNK, OTHER_MODEL, TOLD_LATER, Difference
from seeds.documents import Block, decoded, fenced_blocks, page_blocks
from seeds.notebook import Notebook, environment, instead_of_langchain
from seeds.outcomes import Outcome

# Reading


def test_the_fences_after_a_block_are_what_it_prints() -> None:
    first, second = fenced_blocks(
        "# Title\n```python\n%pip install x\n!ls\nprint(1)\n2\n```\ntext\n```output\n1\n```\n```output\n2\n```\n"
        "```python\n<!--IMPORTS:[]-->\nx = 1\n```\n"
    )
    assert (first.source, first.printed, first.line) == ("print(1)\n2\n", ("1\n", "2\n"), 3)
    assert (second.source, second.printed, second.telling_line) == ("x = 1\n", (), "x = 1")


@pytest.mark.parametrize("text", ["'a'\n", "Result(text='a')\n", "Verse one,\nverse two\n", "[1]\n"])
def test_a_fence_without_a_label_that_only_spells_a_value_is_no_code(text: str) -> None:
    (block,) = fenced_blocks(f"```\nprint(1)\n```\n```\n{text}```\n")
    assert block.printed == (text,)


def test_a_copied_page_has_its_indentation_given_back() -> None:
    page = (
        "Title\nfrom langchain_x import y\nfor one in chat(\n'long'\n):\n"
        "if one: # a remark\nprint(1)\nbreak\nprint(2)\n"
        "API reference: y\nHere| is|\n\nmore|\n\nAnother title\n"
    )
    (block,) = page_blocks(page)
    assert block.source == (
        "from langchain_x import y\nfor one in chat(\n    'long'\n):\n    if one: # a remark\n        print(1)\n"
        "        break\n    print(2)\n"
    )
    assert block.printed == ("Here| is|\n\nmore|",)


def test_text_that_was_encoded_twice_is_decoded() -> None:
    assert decoded("中文".encode().decode("cp1252")) == "中文"
    assert decoded("中文") == "中文"


# Running


@pytest.fixture
def notebook() -> Iterator[Notebook]:
    with ReplayServer() as server, environment(server), instead_of_langchain(), Notebook() as notebook:
        yield notebook


def test_blocks_share_names_and_show_their_last_value(notebook: Notebook) -> None:
    assert notebook.run("x = [1, 2]") == ()
    assert notebook.run("print('a', end='|')\nx") == ("a|", "[1, 2]")
    assert notebook.run("x\nNone") == ()


def test_a_block_may_wait_at_its_top_level_and_block_inside_the_loop(notebook: Notebook) -> None:
    source = """
from langchain_openai import ChatOpenAI
model = ChatOpenAI(model="gpt-4")
async for chunk in model.astream("a b"):
    print(chunk.content, end="|")
print(model.invoke("c").content)
(await model.ainvoke("d")).content
"""
    assert notebook.run(source) == ("a| b||c\n", "'d'")


def test_imports_lead_to_prill_and_afterwards_to_the_packages_again() -> None:
    import langchain_core.messages as theirs

    with instead_of_langchain(), Notebook() as notebook:
        notebook.run("import langchain_core\nfrom langchain_core.messages import AIMessage")
        assert notebook.names["AIMessage"].__module__.startswith("prill.")
    assert sys.modules["langchain_core.messages"] is theirs


# Comparing

EVENT = (
    "{'event': 'on_chat_model_stream', 'name': 'ChatOpenAI', 'metadata': {}, 'run_id': '%s', "
    "'data': {'chunk': AIMessageChunk(content='%s', id='%s')}}"
)


def outcome(ours: str, theirs: str, *differs: Difference) -> Outcome:
    return Outcome(Block(1, 1, "x", (theirs,)), Case(differs=differs), (ours,), "")


@pytest.mark.parametrize(
    ("ours", "theirs", "differs"),
    [
        ("a|b|c|", "a|b|c|\n", ()),
        ("|a|b||", "a|b|", (FIRST_CHUNK, LAST_CHUNK)),
        ("{'a': 1}\nx", "{'a':   1}\nx", ()),
        ("[1, AIMessage(content='x', additional_kwargs={})]", "[1,\n  AIMessage(content='x')]", ()),
        (EVENT % ("r", "a", "m"), EVENT % ("s", "a", "n"), ()),
        (EVENT % ("r", "", "m") + "\n" + EVENT % ("r", "a", "m"), EVENT % ("s", "a", "n"), (FIRST_CHUNK,)),
    ],
)  # fmt: skip
def test_what_is_the_same_but_for_ids_spacing_and_known_differences_is_equal(
    ours: str, theirs: str, differs: tuple[Difference, ...]
) -> None:
    assert outcome(ours, theirs, *differs).verdict == "equal"


TWO = EVENT % ("r", "a", "m") + "\n" + EVENT % ("r", "b", "m")


@pytest.mark.parametrize(
    ("ours", "theirs", "differs"),
    [
        ("a|b|c|", "a|bc|", ()),
        ("|a|b||", "a|b|", (FIRST_CHUNK,)),
        ("|a|x||", "a|b|", (FIRST_CHUNK, LAST_CHUNK)),
        ("{'a': 2}", "{'a': 1}", ()),
        ("{}\n{'a': 1}", "{'a': 1}", ()),
        (EVENT % ("r", "a", "m") + "\n" + EVENT % ("q", "b", "m"), TWO, ()),
        (EVENT % ("r", "a", "m") + "\n" + EVENT % ("r", "b", "k"), TWO, ()),
        (EVENT % ("r", "b", "m") + "\n" + EVENT % ("r", "a", "m"), TWO, (TOLD_LATER, FACTS, OTHER_MODEL)),
        (EVENT % ("r", "", "m") + "\n" + EVENT % ("r", "b", "m"), TWO, (FIRST_CHUNK,)),
        ("AIMessageChunk(content='a')", "AIMessageChunk(content='a b c')", (FIRST_CHUNK,)),
        ("AIMessage(content='a', tool_calls=[{'name': 'f'}])", "AIMessage(content='a')", (FACTS,)),
    ],
)
def test_anything_else_is_not(ours: str, theirs: str, differs: tuple[Difference, ...]) -> None:
    assert outcome(ours, theirs, *differs).verdict == "differs"
