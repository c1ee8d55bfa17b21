"""A run goes on where it was, whatever changed around the chain, and refuses a changed chain."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from tests.bulk.jobs import asked, by_key, make_chain, rows
from tests.helpers import run_apart

from prill import bulk
from prill.bulk.fingerprint import describe_chain
from prill.errors import ConfigError
from prill.openai import ChatOpenAI
from prill.prompts import ChatPromptTemplate
from prill.runnables import RunnableLambda
from prill.testing import ReplayServer

pytestmark = pytest.mark.usefixtures("folder")


def test_rows_that_are_done_are_not_asked_again(chain: Any, server: ReplayServer) -> None:
    bulk.run(chain, rows(10), "out.jsonl", key="id", checkpoint="run")
    report = bulk.run(chain, rows(15), "out.jsonl", key="id", checkpoint="run")
    assert (report.done, report.resumed) == (15, 10)
    assert set(asked(server).values()) == {1}
    assert len(by_key("out.jsonl")) == 15


def test_resuming_knows_rows_by_their_key_alone(chain: Any, server: ReplayServer) -> None:
    lines = [json.dumps(row) + "\n" for row in rows(20)]
    Path("all.jsonl").write_text("".join(lines), "utf8")
    bulk.run(chain, "all.jsonl", None, key="id", checkpoint="run", limit=9, max_concurrency=2)
    Path("parts").mkdir()
    Path("parts/b.jsonl").write_text("".join(lines[:7]), "utf8")
    Path("parts/a.csv").write_text("id,text\n" + "".join(f"r{n},text {n}\n" for n in range(7, 20)), "utf8")
    report = bulk.run(chain, "parts", "out.csv", key="id", checkpoint="run", max_concurrency=30)
    assert (report.done, report.resumed) == (20, 9)
    assert set(asked(server).values()) == {1}


def test_a_number_as_a_key_is_the_same_in_every_format(chain: Any, server: ReplayServer) -> None:
    bulk.run(chain, [{"id": 7, "text": "a"}], None, key="id", checkpoint="run")
    Path("in.csv").write_text("id,text\n7,a\n", "utf8")
    assert bulk.run(chain, "in.csv", None, key="id", checkpoint="run").resumed == 1


CHANGES: dict[str, Any] = {
    "model": ChatPromptTemplate.from_template("Label {text}") | ChatOpenAI(model="large", api_key="k"),
    "parameter": ChatPromptTemplate.from_template("Label {text}")
    | ChatOpenAI(model="small", temperature=0.5, api_key="k"),
    "prompt": ChatPromptTemplate.from_template("Name {text}") | ChatOpenAI(model="small", api_key="k"),
    "step": ChatPromptTemplate.from_template("Label {text}")
    | ChatOpenAI(model="small", api_key="k")
    | RunnableLambda(len),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_chain_is_refused_with_the_difference(server: ReplayServer, change: str) -> None:
    chain = ChatPromptTemplate.from_template("Label {text}") | ChatOpenAI(model="small", base_url=server.openai_url)
    bulk.run(chain, rows(3), None, key="id", checkpoint="run")
    words = {"model": "'small' before, 'large' now", "parameter": "temperature", "prompt": "Name", "step": "function"}
    with pytest.raises(ConfigError, match=words[change]):
        bulk.run(CHANGES[change], rows(3), None, key="id", checkpoint="run")
    assert server.request_count == 3


def test_a_changed_chain_goes_on_or_starts_again_if_it_is_told_to(server: ReplayServer) -> None:
    first = make_chain(server.openai_url)
    other = make_chain(server.openai_url, temperature=1.0)
    bulk.run(first, rows(3), None, key="id", checkpoint="run")
    assert bulk.run(other, rows(5), None, key="id", checkpoint="run", on_change="continue").resumed == 3
    assert server.request_count == 5
    assert bulk.run(first, rows(5), None, key="id", checkpoint="run", on_change="restart").resumed == 0
    assert server.request_count == 10


def test_where_a_chain_runs_is_not_a_change(server: ReplayServer) -> None:
    bulk.run(make_chain("http://127.0.0.1:9", max_retries=1), [], None, checkpoint="run")
    assert bulk.run(make_chain(server.openai_url, timeout=5), rows(1), None, key=None, checkpoint="run").done == 1


CODE = """
import prill.bulk.fingerprint as f
from prill.openai import ChatOpenAI
from prill.output_parsers import StrOutputParser
from prill.prompts import ChatPromptTemplate
def clean(text):
    return text.strip() if text in {"a", "b", "c"} else helper(text)
