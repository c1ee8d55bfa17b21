"""Asking a PDF file."""

from __future__ import annotations

import re

import pytest
from examples.without_a_key import ARGUMENTS, answer
from tests.examples.conftest import EXAMPLES, Examples, comparable, documented
from tests.helpers import PROJECT

from prill.testing import ReplayServer


def test_the_passages_of_the_question_go_to_the_model_and_the_answer_streams(
    examples: Examples, server: ReplayServer
) -> None:
    server.replies(answer)
    _, question = ARGUMENTS["ask_a_pdf"]
    ran = examples.run("ask_a_pdf", "examples/files/tea_house.pdf", question)
    assert comparable(ran.stdout) == comparable(documented("ask_a_pdf"))
    system = server.requests[0].json["messages"][0]["content"]
    assert "Page 3: Groups" in system
    assert server.requests[0].json["stream"] is True


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_what_the_readme_shows_is_what_the_example_does(readme: str) -> None:
    text = (PROJECT / readme).read_text(encoding="utf-8")
    shown = re.search(r"^```py\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert shown is not None
    code = (EXAMPLES / "ask_a_pdf.py").read_text(encoding="utf-8").replace("options.", "")
    statements = {line.strip() for line in code.splitlines()}
    assert [line for line in shown[1].splitlines() if line.strip() not in statements] == []


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_few_words_lead_from_a_clone_to_the_answer(readme: str) -> None:
    text = (PROJECT / readme).read_text(encoding="utf-8")
    until = text.index("\n## ", text.index("ask_a_pdf.py"))
    assert len(re.findall(r"[\u4e00-\u9fff]|[^\s\u4e00-\u9fff]+", text[:until])) < 1500