def helper(text):
    return text
def make(word):
    return lambda text: text + word
chain = ({"text": make(WORD)} | ChatPromptTemplate.from_template("{text}")
         | ChatOpenAI(model="m", api_key="secret") | StrOutputParser() | clean)
print(sorted(f.describe_chain(chain).items()))
"""


def test_a_chain_is_the_same_in_another_process_and_its_code_counts() -> None:
    printed = run_apart(
        {
            "one": "WORD = 'x'\n" + CODE,
            "same": "WORD = 'x'\n" + "\n\n" + CODE.replace("(text):", "(text):  # a comment"),
            "closure": "WORD = 'y'\n" + CODE,
            "helper": "WORD = 'x'\n" + CODE.replace("    return text\n", "    return text * 2\n"),
            "body": "WORD = 'x'\n" + CODE.replace("strip", "lstrip"),
        }
    )
    assert printed["one"] == printed["same"]
    assert len(set(printed.values())) == 4
    assert "0x" not in printed["one"]
    assert "secret" not in printed["one"]


def test_secrets_and_addresses_are_not_in_the_description(chain: Any, server: ReplayServer, key: str) -> None:
    text = json.dumps(describe_chain(make_chain(server.openai_url, api_key="sk-mine", default_headers={"x": "sk-h"})))
    assert not any(secret in text for secret in ("sk-mine", "sk-h", key, server.openai_url))


def test_a_report_of_a_resumed_run_starts_at_what_is_done(chain: Any) -> None:
    bulk.run(chain, rows(30), None, key="id", checkpoint="run")
    seen: list[int] = []
    bulk.run(chain, rows(32), None, key="id", checkpoint="run", progress=lambda report: seen.append(report.ended))
    assert seen[0] >= 30
    assert seen[-1] == 32


@pytest.mark.parametrize("order", ["the same", "reversed", "at random", "every other one missing"])
def test_thousands_of_rows_are_known_again_in_any_order(order: str) -> None:
    count = 9_000
    calls: list[int] = []

    def note(row: dict[str, int]) -> int:
        calls.append(row["id"])
        return row["id"]

    chain = RunnableLambda(note)
    numbers = list(range(count))
    bulk.run(chain, [{"id": number} for number in numbers], None, key="id", checkpoint="run")
    if order == "reversed":
        numbers.reverse()
    elif order == "at random":
        random.Random(7).shuffle(numbers)
    elif order == "every other one missing":
        numbers = numbers[::2]
    again = [{"id": number} for number in [*numbers, count]]
    report = bulk.run(chain, again, None, key="id", checkpoint="run", on_change="continue")
    assert (report.resumed, report.done) == (len(numbers), len(numbers) + 1)
    assert sorted(calls) == list(range(count + 1))


def test_a_key_that_comes_twice_is_found_also_among_rows_of_an_earlier_run() -> None:
    chain = RunnableLambda(lambda row: row["id"])
    bulk.run(chain, [{"id": number} for number in range(100)], None, key="id", checkpoint="run")
    with pytest.raises(ConfigError, match="two rows have the key 3: row 3 and row 4"):
        bulk.run(chain, [{"id": number} for number in (1, 2, 3, 4, 3)], None, key="id", checkpoint="run")
